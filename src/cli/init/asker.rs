//! Questions and answers: at a terminal until an answer can be used, from a pipe one line each.

use std::io::{BufRead, IsTerminal};

use secrecy::{ExposeSecret, SecretString};

use crate::app::Failure;
use crate::cli::patience::INTERRUPTED;
use crate::cli::print;
use crate::os::terminal::{Typed, hidden_line};

/// The exit code where answers are missing (`EX_USAGE` of sysexits.h).
const MISSING: u8 = 64;
/// The exit code of an answer that cannot be used (`EX_CONFIG`).
const WRONG: u8 = 78;

/// Who is asked.
pub(super) struct Asker {
    /// A person, who can be asked again.
    person: bool,
    /// Whether what has a usual answer is not asked.
    takes_usual: bool,
}

impl Asker {
    pub(super) fn new(takes_usual: bool) -> Self {
        Self { person: std::io::stdin().is_terminal(), takes_usual }
    }

    /// Asks until there is an answer that `read` takes; `usual` stands for an empty one.
    ///
    /// # Errors
    /// There is no answer, or nobody who could give another one.
    pub(super) fn ask<T>(
        &mut self,
        question: &str,
        usual: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        if let (true, Some(usual)) = (self.takes_usual, usual) {
            return read(usual).map_err(|why| Failure::Other(WRONG, why));
        }
        let shown = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
        loop {
            print::question(&format!("{question}{shown}: "));
            let mut line = String::new();
            let read_on = std::io::stdin().lock().read_line(&mut line);
            if read_on.map_err(|error| unread(question, &error))? == 0 {
                return Err(ended(question));
            }
            if !self.person {
                // Nobody typed the line break.
                say("");
            }
            let typed = match (line.trim(), usual) {
                ("", Some(usual)) => usual,
                (typed, _) => typed,
            };
            match read(typed) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.refuse(why)?,
            }
        }
    }

    /// Asks for a secret, which a terminal does not show.
    ///
    /// # Errors
    /// As for [`Asker::ask`], and where a person interrupts.
    pub(super) fn ask_hidden(
        &mut self,
        what: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<SecretString, Failure> {
        loop {
            let secret = if self.person { typed(what)? } else { piped(what)? };
            match check(secret.expose_secret()) {
                Ok(()) => return Ok(secret),
                Err(why) => self.refuse(why)?,
            }
        }
    }

    /// What becomes of an answer that cannot be used.
    fn refuse(&self, why: String) -> Result<(), Failure> {
        if !self.person {
            return Err(unusable(&why));
        }
        say(&why);
        Ok(())
    }
}

/// The end, as an answer cannot be used.
pub(super) fn unusable(why: &str) -> Failure {
    Failure::Other(WRONG, format!("{why}; nothing was written"))
}

/// Says something to whoever answers.
pub(super) fn say(text: &str) {
    print::question(&format!("{text}\n"));
}

/// A secret from a terminal, which does not show it.
fn typed(what: &str) -> Result<SecretString, Failure> {
    let typed = hidden_line(|| print::question(&format!("{what} (it is not shown): ")));
    // The line break that was typed was not shown either.
    say("");
    match typed.map_err(|error| unread(what, &error))? {
        Typed::Line(secret) => Ok(secret),
        Typed::End => Err(ended(what)),
        Typed::Interrupted => Err(Failure::Other(INTERRUPTED, "interrupted: nothing was written".into())),
    }
}

/// A secret as a line of standard input, its end taken off and nothing else.
fn piped(what: &str) -> Result<SecretString, Failure> {
    print::question(&format!("{what}: "));
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line).map_err(|error| unread(what, &error))? == 0 {
        return Err(ended(what));
    }
    say("");
    let bare = line.strip_suffix('\n').unwrap_or(&line);
    Ok(SecretString::from(bare.strip_suffix('\r').unwrap_or(bare)))
}

fn ended(question: &str) -> Failure {
    Failure::Other(MISSING, format!("there is no answer to \"{}\": nothing was written", question.trim()))
}

fn unread(question: &str, error: &std::io::Error) -> Failure {
    Failure::Other(
        MISSING,
        format!("the answer to \"{}\" cannot be read: {error}; nothing was written", question.trim()),
    )
}
