//! What every service that keeps zones and records refuses: said in the same words everywhere, before anything is sent.

use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl};
use crate::provider::setting::Settings;
use crate::provider::shape::zones::Zone;

/// What a service keeps, as far as its documentation says it for all types alike.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Which service, for messages.
    pub service: &'a str,
    /// The types of records that there are.
    pub types: &'a [RecordType],
    /// The shortest and the longest time to live, in seconds.
    pub ttl: (u32, u32),
}

/// Every time to live that there is (RFC 2181, section 8), for services that document no bounds.
pub const ANY_TTL: (u32, u32) = (0, Ttl::MAX);

/// What a service has against a name that is declared, as far as it is known without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Whether it will surely be refused; else it may be.
    pub certain: bool,
    /// Which rule it breaks.
    pub why: String,
    /// What to write instead.
    pub help: String,
}

/// What a service has against a name and the types that are declared of it at an account with these settings. Asks nobody.
pub type Objects = fn(&Settings, &Name, &[RecordType]) -> Option<Objection>;

/// Of a service that takes any name that lies in one of its zones.
#[must_use]
pub fn any_name(_: &Settings, _: &Name, _: &[RecordType]) -> Option<Objection> {
    None
}

/// Of a name that lies in none of the zones that the settings say the account has.
#[must_use]
pub fn outside<'a>(name: &Name, zones: impl Iterator<Item = &'a Name>, key: &str) -> Option<Objection> {
    let zones: Vec<&Name> = zones.collect();
    if zones.is_empty() || zones.iter().any(|zone| name.is_within(zone)) {
        return None;
    }
    let all: Vec<&str> = zones.iter().map(|zone| zone.as_str()).collect();
    let why = format!("{name} does not lie in {}, which is all that `{key}` of the account says", all.join(" or "));
    Some(Objection { certain: true, why, help: format!("correct the name, or `{key}` of the account") })
}

/// Whether a name that has records of `others` may have one of this type (RFC 1034, section 3.6.2).
///
/// # Errors
/// A CNAME would not stand alone.
pub fn alone(name: &Name, rtype: RecordType, mut others: impl Iterator<Item = RecordType>) -> Result<(), String> {
    let cname = RecordType::Cname;
    let other = others.find(|other| *other != rtype && (*other == cname || rtype == cname));
    other.map_or(Ok(()), |other| {
        let rule = "a name with a CNAME can have no other record (RFC 1034, section 3.6.2)";
        Err(format!("{name} has a {other} record at the service, and {rule}"))
    })
}

/// For services that keep addresses and nothing else.
///
/// # Errors
/// Always: there is nothing else.
pub fn only_addresses(_name: &Name, _rtype: RecordType) -> Result<(), String> {
    Err("the service takes addresses only".into())
}

/// For services whose records of other types are not one text each, but have parts that stand beside it.
///
/// # Errors
/// Of every type but TXT.
pub fn only_texts(_name: &Name, rtype: RecordType) -> Result<(), String> {
    if rtype == RecordType::Txt {
        Ok(())
    } else {
        Err("of types that are made of addresses only TXT is kept there".into())
    }
}

impl Rules<'_> {
    /// Whether a record of this name, type and time to live may stand in the zone.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check(&self, zone: &Zone, name: &Name, rtype: RecordType, ttl: Option<Ttl>) -> Result<(), String> {
        if !self.types.contains(&rtype) {
            let known: Vec<&str> = self.types.iter().map(|known| known.as_str()).collect();
            return Err(format!("{} keeps no {rtype} records; it keeps {}", self.service, known.join(", ")));
        }
        self.place(zone, name, rtype)?;
        ttl.map_or(Ok(()), |ttl| self.ttl(ttl))
    }

    /// Whether a record of this type may have this name.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn place(&self, zone: &Zone, name: &Name, rtype: RecordType) -> Result<(), String> {
        if !name.is_within(&zone.name) {
            return Err(format!("{name} does not lie in the zone {}", zone.name));
        }
        if rtype == RecordType::Cname && *name == zone.name {
            // SOA and NS are there already.
            let instead =
                if self.types.contains(&RecordType::Alias) { "; an ALIAS record can stand there" } else { "" };
            return Err(format!("the zone itself cannot be a CNAME (RFC 1034, section 3.6.2){instead}"));
        }
        Ok(())
    }

    /// Whether a record may have this time to live.
    ///
    /// # Errors
    /// The bounds.
    pub fn ttl(&self, ttl: Ttl) -> Result<(), String> {
        let (lowest, highest) = self.ttl;
        if (lowest..=highest).contains(&ttl.seconds()) {
            return Ok(());
        }
        Err(format!("a TTL is {lowest} to {highest} seconds at {}, not {ttl}", self.service))
    }
}

