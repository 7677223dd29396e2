//! Durations as people type them.

use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;

/// Reads `5m`, `1h 30m`, `2 days`; a day has 24 hours. `None` for anything else, for less than nothing, and for months.
pub fn parse(text: &str) -> Option<Duration> {
    let span = SpanParser::new().parse_span(text).ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// A duration as people type it: `30s`, `1h 30m`, `1d`. Parts of a second are left out.
pub fn spoken(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut parts = Vec::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if rest >= seconds {
            parts.push(format!("{}{unit}", rest / seconds));
            rest %= seconds;
        }
    }
    if parts.is_empty() { "0s".into() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("30s", 30), ("1h 30m", 5400), ("1d", 86_400), ("2 hours", 7200), ("1w", 604_800)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "-5m", "5m ago", "1 month", "PT5M", "5 minuten", "99999999999999999999s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_said_as_people_write_them() {
        for text in ["30s", "1h 30m", "1d", "30d", "1m 1s", "0s"] {
            assert_eq!(parse(text).map(spoken).as_deref(), Some(text));
        }
    }
}
