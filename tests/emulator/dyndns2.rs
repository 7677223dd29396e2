//! A strict dyndns2 service: the protocol as Dyn documents it, at <https://help.dyn.com/remote-access-api/>.
//!
//! Strict: what the documentation leaves to the server's good will (parameters it does not know, a request without an
//! address, two addresses of one family) is refused. Late, lost and foreign answers are the server's faults (http.rs).

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::BASE64;

use super::http::{Answer, Received};

/// What can be typed.
pub const USAGE: &str = "\
dyndns2 [--user NAME] [--password PASSWORD] [--names N] [--patience N] [--keeps-siblings] [--ipv6-parameter NAME] HOST...
    the names HOST... at user \"user\" with password \"secret\" unless given; --names: so many in a request at most (20);
    --patience: blocked for abuse after so many nochg in a row (3); --keeps-siblings: a family that is not named stays";

/// The path of the API.
pub const PATH: &str = "/nic/update";

/// What one name holds and how it fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Its A record.
    pub ipv4: Option<Ipv4Addr>,
    /// Its AAAA record.
    pub ipv6: Option<Ipv6Addr>,
    /// How many times in a row it was sent what it holds.
    pub nochg: u32,
    /// Blocked for abuse: nothing but `abuse` is answered until it is unblocked.
    pub blocked: bool,
    /// It belongs to another account.
    pub foreign: bool,
}

/// How strict the service is, and which dialect it speaks.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The most names of one request; more are `numhost`.
    pub names: usize,
    /// So many `nochg` in a row block a name for abuse.
    pub patience: u32,
    /// A family that a request does not name is deleted.
    pub forgets: bool,
    /// The parameter for IPv6, where the service has one of its own.
    pub ipv6_parameter: Option<String>,
}

impl Default for Rules {
    /// Dyn's own: 20 names, both families in `myip`, the other one deleted.
    fn default() -> Self {
        Self {
            user: "user".into(),
            password: "secret".into(),
            names: 20,
            patience: 3,
            forgets: true,
            ipv6_parameter: None,
        }
    }
}

/// The service. Clones are the same service.
#[derive(Clone, Debug)]
pub struct Dyndns2 {
    rules: Arc<Rules>,
    hosts: Arc<Mutex<BTreeMap<String, Host>>>,
}

/// The parameters of an update.
struct Parameters {
    names: Vec<String>,
    ipv4: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
}

impl Dyndns2 {
    /// A service whose account has these names, all without an address.
    pub fn new<N: Into<String>>(rules: Rules, names: impl IntoIterator<Item = N>) -> Self {
        let hosts = names.into_iter().map(|name| (name.into(), Host::default())).collect();
        Self { rules: Arc::new(rules), hosts: Arc::new(Mutex::new(hosts)) }
    }

