//! Reads Rust source as far as the rules of the house need it: words and paths with their lines, without comments, texts
//! and test code.

/// A word (`spawn`, `crate`) or a sign (`::`, `{`), and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The word or the sign.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
}

/// One file, cut into tokens.
pub struct Source {
    /// Every token, tests included.
    pub all: Vec<Token>,
    /// The tokens outside `#[cfg(test)]`.
    pub code: Vec<Token>,
    /// How many lines are outside `#[cfg(test)]`.
    pub lines: usize,
    /// The modules declared as `#[cfg(test)] mod name;`: their files are test code.
    pub test_modules: Vec<String>,
}

impl Source {
    /// Reads a file's text.
    pub fn read(text: &str) -> Self {
        let all = tokens(text);
        let mut source = Self { code: Vec::new(), lines: text.lines().count(), test_modules: Vec::new(), all };
        let mut at = 0;
        while let Some(token) = source.all.get(at) {
            if !starts_test(&source.all[at..]) {
                source.code.push(token.clone());
                at += 1;
                continue;
            }
            let end = item_end(&source.all, at);
            let item = &source.all[at..end];
            if let Some(pair) = item.windows(3).find(|three| three[0].text == "mod" && three[2].text == ";") {
                source.test_modules.push(pair[1].text.clone());
            }
            let last = item.last().map_or(token.line, |last| last.line);
            source.lines = source.lines.saturating_sub(last + 1 - token.line);
            at = end;
        }
        source
    }

    /// Every path outside test code, groups taken apart: `use std::{fs, net::TcpStream}` gives `std::fs` and
    /// `std::net::TcpStream`. A single word is a path too.
    pub fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.code.len() {
            let after_path = at > 0 && self.code[at - 1].text == "::";
            if is_word(&self.code[at].text) && !after_path {
                at = path(&self.code, at, &[], &mut found);
            } else {
                at += 1;
            }
        }
        found
    }
}

/// Reads the path at `at` into `found` and answers where it ends.
fn path(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut parts = prefix.to_vec();
    let line = tokens[at].line;
    loop {
        parts.push(text(at).to_owned());
        at += 1;
        if text(at) != "::" {
            break;
        }
        at += 1;
        if text(at) == "{" {
            return group(tokens, at + 1, &parts, found);
        }
        if !is_word(text(at)) {
            break; // `::<` or `::*`
        }
    }
    found.push((line, parts));
    at
}

fn group(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "as" => at += 2,
            word if is_word(word) => at = path(tokens, at, prefix, found),
            _ => at += 1,
        }
    }
    at
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, …))]` starts here.
fn starts_test(tokens: &[Token]) -> bool {
    let starts = |with: &[&str]| with.iter().zip(tokens).filter(|(a, b)| **a == b.text).count() == with.len();
    starts(&["#", "[", "cfg", "(", "test", ")", "]"]) || starts(&["#", "[", "cfg", "(", "all", "(", "test"])
}

/// Where the item with the attribute at `at` ends: behind its first `;` or block that is in no bracket.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|token| token.text == "#") {
        at = closing(tokens, at + 1);
    }
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// Behind the bracket that closes the one at `at`.
fn closing(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line, mut found) = (0, 1, Vec::new());
    while at < chars.len() {
        let end = skipped(&chars, at).unwrap_or(at);
        if end > at {
            line += chars[at..end].iter().filter(|one| **one == '\n').count();
            at = end;
            continue;
        }
        let word = chars[at..].iter().take_while(|one| one.is_alphanumeric() || **one == '_').count();
        let length = if word > 0 { word } else { 1 + usize::from(chars[at..].starts_with(&[':', ':'])) };
        found.push(Token { text: chars[at..at + length].iter().collect(), line });
        at += length;
    }
    found
}

/// Where the white space, comment, text or character at `at` ends, if there is one.
fn skipped(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    let end = match rest {
        [one, ..] if one.is_whitespace() => 1,
        ['/', '/', ..] => rest.iter().position(|one| *one == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => text_end(rest, 1),
        ['b' | 'c', '"', ..] => text_end(rest, 2),
        ['r', '"' | '#', ..] => raw_end(rest, 1)?,
        ['b' | 'c', 'r', '"' | '#', ..] => raw_end(rest, 2)?,
        ['\'', '\\', ..] => 3 + rest.iter().skip(3).position(|one| *one == '\'')? + 1,
        ['\'', _, '\'', ..] => 3,
        _ => return None,
    };
    Some(at + end)
}

fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (at, depth) = (at + 2, depth + 1),
            ['*', '/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn text_end(rest: &[char], mut at: usize) -> usize {
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// The end of `r#"…"#` whose first `#` or `"` is at `from`; `None` for a raw name such as `r#type`.
fn raw_end(rest: &[char], from: usize) -> Option<usize> {
    let hashes = rest[from..].iter().take_while(|one| **one == '#').count();
    if rest.get(from + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = from + hashes + 1;
    let length = rest[body..].windows(close.len()).position(|some| some == close).unwrap_or(rest.len() - body);
    Some((body + length + close.len()).min(rest.len()))
}
