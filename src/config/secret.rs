//! Secrets: a file, a credential of the service manager, a variable, or, discouraged, text in place.

use std::path::{Path, PathBuf};

use super::input::Input;
use super::reader::{Field, Fields, Reader, error, warning};
use super::tree::Value;
use crate::os::secret::{self, Secret};

const EXPECTED: &str = "a secret such as { file = \"/path\" }, { credential = \"name\" } or { env = \"NAME\" }";

/// Reads a secret in any of its forms; `whose` it is completes "… of". Messages never hold what was typed in the secret's place.
pub(super) fn read(reader: &mut Reader, input: &Input, whose: &str, field: Field<'_>) -> Option<Secret> {
    match &field.node.value {
        Value::Text(text) => {
            in_place(reader, input, field);
            inline(reader, field, text)
        }
        Value::Variable(text) => inline(reader, field, text),
        _ => {
            let table = reader.table(field, EXPECTED)?;
            let mut fields = Fields::new(table);
            let forms = [fields.take("file"), fields.take("credential"), fields.take("env")];
            fields.finish(reader, "a secret");
            let mut given = forms.into_iter().flatten();
            let (Some(form), None) = (given.next(), given.next()) else {
                reader.refuse(field, "a secret is one of `file`, `credential` and `env`");
                return None;
            };
            match form.key {
                "file" => file(reader, input, form),
                "credential" => credential(reader, input, &format!("`{}` of {whose}", field.key), form),
                _ => variable(reader, input, form),
            }
        }
    }
}

/// Reads the path of a secret's file: `{ file = … }` and `token_file = …`.
pub(super) fn file(reader: &mut Reader, input: &Input, field: Field<'_>) -> Option<Secret> {
    let path = path(reader, field)?;
    match (input.mode)(&path) {
        Ok(mode) if readable_by_all(mode) => {
            let problem = warning(field.node.at, format!("everyone on this machine can read {}", path.display()));
            reader.note(problem.help(mend(&path)));
        }
        Ok(_) => {}
        // It may come later (a mounted volume, a token that is renewed): the account says so when it is needed.
        Err(why) => {
            let message = format!("{} cannot be read at present: {why}", path.display());
            reader.note(warning(field.node.at, message).unread(path.clone(), false));
        }
    }
    Some(Secret::File(path))
}

/// An absolute path. What a relative one means would depend on where the daemon was started.
pub(super) fn path(reader: &mut Reader, field: Field<'_>) -> Option<PathBuf> {
    let text = reader.text(field, "an absolute path")?;
    let path = PathBuf::from(text);
    if path.is_absolute() {
        return Some(path);
    }
    reader.refuse(field, "the path must be absolute: it starts with \"/\"");
    None
}

fn inline(reader: &mut Reader, field: Field<'_>, text: &str) -> Option<Secret> {
    match secret::flaw(text) {
        Some(flaw) => reader.refuse(field, format!("this is no secret: {flaw}")),
        None => return Some(Secret::inline(text)),
    }
    None
}

/// Warns of a secret that stands in the configuration itself.
fn in_place(reader: &mut Reader, input: &Input, field: Field<'_>) {
    let help = format!("put it into a file of its own and write {} = {{ file = \"/path\" }}", field.key);
    reader.note(warning(field.node.at, format!("`{}` is a secret in the configuration itself", field.key)).help(help));
    let Some(path) = reader.documents.file(field.node.at.document).map(Path::to_owned) else { return };
    if (input.mode)(&path).is_ok_and(readable_by_all) {
        let message = format!("everyone on this machine can read {}, which holds this secret", path.display());
        reader.note(warning(field.node.at, message).help(mend(&path)));
    }
}

