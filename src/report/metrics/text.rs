//! The text formats of metrics: OpenMetrics 1.0, and Prometheus' own 0.0.4 for what does not know that one.

use std::fmt::{Display, Write};

/// In which form metrics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// OpenMetrics 1.0, <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
    OpenMetrics,
    /// Prometheus' text format, <https://prometheus.io/docs/instrumenting/exposition_formats/>.
    #[default]
    Plain,
}

impl Form {
    /// The form that a client asks for with its `Accept`.
    #[must_use]
    pub fn wanted(accept: &str) -> Self {
        let refused = |part: &str| part.split(';').any(|word| matches!(word.trim(), "q=0" | "q=0.0"));
        let open = |part: &str| part.trim_start().starts_with("application/openmetrics-text") && !refused(part);
        if accept.split(',').any(open) { Self::OpenMetrics } else { Self::Plain }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What a family of metrics is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only goes up; its one sample ends in `_total`.
    Counter,
    /// How often something took how long.
    Histogram,
    /// Facts in labels, always 1; its one sample ends in `_info`.
    Info,
}

/// A text that is written family by family, each whole before the next.
pub(super) struct Exposition {
    out: String,
    form: Form,
}

impl Exposition {
    pub(super) fn new(form: Form) -> Self {
        Self { out: String::new(), form }
    }

    /// Begins a family. `name` has no suffix: the samples' own add `_total`, `_info` and the like. What is a number of seconds
    /// ends in `_seconds`. `help` is one line.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let open = self.form == Form::OpenMetrics;
        let (suffix, word) = match kind {
            Kind::Gauge => ("", "gauge"),
            Kind::Counter if open => ("", "counter"),
            Kind::Counter => ("_total", "counter"),
            Kind::Histogram => ("", "histogram"),
            Kind::Info if open => ("", "info"),
            Kind::Info => ("_info", "gauge"),
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n").replace('"', if open { "\\\"" } else { "\"" });
        let _ = writeln!(self.out, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {word}");
        if open && name.ends_with("_seconds") {
            let _ = writeln!(self.out, "# UNIT {name}{suffix} seconds");
        }
    }

    /// Adds a sample to the family that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.out.push_str(name);
        for (at, (label, content)) in labels.iter().enumerate() {
            let _ = write!(self.out, "{}{label}=\"", if at == 0 { '{' } else { ',' });
            for c in content.chars() {
                match c {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
        }
        let _ = writeln!(self.out, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    /// The whole text.
    pub(super) fn end(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(form: Form) -> String {
        let mut text = Exposition::new(form);
        text.family("calls", Kind::Counter, "Calls, \"all\" of them\\\nand more.");
        text.sample("calls_total", &[("account", "a\"b\\c\nd"), ("call", "read")], 3);
        text.family("wait_seconds", Kind::Gauge, "Waiting.");
        text.sample("wait_seconds", &[], 1.5);
        text.family("build", Kind::Info, "The build.");
        text.sample("build_info", &[("version", "1")], 1);
        text.end()
    }

    #[test]
    fn both_forms_name_and_escape_as_their_documents_say() {
        assert_eq!(
            written(Form::OpenMetrics),
            "# HELP calls Calls, \\\"all\\\" of them\\\\\\nand more.\n# TYPE calls counter\n\
             calls_total{account=\"a\\\"b\\\\c\\nd\",call=\"read\"} 3\n\
             # HELP wait_seconds Waiting.\n# TYPE wait_seconds gauge\n# UNIT wait_seconds seconds\nwait_seconds 1.5\n\
             # HELP build The build.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n# EOF\n"
        );
        assert_eq!(
            written(Form::Plain),
            "# HELP calls_total Calls, \"all\" of them\\\\\\nand more.\n# TYPE calls_total counter\n\
             calls_total{account=\"a\\\"b\\\\c\\nd\",call=\"read\"} 3\n\
             # HELP wait_seconds Waiting.\n# TYPE wait_seconds gauge\nwait_seconds 1.5\n\
             # HELP build_info The build.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n"
        );
    }

    #[test]
    fn a_client_gets_the_form_that_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accept, form) in [
            (prometheus, Form::OpenMetrics),
            ("text/plain, application/openmetrics-text; version=1.0.0", Form::OpenMetrics),
            ("application/openmetrics-text;q=0, text/plain", Form::Plain),
            ("*/*", Form::Plain),
            ("", Form::Plain),
        ] {
            assert_eq!(Form::wanted(accept), form, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn no_content_of_a_label_leaves_its_quotes(content in any::<String>()) {
            let mut text = Exposition::new(Form::Plain);
            text.sample("m", &[("l", &content)], 1);
            let line = text.end();
            let inner = line.strip_prefix("m{l=\"").and_then(|rest| rest.strip_suffix("\"} 1\n")).unwrap();
            prop_assert!(!inner.contains('\n'));
            let mut read = String::new();
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                prop_assert_ne!(c, '"');
                read.push(match c {
                    '\\' => match chars.next() {
                        Some('n') => '\n',
                        Some(c @ ('\\' | '"')) => c,
                        other => return Err(TestCaseError::fail(format!("{other:?}"))),
                    },
                    c => c,
                });
            }
            prop_assert_eq!(read, content);
        }
    }
}
