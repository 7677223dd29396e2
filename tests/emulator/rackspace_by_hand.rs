//! Rackspace's emulator on the command line, and the same options over HTTP while it runs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Answer, Received};
use super::rackspace::faults::{self, Failure, fault};
use super::rackspace::jobs::{JobFailure, Pace};
use super::rackspace::{Region, State, Switches, switches};

/// What can be typed.
pub const USAGE: &str = "\
rackspace [--username NAME] [--api-key KEY] [--account NUMBER] [--region REGION] [--domain NAME]... [--record RECORD]...
          [--jobs PACE] [--token-life SECONDS] [--logins N] [--limit VERB=N]... [--most-records N] [--most-domains N]
          [--speed N] [--skip SECONDS] [--fail FAILURE]... [--switch SWITCH]...
    --region   us or uk, whose identity service is below /lon
    --record   a record of the domain named last, as \"www A 192.0.2.1\", \"www A 192.0.2.1 600\" or \"@ A 192.0.2.1\"
    --jobs     when a job is done: at the so-manieth request after it (1 unless told; 0 at once), after some time (5s), or never
    --logins   the most logins in a minute; unlimited unless told
    --limit    so many calls with this verb on domains in a minute: GET=60, POST=20, PUT=20 and DELETE=10 unless told
    --speed    how many seconds of the service's pass in one of ours
    --skip     the service's clock goes on by so much
    --fail     NAME, NAME:TIMES or NAME:TIMES:PART: the next requests (whose first line contains PART) are answered with
               a fault of the guide (badRequest, unauthorized, itemNotFound, itemAlreadyExists, overLimit, dnsFault,
               deleteFault, internalServerError, serviceUnavailable), with another (validationErrors, unauthorized-wrapped,
               overLimit-seconds, overLimit-date, overLimit-body, overLimit-reply-after, overLimit-quota, bad-gateway,
               gateway-timeout, empty, html, truncated, huge), or with one of these after acting: done-NAME;
               or the next jobs end badly: job-error, job-error-done, job-partial
While it runs, GET /control?fail=NAME&switch=SWITCH takes the same options and tells what callers did wrong so far.
    switches: migrated-ids, old-ids, duplicates-409, duplicates-at-once, over-limit-seconds, over-limit-date,
              over-limit-body, over-limit-retry-at, over-limit-reply-after, over-limit-silent, unauthorized-wrapped,
              unauthorized-empty, mfa, mfa-not-set-up, creator, observer, forbidden-401, user-disabled, login-203,
              expires-with-offset, no-dns-in-catalog, ttl-600, change-keeps-ttl, renaming-refused, validation-in-job,
              missing-in-job, running-202, initialized, brief-202, foreign-callbacks, filtered-total, total-of-all,
              links-without-content, underscores-unfound, data-found, long-ipv6, txt-as-sent, no-ns-records, fixed-windows";

/// The emulator that the arguments describe. Says which login and domains it has.
#[expect(clippy::print_stdout, reason = "a command for people")]
pub fn emulator(arguments: &[String]) -> Result<impl Fn(&Received) -> Answer + Send + Sync + use<>, String> {
    let mut state = State::new("driftless", "a4bbc55a951242c48b03e88e32123456", Switches::default());
    // Options are pairs.
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { return Err(USAGE.to_owned()) };
        set(&mut state, option, value)?;
    }
    if state.domains.is_empty() {
        state.add_domain("example.com");
    }
    println!("username = \"{}\"\napi_key = \"{}\"", state.username, state.api_key);
    for domain in &state.domains {
        println!("domain {} has the id {}", domain.name, domain.id);
    }
    let lon = if state.region == Region::Uk { "lon/" } else { "" };
    println!("auth_url: below, with {lon}v2.0/");
    let state = Mutex::new(state);
    Ok(move |request: &Received| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if request.path == "/control" { control(&mut state, request) } else { state.answer(request) }
    })
}

/// Sets what the query says, and tells what happened so far.
fn control(state: &mut State, request: &Received) -> Answer {
    let query = request.query.as_deref().unwrap_or_default();
    let url = reqwest::Url::parse(&format!("http://127.0.0.1/?{query}"));
    let pairs: Vec<(String, String)> = url.iter().flat_map(|url| url.query_pairs().into_owned()).collect();
    for (name, value) in &pairs {
        if let Err(why) = set(state, &format!("--{name}"), value) {
            return Answer::new(400, why);
        }
    }
    let jobs: Vec<String> = state.jobs().iter().map(|job| format!("{} {:?}", job.id, job.status)).collect();
    let told = json!({ "violations": state.violations, "jobs": jobs, "failures left": state.failures.len() });
    Answer::new(200, told.to_string()).with("Content-Type", "application/json")
}