/// Reads the name of a credential. `whose`: the key and what it is of.
fn credential(reader: &mut Reader, input: &Input, whose: &str, field: Field<'_>) -> Option<Secret> {
    let name = reader.text(field, "the name of a credential")?;
    if name.contains('/') || matches!(name, "." | "..") {
        reader.refuse(field, "the name of a credential has no \"/\"");
        return None;
    }
    let shown = if is_name(field.key, name) { name } else { "NAME" };
    let Some(folder) = input.variables.get("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty()) else {
        let message = format!("{whose}: $CREDENTIALS_DIRECTORY is not set, so there are no credentials");
        let help = format!(
            "systemd sets it for a service with LoadCredential={shown}:/path; elsewhere use {{ file = \"/path\" }}"
        );
        reader.note(error(field.node.at, message).help(help));
        return None;
    };
    let path = Path::new(folder).join(name);
    if let Err(why) = (input.mode)(&path) {
        let help = format!(
            "systemd puts it into {folder} when it starts a service with LoadCredential={shown}:/path; before, it cannot be looked at"
        );
        let message = format!("{whose}: the credential cannot be read at present: {why}");
        reader.note(warning(field.node.at, message).help(help).unread(path.clone(), true));
    }
    Some(Secret::File(path))
}

fn variable(reader: &mut Reader, input: &Input, field: Field<'_>) -> Option<Secret> {
    let name = reader.text(field, "the name of an environment variable")?;
    let shown = if is_name(field.key, name) { name } else { "of this name" };
    let wrong = match input.variables.get(name).map(String::as_str) {
        None => format!("`{}`: there is no environment variable {shown}", field.key),
        Some(content) => match secret::flaw(content) {
            Some(flaw) => format!("`{}`: the environment variable {shown} holds no secret: {flaw}", field.key),
            None => return Some(Secret::inline(content)),
        },
    };
    let help =
        "what is typed is not shown, as it may be the secret itself: names of variables are such as DYNDNS_PASSWORD";
    reader.note(error(field.node.at, wrong).help((shown != name).then(|| help.to_owned())));
    None
}

/// Whether what stands in the place of a name, that of a variable (`env`) or of a credential, can be shown: it looks like one
/// (`DYNDNS_PASSWORD`, `home-password`). A secret that was typed there by mistake has letters of both cases, or digits in its midst.
pub(super) fn is_name(key: &str, text: &str) -> bool {
    let is_letter = match key {
        "env" => |c: char| c.is_ascii_uppercase(),
        "credential" => |c: char| c.is_ascii_lowercase(),
        _ => return false,
    };
    let words: Vec<&str> = text.split(['_', '-', '.']).collect();
    let most_digits = if words.len() > 1 { 2 } else { 0 };
    let is_word = |word: &&str| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        word.len() - letters.len() <= most_digits && letters.chars().all(is_letter)
    };
    text.len() <= 64 && words.iter().all(is_word)
}

/// Whether the permissions let others read.
fn readable_by_all(mode: u32) -> bool {
    mode & 0o004 != 0
}

/// The command that takes a file away from others.
fn mend(path: &Path) -> String {
    let path = path.to_string_lossy();
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@".contains(c));
    if plain { format!("chmod o-rwx {path}") } else { format!("chmod o-rwx '{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_a_secret_in_its_place() {
        for name in ["DYNDNS_PASSWORD", "TOKEN", "_DDNS_KEY_12", "API2_KEY"] {
            assert!(is_name("env", name) && !is_name("credential", name) && !is_name("file", name), "{name}");
        }
        for name in ["home-password", "dyndns.token", "t", "home2-api_key"] {
            assert!(is_name("credential", name) && !is_name("env", name), "{name}");
        }
        for secret in ["hunter2", "HUNTER2", "aB-cd", "550e8400-e29b-41d4", "JBSWY3DP-EHPK3PXP", "a b", "pass!"] {
            assert!(!is_name("env", secret) && !is_name("credential", secret), "{secret}");
        }
        assert!(!is_name("env", &"A".repeat(65)));
    }

    #[test]
    fn the_command_that_mends_is_safe_to_paste() {
        assert_eq!(mend(Path::new("/etc/driftless/token")), "chmod o-rwx /etc/driftless/token");
        assert_eq!(mend(Path::new("/etc/my token; rm 'x'")), r"chmod o-rwx '/etc/my token; rm '\''x'\'''");
    }
}