/// Whether a record set of this type may have these values together.
///
/// # Errors
/// Which rule it breaks.
pub fn together(rtype: RecordType, values: &[String]) -> Result<(), String> {
    match values {
        [] => Err("there is no value; a record has at least one value".into()),
        [first, rest @ ..] if rtype == RecordType::Cname && rest.iter().any(|other| other != first) => {
            Err("a CNAME has one value (RFC 1034, section 3.6.2)".into())
        }
        _ => Ok(()),
    }
}

/// Whether this is what MX and SRV records have beside their priority: a host, or weight, port and host.
///
/// # Errors
/// What it should look like.
pub fn beside_priority(rtype: RecordType, data: &str) -> Result<(), String> {
    let words: Vec<&str> = data.split_whitespace().collect();
    let is_number = |word: &str| word.parse::<u16>().is_ok();
    let host = match (rtype, words.as_slice()) {
        (RecordType::Mx, [host]) => host,
        (RecordType::Srv, [weight, port, host]) if is_number(weight) && is_number(port) => host,
        (RecordType::Mx, _) => return Err(format!("an MX record is a host beside its priority, unlike \"{data}\"")),
        (RecordType::Srv, _) => {
            let form = "\"weight port target\" beside its priority, or \"priority weight port target\"";
            return Err(format!("an SRV record is {form}, unlike \"{data}\""));
        }
        _ => return Ok(()),
    };
    // A single dot says that there is no such service (RFC 2782, RFC 7505).
    if *host == "." {
        return Ok(());
    }
    Name::parse(host).map(drop).map_err(|why| format!("\"{host}\" is no host's name: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules<'_> =
        Rules { service: "the service", types: &[RecordType::A, RecordType::Cname], ttl: (60, 86_400) };

    fn check(name: &str, rtype: RecordType, ttl: u32) -> Result<(), String> {
        let zone = Zone { id: "1".into(), name: Name::parse("example.org").unwrap() };
        RULES.check(&zone, &Name::parse(name).unwrap(), rtype, Ttl::new(ttl))
    }

    #[test]
    fn each_rule_is_kept_and_said() {
        assert_eq!(check("www.example.org", RecordType::A, 60), Ok(()));
        assert_eq!(check("example.org", RecordType::A, 86_400), Ok(()));
        for (name, rtype, ttl, says) in [
            ("www.example.net", RecordType::A, 60, "www.example.net does not lie in the zone example.org"),
            ("www.example.org", RecordType::Mx, 60, "the service keeps no MX records; it keeps A, CNAME"),
            ("example.org", RecordType::Cname, 60, "the zone itself cannot be a CNAME"),
            ("www.example.org", RecordType::A, 59, "a TTL is 60 to 86400 seconds at the service, not 59"),
            ("www.example.org", RecordType::A, 86_401, "not 86401"),
        ] {
            let why = check(name, rtype, ttl).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        let types = [RecordType::Alias, RecordType::Cname];
        let zone = Zone { id: "1".into(), name: Name::parse("example.org").unwrap() };
        let why = Rules { types: &types, ..RULES }.place(&zone, &zone.name, RecordType::Cname).unwrap_err();
        assert!(why.contains("ALIAS"), "{why}");
    }

    #[test]
    fn a_cname_has_one_value_and_everything_has_at_least_one() {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        for (rtype, some, good) in [
            (RecordType::Cname, &["x", "y"][..], false),
            (RecordType::Cname, &["x", "x"], true),
            (RecordType::A, &["x", "y"], true),
            (RecordType::A, &[], false),
        ] {
            assert_eq!(together(rtype, &values(some)).is_ok(), good, "{rtype} {some:?}");
        }
    }

    #[test]
    fn mx_and_srv_have_their_form() {
        for (rtype, data) in [
            (RecordType::Mx, "mail.example.org."),
            (RecordType::Mx, "."),
            (RecordType::Srv, "5 5060 sip.example.org"),
            (RecordType::Srv, "0 0 ."),
            (RecordType::Txt, "anything at all"),
        ] {
            assert_eq!(beside_priority(rtype, data), Ok(()), "{data}");
        }
        for (rtype, data, says) in [
            (RecordType::Mx, "10 a b", "a host beside its priority"),
            (RecordType::Mx, "a..b", "no host's name"),
            (RecordType::Srv, "5060 sip.example.org", "weight port target"),
            (RecordType::Srv, "5 70000 sip.example.org", "weight port target"),
            (RecordType::Srv, "x", "weight port target"),
        ] {
            assert!(beside_priority(rtype, data).unwrap_err().contains(says), "{data}");
        }
    }
}
