//! Who runs the services that say who asks: several of one operator are no two opinions.

use std::collections::BTreeSet;
use std::fmt;

use super::meant::Source;
use super::reader::{Field, Fields, Reader};
use crate::detect::echoes::{Protocol as World, one_of_each, operator_of};
use crate::model::evidence::Protocol;
use crate::model::record::Family;

/// Who runs a server that says who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// Its operator: what was typed, who is known to run it, or its domain.
    pub operator: String,
    /// Whether it was typed.
    pub is_typed: bool,
    /// Whether it is believed alone and at once.
    pub trusted: bool,
}

impl Whose {
    /// Of the server at this host, of which nothing was typed.
    #[must_use]
    pub fn host(host: &str) -> Self {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let operator = operator_of(&host).map_or_else(|| registered(&host).to_owned(), str::to_owned);
        Self { operator, is_typed: false, trusted: false }
    }
}

/// The domain that somebody registered, of which a host's name is a part: its last two labels, or three where the country has a level of
/// its own below it (`example.co.uk`). Nobody's list tells all such levels: where this makes one operator of two, `operator` says so.
fn registered(host: &str) -> &str {
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return host;
    }
    let mut labels = host.rsplit('.');
    let country = labels.next().is_some_and(|last| last.len() == 2);
    let count = if country && labels.next().is_some_and(|second| second.len() <= 3) { 3 } else { 2 };
    let starts = host.rmatch_indices('.').nth(count - 1);
    starts.map_or(host, |(at, _)| &host[at + 1..])
}

/// What tells sources apart that differ in nothing else, as a part of their names.
impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_typed {
            write!(f, " of {}", self.operator)?;
        }
        f.write_str(if self.trusted { ", trusted" } else { "" })
    }
}

/// The keys `operator` and `trusted`, as far as they were typed.
pub(super) struct Typed<'a> {
    operator: Option<(Field<'a>, Option<String>)>,
    trusted: Option<(Field<'a>, Option<bool>)>,
}

impl Typed<'_> {
    /// The operator of the server at this host.
    pub(super) fn at(self, host: &str) -> Option<Whose> {
        let mut whose = Whose::host(host);
        if let Some((_, operator)) = self.operator {
            (whose.operator, whose.is_typed) = (operator?, true);
        }
        if let Some((_, trusted)) = self.trusted {
            whose.trusted = trusted?;
        }
        Some(whose)
    }

    /// Built-in services have operators that are known, and are not one's own.
    pub(super) fn refuse(&self, reader: &mut Reader) {
        let fields = [self.operator.as_ref().map(|(field, _)| field), self.trusted.as_ref().map(|(field, _)| field)];
        fields.into_iter().flatten().for_each(|field| reader.refuse(*field, "it goes with a server of your own"));
    }
}

/// Reads `operator` and `trusted`.
pub(super) fn read<'a>(reader: &mut Reader, fields: &mut Fields<'a>) -> Typed<'a> {
    let (operator, trusted) = (fields.take("operator"), fields.take("trusted"));
    let mut text = |field| reader.text(field, "who runs the server, a name of your choice").map(str::to_owned);
    let operator = operator.map(|field| (field, text(field)));
    Typed { operator, trusted: trusted.map(|field| (field, reader.flag(field))) }
}

/// The voices that a source can have in a quorum: whom it speaks for, and how it is asked.
pub(super) fn voices(source: &Source, family: Family) -> BTreeSet<(String, Protocol)> {
    let one = |operator: String, protocol| BTreeSet::from([(operator, protocol)]);
    match source {
        Source::Off => BTreeSet::new(),
        Source::Auto => {
            let pool = one_of_each(family).into_iter();
            let pool = pool.flat_map(|(protocol, name)| of_built_in(protocol, Some(name), family));
            pool.chain([(INTERFACE.to_owned(), Protocol::Interface)]).collect()
        }
        Source::Interface(interface) => {
            one(interface.name.clone().unwrap_or_else(|| INTERFACE.to_owned()), Protocol::Interface)
        }
        Source::Https(echo) => one(echo.whose.operator.clone(), Protocol::Https),
        Source::BuiltIn(built_in) => of_built_in(built_in.protocol, built_in.name, family).collect(),
        Source::Dns(dns) => one(dns.whose.operator.clone(), Protocol::Dns),
        Source::Stun(stun) => one(stun.whose.operator.clone(), Protocol::Stun),
        Source::Router(router) => one(router.operator(), Protocol::Router),
        Source::File { path } => one(path.display().to_string(), Protocol::File),
        Source::Command { argv, .. } => one(argv.join(" "), Protocol::Command),
        Source::Fixed(_) => one(String::new(), Protocol::Fixed),
        Source::Delegated => one(INTERFACE.to_owned(), Protocol::Interface),
        Source::Composed(composed) => voices(&composed.prefix, family),
        Source::All(of) | Source::FirstOf(of) | Source::Quorum { of, .. } => {
            of.iter().flat_map(|part| voices(part, family)).collect()
        }
    }
}

/// What stands for the interface of the default route, where none is named.
const INTERFACE: &str = "the default route's";

fn of_built_in(
    protocol: World,
    name: Option<&str>,
    family: Family,
) -> impl Iterator<Item = (String, Protocol)> + use<> {
    protocol.operators(name, family).into_iter().map(move |operator| (operator.to_owned(), protocol.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_domain_are_one_operator() {
        for (host, domain) in [
            ("two.example", "two.example"),
            ("a.two.example", "two.example"),
            ("ip.echo.example.net.", "example.net"),
            ("ip.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("ip.example.de", "example.de"),
            ("localhost", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(Whose::host(host).operator, domain);
        }
    }
}
