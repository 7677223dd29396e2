//! Texts: as TOML holds them, as a comment holds them, and where in a file they stand.

use std::fmt::Write;
use std::time::Duration;

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

/// A text that stays on its line, for comments and messages.
pub(super) fn tame(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A duration as the configuration has it.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let unit =
        [(86_400, "d"), (3_600, "h"), (60, "m")].into_iter().find(|(unit, _)| seconds >= *unit && seconds % unit == 0);
    unit.map_or_else(|| format!("{seconds}s"), |(unit, word)| format!("{}{word}", seconds / unit))
}

/// The seconds of `300`, `5m`, `25d`, `1h30m`; `None` for anything else.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (mut total, mut number) = (0_u64, String::new());
    let mut parts = text.chars().peekable();
    while let Some(c) = parts.next() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            'd' => 86_400,
            'h' => 3_600,
            'm' if parts.peek() != Some(&'s') => 60,
            's' => 1,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && !text.is_empty()).then_some(total)
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