    /// The service that a command line describes, see [`USAGE`].
    pub fn by_hand(arguments: &[String]) -> Result<Self, String> {
        let (mut rules, mut names) = (Rules::default(), Vec::new());
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().cloned().ok_or_else(|| format!("{argument} wants a value"));
            let number = |text: String| text.parse().map_err(|_| format!("\"{text}\" is no number"));
            match argument.as_str() {
                "--user" => rules.user = value()?,
                "--password" => rules.password = value()?,
                "--names" => rules.names = number(value()?)? as usize,
                "--patience" => rules.patience = number(value()?)?,
                "--keeps-siblings" => rules.forgets = false,
                "--ipv6-parameter" => rules.ipv6_parameter = Some(value()?),
                option if option.starts_with('-') => return Err(format!("there is no option {option}\n{USAGE}")),
                name => names.push(name.to_ascii_lowercase()),
            }
        }
        Ok(Self::new(rules, names))
    }

    /// What a name holds; `None` where there is no such name.
    pub fn host(&self, name: &str) -> Option<Host> {
        self.hosts().get(name).copied()
    }

    /// Sets what a name holds and how it fares.
    pub fn set(&self, name: &str, host: Host) {
        self.hosts().insert(name.into(), host);
    }

    /// Answers one request.
    pub fn answer(&self, request: &Received) -> Answer {
        if request.path != PATH {
            return Answer::new(404, "<html><body>Not found</body></html>").with("Content-Type", "text/html");
        }
        // "The user agent was not sent or HTTP method is not permitted".
        if request.method != "GET" || !is_own_agent(request.header("user-agent").unwrap_or_default()) {
            return word("badagent");
        }
        if !self.is_authorised(request.header("authorization").unwrap_or_default()) {
            let challenge = "Basic realm=\"dyndns2\"";
            return Answer { status: 401, ..word("badauth") }.with("WWW-Authenticate", challenge);
        }
        let parameters = match self.parameters(request.query.as_deref().unwrap_or_default()) {
            Ok(parameters) => parameters,
            Err(refusal) => return word(refusal),
        };
        let mut hosts = self.hosts();
        let lines: Vec<_> =
            parameters.names.iter().map(|name| self.update(hosts.get_mut(name), name, &parameters)).collect();
        word(&lines.join("\n"))
    }

    fn is_authorised(&self, field: &str) -> bool {
        let expected = BASE64.encode(format!("{}:{}", self.rules.user, self.rules.password).as_bytes());
        field.split_once(' ').is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("basic") && given == expected)
    }

    /// The parameters, or the word that refuses them all.
    fn parameters(&self, query: &str) -> Result<Parameters, &'static str> {
        let mut given = BTreeMap::new();
        for part in query.split('&') {
            let (name, value) = part.split_once('=').ok_or("badparam")?;
            if given.insert(name, decode(value).ok_or("badparam")?).is_some() {
                return Err("badparam");
            }
        }
        let names = given.remove("hostname").filter(|names| !names.is_empty()).ok_or("notfqdn")?;
        let names: Vec<_> = names.split(',').map(str::to_ascii_lowercase).collect();
        if names.len() > self.rules.names {
            return Err("numhost");
        }
        let mut parameters = Parameters { names, ipv4: None, ipv6: None };
        let own = self.rules.ipv6_parameter.as_deref();
        for (name, value) in given {
            match name {
                "myip" => parameters.take(&value, |address| address.is_ipv4() || own.is_none())?,
                name if Some(name) == own => parameters.take(&value, |address| address.is_ipv6())?,
                _ => return Err("badparam"),
            }
        }
        if parameters.ipv4.is_none() && parameters.ipv6.is_none() {
            return Err("badparam");
        }
        Ok(parameters)
    }

    /// Updates one name and answers its line.
    fn update(&self, host: Option<&mut Host>, name: &str, asked: &Parameters) -> String {
        if !is_qualified(name) {
            return "notfqdn".into();
        }
        let Some(host) = host else {
            return "nohost".into();
        };
        if host.foreign {
            return "!yours".into();
        }
        if host.blocked {
            return "abuse".into();
        }
        let forgets = self.rules.forgets;
        let ipv4 = asked.ipv4.or(host.ipv4.filter(|_| !forgets));
        let ipv6 = asked.ipv6.or(host.ipv6.filter(|_| !forgets));
        let told = asked.told();
        if (ipv4, ipv6) == (host.ipv4, host.ipv6) {
            host.nochg += 1;
            host.blocked = host.nochg >= self.rules.patience;
            return format!("nochg {told}");
        }
        *host = Host { ipv4, ipv6, ..Host::default() };
        format!("good {told}")
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parameters {
    /// Takes a list of addresses, at most one of a family, all of which `fits`.
    fn take(&mut self, list: &str, fits: impl Fn(IpAddr) -> bool) -> Result<(), &'static str> {
        for address in list.split(',') {
            let taken = match address.parse().ok().filter(|address| fits(*address)) {
                Some(IpAddr::V4(address)) => self.ipv4.replace(address).is_some(),
                Some(IpAddr::V6(address)) => self.ipv6.replace(address).is_some(),
                None => true,
            };
            if taken {
                return Err("badparam");
            }
        }
        Ok(())
    }

    /// The addresses as an answer repeats them.
    fn told(&self) -> String {
        let addresses = self.ipv4.map(IpAddr::V4).into_iter().chain(self.ipv6.map(IpAddr::V6));
        addresses.map(|address| address.to_string()).collect::<Vec<_>>().join(",")
    }
}

fn word(text: &str) -> Answer {
    Answer::new(200, text).with("Content-Type", "text/plain")
}

/// A client names itself and its version (`name/1.0 contact`), and is no browser or library.
fn is_own_agent(agent: &str) -> bool {
    let generic = ["curl", "mozilla", "python-requests", "reqwest", "wget"];
    agent.split_once('/').is_some_and(|(name, version)| {
        !name.is_empty()
            && version.starts_with(|c: char| c.is_ascii_digit())
            && !generic.contains(&name.to_ascii_lowercase().as_str())
    })
}

/// Two labels at least, of letters, digits and hyphens, without a dot at the end.
fn is_qualified(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*'))
    };
    name.contains('.') && name.len() <= 253 && name.split('.').all(label)
}

/// Undoes percent-encoding; `None` where it is broken or no text.
fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'+' => b' ',
            octet => octet,
        });
    }
    String::from_utf8(octets).ok()
}
