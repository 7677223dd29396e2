//! The page for people: everything in one document, readable without its script, which only refreshes and presses buttons.

use std::sync::OnceLock;

use data_encoding::BASE64;
use hyper::{StatusCode, header};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::answer::{self, Answer};
use crate::model::ledger::ALREADY_RIGHT;
use crate::report::status::{
    AccountStatus, ChannelStatus, HoldStatus, Line, RecordStatus, STATES, SourceStatus, Status,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How many changes the page shows: those of all record sets together, newest first.
const CHANGES: usize = 50;

/// Values of more characters are set smaller, so that an IPv6 address stands on one line of a phone.
const LONG: usize = 24;

/// The states in the order in which a person wants to know of them.
const URGENT: [&str; 7] = ["held", "failing", "unknown", "waiting", "working", "up to date", "unmanaged"];

/// What the page may load and run: its own style and script, known by their digests, and this daemon's answers.
fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let digest = |text: &str| BASE64.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
        format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            digest(STYLE),
            digest(SCRIPT)
        )
    })
}

/// The page as an answer. `acts`: there is a token, and so there are buttons.
pub(super) fn answer(status: &Status, acts: bool) -> Answer {
    let page = answer::with(StatusCode::OK, "text/html; charset=utf-8", render(status, acts));
    answer::field(page, header::CONTENT_SECURITY_POLICY, policy())
}

/// What parts of the page need to know.
struct Shown<'a> {
    status: &'a Status,
    now: Option<Timestamp>,
    acts: bool,
}

/// The page.
fn render(status: &Status, acts: bool) -> String {
    let shown = Shown { status, now: status.at.parse().ok(), acts };
    let (title, verdict) = verdict(status);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Driftless" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Driftless" }
                    p #verdict role="status" { (verdict) }
                }
                main {
                    p #said role="status" {}
                    @if acts { (token_form()) }
                    div #live { (shown.live()) }
                }
                footer {
                    p { "driftless " (status.version) " · " a href="api/v1/status" { "as JSON" } " · " a href="metrics" { "metrics" } }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// What a person wants to know first: in few words for a title, and in a sentence.
fn verdict(status: &Status) -> (String, String) {
    let count = |state: &str| status.records.iter().filter(|record| record.state == state).count();
    let all = status.records.len();
    let sets = |n: usize| if n == 1 { "1 record set".to_owned() } else { format!("{n} record sets") };
    let is = |n: usize| if n == 1 { "is" } else { "are" };
    let words: Vec<String> =
        URGENT.iter().filter(|state| count(state) > 0).map(|state| format!("{} {state}", count(state))).collect();
    let title = if words.is_empty() { "no records".to_owned() } else { words.join(", ") };
    let mut says = Vec::new();
    for (state, rest) in [
        ("held", "held, until a person acts or something changes"),
        ("failing", "failing, and tried again"),
        ("unknown", "left alone, as the address is unknown"),
    ] {
        if count(state) > 0 {
            says.push(format!("{} {} {rest}.", sets(count(state)), is(count(state))));
        }
    }
    let (busy, idle) = (count("working") + count("waiting"), count("unmanaged"));
    if busy > 0 {
        says.push(format!("{} {} on the way.", sets(busy), is(busy)));
    }
    if says.is_empty() {
        says.push(match all - idle {
            0 => "Nothing is published.".into(),
            1 if all == 1 => "The record set holds what it should.".into(),
            n if n == all => format!("All {n} record sets hold what they should."),
            n => format!("{} {} right; {idle} have no address here.", sets(n), is(n)),
        });
    }
    (title, says.join(" "))
}

fn token_form() -> Markup {
    html! {
        details #token-box .soft data-script hidden {
            summary { "Token for the buttons" }
            form #token-form {
                label .of for="token" { "Token" }
                input #token type="password" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="token-help";
                p #token-help { "The one in [web] of the configuration. It stays in this page and is forgotten with it." }
            }
        }
        noscript {
            p .soft { "The buttons need JavaScript; " code { "driftless update" } " and " code { "driftless release" } " do the same." }
        }
    }
}

