//! A zone file as text: entries and their words, each with its place, so that everything else can stay as it is.
//!
//! RFC 1035, section 5.1: an entry is a line, or more where parentheses go round them; `;` starts a comment; quotes and
//! backslashes take the meaning from the characters behind them.

use std::ops::Range;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl Malformed {
    /// The error of one line.
    pub fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

/// A word of an entry, with its quotes.
pub type Word = Range<usize>;

/// A line with something on it, or the lines that parentheses make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From the start of the line to behind the line break.
    pub span: Range<usize>,
    /// The number of its first line, from 1.
    pub line: usize,
    /// It begins with a blank: the owner is the one of the record before.
    pub indented: bool,
    /// Its words; never empty.
    pub words: Vec<Word>,
}

/// The bytes at `span`; none where it lies outside.
#[must_use]
pub fn at(text: &[u8], span: Range<usize>) -> &[u8] {
    text.get(span).unwrap_or_default()
}

/// The word at `span` as text, with bytes beyond ASCII as `\DDD`, the way the same word can be written in ASCII.
#[must_use]
pub fn word(text: &[u8], span: &Word) -> String {
    let mut out = String::new();
    for &byte in at(text, span.clone()) {
        if byte.is_ascii() { out.push(byte.into()) } else { out.push_str(&format!("\\{byte:03}")) }
    }
    out
}

/// Cuts a file into its entries.
///
/// # Errors
/// A quote or a parenthesis is not closed, or closed without having been opened.
pub fn entries(text: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut reader = Reader { text, position: 0, line: 1 };
    let mut entries = Vec::new();
    while reader.position < text.len() {
        let entry = reader.entry()?;
        if !entry.words.is_empty() {
            entries.push(entry);
        }
    }
    Ok(entries)
}

struct Reader<'a> {
    text: &'a [u8],
    position: usize,
    line: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    /// The next byte; counts lines.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    fn entry(&mut self) -> Result<Entry, Malformed> {
        let (start, line) = (self.position, self.line);
        let indented = matches!(self.peek(), Some(b' ' | b'\t'));
        let mut words = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.next();
                    if open.is_empty() {
                        break;
                    }
                }
                b' ' | b'\t' | b'\r' => drop(self.next()),
                b';' => self.comment(),
                b'(' => {
                    open.push(self.line);
                    self.next();
                }
                b')' => {
                    if open.pop().is_none() {
                        return Err(Malformed::new(self.line, "a parenthesis is closed that was not opened"));
                    }
                    self.next();
                }
                _ => words.push(self.word()?),
            }
        }
        match open.last() {
            Some(line) => Err(Malformed::new(*line, "a parenthesis is not closed")),
            None => Ok(Entry { span: start..self.position, line, indented, words }),
        }
    }

    fn comment(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.next();
        }
    }

    fn word(&mut self) -> Result<Word, Malformed> {
        let start = self.position;
        if self.peek() == Some(b'"') {
            self.quoted()?;
            return Ok(start..self.position);
        }
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' => break,
                // Inside a word (`alpn="h2,h3"`): blanks within the quotes belong to it.
                b'"' => self.quoted()?,
                b'\\' => self.escaped()?,
                _ => drop(self.next()),
            }
        }
        Ok(start..self.position)
    }

    fn quoted(&mut self) -> Result<(), Malformed> {
        let line = self.line;
        self.next();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.next();
                    return Ok(());
                }
                Some(b'\\') => self.escaped()?,
                None | Some(b'\n') => return Err(Malformed::new(line, "a quote is not closed")),
                Some(_) => drop(self.next()),
            }
        }
    }

    /// A backslash and the character that it escapes; of `\DDD` the digits follow as ordinary ones.
    fn escaped(&mut self) -> Result<(), Malformed> {
        self.next();
        match self.peek() {
            None | Some(b'\n' | b'\r') => Err(Malformed::new(self.line, "a backslash stands at the end of the line")),
            Some(_) => {
                self.next();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let bytes = text.as_bytes();
        let entries = entries(bytes).unwrap();
        entries.iter().map(|entry| entry.words.iter().map(|span| word(bytes, span)).collect()).collect()
    }

    #[test]
    fn comments_quotes_escapes_and_parentheses_are_understood() {
        let text = "a A 1;x (\n\n ; nothing\n b ( TXT \"a;(\\\"\" \\; ; note )\n c ) d\r\ne\\ f g=\"h i\" \"j\"\"k\"";
        let expected: [&[&str]; 3] = [
            &["a", "A", "1"],
            &["b", "TXT", "\"a;(\\\"\"", "\\;", "c", "d"],
            &["e\\ f", "g=\"h i\"", "\"j\"", "\"k\""],
        ];
        assert_eq!(words(text), expected);
        let entries = entries(text.as_bytes()).unwrap();
        assert_eq!(
            entries.iter().map(|entry| (entry.line, entry.indented)).collect::<Vec<_>>(),
            [(1, false), (4, true), (6, false)]
        );
    }

    #[test]
    fn what_is_not_closed_is_told_with_its_line() {
        for (text, line) in [("a\nb \"c\n\"", 2), ("a (\n b (\n )\n", 1), ("\n)", 2), ("a \\", 1), ("a\n\"", 2)] {
            assert_eq!(entries(text.as_bytes()).unwrap_err().line, line, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_spans_lie_in_order(text in "[a\\\\\" \t\r\n;()\u{e9}]{0,60}") {
            if let Ok(entries) = entries(text.as_bytes()) {
                let mut end = 0;
                for entry in entries {
                    prop_assert!(entry.span.start >= end && entry.span.end <= text.len());
                    end = entry.span.start;
                    for word in &entry.words {
                        prop_assert!(word.start >= end && word.end > word.start && word.end <= entry.span.end);
                        end = word.end;
                    }
                    end = entry.span.end;
                }
            }
        }
    }
}
