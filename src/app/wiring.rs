//! From what was meant to what works: the configuration becomes the machine's desires, providers and detectors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Absent, Config, Source, Values};
use crate::detect::Detector;
use crate::detect::command::{self, Command};
use crate::detect::delegated::Delegated;
use crate::detect::dns::Dns;
use crate::detect::file::File;
use crate::detect::fixed::Fixed;
use crate::detect::https::Clients;
use crate::detect::interface::{Interface, InterfaceOptions};
use crate::detect::lan::Lan;
use crate::detect::stun::Stun;
use crate::detect::way::Outside;
use crate::engine::{Access, Outlet, Parts};
use crate::model::agree::{Expression, SourceName};
use crate::model::desired::{
    AccountName, AccountSpec, Desired, FirstContact, Id, RecordSpec, SourceSpec, TtlPolicy, Uplink,
};
use crate::model::evidence;
use crate::model::record::{Family, RrsetKey};
use crate::net::dns::whoami::{Form, Question};
use crate::net::http::Http;
use crate::net::server::Server;
use crate::net::stun::Transport;
use crate::net::via::Via;
use crate::notify;
use crate::provider::Tools;

mod lan;
mod world;

/// The sources, gathered while records are read.
struct Sources<'a> {
    /// The clients that each way out needs once.
    clients: Vec<(Via, Clients)>,
    echo_interval: Duration,
    /// Whether the record whose sources are read publishes what is seen at a VPN's exit.
    vpn: bool,
    environment: &'a [(std::ffi::OsString, std::ffi::OsString)],
    specs: BTreeMap<SourceName, SourceSpec>,
    detectors: BTreeMap<SourceName, Arc<dyn Detector>>,
    /// While a prefix is read: how many bits of it are taken at most.
    prefix: Option<u8>,
    lan: Lan,
}

/// What detectors that run commands may see of the environment.
#[must_use]
pub fn harmless(variables: &BTreeMap<String, String>) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let shown = variables.iter().filter(|(name, _)| ["PATH", "LANG"].contains(&name.as_str()));
    shown.map(|(name, value)| (name.into(), value.into())).collect()
}

/// Builds everything that the configuration speaks of. What did not change is taken from `before`: tokens, connections and
/// readings stay.
///
/// # Errors
/// What does not fit together, in words.
pub fn build(
    config: &Config,
    environment: &[(std::ffi::OsString, std::ffi::OsString)],
    before: Option<&Parts>,
) -> Result<Parts, String> {
    let tools = Tools { http: Http::new(None) };
    let mut providers = config.check_accounts(&tools).map_err(|errors| errors.one_line())?;
    let mut parts = Parts::default();
    for (name, account) in &config.accounts {
        let name = AccountName(name.clone());
        let Some(mut provider) = providers.remove(&name.0) else { continue };
        if let Some(kept) = before.and_then(|before| before.accounts.get(&name))
            && before.is_some_and(|before| same_service(before, &name, account))
            && kept.settings.canonical() == account.settings.canonical()
        {
            provider = Arc::clone(&kept.provider);
        }
        let mut terms = provider.terms();
        terms.in_dns &= account.verify;
        let service = account.entry.name.to_owned();
        let identity = digest(&[service.as_bytes(), &account.settings.identity(account.entry.settings)], 16);
        parts.desired.accounts.insert(name.clone(), AccountSpec { service, identity, terms });
        let access = Access { provider, settings: account.settings.clone(), nameservers: account.nameservers.clone() };
        parts.accounts.insert(name, access);
    }
    let mut sources = Sources {
        clients: Vec::new(),
        echo_interval: config.defaults.echo_interval,
        vpn: false,
        environment,
        specs: BTreeMap::new(),
        detectors: BTreeMap::new(),
        prefix: None,
        lan: before.map(|before| before.lan.anew()).unwrap_or_default(),
    };
    for record in &config.records {
        let mut declare = |rtype, uplinks| {
            let id =
                Id { account: AccountName(record.account.clone()), key: RrsetKey::new(record.name.clone(), rtype) };
            parts.desired.records.insert(id, spec(record, uplinks));
        };
        let mut together = Vec::new();
        sources.vpn = record.vpn;
        for (family, source) in [(Family::Ipv4, &record.ipv4), (Family::Ipv6, &record.ipv6)] {
            match &record.derived {
                Some(derived) if derived.value.template.families().any(|needed| needed == family) => {
                    together.extend(sources.uplinks(source, family, record.private)?);
                }
                Some(_) => {}
                None => match sources.uplinks(source, family, record.private)? {
                    none if none.is_empty() => {}
                    uplinks => declare(family.record_type(), uplinks),
                },
            }
        }
        record.derived.iter().for_each(|derived| declare(derived.rtype, std::mem::take(&mut together)));
    }
    let Desired { sources: specs, check, verify, .. } = &mut parts.desired;
    *specs = sources.specs;
    *check = config.defaults.check;
    *verify = config.defaults.verify;
    parts.detectors = sources.detectors;
    parts.lan = sources.lan;
    parts.channels = channels(config, environment)?;
    if let Some(before) = before {
        for (name, detector) in &mut parts.detectors {
            if let Some(kept) = before.detectors.get(name) {
                *detector = Arc::clone(kept);
            }
        }
    }
    Ok(parts)
}

