//! A new zone file: an SOA and an NS record, and nothing else.

use crate::model::name::Name;

/// What a new zone file says.
#[derive(Clone, Debug)]
pub struct Fresh {
    nameserver: String,
    /// As an SOA record writes it; `None` for hostmaster@ the zone.
    hostmaster: Option<String>,
}

impl Fresh {
    /// A zone served by `nameserver` (`localhost` where none is given) and looked after by `hostmaster`, a mail address.
    ///
    /// # Errors
    /// The mail address is none that a zone file can hold.
    pub fn new(nameserver: Option<&Name>, hostmaster: Option<&str>) -> Result<Self, String> {
        let nameserver = nameserver.map_or_else(|| "localhost.".into(), Name::fqdn);
        Ok(Self { nameserver, hostmaster: hostmaster.map(mailbox).transpose()? })
    }

    /// The file of `zone`, with the serial number 0: the first record put in makes it 1.
    #[must_use]
    pub fn text(&self, zone: &Name) -> String {
        let hostmaster = self.hostmaster.clone().unwrap_or_else(|| format!("hostmaster.{zone}."));
        let nameserver = &self.nameserver;
        format!(
            "$ORIGIN {zone}.\n$TTL 300\n\
             @\tIN\tSOA\t{nameserver} {hostmaster} (\n\t\t0\t; serial\n\t\t3600\t; refresh\n\t\t600\t; retry\n\
             \t\t604800\t; expire\n\t\t300 )\t; negative answers\n@\tIN\tNS\t{nameserver}\n"
        )
    }
}

/// A mail address as an SOA record writes it: `first.last@example.org` is `first\.last.example.org.` (RFC 1035, section 8).
fn mailbox(address: &str) -> Result<String, String> {
    let name = |text: &str| Name::parse(text).map_err(|error| error.to_string());
    let Some((local, domain)) = address.rsplit_once('@') else { return Ok(name(address)?.fqdn()) };
    if local.is_empty() || !local.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c)) {
        return Err(format!("\"{address}\" is no mail address that a zone file can hold"));
    }
    Ok(format!("{}.{}", local.replace('.', "\\."), name(domain)?.fqdn()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_address_becomes_a_name() {
        for mail in ["me@example.org", "me.example.org"] {
            assert_eq!(mailbox(mail).unwrap(), "me.example.org.");
        }
        assert_eq!(mailbox("first.last@example.org").unwrap(), "first\\.last.example.org.");
    }
}
