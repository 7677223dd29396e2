//! A line that is typed at a terminal and not shown there.

use std::io::{self, BufRead};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

/// The longest line, in octets: what comes after it is dropped.
const MOST: usize = 4096;

/// How the typing ended.
#[derive(Debug)]
pub enum Typed {
    /// With a line, its end taken off.
    Line(SecretString),
    /// At the end of what is typed (Ctrl-D).
    End,
    /// A person interrupted it (Ctrl-C).
    Interrupted,
}

/// The terminal as it was before, given back whatever happens.
struct Restored(Termios);

impl Drop for Restored {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Reads a line from the terminal that standard input is, without its being shown, and calls `ask` once nothing typed is shown any more.
/// Ctrl-C comes back as an answer: the process ends in order, and the terminal shows again what is typed.
///
/// # Errors
/// Standard input is no terminal, cannot be read, or gives no UTF-8.
pub fn hidden_line(ask: impl FnOnce()) -> io::Result<Typed> {
    let before = tcgetattr(io::stdin())?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
    quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
    quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
    let restored = Restored(before);
    tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
    ask();
    let typed = typed(io::stdin().lock());
    drop(restored);
    typed
}

fn typed(input: impl BufRead) -> io::Result<Typed> {
    let mut line = Vec::new();
    for octet in input.bytes() {
        match octet? {
            b'\n' | b'\r' => return finished(line),
            // What a terminal in its usual mode would have made of them: end of text, end of transmission, cancel the line.
            0x03 => return Ok(Typed::Interrupted),
            0x04 if line.is_empty() => return Ok(Typed::End),
            0x04 => return finished(line),
            0x15 => line.clear(),
            0x08 | 0x7f => erase(&mut line),
            octet if line.len() < MOST => line.push(octet),
            _ => {}
        }
    }
    if line.is_empty() { Ok(Typed::End) } else { finished(line) }
}

/// Takes the last letter away, with all of its octets.
fn erase(line: &mut Vec<u8>) {
    while let Some(octet) = line.pop() {
        // Octets 10xxxxxx go on with a letter (RFC 3629, section 3).
        if octet & 0xc0 != 0x80 {
            break;
        }
    }
}

fn finished(line: Vec<u8>) -> io::Result<Typed> {
    let text = String::from_utf8(line);
    let text = text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8"))?;
    Ok(Typed::Line(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn line(octets: &[u8]) -> String {
        match typed(octets).unwrap() {
            Typed::Line(line) => line.expose_secret().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_line_ends_with_enter_and_can_be_corrected() {
        assert_eq!(line(b"hunter2\nmore"), "hunter2");
        assert_eq!(line(b"hunter2\r"), "hunter2");
        assert_eq!(line(b"huntex\x7fr2\n"), "hunter2");
        assert_eq!(line("h\u{fc}\u{20ac}\x08\x08unter2\n".as_bytes()), "hunter2");
        assert_eq!(line(b"\x7f\x7fwrong\x15hunter2\x04"), "hunter2");
        assert_eq!(line(b"hunter2"), "hunter2");
    }

    #[test]
    fn an_end_and_an_interrupt_are_told_apart_from_an_empty_line() {
        assert_eq!(line(b"\x04"), "End");
        assert_eq!(line(b""), "End");
        assert_eq!(line(b"abc\x03"), "Interrupted");
        assert_eq!(line(b"\n"), "");
        assert!(typed(&b"\xff\n"[..]).is_err());
        assert_eq!(line(&[b'a'; MOST + 10]).len(), MOST);
    }
}