fn set(state: &mut State, option: &str, value: &str) -> Result<(), String> {
    match option {
        "--username" => state.username = value.into(),
        "--api-key" => state.api_key = value.into(),
        "--account" => state.account = number(value)?.to_string(),
        "--region" => state.region = region(value)?,
        "--domain" => drop(state.add_domain(value)),
        "--record" => record(state, value)?,
        "--jobs" => state.pace = pace(value)?,
        "--token-life" => state.token_life = Duration::from_secs(number(value)?),
        "--logins" => state.most_logins = Some(size(value)?),
        "--limit" => limit(state, value)?,
        "--most-records" => state.most_records = size(value)?,
        "--most-domains" => state.most_domains = size(value)?,
        "--speed" => state.speed = value.parse().map_err(|_| format!("{value} is no whole number"))?,
        "--skip" => state.skip(Duration::from_secs(number(value)?)),
        "--fail" => fail(state, value)?,
        "--switch" => {
            let found = switches::NAMED.iter().find(|(name, _)| *name == value);
            let (_, turn) = found.ok_or_else(|| format!("there is no switch {value}\n{USAGE}"))?;
            turn(&mut state.switches);
        }
        _ => return Err(USAGE.to_owned()),
    }
    Ok(())
}

fn number(value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{value} is no whole number"))
}

fn size(value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("{value} is no whole number"))
}

fn region(value: &str) -> Result<Region, String> {
    match value {
        "us" => Ok(Region::Us),
        "uk" => Ok(Region::Uk),
        _ => Err(format!("{value} is neither us nor uk")),
    }
}

fn pace(value: &str) -> Result<Pace, String> {
    match (value, value.strip_suffix('s')) {
        ("never", _) => Ok(Pace::Never),
        (_, Some(seconds)) => Ok(Pace::Time(Duration::from_secs(number(seconds)?))),
        (calls, None) => Ok(Pace::Calls(size(calls)?)),
    }
}

fn record(state: &mut State, value: &str) -> Result<(), String> {
    let wrong = || format!("{value} is not NAME TYPE DATA [TTL]");
    let domain = state.domains.last().cloned().ok_or("--record comes after its --domain")?;
    let (name, rtype, data, ttl) = match value.split(' ').collect::<Vec<_>>()[..] {
        [name, rtype, data] => (name, rtype, data, domain.ttl),
        [name, rtype, data, ttl] => (name, rtype, data, number(ttl)?),
        _ => return Err(wrong()),
    };
    let name = if name == "@" { domain.name.clone() } else { format!("{name}.{}", domain.name) };
    state.add_record(&domain.id, rtype, &name, data, ttl);
    Ok(())
}

fn limit(state: &mut State, value: &str) -> Result<(), String> {
    let (verb, most) = value.split_once('=').ok_or_else(|| format!("{value} is not VERB=N"))?;
    let most = size(most)?;
    // The last of a verb is the one on all of domains.
    let limit = state.limits.iter_mut().rfind(|limit| limit.verb == verb);
    limit.ok_or_else(|| format!("there is no limit for {verb}"))?.value = most;
    Ok(())
}

fn fail(state: &mut State, value: &str) -> Result<(), String> {
    let (name, rest) = value.split_once(':').unwrap_or((value, "1"));
    let (times, on) = rest.split_once(':').unwrap_or((rest, ""));
    let times = size(times)?;
    let error: Value = fault("internalServerError", "Error Details").1;
    let job = match name {
        "job-error" => Some(JobFailure::Undone(error)),
        "job-error-done" => Some(JobFailure::Done(error)),
        "job-partial" => Some(JobFailure::Partial),
        _ => None,
    };
    if let Some(job) = job {
        state.job_failures.extend(std::iter::repeat_n(job, times));
        return Ok(());
    }
    let (done, plain) = name.strip_prefix("done-").map_or((false, name), |plain| (true, plain));
    let answer = faults::wrong(plain).ok_or_else(|| format!("there is no failure {name}\n{USAGE}"))?;
    state.failures.extend(std::iter::repeat_n(Failure { on: on.into(), done, answer }, times));
    Ok(())
}
