//! A program of the operator's, run once for each message: an argument vector, variables that say what happened, and all of it as
//! JSON on standard input. No shell, and nothing else of the environment than where programs are.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Channel, Entry, Hears, Tools, web};
use crate::model::error::{Error, Result};
use crate::model::news::Message;
use crate::model::news::template::Variable;
use crate::os::run::{Excess, Run};
use crate::provider::setting::{Kind, Setting, Settings, SettingsError};

/// How long a program may take unless something else is said.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may be given.
const MOST: Duration = Duration::from_secs(60);

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    name: "exec",
    title: "a program of one's own, run for each message",
    documentation: "",
    hears: Hears::News,
    settings: &[
        Setting::required("command", Kind::Command, "The program and its arguments; no shell reads them."),
        Setting::optional("timeout", Kind::Duration, "How long it may take, 1 to 60 seconds; 10 unless set."),
    ],
    build,
};

struct Exec {
    name: String,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    timeout: Duration,
}

fn build(settings: &Settings, tools: &Tools) -> Result<Arc<dyn Channel>, SettingsError> {
    let command = web::required("command", settings.texts("command"))?;
    let (program, arguments) = web::required("command", command.split_first())?;
    let timeout = settings.duration("timeout").unwrap_or(TIMEOUT);
    if timeout > MOST {
        return Err(SettingsError::of("timeout", "a program has at most 60 seconds"));
    }
    Ok(Arc::new(Exec {
        name: settings.account.clone(),
        program: program.into(),
        arguments: arguments.iter().map(Into::into).collect(),
        environment: tools.environment.clone(),
        timeout,
    }))
}

/// The variables that a program is given, and what each is. All news together stand on standard input: they may be long.
pub fn variables() -> impl Iterator<Item = (String, Variable)> {
    let known = Variable::ALL.into_iter().filter(|variable| *variable != Variable::News);
    known.map(|variable| (format!("DRIFTLESS_{}", variable.word().to_ascii_uppercase()), variable))
}

#[async_trait]
impl Channel for Exec {
    async fn tell(&self, message: &Message) -> Result<()> {
        let mut environment = self.environment.clone();
        // Neither a name nor an error of a service can bring a zero octet in here; where one could, the program is not started.
        environment.extend(variables().map(|(name, variable)| (name.into(), variable.of(message).into())));
        let input = serde_json::json!({
            "at": message.at.to_string(), "title": message.title, "text": message.text, "news": message.news,
        });
        let (input, Self { program, arguments, .. }) = (input.to_string(), self);
        let run = Run {
            program,
            arguments,
            environment: &environment,
            input: Some(input.as_bytes()),
            timeout: self.timeout,
            excess: Excess::Dropped,
        };
        let printed = run.finish().await.map_err(|why| {
            Error::transient(format!("telling \"{}\"", self.name), format!("{}: {why}", program.to_string_lossy()))
        })?;
        for line in String::from_utf8_lossy(&printed).lines().take(20) {
            tracing::debug!(target: "driftless", channel = self.name, "says \"{}\"", line.escape_debug());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Wall;
    use crate::net::http::Http;
    use crate::provider::setting::Value;

    async fn told(script: &str) -> Result<()> {
        let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let settings = Settings::new("hook").with("command", Value::Texts(command));
        let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let channel = build(&settings, &Tools { http: Http::new(None), environment }).unwrap();
        channel.tell(&Message::saying("title", "a\ntext; $(id)", true, Wall(0))).await
    }

    #[tokio::test]
    async fn a_program_is_told_by_variables_and_on_its_input() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("out");
        told(&format!("env | grep ^DRIFTLESS_ | sort >{0}; cat >>{0}", file.display())).await.unwrap();
        let said = std::fs::read_to_string(file).unwrap();
        let (variables, input) = said.split_at(said.find('{').unwrap());
        assert!(
            variables.contains("DRIFTLESS_TITLE=title\n") && variables.contains("DRIFTLESS_EVENT=test\n"),
            "{said}"
        );
        assert!(!variables.contains("DRIFTLESS_NEWS"), "{said}");
        let input: serde_json::Value = serde_json::from_str(input).unwrap();
        assert_eq!(input["text"], "a\ntext; $(id)");
    }

    #[tokio::test]
    async fn a_program_that_fails_says_so_in_its_own_words() {
        let said = told("echo no network >&2; exit 3").await.unwrap_err().to_string();
        assert_eq!(said, "telling \"hook\": /bin/sh: it ended with exit status: 3: no network");
    }
}
