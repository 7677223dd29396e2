//! What a dyndns2 service answers, and what happens next.
//!
//! The word decides, whatever the HTTP status: 911 comes with 500, badauth with 200 or 401. The status speaks only for a
//! name that no word was said about. A word is the first of its line and stands alone: `not good` and a page that
//! contains `good` are failures.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::model::error::{Error, Kind, Result, Scope};
use crate::model::name::Name;
use crate::model::plan::Applied;

/// The shortest pause after `911` and `dnserr` (No-IP: "retry the update no sooner than 30 minutes").
const PAUSE: Duration = Duration::from_secs(30 * 60);

/// What a refusal applies to when the service says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The name in whose line it stands.
    Name,
    /// The name in whose line it stands; all names where the answer has no other line (No-IP: "username is blocked").
    NameOrAll,
    /// All names that the answer says nothing else about.
    All,
}

/// What follows from a refusal.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// Always the same.
    Always(Kind),
    /// A pause of half an hour, or as long as the service asks.
    Pause,
}

/// A word of refusal.
#[derive(Debug)]
struct Refusal {
    word: &'static str,
    reach: Reach,
    next: Next,
    why: &'static str,
    hint: &'static str,
}

const CONFIG: Next = Next::Always(Kind::Config);
const ACCOUNT: Next = Next::Always(Kind::Auth { scope: Scope::Account });
const ABUSE: Next = Next::Always(Kind::Abuse);
const SERVICE: Next = Next::Always(Kind::Auth { scope: Scope::Service });

/// Every word of refusal.
const REFUSALS: &[Refusal] = &[
    refusal("!active", Reach::NameOrAll, CONFIG, "the name or the account is not active", "activate it at the service"),
    refusal(
        "!donator",
        Reach::All,
        CONFIG,
        "the account does not include this feature",
        "see what the account includes",
    ),
    refusal("!yours", Reach::Name, CONFIG, "the name belongs to another account", "see its spelling, and username"),
    refusal("911", Reach::All, Next::Pause, "the service is out of order", "nothing to do: it is tried again"),
    refusal(
        "abuse",
        Reach::NameOrAll,
        ABUSE,
        "blocked for abuse",
        "ask the service to unblock it, then release it here",
    ),
    refusal("badagent", Reach::All, SERVICE, "the service refuses this client", "report it, with the service's name"),
    refusal("badauth", Reach::All, ACCOUNT, "user name or password are refused", "see username and password"),
    refusal("badparam", Reach::All, CONFIG, "a parameter is refused", "see server and ipv6_parameter"),
    refusal("badsys", Reach::All, CONFIG, "the parameter system is refused", "see the query in server"),
    refusal("dnserr", Reach::All, Next::Pause, "the service's own DNS has a fault", "nothing to do: it is tried again"),
    refusal("nohost", Reach::Name, CONFIG, "the account has no such name", "create the name at the service first"),
    refusal("notfqdn", Reach::Name, CONFIG, "not taken for a fully qualified name", "see the spelling of the name"),
    refusal("numhost", Reach::All, CONFIG, "too many names in one request", "lower names_per_request"),
];

const fn refusal(word: &'static str, reach: Reach, next: Next, why: &'static str, hint: &'static str) -> Refusal {
    Refusal { word, reach, next, why, hint }
}

/// What one line says.
#[derive(Clone, Debug)]
enum Line {
    Took(Applied),
    Refused(&'static Refusal),
    /// It took an address that we did not send.
    Other(IpAddr),
    /// No word that we know.
    Unknown,
}

/// What became of each name, in the names' order. `retry_after` is the header's, `sent` are the addresses of the request, `quoted` is
/// what is said of the answer's beginning where it is not understood ([`Reply::quoted`](crate::net::http::Reply::quoted)).
///
/// `good 192.0.2.1\nnohost` for two names answers `[Ok(Done), Err(Config)]`; `badauth` answers `Err(Auth)` for both.
///
/// Dyn documents one line for each name in the names' order, and words about account or service once for all.
#[must_use]
pub fn parse(
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
    names: &[Name],
    sent: &[IpAddr],
    quoted: &str,
) -> Vec<Result<Applied>> {
    let lines = lines(body, sent);
    let all = of_all(&lines, names.len());
    let status = Status { code: status, retry_after, octets: body.len(), lines: lines.len(), quoted };
    let answer = |(at, name): (usize, &Name)| {
        let own = lines.get(at).filter(|line| !matches!(line, Line::Unknown));
        let own = own.filter(|_| all.is_none_or(|all| at < all.from));
        status.answer(own.or(all.map(|all| all.line)), &doing(name))
    };
    names.iter().enumerate().map(answer).collect()
}

/// What is being done to a name, for messages.
#[must_use]
pub fn doing(name: &Name) -> String {
    format!("updating {name}")
}

/// The lines that are not blank; none where the body is a page of HTML or XML.
fn lines(body: &[u8], sent: &[IpAddr]) -> Vec<Line> {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_ascii_start();
    if text.starts_with('<') {
        return Vec::new();
    }
    let lines = text.split(['\r', '\n']).map(str::trim_ascii).filter(|line| !line.is_empty());
    lines.map(|line| read(line, sent)).collect()
}

fn read(line: &str, sent: &[IpAddr]) -> Line {
    let (word, rest) = line.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((line, ""));
    let refusal = |word: &str| REFUSALS.iter().find(|refusal| refusal.word.eq_ignore_ascii_case(word));
    let applied = match word {
        word if word.eq_ignore_ascii_case("good") => Applied::Done,
        word if word.eq_ignore_ascii_case("nochg") => Applied::Unchanged,
        word => return refusal(word).map_or(Line::Unknown, Line::Refused),
    };
    let told: Vec<IpAddr> = addresses(rest).collect();
    if told.is_empty() && !rest.trim_ascii().is_empty() {
        // "Good morning": an answer that is not understood is a failure.
        return Line::Unknown;
    }
    if applied == Applied::Done && told.contains(&Ipv4Addr::LOCALHOST.into()) {
        // Dyn: the client is blocked, and the request was ignored.
        return refusal("badagent").map_or(Line::Unknown, Line::Refused);
    }
    // Services that take both families may tell only one of them.
    match told.into_iter().find(|address| !sent.contains(address)) {
        Some(other) => Line::Other(other),
        None => Line::Took(applied),
    }
}

/// The addresses right behind the word, between spaces, commas and brackets; what follows them is for people.
fn addresses(rest: &str) -> impl Iterator<Item = IpAddr> {
    let of_address = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let parts = rest.split(move |c: char| c == ',' || c.is_ascii_whitespace());
    let bare = parts.map(move |part| part.split(move |c| !of_address(c)).find(|bare| !bare.is_empty()));
    bare.flatten().map_while(|bare| bare.trim_end_matches('.').parse().ok())
}

/// What is said about all names together.
#[derive(Clone, Copy)]
struct OfAll<'a> {
    line: &'a Line,
    /// From this name on it counts whatever the name's own line says: a refusal followed by `Good bye` is no success.
    from: usize,
}

