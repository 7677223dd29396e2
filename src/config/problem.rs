//! What is wrong with what was typed, and where: shown with its source line, or as data.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// Where a part of the configuration was typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// A place in a file or variable. Complete in itself: it can be shown long after the text is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file or variable.
    pub origin: Origin,
    /// The line, from 1; `None` for a variable that holds one value.
    pub line: Option<usize>,
    /// The column in characters, from 1; `None` for a variable that holds one value.
    pub column: Option<usize>,
    #[serde(skip)]
    pub(super) excerpt: Option<Excerpt>,
}

/// The source line that a place lies in, with secrets already taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub text: String,
    /// What to point at, in octets of `text`.
    pub span: Range<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)?;
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, ":{line}:{column}"),
            _ => Ok(()),
        }
    }
}

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but a person should look.
    Warning,
}

/// One thing that is wrong. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// Where; `None` where it is about the configuration as a whole.
    #[serde(rename = "at")]
    pub place: Option<Place>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The other place that has to do with it, and what it is.
    pub also: Option<Also>,
    /// The secret that it is about, where that could not be read when the configuration was.
    #[serde(skip)]
    pub unread: Option<Unread>,
}

/// A secret that was not there to be read: it may be by the time that it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its file.
    pub path: PathBuf,
    /// Whether the service manager puts it there.
    pub is_credential: bool,
}

/// A second place that a problem points at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Also {
    /// Where.
    #[serde(rename = "at")]
    pub place: Place,
    /// What it is: `first declared here`.
    pub message: String,
}

/// A warning: a problem with which the configuration can be used.
pub type Warning = Problem;

impl Problem {
    /// An error about the configuration as a whole.
    pub(super) fn without_place(message: impl Into<String>, help: Option<String>) -> Self {
        Self { severity: Severity::Error, place: None, message: message.into(), help, also: None, unread: None }
    }

    /// The problem in one line with its advice, for a log.
    #[must_use]
    pub fn one_line(&self) -> String {
        match &self.help {
            Some(help) => format!("{self} ({})", help.split_whitespace().collect::<Vec<_>>().join(" ")),
            None => self.to_string(),
        }
    }

    /// The problem as people read it, with the source line and a mark under what is meant. Ends without a line break.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut report =
            vec![group(Group::with_title(level.primary_title(self.message.as_str())), self.place.as_ref())];
        if let Some(also) = &self.also {
            let title = Level::NOTE.secondary_title(also.message.as_str());
            report.push(group(Group::with_title(title), Some(&also.place)));
        }
        if let Some(help) = &self.help {
            report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
        }
        if color { Renderer::styled().render(&report) } else { Renderer::plain().render(&report) }
    }
}

/// Adds the place to a title: the path with line and column, then the source line.
fn group<'a>(group: Group<'a>, place: Option<&'a Place>) -> Group<'a> {
    let Some(place) = place else { return group };
    let path = place.origin.to_string();
    let mut origin = annotate_snippets::Origin::path(path.clone());
    if let (Some(line), Some(column)) = (place.line, place.column) {
        origin = origin.line(line).char_column(column);
    }
    let Some(excerpt) = &place.excerpt else { return group.element(origin) };
    let snippet = Snippet::source(excerpt.text.as_str())
        .line_start(place.line.unwrap_or(1))
        .annotation(AnnotationKind::Primary.span(excerpt.span.clone()));
    // The renderer works out the column from the excerpt, which is not what was typed where a secret stood before it.
    let before = excerpt.text.get(..excerpt.span.start).unwrap_or("");
    if place.column == Some(before.chars().count() + 1) {
        group.element(snippet.path(path))
    } else {
        group.element(origin).element(snippet)
    }
}

/// The problem in one line: `driftless.toml:3:7: the message`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// What is said where nothing was typed anywhere.
pub(super) const NOTHING: &str = "there is no configuration";

/// Everything that is wrong with a configuration, in the order it was typed; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfigErrors(pub(super) Vec<Problem>);

impl ConfigErrors {
    /// Nothing was typed, neither in `file`, if there is one, nor elsewhere.
    pub(super) fn nothing(file: Option<&Path>, help: String) -> Self {
        let of = |path: &Path| Place { origin: Origin::File(path.into()), line: None, column: None, excerpt: None };
        Self(vec![Problem { place: file.map(of), ..Problem::without_place(NOTHING, Some(help)) }])
    }

    /// These, and what else is wrong.
    #[must_use]
    pub fn and(mut self, more: Result<(), Self>) -> Self {
        self.0.extend(more.err().into_iter().flat_map(|more| more.0));
        self
    }

    /// The problems, errors and warnings.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    /// Whether nothing is wrong but that there is no configuration at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self.0.as_slice(), [only] if only.message == NOTHING)
    }

    /// Everything that is wrong, in one line with its advice, for a log. Warnings are not what is wrong.
    #[must_use]
    pub fn one_line(&self) -> String {
        let errors = self.0.iter().filter(|problem| problem.severity == Severity::Error);
        errors.map(Problem::one_line).collect::<Vec<_>>().join("; ")
    }

    /// Every problem as people read it, an empty line between two.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.0.iter().map(|problem| problem.render(color)).collect::<Vec<_>>().join("\n\n")
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigErrors {}
