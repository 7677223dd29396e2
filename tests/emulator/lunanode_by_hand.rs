//! LunaNode's emulator on the command line.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::http::{Answer, Received};
use super::lunanode::{Empty, State, Switches};

/// What can be typed.
pub const USAGE: &str = "\
lunanode [--api-id ID] [--api-key KEY] [--zone NAME]... [--dyn LABEL=ADDRESS]... [--switch SWITCH]...
    switches: empty-maps, empty-missing, no-dots, relative-names, full-dyn-names, dyn-add-tells-id, new-ids,
              numeric-ids, dyn-ipv6, nonces-once, global-in-words, escaped-errors, source-mismatch";

/// The emulator that the arguments describe. Says which login it has.
#[expect(clippy::print_stdout, reason = "a command for people")]
pub fn emulator(arguments: &[String]) -> Result<impl Fn(&Received) -> Answer + Send + Sync + use<>, String> {
    let mut state =
        State::new("abcdefghijklmnop", &('a'..='z').cycle().take(128).collect::<String>(), Switches::default());
    // Options are pairs.
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { return Err(USAGE.to_owned()) };
        match option.as_str() {
            "--api-id" => state.api_id.clone_from(value),
            "--api-key" => state.api_key.clone_from(value),
            "--zone" => drop(state.add_zone(value)),
            "--dyn" => {
                let (label, address) = label_and_address(value)?;
                state.add_dyn(label, address);
            }
            "--switch" => switch(&mut state, value)?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    println!("api_id = \"{}\"\napi_key = \"{}\"\nendpoint: below, with api/", state.api_id, state.api_key);
    let state = Mutex::new(state);
    Ok(move |request: &Received| state.lock().unwrap_or_else(PoisonError::into_inner).answer(request))
}

fn label_and_address(text: &str) -> Result<(&str, IpAddr), String> {
    let parts = text.split_once('=').and_then(|(label, address)| Some((label, address.parse().ok()?)));
    parts.ok_or_else(|| format!("{text} is not LABEL=ADDRESS"))
}

fn switch(state: &mut State, name: &str) -> Result<(), String> {
    let switches = &mut state.switches;
    match name {
        "empty-maps" => switches.empty = Empty::Map,
        "empty-missing" => switches.empty = Empty::Missing,
        "no-dots" => switches.trailing_dots = false,
        "relative-names" => switches.relative_names = true,
        "full-dyn-names" => switches.full_dyn_names = true,
        "dyn-add-tells-id" => switches.dyn_add_tells_id = true,
        "new-ids" => switches.ids_stay = false,
        "numeric-ids" => switches.numeric_ids = true,
        "dyn-ipv6" => switches.dyn_ipv6 = true,
        "nonces-once" => switches.nonces_once = true,
        "global-in-words" => switches.global_in_words = true,
        "escaped-errors" => switches.escaped_errors = true,
        "source-mismatch" => state.source_mismatch = true,
        _ => return Err(format!("there is no switch {name}\n{USAGE}")),
    }
    Ok(())
}
