//! Telling people something to see whether it arrives.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::print;
use crate::app::{Failure, Loaded, wiring};
use crate::config;
use crate::engine::Outlet;
use crate::model::news::Message;
use crate::os::clock;
use crate::report::control::{Request, ask};

/// What can be done with channels.
#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send a test message, or a sign of life, and show what each channel answers
    Test {
        /// The channel; all of them if none is given
        channel: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What became of a test.
#[derive(Serialize)]
struct Tested {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    ok: bool,
    error: Option<String>,
}

/// Carries out a command.
pub(super) async fn run(loaded: &Loaded, command: &NotifyCommand) -> Result<u8, Failure> {
    let NotifyCommand::Test { channel, json } = command;
    let config = &loaded.config;
    config.check_channels(&wiring::channel_tools(&wiring::harmless(&loaded.input.variables)))?;
    let channels = wiring::channels(config, &wiring::harmless(&loaded.input.variables));
    let mut channels = channels.map_err(|why| Failure::Other(78, why))?;
    if let Some(only) = channel {
        if !channels.contains_key(only) {
            let hint = config::suggest(only, "there are", channels.keys().map(String::as_str));
            return Err(Failure::Other(78, format!("there is no channel \"{only}\"{hint}")));
        }
        channels.retain(|name, _| name == only);
    }
    if channels.is_empty() {
        let why = "nobody is told anything: the configuration has no [notify.NAME], see driftless.toml(5)";
        return Err(Failure::Other(78, why.into()));
    }
    let (mut tested, mut worst) = (Vec::new(), 0);
    for (name, outlet) in channels {
        if !json {
            print::progress(&format!("telling \"{name}\" ({})", outlet.kind));
        }
        let error = test(&outlet).await.err();
        if error.is_none() {
            it_works(config, &name).await;
        }
        worst = worst.max(error.as_ref().map_or(0, |error| error.exit_code()));
        let error = error.map(|error| error.to_string());
        tested.push(Tested { name, kind: outlet.kind, ok: error.is_none(), error });
    }
    if *json {
        print::json(&json!({ "channels": tested }))?;
        return Ok(worst);
    }
    let row = |tested: &Tested| {
        let says = tested.error.clone().unwrap_or_else(|| "took it".into());
        vec![tested.name.clone(), tested.kind.to_owned(), says]
    };
    print::table(&["CHANNEL", "TYPE", "ANSWER"], &tested.iter().map(row).collect::<Vec<_>>());
    Ok(worst)
}

/// Says to the daemon, where one runs, that a channel works: it may be leaving it alone after a refusal. Where none can be asked,
/// nothing is amiss: the test itself is over.
async fn it_works(config: &config::Config, name: &str) {
    let request = Request::ChannelWorks { name: name.to_owned() };
    if let Err(unanswered) = ask(&config.socket, &request).await {
        tracing::debug!("no daemon was told that \"{name}\" works: {unanswered:?}");
    }
}

/// Tells one channel something that nobody can take for news.
async fn test(outlet: &Outlet) -> crate::model::error::Result<()> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let text = format!("This is a test by driftless on {host}. News will look like this, or as your template says.");
    outlet.channel.tell(&Message::saying("a test", text, true, clock::now().wall)).await
}
