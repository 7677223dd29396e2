//! What every service that keeps zones and records refuses: said in the same words everywhere, before anything is sent.

use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl};
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
}
