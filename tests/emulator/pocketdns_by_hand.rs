//! PocketDNS's emulator on the command line.

use std::sync::{Mutex, PoisonError};

use super::http::{Answer, Received};
use super::pocketdns::{Errors, State, Switches};

/// What can be typed.
pub const USAGE: &str = "\
pocketdns [--api-key KEY] [--user USER] [--domain ID=NAME]... [--speed N] [--fail STATUS[:TIMES]]... [--switch SWITCH]...
    --domain  a domain of the user named before it (user_123 unless one is): dom_abc123=example.com
    --speed   how many seconds of the service's pass in one of ours; its limits are for a minute
    --fail    the next requests (1 unless TIMES says more) are answered with this status
    switches: created-200, bulk-201, bulk-207, errors-short, errors-bare, full-names, long-ipv6, no-retry-after,
              fixed-minutes, ttl-300, lists-of-2, bulk-of-2, no-underscores, unprocessable, template-skips, forbidden, swallows";

/// The emulator that the arguments describe. Says which key and domains it has.
#[expect(clippy::print_stdout, reason = "a command for people")]
pub fn emulator(arguments: &[String]) -> Result<impl Fn(&Received) -> Answer + Send + Sync + use<>, String> {
    let mut state = State::new("sk_test_emulated", Switches::default());
    let mut user = "user_123".to_owned();
    // Options are pairs.
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { return Err(USAGE.to_owned()) };
        match option.as_str() {
            "--api-key" => state.key.clone_from(value),
            "--user" => user.clone_from(value),
            "--domain" => {
                let (id, name) = value.split_once('=').ok_or_else(|| format!("{value} is not ID=NAME"))?;
                state.add_domain(id, name, &user);
            }
            "--speed" => state.speed = value.parse().map_err(|_| format!("{value} is no whole number"))?,
            "--fail" => {
                let (status, times) = value.split_once(':').unwrap_or((value, "1"));
                let status: u16 = status.parse().map_err(|_| format!("{status} is no status"))?;
                let times: usize = times.parse().map_err(|_| format!("{times} is no number"))?;
                if !(400..600).contains(&status) {
                    return Err(format!("{status} is no failure"));
                }
                state.failures.extend(std::iter::repeat_n(status, times));
            }
            "--switch" => switch(&mut state, value)?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    if state.domains.is_empty() {
        state.add_domain("dom_abc123", "example.com", &user);
    }
    println!("api_key = \"{}\"", state.key);
    for (id, domain) in &state.domains {
        println!("domain_id = \"{id}\" is {} of user_identifier = \"{}\"", domain.name, domain.user);
    }
    println!("endpoint: below");
    let state = Mutex::new(state);
    Ok(move |request: &Received| state.lock().unwrap_or_else(PoisonError::into_inner).answer(request))
}

fn switch(state: &mut State, name: &str) -> Result<(), String> {
    let switches = &mut state.switches;
    match name {
        "created-200" => switches.created = 200,
        "bulk-201" => switches.bulk = 201,
        "bulk-207" => switches.bulk = 207,
        "errors-short" => switches.errors = Errors::NoRequest,
        "errors-bare" => switches.errors = Errors::Bare,
        "full-names" => switches.full_names = true,
        "long-ipv6" => switches.long_ipv6 = true,
        "no-retry-after" => switches.retry_after = false,
        "fixed-minutes" => switches.fixed_minutes = true,
        "ttl-300" => switches.lowest_ttl = 300,
        "lists-of-2" => switches.longest_list = 2,
        "bulk-of-2" => switches.longest_bulk = 2,
        "no-underscores" => switches.underscores = false,
        "unprocessable" => switches.unprocessable = true,
        "template-skips" => switches.template_skips = true,
        "forbidden" => state.domains.values_mut().for_each(|domain| domain.forbidden = true),
        "swallows" => state.swallows = true,
        _ => return Err(format!("there is no switch {name}\n{USAGE}")),
    }
    Ok(())
}
