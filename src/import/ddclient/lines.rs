//! Lines of ddclient.conf, cut into what stands between white space and commas.

use super::super::Malformed;

/// One line with those it goes on in.
pub(super) struct Line {
    pub number: usize,
    pub parts: Vec<Part>,
}

/// What stands between white space and commas, and where.
pub(super) struct Part {
    pub line: usize,
    /// The key, where there is one.
    pub key: Option<String>,
    pub value: String,
    /// Whether a comma stands right behind it.
    pub comma: bool,
}

impl Line {
    /// Adds a typed line, and answers whether it goes on.
    pub fn add(&mut self, number: usize, typed: &str) -> Result<bool, Malformed> {
        let chars: Vec<char> = typed.chars().collect();
        let mut at = 0;
        loop {
            while chars.get(at).is_some_and(|c| c.is_whitespace() || *c == ',') {
                if chars.get(at) == Some(&',')
                    && let Some(last) = self.parts.last_mut()
                {
                    last.comma = true;
                }
                at += 1;
            }
            let Some(first) = chars.get(at) else { return Ok(false) };
            if ends_line(&chars, at) {
                return Ok(true);
            }
            if *first == '#' {
                return Ok(false);
            }
            at = self.part(number, &chars, at)?;
        }
    }

    /// Reads the part at `at`, and answers where it ends.
    fn part(&mut self, number: usize, chars: &[char], mut at: usize) -> Result<usize, Malformed> {
        let of_key = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let key: String = chars.iter().skip(at).take_while(|c| of_key(c)).collect();
        let blanks = |from: usize| chars.iter().skip(from).take_while(|c| matches!(c, ' ' | '\t')).count();
        let equals = at + key.len() + blanks(at + key.len());
        let has_key = key.starts_with(|c: char| c.is_ascii_alphabetic()) && chars.get(equals) == Some(&'=');
        if has_key {
            at = equals + 1;
            at += blanks(at);
        }
        let is_password = has_key && key.to_ascii_lowercase().ends_with("password");
        let (value, end) = if is_password { password(chars, at) } else { value(chars, at, has_key) }
            .ok_or_else(|| Malformed::at(number, "a quotation mark is not closed"))?;
        let key = has_key.then(|| key.to_ascii_lowercase());
        self.parts.push(Part { line: number, key, value, comma: false });
        Ok(end)
    }
}

/// Whether a backslash stands there, and behind it nothing but white space and a comment.
fn ends_line(chars: &[char], at: usize) -> bool {
    let behind = chars.iter().skip(at + 1).find(|c| !c.is_whitespace());
    chars.get(at) == Some(&'\\') && behind.is_none_or(|c| *c == '#')
}

/// A password: quoted, or all up to the next white space; a comma at its end only ends it.
fn password(chars: &[char], at: usize) -> Option<(String, usize)> {
    if let Some(quote) = chars.get(at).filter(|c| matches!(c, '\'' | '"')) {
        let end = chars.iter().skip(at + 1).position(|c| c == quote)? + at + 1;
        return Some((chars.get(at + 1..end)?.iter().collect(), end + 1));
    }
    let mut end = at + chars.iter().skip(at).take_while(|c| !c.is_whitespace()).count();
    if end > at && chars.get(end - 1) == Some(&',') {
        end -= 1;
    }
    Some((chars.get(at..end)?.iter().collect(), end))
}

/// A value up to white space, comma or comment that is not quoted; `None` where a quotation mark is not closed.
fn value(chars: &[char], mut at: usize, may_be_quoted: bool) -> Option<(String, usize)> {
    let (mut value, mut quote) = (String::new(), None);
    while let Some(&c) = chars.get(at) {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => value.push(c),
            None if may_be_quoted && matches!(c, '\'' | '"') => quote = Some(c),
            None if c.is_whitespace() || matches!(c, ',' | '#') || ends_line(chars, at) => break,
            None if c == '\\' && may_be_quoted => {
                at += 1;
                value.extend(chars.get(at));
            }
            None => value.push(c),
        }
        at += 1;
    }
    quote.is_none().then_some((value, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(typed: &str) -> (Vec<(Option<String>, String)>, bool) {
        let mut line = Line { number: 1, parts: Vec::new() };
        let goes_on = line.add(1, typed).unwrap();
        (line.parts.into_iter().map(|part| (part.key, part.value)).collect(), goes_on)
    }

    fn values(typed: &str) -> Vec<String> {
        parts(typed).0.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn a_password_is_all_up_to_white_space_unless_it_is_quoted() {
        assert_eq!(values("password=a#b,c"), ["a#b,c"]);
        assert_eq!(values("password=abc, login=me"), ["abc", "me"]);
        assert_eq!(values("fw-password='a b #c' # comment"), ["a b #c"]);
        assert_eq!(values("password = abc"), ["abc"]);
    }

    #[test]
    fn a_line_goes_on_behind_a_backslash_and_a_comment_ends_it() {
        for (typed, goes_on) in [
            ("login=me \\", true),
            ("login=me,\\  ", true),
            ("ttl=1 \\ # why", true),
            ("login=me # a \\", false),
            ("# login=me \\", false),
            ("login=me", false),
            ("\\", true),
        ] {
            assert_eq!(parts(typed).1, goes_on, "{typed}");
        }
    }

    #[test]
    fn values_may_be_quoted_in_part_and_names_not() {
        assert_eq!(values(r#"web-skip='IP Address' cmd="a 'b'" if=a\ b x"y"#), ["IP Address", "a 'b'", "a b", "x\"y"]);
        assert!(Line { number: 1, parts: Vec::new() }.add(7, "web-skip='IP").is_err_and(|wrong| wrong.line == 7));
    }
}
