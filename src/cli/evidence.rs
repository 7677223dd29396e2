//! The table of `detect`: what each source said, and what that counted for.

use crate::app::sources::{Believed, Said};
use crate::model::agree::Reading;
use crate::report::voice::Voice;

/// What a source said, and what that counted for: where it has a part in several verdicts, where it counted most.
pub(super) fn voice_row(said: &Said, believed: &[Believed], demoted: bool) -> Vec<String> {
    let name = said.source.to_string();
    let parts = believed.iter().flat_map(|belief| &belief.evidence);
    let part =
        parts.filter(|voice| voice.source == name && voice.family == said.family).max_by_key(|voice| voice.counted);
    let (verdict, why) = match part {
        Some(Voice { counted: true, .. }) => ("believed", String::new()),
        Some(Voice { why, .. }) => ("not counted", why.clone()),
        None => ("", String::new()),
    };
    let why = if demoted { "not counted by the daemon: it disagrees too often".to_owned() } else { why };
    // The last column alone may be as long as it likes.
    let (answer, why) = match &said.reading {
        Reading::Unknown(doubt) => ("unknown".to_owned(), doubt.clone()),
        Reading::Behind(address) => (format!("behind {address}"), said.reading.to_string()),
        answer => (answer.to_string(), why),
    };
    vec![name, said.family.to_string(), answer, format!("{} ms", said.millis), verdict.into(), why]
}