/// What channels are built with, given what programs may see of the environment.
#[must_use]
pub fn channel_tools(environment: &[(std::ffi::OsString, std::ffi::OsString)]) -> notify::Tools {
    notify::Tools { http: Http::new(None), environment: environment.to_vec() }
}

/// The channels by which people are told.
///
/// # Errors
/// The settings of one do not fit together, in words.
pub fn channels(
    config: &Config,
    environment: &[(std::ffi::OsString, std::ffi::OsString)],
) -> Result<BTreeMap<String, Outlet>, String> {
    let built = config.check_channels(&channel_tools(environment)).map_err(|errors| errors.one_line())?;
    let outlet = |(name, channel)| {
        let declared = config.channels.get(&name)?;
        let (settings, wish) = (declared.settings.clone(), declared.wish.clone());
        Some((name, Outlet { kind: declared.entry.name, settings, wish, channel }))
    };
    Ok(built.into_iter().filter_map(outlet).collect())
}

/// The first octets of a digest of some parts, in hexadecimal.
fn digest(parts: &[&[u8]], octets: usize) -> String {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    data_encoding::HEXLOWER.encode(digest.finish().as_ref().get(..octets).unwrap_or_default())
}

/// The name of a command as a source: what a shell would be typed, so that no two commands share one, and the time limit where
/// it is not the usual one. A source that is called otherwise after a reload is built anew.
fn command_name(argv: &[String], timeout: Duration) -> String {
    let plain = |word: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_^".contains(c);
        !word.is_empty() && word.chars().all(fits)
    };
    let quoted = |word: &String| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) };
    let limit = if timeout == command::TIMEOUT { String::new() } else { format!(" within {timeout:?}") };
    format!("command {}{limit}", argv.iter().map(quoted).collect::<Vec<_>>().join(" "))
}

fn same_service(before: &Parts, name: &AccountName, account: &config::Account) -> bool {
    before.desired.accounts.get(name).is_some_and(|spec| spec.service == account.entry.name)
}

fn spec(record: &config::Record, uplinks: Vec<Uplink>) -> RecordSpec {
    RecordSpec {
        uplinks,
        derived: record.derived.as_ref().map(|derived| Box::new(derived.value.clone())),
        first_contact: match &record.derived {
            _ if record.values == Values::Shared => FirstContact::Joins,
            // Texts of all kinds stand in one set.
            Some(derived) if derived.rtype.is_text() => FirstContact::Joins,
            Some(_) => FirstContact::Waits,
            None => FirstContact::Adopts,
        },
        ttl: match record.ttl {
            config::TtlPolicy::Keep => TtlPolicy::Keep,
            config::TtlPolicy::Set(ttl) => TtlPolicy::Set(ttl),
        },
        whole: record.values == Values::Whole,
        private: record.private,
        absent_after: match record.absent {
            Absent::Keep => None,
            Absent::Remove { after } => Some(after),
        },
    }
}

