//! The texts a configuration was typed in, and places in them, shown without secrets.

use std::collections::BTreeMap;
use std::ops::Range;

use super::problem::{Excerpt, Origin, Place};

/// A range of octets in one of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Which document, in the order they were added: a later one overrides an earlier one.
    pub document: usize,
    pub start: usize,
    pub end: usize,
}

/// Every file and variable that was read.
#[derive(Default)]
pub(super) struct Documents(Vec<Document>);

struct Document {
    origin: Origin,
    /// The text, where places have lines; `None` for a variable with one value, which is never shown.
    text: Option<String>,
    /// Where each line starts.
    lines: Vec<usize>,
    /// Whether every octet is a character: a thousand names may stand on one line, each with its column.
    plain: bool,
    /// What is never shown: where each such range starts and ends. No two of them overlap.
    masks: BTreeMap<usize, usize>,
}

/// What stands in the place of a secret.
const MASK: &str = "***";

/// The longest line that is shown, in octets; a line may be a whole file.
const LONGEST: usize = 1000;

impl Documents {
    /// Adds a text with lines.
    pub fn add_text(&mut self, origin: Origin, text: String) -> usize {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let plain = text.is_ascii();
        self.add(Document { origin, text: Some(text), lines, plain, masks: BTreeMap::new() })
    }

    /// Adds a variable that holds one value.
    pub fn add_variable(&mut self, name: &str) -> Spot {
        let origin = Origin::Variable(name.to_owned());
        let document =
            self.add(Document { origin, text: None, lines: Vec::new(), plain: true, masks: BTreeMap::new() });
        Spot { document, start: 0, end: 0 }
    }

    fn add(&mut self, document: Document) -> usize {
        self.0.push(document);
        self.0.len() - 1
    }

    /// Keeps these octets of a document out of every excerpt, and a comment behind them: it may tell the secret before.
    pub fn mask(&mut self, spot: Spot) {
        if let Some(document) = self.0.get_mut(spot.document) {
            let behind = document.text.as_deref().and_then(|text| text.get(spot.end..)).unwrap_or("");
            let line = behind.split('\n').next().unwrap_or("");
            let comment = if line.trim_start().starts_with('#') { line.len() } else { 0 };
            let (mut start, mut end) = (spot.start, spot.end + comment);
            // Those that overlap become one.
            while let Some((&first, &last)) = document.masks.range(..end).next_back().filter(|(_, last)| **last > start)
            {
                document.masks.remove(&first);
                (start, end) = (start.min(first), end.max(last));
            }
            document.masks.insert(start, end);
        }
    }

    /// The lines of a document with the octet each starts at.
    pub fn lines(&self, document: usize) -> impl Iterator<Item = (usize, &str)> {
        let text = self.0.get(document).and_then(|document| document.text.as_deref()).unwrap_or("");
        let mut at = 0;
        text.split_inclusive('\n').map(move |line| {
            let start = at;
            at += line.len();
            (start, line.trim_end_matches(['\n', '\r']))
        })
    }

    /// Whether a document is a variable that holds one value.
    pub fn is_variable(&self, document: usize) -> bool {
        self.0.get(document).is_some_and(|document| document.text.is_none())
    }

    /// The file a document is, if it is one.
    pub fn file(&self, document: usize) -> Option<&std::path::Path> {
        match &self.0.get(document)?.origin {
            Origin::File(path) => Some(path),
            Origin::Variable(_) => None,
        }
    }

    /// The place of a spot, complete in itself.
    pub fn place(&self, spot: Spot) -> Option<Place> {
        let document = self.0.get(spot.document)?;
        let Some(text) = &document.text else {
            return Some(Place { origin: document.origin.clone(), line: None, column: None, excerpt: None });
        };
        let start = boundary(text, spot.start);
        let line = document.lines.partition_point(|&at| at <= start).max(1);
        let from = document.lines.get(line - 1).copied().unwrap_or(0);
        let next = document.lines.get(line).map_or(text.len(), |next| next - 1);
        let shown = text.get(from..next).unwrap_or("").trim_end_matches('\r');
        let before = text.get(from..start).unwrap_or("");
        let column = if document.plain { before.len() } else { before.chars().count() } + 1;
        let end = boundary(text, spot.end).clamp(start, from + shown.len().max(start - from));
        let masks = document.masks.range(..from + shown.len()).rev().take_while(|(_, end)| **end > from);
        let masks: Vec<Range<usize>> = masks.map(|(start, end)| *start..*end).collect();
        let excerpt = (shown.len() <= LONGEST).then(|| excerpt(shown, from, start..end, &masks));
        Some(Place { origin: document.origin.clone(), line: Some(line), column: Some(column), excerpt })
    }
}

/// The last boundary of a character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// A line without its secrets, and where `span` of the whole text comes to lie in it. `from` is where the line starts.
fn excerpt(line: &str, from: usize, span: Range<usize>, masks: &[Range<usize>]) -> Excerpt {
    let mut text = String::new();
    let (mut start, mut end) = (None, 0);
    let mut masked = false;
    for (at, c) in line.char_indices().map(|(at, c)| (from + at, c)) {
        let hidden = masks.iter().any(|mask| mask.contains(&at));
        match (hidden, masked) {
            (false, _) => text.push(c),
            (true, false) => text.push_str(MASK),
            (true, true) => {}
        }
        masked = hidden;
        if at >= span.start && start.is_none() {
            start = Some(text.len() - if hidden { MASK.len() } else { c.len_utf8() });
        }
        if at < span.end {
            end = text.len();
        }
    }
    let start = start.unwrap_or(text.len());
    Excerpt { span: start..end.clamp(start, text.len()), text }
}
