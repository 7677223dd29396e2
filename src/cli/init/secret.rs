//! The files of secrets that the command names, each with the setting that it is for.

use std::path::Path;

use crate::config::suggest;
use crate::provider::Entry;
use crate::provider::setting::{Kind, Setting};

/// The setting and the file that a `--secret-file [KEY=]FILE` means. A file that has an equals sign in its name needs no KEY where it is
/// there, or where a folder comes before the sign.
///
/// # Errors
/// KEY is no secret of the provider's, or is left out where there are several.
pub(super) fn meant<'a>(entry: &'static Entry, text: &'a str) -> Result<(&'static Setting, &'a str), String> {
    if let Some((key, file)) = text.split_once('=') {
        match entry.settings.iter().find(|setting| setting.name == key) {
            Some(setting) if setting.kind == Kind::Secret => return Ok((setting, file)),
            Some(setting) => return Err(format!("`{}` is no secret: --set {}=VALUE", setting.name, setting.name)),
            None if key.contains('/') || Path::new(text).exists() => {}
            None => {
                let near = suggest(key, "there are", names(entry));
                let title = entry.name;
                return Err(format!(
                    "--secret-file {text}: {title} has no secret \"{key}\", and no file has this name{near}"
                ));
            }
        }
    }
    let only = only(entry).ok_or_else(|| {
        let names = names(entry).collect::<Vec<_>>().join(", ");
        format!("{} has not one secret: say which it is, --secret-file KEY=FILE; there are: {names}", entry.name)
    })?;
    Ok((only, text))
}

fn secrets(entry: &'static Entry) -> impl Iterator<Item = &'static Setting> {
    entry.settings.iter().filter(|setting| setting.kind == Kind::Secret)
}

fn names(entry: &'static Entry) -> impl Iterator<Item = &'static str> {
    secrets(entry).map(|setting| setting.name)
}

/// The secret that is meant where its key is not said.
fn only(entry: &'static Entry) -> Option<&'static Setting> {
    let needed: Vec<&Setting> = secrets(entry).filter(|setting| setting.required).collect();
    match (needed.as_slice(), secrets(entry).count()) {
        ([only], _) => Some(only),
        (_, 1) => secrets(entry).next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn found<'a>(name: &str, text: &'a str) -> Result<(&'static str, &'a str), String> {
        meant(provider::find(name).unwrap(), text).map(|(setting, file)| (setting.name, file))
    }

    #[test]
    fn a_mistyped_key_is_no_part_of_a_files_name() {
        assert_eq!(found("dyndns2", "../lk"), Ok(("password", "../lk")));
        assert_eq!(found("dyndns2", "password=../lk"), Ok(("password", "../lk")));
        let refused = found("dyndns2", "pasword=../lk").unwrap_err();
        assert!(
            refused.starts_with("--secret-file pasword=../lk: ") && refused.ends_with("mean password?"),
            "{refused}"
        );
        let refused = found("dyndns2", "nokey=../lk").unwrap_err();
        assert!(refused.ends_with("; there are: password"), "{refused}");
        let refused = found("dyndns2", "server=../lk").unwrap_err();
        assert!(refused.contains("--set server=VALUE"), "{refused}");
    }

    #[test]
    fn an_equals_sign_in_the_name_of_a_file_is_no_key() {
        let dir = tempfile::Builder::new().prefix("a=b").tempdir().unwrap();
        let file = dir.path().join("lk");
        let file = file.to_str().unwrap();
        assert_eq!(found("dyndns2", file), Ok(("password", file)), "not there yet");
        let here = tempfile::Builder::new().prefix("nokey=").tempfile_in(".").unwrap();
        let here = here.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(found("dyndns2", here), Ok(("password", here)));
    }
}
