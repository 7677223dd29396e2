//! The table of `detect`: what each source said, who runs it, and what that counted for.

use crate::app::sources::{Believed, Said};
use crate::model::agree::Reading;
use crate::report::status::Status;
use crate::report::voice::Voice;

/// The columns of [`voice_row`].
pub(super) const VOICES: [&str; 7] = ["SOURCE", "FAMILY", "ANSWER", "TOOK", "BY", "VERDICT", "REASON"];

/// Notes what only a daemon knows: who disagreed with what was believed for a while.
pub(super) fn remember(daemon: Option<&Status>, believed: &mut [Believed]) {
    let sources = daemon.map(|status| status.sources.as_slice()).unwrap_or_default();
    for voice in believed.iter_mut().flat_map(|belief| &mut belief.evidence) {
        let known = sources.iter().find(|known| known.source == voice.source && known.family == voice.family);
        if let Some(known) = known {
            (voice.demoted, voice.disagreed) = (known.demoted, known.disagreed);
        }
    }
}

/// What a source said, and what that counted for: where it has a part in several verdicts, where it counted most.
pub(super) fn voice_row(said: &Said, believed: &[Believed]) -> Vec<String> {
    let name = said.source.to_string();
    let parts = believed.iter().flat_map(|belief| &belief.evidence);
    let part =
        parts.filter(|voice| voice.source == name && voice.family == said.family).max_by_key(|voice| voice.counted);
    let (verdict, why) = match part {
        Some(Voice { counted: true, .. }) => ("believed", String::new()),
        Some(Voice { why, .. }) => ("not counted", why.clone()),
        None => ("", String::new()),
    };
    let demoted = part.is_some_and(|voice| voice.demoted);
    let why = if demoted { "not counted by the daemon: it disagrees too often".to_owned() } else { why };
    // The last column alone may be as long as it likes.
    let (answer, why) = match &said.reading {
        Reading::Unknown(doubt) => ("unknown".to_owned(), doubt.clone()),
        Reading::Behind(address) => (format!("behind {address}"), said.reading.to_string()),
        answer => (answer.to_string(), why),
    };
    let by = part.map(Voice::by).unwrap_or_default();
    vec![name, said.family.to_string(), answer, format!("{} ms", said.millis), by, verdict.into(), why]
}

/// What is believed of a record set, and what the quorum behind that needs.
pub(super) fn belief_row(belief: &Believed) -> Vec<String> {
    let record = match belief.record.key.rtype.family() {
        Some(_) => belief.record.to_string(),
        None => format!("{} ({})", belief.record, belief.family),
    };
    let needs = belief.quorum.map(|tally| format!(" ({tally})")).unwrap_or_default();
    vec![record, format!("{}{needs}", belief.reading)]
}