impl Shown<'_> {
    /// What is replaced when the page refreshes itself.
    fn live(&self) -> Markup {
        let status = self.status;
        html! {
            p .when {
                "Seen at " (self.time(&status.at))
                @if let Some(next) = &status.next_check { "; everything is looked at again " (self.moment(next)) }
                "."
            }
            @if !status.state_is_writable {
                p .alarm { "The state cannot be written: services that can be read go on, others are sent to once at most." }
            }
            @let failing = failing(status);
            @if !failing.is_empty() {
                p .alarm { "Nobody is told by " (failing.join(", ")) " just now, " a href="#channels" { "see below" } "." }
            }
            (self.actions("all", &[("update", "Update all now", "", "")]))
            section aria-labelledby="records" {
                h2 #records { "Records" }
                @for record in self.urgent() { (self.record(record)) }
                @if status.records.is_empty() { p .soft { "There is no record in the configuration." } }
            }
            section aria-labelledby="accounts" {
                h2 #accounts { "Accounts" }
                @for account in &status.accounts { (self.account(account)) }
            }
            section aria-labelledby="network" {
                h2 #network { "Where the address comes from" }
                @for network in &status.network { p .card { (network.says) } }
                ul .card .list {
                    @for source in &status.sources { (self.source(source)) }
                    @if status.sources.is_empty() { li .soft { "No source has been asked yet." } }
                }
            }
            @if !status.channels.is_empty() {
                section aria-labelledby="channels" {
                    h2 #channels { "Who is told" }
                    @for channel in &status.channels { (self.channel(channel)) }
                }
            }
            section aria-labelledby="changes" {
                h2 #changes { "Last changes" }
                ol .card .list {
                    @let changes = changes(status);
                    @for (line, record) in &changes {
                        li {
                            p { strong { (record.name) } " " (record.rtype) ": " (line.what) }
                            p .soft { (self.moment(&line.at)) }
                        }
                    }
                    @if changes.is_empty() { li .soft { "Nothing has happened yet." } }
                }
            }
        }
    }

    /// The record sets, what needs a person first.
    fn urgent(&self) -> Vec<&RecordStatus> {
        let mut records: Vec<&RecordStatus> = self.status.records.iter().collect();
        records.sort_by_key(|record| URGENT.iter().position(|state| *state == record.state));
        records
    }

    fn record(&self, record: &RecordStatus) -> Markup {
        let account = self.status.accounts.iter().find(|account| account.name == record.account);
        let with_account = account.is_some_and(|account| account.held.is_some());
        let id = format!("{}-{}-{}", record.account, record.name, record.rtype);
        let mut buttons = vec![("update", "Update now", record.name.as_str(), "")];
        if record.held.is_some() {
            let target = if with_account { ("", record.account.as_str()) } else { (record.name.as_str(), "") };
            buttons.push(("release", if with_account { "Release the account" } else { "Release" }, target.0, target.1));
        }
        html! {
            article .card aria-label=(format!("{} {}", record.name, record.rtype)) {
                div .head {
                    h3 { (record.name) small { (record.rtype) } }
                    (state(&record.state))
                }
                @if let Some(wanted) = record.wanted.as_ref().or(record.confirmed.as_ref()).filter(|wanted| !wanted.is_empty()) {
                    p .address .long[wanted.iter().any(|value| value.len() > LONG)] { (wanted.join(", ")) }
                }
                @if let Some(held) = &record.held { (self.hold(held, with_account)) }
                @else if record.state != "up to date" || record.waits.is_some() { p { (record.says) } }
                dl {
                    dt { "Account" }
                    dd { (record.account) @if let Some(account) = account { " at " (account.provider) } }
                    @if let Some(confirmed) = record.confirmed.as_ref().filter(|_| record.confirmed != record.wanted) {
                        dt { "Held before" }
                        dd { (if confirmed.is_empty() { "nothing".into() } else { confirmed.join(", ") }) }
                    }
                    dt { "Confirmed" }
                    dd {
                        @match &record.confirmed_at { Some(at) => (self.moment(at)), None => "never" }
                        (proof(record))
                    }
                    dt { "Next look" }
                    dd { @match &record.next { Some(next) => (self.moment(next)), None => "when something changes" } }
                    @for uplink in &record.uplinks { dt { "Uplink" } dd { (uplink.line()) } }
                }
                (self.actions(&id, &buttons))
            }
        }
    }

    /// Why something is held and how to let go: an account, or a record set by itself or with its account.
    fn hold(&self, held: &HoldStatus, with_it: bool) -> Markup {
        html! {
            div .why {
                p { @if with_it { "Held with its account: " } @else { "Held: " } (held.error) }
                p .soft { "Since " (self.time(&held.since)) "; " (held.way_out()) }
            }
        }
    }

    fn account(&self, account: &AccountStatus) -> Markup {
        html! {
            div .card {
                div .head {
                    h3 { (account.name) small { (account.provider) } }
                    @if account.held.is_some() { (state("held")) }
                    @else if account.waits_until.is_some() { (state("waiting")) }
                    @else if account.error.is_some() { (state("failing")) }
                    @else { (state("ready")) }
                }
                @if let Some(held) = &account.held { (self.hold(held, false)) }
                @else if let Some(error) = &account.error { p { (error) } }
                @if let Some(until) = &account.waits_until { p .soft { "It rests and is asked again " (self.moment(until)) "." } }
                @if account.held.is_some() {
                    (self.actions(&account.name, &[("release", "Release the account", "", account.name.as_str())]))
                }
            }
        }
    }

    fn channel(&self, channel: &ChannelStatus) -> Markup {
        html! {
            div .card {
                div .head {
                    h3 { (channel.name) small { (channel.kind) } }
                    (state(if channel.error.is_some() { "failing" } else { "ready" }))
                }
                @if let Some(error) = &channel.error {
                    p { (error) }
                    p .soft {
                        @if let Some(failed) = &channel.failed { "It failed " (self.moment(failed)) "; " }
                        @if channel.refused { "it is not tried again unless its settings or its secret change, or a test by hand arrives; otherwise " }
                        @match &channel.again { Some(again) => { "tried again " (self.moment(again)) "." }, None => { (ChannelStatus::NOT_BY_ITSELF) "." } }
                    }
                }
                @if let Some(until) = &channel.withheld { p .soft { "More news is withheld; it is told " (self.moment(until)) "." } }
                p .soft { @match &channel.told { Some(told) => { "Last told " (self.moment(told)) "." }, None => { (capital(ChannelStatus::NOTHING_TOLD)) "." } } }
            }
        }
    }

    fn source(&self, source: &SourceStatus) -> Markup {
        html! {
            li {
                p { strong { (source.source) } " " span .soft { (source.family) } }
                p { (source.says) @if source.demoted { " – not counted, as it disagrees too often" } }
                p .soft { (self.moment(&source.at)) }
            }
        }
    }

    /// Buttons, where there is a token: what each does, its text, and the name or the account that it is about.
    fn actions(&self, id: &str, buttons: &[(&str, &str, &str, &str)]) -> Markup {
        html! {
            @if self.acts {
                div .actions data-script hidden {
                    @for (action, text, name, account) in buttons {
                        button type="button" id=(format!("{action}-{id}")) data-action=(action)
                            data-name=[Some(name).filter(|name| !name.is_empty())]
                            data-account=[Some(account).filter(|account| !account.is_empty())] {
                            (text)
                            @if !name.is_empty() { span .of { " " (name) } }
                        }
                    }
                }
            }
        }
    }

    /// A moment for people: how far away, and when exactly.
    fn moment(&self, at: &str) -> Markup {
        let far = self.now.and_then(|now| Some(distance(at.parse().ok()?, now)));
        html! { @if let Some(far) = far { (far) " · " } (self.time(at)) }
    }

    /// A moment as it stands in the status, readable: the day is left out where it is today.
    fn time(&self, at: &str) -> Markup {
        let plain = at.trim_end_matches('Z').replace('T', " ");
        let today = self.status.at.split('T').next().is_some_and(|day| at.starts_with(day));
        let text = if today { plain.split_once(' ').map_or(plain.as_str(), |(_, time)| time) } else { plain.as_str() };
        html! { time datetime=(at) { (text) " UTC" } }
    }
}

