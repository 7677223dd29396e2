//! Texts: as TOML holds them, what they mean, and where in a file they stand.

use std::fmt::Write;

use crate::config;

/// A TOML string with these contents (TOML 1.0, section String).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The seconds of `300`, `5m`, `25d`, `1h30m`; `None` for anything else.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    text.parse().ok().or_else(|| config::parse_duration(text).map(|duration| duration.as_secs()))
}

/// The line, from 1, in which `part` begins, which is a piece of `whole`.
pub(super) fn line_of(whole: &str, part: &str) -> usize {
    let at = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    1 + whole.bytes().take(at).filter(|octet| *octet == b'\n').count()
}

/// Whether a word means yes.
pub(super) fn is_yes(text: &str) -> bool {
    ["1", "yes", "true", "on", "enabled"].iter().any(|yes| yes.eq_ignore_ascii_case(text.trim()))
}

/// Whether a word means no.
pub(super) fn is_no(text: &str) -> bool {
    ["0", "no", "false", "off", "disabled", "none"].iter().any(|no| no.eq_ignore_ascii_case(text.trim()))
}