fn of_all(lines: &[Line], names: usize) -> Option<OfAll<'_>> {
    let is_of_all = |line: &Line| match line {
        Line::Refused(refusal) => match refusal.reach {
            Reach::All => true,
            Reach::NameOrAll => lines.len() == 1,
            Reach::Name => false,
        },
        _ => false,
    };
    // More words than names, and not all are good: which word is whose cannot be known, so none may count as success.
    let known = || lines.iter().filter(|line| !matches!(line, Line::Unknown));
    let failed = known().find(|line| !matches!(line, Line::Took(_)));
    let unclear = known().count() > names && failed.is_some();
    if let Some((at, line)) = lines.iter().enumerate().find(|(_, line)| is_of_all(line)) {
        return Some(OfAll { line, from: if unclear { 0 } else { at } });
    }
    let line = failed.filter(|_| names == 1).unwrap_or(&Line::Unknown);
    unclear.then_some(OfAll { line, from: 0 })
}

/// The frame in which the lines came.
struct Status<'a> {
    code: u16,
    retry_after: Option<Duration>,
    octets: usize,
    lines: usize,
    quoted: &'a str,
}

impl Status<'_> {
    fn answer(&self, line: Option<&Line>, doing: &str) -> Result<Applied> {
        match line {
            Some(Line::Took(applied)) => Ok(applied.clone()),
            Some(Line::Refused(refusal)) => Err(self.refused(refusal, doing)),
            Some(Line::Other(address)) => {
                Err(Error::transient(doing, format!("the service speaks of {address} instead")).hint(
                    "see whether the service takes the parameters as they are sent: server, ipv6_parameter, families",
                ))
            }
            Some(Line::Unknown) | None => Err(self.without_a_word(doing)),
        }
    }

    fn refused(&self, refusal: &Refusal, doing: &str) -> Error {
        let kind = match refusal.next {
            Next::Always(kind) => kind,
            Next::Pause => Kind::RateLimited { after: Some(self.retry_after.unwrap_or_default().max(PAUSE)) },
        };
        Error::new(kind, doing, format!("{} ({})", refusal.why, refusal.word)).hint(refusal.hint)
    }

    /// The status speaks for a name that no word was said about. Of the body only what was quoted with care is shown: a service may
    /// repeat the password.
    fn without_a_word(&self, doing: &str) -> Error {
        let failed = self.code >= 400;
        let lines = if self.lines == 1 { "1 line".to_owned() } else { format!("{} lines", self.lines) };
        let (status, octets) = (self.code, self.octets);
        let what = match (self.octets, self.lines) {
            (0, _) if failed => ", an empty answer".to_owned(),
            (0, _) => format!("the answer (status {status}) is empty"),
            (_, 0) if failed => format!(", and {octets} octets that hold no word{}", self.quoted),
            (_, 0) => format!("the answer (status {status}, {octets} octets) holds no word{}", self.quoted),
            _ if failed => format!(", and {octets} octets, {lines}, that hold no known word{}", self.quoted),
            _ => format!(
                "the answer (status {status}, {octets} octets, {lines}) has no known word for this name{}",
                self.quoted
            ),
        };
        // What a server says of itself comes first: nothing of the request is known to be wrong.
        let why = if failed { format!("HTTP {status}{what}") } else { what };
        match (self.code, self.retry_after) {
            (401, _) => Error::auth(Scope::Account, doing, why).hint("see username and password"),
            (403, _) => Error::auth(Scope::RecordSet, doing, why).hint("see whether the account may update this name"),
            (429, after) | (503, after @ Some(_)) => Error::rate_limited(after, doing, why),
            (404 | 410, _) => Error::transient(doing, why).hint("see server: there is nothing at that path"),
            (400.., _) => Error::transient(doing, why),
            (300..=399, _) => Error::transient(doing, why).hint("the service points elsewhere: see server"),
            _ => Error::transient(doing, why).hint("see server; names_per_request = 1 if it answers for one name only"),
        }
    }
}

#[cfg(test)]
mod tests;