impl Sources<'_> {
    /// The ways in which a family's addresses are learnt: none where it is off, several with several uplinks.
    fn uplinks(&mut self, source: &Source, family: Family, private: bool) -> Result<Vec<Uplink>, String> {
        let each = match source {
            Source::All(of) => of.as_slice(),
            one => std::slice::from_ref(one),
        };
        let uplink = |source| Uplink { family, source };
        Ok(self.each(each, family, private)?.into_iter().map(uplink).collect())
    }

    /// The expression of a source, its detectors noted; `None` where the family is off.
    fn expression(&mut self, source: &Source, family: Family, private: bool) -> Result<Option<Expression>, String> {
        Ok(Some(match source {
            Source::Off => return Ok(None),
            Source::Auto => self.auto(family, private)?,
            Source::Interface(interface) => self.interface(InterfaceOptions {
                name: interface.name.clone(),
                temporary: interface.temporary,
                private: interface.private || private,
                deprecated: interface.deprecated,
                all: interface.all,
                vpn: self.vpn,
            }),
            Source::Https(echo) => self.https(echo, private)?,
            Source::BuiltIn(built_in) => self.built_in(built_in, family)?,
            Source::Dns(dns) => {
                let name = format!("dns {}{}{}", dns_name(&dns.question, &dns.servers), dns.via, dns.whose);
                let detector = Dns::new(dns.question.clone(), dns.servers.clone(), dns.via.clone(), private);
                let spec = self.world(evidence::Protocol::Dns, &dns.whose);
                self.note(name, private, spec, detector)
            }
            Source::Stun(stun) => {
                let by = if stun.transport == Transport::Tcp { " over TCP" } else { "" };
                let name = format!("stun {}{by}{}{}", stun.server, stun.via, stun.whose);
                let detector = Stun::new(stun.server.clone(), stun.transport, stun.via.clone(), private);
                let spec = self.world(evidence::Protocol::Stun, &stun.whose);
                self.note(name, private, spec, detector)
            }
            Source::Router(source) => self.router(source, private)?,
            Source::File { path } => {
                let file = File::new(path.clone(), private);
                let file = match self.prefix {
                    Some(length) => file.with_prefixes(length),
                    None => file,
                };
                let name = format!("file {}{}", path.display(), self.holds());
                self.local(evidence::Protocol::File, name, private, file)
            }
            Source::Command { argv, timeout } => {
                let (program, arguments) = argv.split_first().ok_or("a command needs a program")?;
                let arguments = arguments.iter().map(Into::into).collect();
                let command = Command::new(program.into(), arguments, self.environment.to_vec(), private);
                let name = format!("{}{}", command_name(argv, *timeout), self.holds());
                let command = command.within(*timeout);
                let command = match self.prefix {
                    Some(length) => command.with_prefixes(length),
                    None => command,
                };
                self.local(evidence::Protocol::Command, name, private, command)
            }
            Source::Fixed(addresses) => {
                let text = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let fixed = Fixed::new(addresses, private).map_err(|why| why.to_string())?;
                self.local(evidence::Protocol::Fixed, format!("fixed {text}"), private, fixed)
            }
            // The configuration has it stand by itself.
            Source::All(_) => return Err("uplinks cannot be part of another source".into()),
            Source::Delegated => {
                let length = self.prefix.ok_or("only a composed address can have a delegated prefix")?;
                let name = format!("delegated prefix of up to {length} bits");
                self.local(evidence::Protocol::Interface, name, private, Delegated::new(length, private))
            }
            Source::Composed(composed) => self.composed(composed, family, private)?,
            Source::FirstOf(of) => Expression::FirstOf(self.each(of, family, private)?),
            Source::Quorum { need, of } => Expression::Quorum { need: *need, of: self.each(of, family, private)? },
        }))
    }

    fn each(&mut self, of: &[Source], family: Family, private: bool) -> Result<Vec<Expression>, String> {
        of.iter().filter_map(|source| self.expression(source, family, private).transpose()).collect()
    }

    /// What a file or a command may hold beside addresses, as part of its name.
    fn holds(&self) -> String {
        self.prefix.map(|length| format!(", prefixes of up to {length} bits")).unwrap_or_default()
    }

    fn interface(&mut self, options: InterfaceOptions) -> Expression {
        let mut name = format!("interface {}", options.name.as_deref().unwrap_or("of the default route"));
        let vpn = options.vpn && options.name.is_none();
        let plain = [(options.temporary, "temporary"), (options.deprecated, "deprecated"), (options.all, "all")];
        for (set, word) in plain.into_iter().chain([(vpn, "of a VPN too")]) {
            if set {
                name = format!("{name}, {word}");
            }
        }
        let private = options.private;
        self.local(evidence::Protocol::Interface, name, private, Interface::new(options))
    }

    /// A source on this machine: an operator of its own.
    fn local(
        &mut self,
        protocol: evidence::Protocol,
        name: String,
        private: bool,
        detector: impl Detector + 'static,
    ) -> Expression {
        let spec = SourceSpec::local(protocol, name.clone());
        self.note(name, private, spec, detector)
    }

    fn note(&mut self, name: String, private: bool, spec: SourceSpec, detector: impl Detector + 'static) -> Expression {
        self.share(name, private, spec, Arc::new(detector))
    }

    fn share(&mut self, name: String, private: bool, spec: SourceSpec, mut detector: Arc<dyn Detector>) -> Expression {
        let mut name = if private { format!("{name} (private too)") } else { name };
        if let Some(asked) = detector.asked() {
            name += if self.vpn { " (through a VPN too)" } else { "" };
            detector = Arc::new(Outside::new(detector, asked, self.vpn));
        }
        Expression::Source(self.add(name, spec, detector))
    }

    /// A local source that says nothing of what may be published.
    fn of_lan(&mut self, protocol: evidence::Protocol, name: String, detector: impl Detector + 'static) -> SourceName {
        let spec = SourceSpec::local(protocol, name.clone());
        self.add(name, spec, Arc::new(detector))
    }

    fn add(&mut self, name: String, spec: SourceSpec, detector: Arc<dyn Detector>) -> SourceName {
        let name = SourceName(name);
        self.specs.insert(name.clone(), spec);
        self.detectors.entry(name.clone()).or_insert(detector);
        name
    }
}