/// The channels that fail.
fn failing(status: &Status) -> Vec<&str> {
    status.channels.iter().filter(|channel| channel.error.is_some()).map(|channel| channel.name.as_str()).collect()
}

fn state(state: &str) -> Markup {
    let class = if STATES.contains(&state) { state.replace(' ', "-") } else { "up-to-date".into() };
    html! { span class=(format!("state {class}")) { (state) } }
}

/// A text that begins a sentence.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}

/// How far a record set has come, in few words.
fn proof(record: &RecordStatus) -> String {
    match (record.taken(), &record.read_back, &record.seen_in_dns) {
        (_, _, Some(_)) => ", seen in DNS".into(),
        (Some((ALREADY_RIGHT, _)), ..) => format!(", {ALREADY_RIGHT}"),
        (_, Some(_), None) => ", read back".into(),
        (Some((word, _)), None, None) => format!(", {word}"),
        (None, None, None) => String::new(),
    }
}

/// How far a moment is away, in one unit.
fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second().saturating_sub(now.as_second());
    let far = match seconds.unsigned_abs() {
        0..=1 => return "now".into(),
        s @ 2..=99 => format!("{s} s"),
        s @ 100..=5999 => format!("{} min", s / 60),
        s @ 6000..=172_799 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    };
    if seconds > 0 { format!("in {far}") } else { format!("{far} ago") }
}

/// The last changes of all record sets, newest first.
fn changes(status: &Status) -> Vec<(&Line, &RecordStatus)> {
    let lines = status.records.iter().flat_map(|record| record.history.iter().map(move |line| (line, record)));
    let mut changes: Vec<_> = lines.collect();
    // Stable, so that of one second the order within a record set stays; newest first.
    changes.reverse();
    changes.sort_by(|(one, _), (other, _)| other.at.cmp(&one.at));
    changes.truncate(CHANGES);
    changes
}

#[cfg(test)]
mod tests;
