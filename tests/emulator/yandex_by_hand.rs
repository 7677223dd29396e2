//! The emulators of Yandex's two services on the command line.

use std::sync::{Mutex, PoisonError};

use super::http::{Answer, Received};
use super::{yandex, yandex360};

/// What can be typed for Mail for Domain.
pub const USAGE: &str = "\
yandex [--token TOKEN] [--registrar TOKEN] [--zone NAME]... [--fail CODE] [--switch SWITCH]...
    CODE      what every call fails with: unknown, bad_token, blocked, ...
    switches: retired, strings, dotted, empty-apex, no-fqdn, contents-as-sent, ttl-ignored, errors-are-400, edit-keeps";

/// What can be typed for Yandex 360.
pub const USAGE_360: &str = "\
yandex360 [--token TOKEN] [--zone NAME]... [--fail STATUS] [--switch SWITCH]...
    STATUS    what every call fails with: 401, 403, 404, 500, ...
    switches: full-names, dotted, string-ids, doubled-backslashes, soa-listed, duplicates-in-words, duplicates-taken";

/// The organisation that the zones are in.
const ORGANIZATION: u64 = 123_456;

/// Mail for Domain as the arguments describe it. Says which login it has.
#[expect(clippy::print_stdout, reason = "a command for people")]
pub fn emulator(arguments: &[String]) -> Result<impl Fn(&Received) -> Answer + Send + Sync + use<>, String> {
    let mut state =
        yandex::State::new("123456789ABCDEF0000000000000000000000000000000000000", yandex::Switches::default());
    // Options are pairs.
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { return Err(USAGE.to_owned()) };
        match option.as_str() {
            "--token" => state.token.clone_from(value),
            "--registrar" => state.registrar = Some(value.clone()),
            "--zone" => state.add_domain(value),
            "--fail" => state.failing = Some(value.clone()),
            "--switch" => switch(&mut state, value)?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    println!("token = \"{}\"\nendpoint: below, with api2/", state.token);
    let state = Mutex::new(state);
    Ok(move |request: &Received| state.lock().unwrap_or_else(PoisonError::into_inner).answer(request))
}

fn switch(state: &mut yandex::State, name: &str) -> Result<(), String> {
    let switches = &mut state.switches;
    match name {
        "retired" => state.retired = true,
        "strings" => switches.strings = true,
        "dotted" => switches.dotted = true,
        "empty-apex" => switches.empty_apex = true,
        "no-fqdn" => switches.no_fqdn = true,
        "contents-as-sent" => switches.contents_as_sent = true,
        "ttl-ignored" => switches.ttl_ignored = true,
        "errors-are-400" => switches.errors_are_400 = true,
        "edit-keeps" => switches.edit_forgets = false,
        _ => return Err(format!("there is no switch {name}\n{USAGE}")),
    }
    Ok(())
}

/// Yandex 360 as the arguments describe it. Says which login it has.
#[expect(clippy::print_stdout, reason = "a command for people")]
pub fn emulator_360(arguments: &[String]) -> Result<impl Fn(&Received) -> Answer + Send + Sync + use<>, String> {
    let mut state = yandex360::State::new("y0_emulated", yandex360::Switches::default());
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { return Err(USAGE_360.to_owned()) };
        match option.as_str() {
            "--token" => state.token.clone_from(value),
            "--zone" => state.add_domain(ORGANIZATION, value),
            "--fail" => state.failing = Some(value.parse().map_err(|_| format!("{value} is no status"))?),
            "--switch" => switch_360(&mut state.switches, value)?,
            _ => return Err(USAGE_360.to_owned()),
        }
    }
    println!("token = \"{}\"\norganization = \"{ORGANIZATION}\"\nendpoint: below, with directory/v1", state.token);
    let state = Mutex::new(state);
    Ok(move |request: &Received| state.lock().unwrap_or_else(PoisonError::into_inner).answer(request))
}

fn switch_360(switches: &mut yandex360::Switches, name: &str) -> Result<(), String> {
    match name {
        "full-names" => switches.full_names = true,
        "dotted" => switches.dotted = true,
        "string-ids" => switches.string_ids = true,
        "doubled-backslashes" => switches.doubled_backslashes = true,
        "soa-listed" => switches.soa_listed = true,
        "duplicates-in-words" => switches.duplicates = yandex360::Duplicates::Words,
        "duplicates-taken" => switches.duplicates = yandex360::Duplicates::Taken,
        _ => return Err(format!("there is no switch {name}\n{USAGE_360}")),
    }
    Ok(())
}