/// The name of a question in DNS as a source: `whoami.example.net CH TXT at 192.0.2.53:53`, so that no two share one.
fn dns_name(question: &Question, servers: &[Server]) -> String {
    let form = match question.form {
        Form::Address => "",
        Form::Text => " TXT",
        Form::Chaos => " CH TXT",
    };
    let anyone = if question.authority { "" } else { ", without authority" };
    let servers: Vec<_> = servers.iter().map(ToString::to_string).collect();
    format!("{}{form} at {}{anyone}", question.name, servers.join(", "))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::Input;
    use crate::detect::way::Asked;
    use crate::model::record::RecordType;

    pub(super) fn built(text: &str, before: Option<&Parts>) -> Parts {
        let input = Input { files: vec![(PathBuf::from("d.toml"), text.to_owned())], ..Input::default() };
        build(&Config::load(&input).unwrap(), &[], before).unwrap()
    }

    pub(super) fn account(lines: &str) -> String {
        format!(
            "[account.home]\nprovider = \"dyndns2\"\nserver = \"https://dyndns.example.net\"\nusername = \"me\"\n{lines}\n\
             [[record]]\nname = \"home.example.org\"\naccount = \"home\"\n"
        )
    }

    fn sources(argv: &str, more: &str) -> String {
        format!("{}\n[address.default]\nipv4 = {{ command = {argv}{more} }}\n", account("password_file = \"/p\""))
    }

    #[test]
    fn a_detail_of_an_account_is_no_other_login() {
        let identity = |lines: &str| {
            let parts = built(&account(lines), None);
            parts.desired.accounts.into_values().next().unwrap().identity
        };
        let before = identity("password_file = \"/p\"");
        assert_eq!(identity("password_file = \"/other\"\nnames_per_request = 1\nrefresh = \"20d\""), before);
        assert_ne!(identity("password_file = \"/p\"\nipv6_parameter = \"myipv6\""), before, "something else is sent");
        let other = built(&account("password_file = \"/p\"").replace("\"me\"", "\"you\""), None);
        assert_ne!(other.desired.accounts.into_values().next().unwrap().identity, before);
    }

    #[test]
    fn commands_that_differ_are_different_sources() {
        let name = |argv: &[&str], seconds| {
            command_name(&argv.iter().map(ToString::to_string).collect::<Vec<_>>(), Duration::from_secs(seconds))
        };
        assert_eq!(name(&["/bin/ip", "-4", "addr"], 10), "command /bin/ip -4 addr");
        assert_eq!(name(&["/bin/ip", "it's 5", ""], 5), r"command /bin/ip 'it'\''s 5' '' within 5s");
        let different = [name(&["/a", "b c"], 10), name(&["/a", "b", "c"], 10), name(&["/a b", "c"], 10)];
        let apart: std::collections::BTreeSet<_> = different.iter().collect();
        assert_eq!(apart.len(), different.len());
    }

    /// The names of the sources of a record whose addresses come from these.
    fn names(ipv4: &str, ipv6: &str) -> Vec<String> {
        let text = format!("{}\n[address.default]\nipv4 = {ipv4}\nipv6 = {ipv6}\n", account("password_file = \"/p\""));
        built(&text, None).desired.sources.into_keys().map(|name| name.0).collect()
    }

    #[test]
    fn built_in_services_are_asked_over_the_families_they_have() {
        let in_dns = ["dns akamai", "dns cloudflare", "dns google", "dns opendns"];
        assert_eq!(names("\"dns\"", "false"), in_dns);
        assert_eq!(names("false", "\"dns\""), in_dns[1..]);
        assert_eq!(names("{ stun = \"google\" }", "{ https = \"ident.me\" }"), ["https ident.me", "stun google"]);
        assert!(names("\"https\"", "false").contains(&"https aws".to_owned()));
        assert!(!names("false", "\"https\"").contains(&"https aws".to_owned()));
    }

    #[test]
    fn behind_nat_the_router_and_one_service_of_each_operator_are_asked() {
        let parts = built(&account("password_file = \"/p\""), None);
        let of = |rtype| {
            parts.desired.records.iter().find(|(id, _)| id.key.rtype == rtype).map(|(_, spec)| &spec.uplinks[0].source)
        };
        let interface = Expression::Source(SourceName("interface of the default route".into()));
        assert_eq!(of(RecordType::Aaaa), Some(&interface));
        let Some(Expression::FirstOf(parts_of)) = of(RecordType::A) else { panic!() };
        let [first, Expression::Quorum { need: 2, of: voices }] = parts_of.as_slice() else { panic!("{parts_of:?}") };
        assert_eq!(*first, interface);
        let spec = |voice: &Expression| match voice {
            Expression::Source(name) => parts.desired.sources[name].clone(),
            other => panic!("{other:?}"),
        };
        let specs: Vec<SourceSpec> = voices.iter().map(spec).collect();
        #[cfg(feature = "router")]
        assert_eq!(
            (specs[0].protocol, specs[0].min_interval),
            (evidence::Protocol::Router, crate::detect::router::INTERVAL)
        );
        let operators: std::collections::BTreeSet<_> = specs.iter().map(|spec| spec.operator.as_str()).collect();
        assert_eq!(operators.len(), specs.len(), "one voice an operator: {specs:?}");
        assert!(
            specs[1..].iter().all(|spec| !spec.protocol.is_local() && spec.min_interval >= Duration::from_secs(600))
        );
        assert!(specs.iter().all(|spec| !spec.trusted) && specs.len() > 10);
    }

    #[test]
    fn a_server_that_is_trusted_by_one_record_is_not_by_another() {
        let of = "{ quorum = 2, of = [\"router\", { stun = \"192.0.2.1\" }, { stun = \"192.0.2.1\", trusted = true }, \
                  { stun = \"192.0.2.1\", operator = \"me\" }] }";
        let text = format!("{}\n[address.default]\nipv4 = {of}\nipv6 = false\n", account("password_file = \"/p\""));
        let specs = built(&text, None).desired.sources;
        let of = |name: &str| {
            let spec = &specs[&SourceName(name.into())];
            (spec.operator.clone(), spec.trusted)
        };
        assert_eq!(of("stun 192.0.2.1:3478"), ("192.0.2.1".into(), false));
        assert_eq!(of("stun 192.0.2.1:3478, trusted"), ("192.0.2.1".into(), true));
        assert_eq!(of("stun 192.0.2.1:3478 of me"), ("me".into(), false));
    }

    #[test]
    fn sources_that_are_asked_otherwise_are_different_sources() {
        let server = "dns = \"me.example.net\", server = \"192.0.2.53\"";
        let of = [
            format!("{{ {server} }}"),
            format!("{{ {server}, authoritative = false }}"),
            format!("{{ {server}, type = \"TXT\" }}"),
            format!("{{ {server}, type = \"TXT\", class = \"CH\" }}"),
            format!("{{ {server}, bind_interface = \"ppp0\" }}"),
            format!("{{ {server}, bind_interface = \"ppp0\", bind_address = \"192.0.2.7\" }}"),
            "{ dns = \"me.example.net\", server = \"192.0.2.54\" }".to_owned(),
            "{ stun = \"stun.example.net\" }".to_owned(),
            "{ stun = \"stun.example.net\", transport = \"tcp\" }".to_owned(),
            "{ stun = \"google\" }".to_owned(),
            "{ stun = \"google\", bind_interface = \"ppp0\" }".to_owned(),
            "{ https = \"https://a.example/\", header = \"a\" }".to_owned(),
            "{ https = \"https://a.example/\", pattern = \"a{ip}\" }".to_owned(),
            "{ https = \"https://a.example/\", pattern = \"a{ip}\", bind_address = \"192.0.2.7\" }".to_owned(),
        ];
        let found = names(&format!("{{ first_of = [{}] }}", of.join(", ")), "false");
        assert_eq!(found.len(), of.len(), "{found:#?}");
        assert!(found.contains(&"dns me.example.net CH TXT at 192.0.2.53:53".to_owned()), "{found:#?}");
        assert!(found.contains(&"stun google by ppp0".to_owned()), "{found:#?}");
    }

    #[test]
    fn what_may_go_through_a_vpn_is_another_source() {
        let text = |more: &str| {
            let record = format!("{}\n{more}\n", account("password_file = \"/p\""));
            format!("{record}[address.default]\nipv4 = {{ stun = \"192.0.2.1\" }}\nipv6 = \"interface\"\n")
        };
        let of = |more| built(&text(more), None).desired.sources.into_keys().map(|name| name.0).collect::<Vec<_>>();
        assert_eq!(of(""), ["interface of the default route", "stun 192.0.2.1:3478"]);
        let meant = ["interface of the default route, of a VPN too", "stun 192.0.2.1:3478 (through a VPN too)"];
        assert_eq!(of("vpn = true"), meant);
    }

    #[test]
    fn each_source_that_asks_somebody_says_whom() {
        let text = format!(
            "{}\n[address.default]\nipv4 = {{ first_of = [\"router\", \"https\", \"dns\", {{ stun = \"192.0.2.1\", \
             bind_interface = \"ppp0\" }}, {{ https = \"https://192.0.2.7/\", bind_address = \"192.0.2.9\" }}, \
             {{ dns = \"me.example.net\", server = [\"ns.example.net\", \"192.0.2.53\"] }}, {{ file = \"/f\" }}] }}\nipv6 = \"interface\"\n",
            account("password_file = \"/p\"")
        );
        let parts = built(&text, None);
        let asked = |start: &str| {
            let mut of = parts.detectors.iter().filter(|(name, _)| name.0.starts_with(start));
            of.next().unwrap_or_else(|| panic!("{start}")).1.asked()
        };
        let to = |asked: Option<Asked>| match asked {
            Some(Asked::World { to, via }) => {
                (to.first().map(ToString::to_string).unwrap_or_default(), via.to_string())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(to(asked("stun")), ("192.0.2.1".into(), " by ppp0".into()));
        assert_eq!(to(asked("https https://192.0.2.7")), ("192.0.2.7".into(), " from 192.0.2.9".into()));
        assert_eq!(to(asked("dns me.example.net")), ("192.0.2.53".into(), String::new()));
        assert_eq!(to(asked("https aws")), (String::new(), String::new()));
        assert!(matches!(asked("router"), Some(Asked::Router { router: None, .. })));
        assert_eq!((asked("file"), asked("interface")), (None, None));
    }

    #[test]
    fn strangers_are_asked_no_more_often_than_politeness_allows() {
        let text = format!(
            "{}\n[address.default]\nipv4 = {{ quorum = 2, of = [\"dns\", \"https\", \"stun\", {{ stun = \"192.0.2.1\" }}] }}\n",
            account("password_file = \"/p\"")
        );
        for (name, spec) in built(&text, None).desired.sources {
            let is_local = name.0.starts_with("interface");
            assert_eq!(spec.min_interval, Duration::from_secs(if is_local { 0 } else { 600 }), "{name}");
        }
    }

    #[test]
    fn a_reload_takes_another_time_limit_and_keeps_what_is_the_same() {
        let before = built(&sources(r#"["/bin/address"]"#, ""), None);
        let detector = |parts: &Parts| {
            let found = parts.detectors.iter().find(|(name, _)| name.0.starts_with("command"));
            Arc::clone(found.unwrap().1)
        };
        let same = built(&sources(r#"["/bin/address"]"#, ""), Some(&before));
        assert!(Arc::ptr_eq(&detector(&before), &detector(&same)));
        let other = built(&sources(r#"["/bin/address"]"#, ", timeout = \"5s\""), Some(&before));
        assert!(!Arc::ptr_eq(&detector(&before), &detector(&other)));
    }
}
