//! Name servers that say from which address they were asked.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::echoes::DnsEcho;
use super::way::Asked;
use super::{Detector, said};
use crate::model::agree::Reading;
use crate::model::name::Name;
use crate::model::record::Family;
use crate::net::dns::PORT;
use crate::net::dns::whoami::{Question, Said, whoami};
use crate::net::server::Server;
use crate::net::via::Via;

/// How long everything may take.
const ALL: Duration = Duration::from_secs(10);

/// The detector: one question, to the first of some servers that answers it.
#[derive(Debug)]
pub struct Dns {
    question: Question,
    servers: Vec<Server>,
    via: Via,
    private: bool,
}

impl Dns {
    /// Asks these servers, in this order, over the family that is wanted. They are taken for one voice. Addresses of a network
    /// of one's own are believed only with `private`.
    #[must_use]
    pub fn new(question: Question, servers: Vec<Server>, via: Via, private: bool) -> Self {
        Self { question, servers, via, private }
    }

    /// The detector of a public service.
    ///
    /// # Errors
    /// Where its data is wrong; not for those of [`super::echoes::DNS_ECHOES`].
    pub fn echo(echo: &DnsEcho, via: Via) -> Result<Self, String> {
        let name = Name::parse(echo.asked).map_err(|why| why.to_string())?;
        let question = Question { name, form: echo.form, authority: echo.authority };
        let servers: Result<_, _> = echo.servers.iter().map(|server| Server::parse(server, PORT)).collect();
        Ok(Self::new(question, servers?, via, false))
    }

    async fn ask(&self, family: Family) -> Result<IpAddr, String> {
        let mut failed = Vec::new();
        for server in self.servers.iter().filter(|server| server.may_be_of(family)) {
            let places = match server.places(family).await {
                Ok(places) => places,
                Err(why) => {
                    failed.push(why);
                    continue;
                }
            };
            for place in places {
                match whoami(place, &self.question, &self.via).await.and_then(|said| self.judge(said, family)) {
                    Ok(address) => return Ok(address),
                    Err(why) => failed.push(format!("{server}: {why}")),
                }
            }
        }
        if failed.is_empty() { Err(format!("it is not asked for {family}")) } else { Err(failed.join("; ")) }
    }

    fn judge(&self, said: Said, family: Family) -> Result<IpAddr, String> {
        let address = match said {
            Said::Address(address) => said::of_family(address, family),
            Said::Text(text) => said::address(&text, family),
        };
        said::believed(address?, self.private)
    }
}

#[async_trait]
impl Detector for Dns {
    async fn detect(&self, family: Family) -> Reading {
        let name = &self.question.name;
        match timeout(ALL, self.ask(family)).await {
            Ok(Ok(address)) => Reading::Addresses(vec![address]),
            Ok(Err(why)) => Reading::Unknown(format!("asking for {name}: {why}")),
            Err(_) => Reading::Unknown(format!("asking for {name}: no answer within {} s", ALL.as_secs())),
        }
    }

    fn asked(&self) -> Option<Asked> {
        let to = self.servers.iter().filter_map(Server::address).collect();
        Some(Asked::World { via: self.via.clone(), to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::whoami::Form;

    fn detector(private: bool, servers: &[&str]) -> Dns {
        let question = Question { name: Name::parse("whoami.example.net").unwrap(), form: Form::Text, authority: true };
        let servers = servers.iter().map(|server| Server::parse(server, PORT).unwrap()).collect();
        Dns::new(question, servers, Via::default(), private)
    }

    #[test]
    fn a_text_is_an_address_of_the_family_or_refused() {
        let judge = |text: &str, family| detector(false, &[]).judge(Said::Text(text.into()), family);
        assert_eq!(judge("8.8.8.8", Family::Ipv4), Ok("8.8.8.8".parse().unwrap()));
        assert_eq!(judge("2a00::1", Family::Ipv6), Ok("2a00::1".parse().unwrap()));
        for text in [
            "",
            "2a00::1",
            "8.8.8.8 ",
            "\"8.8.8.8\"",
            "edns0-client-subnet 8.8.8.0/24",
            "8.8.8.8, 8.8.4.4",
            "010.8.8.8",
            "\u{feff}8.8.8.8",
            "8.8.8.8\u{200b}",
            "10.0.0.1",
            "100.64.0.1",
            "192.0.2.1",
        ] {
            assert!(judge(text, Family::Ipv4).is_err(), "{text:?}");
        }
        for text in ["8.8.8.8", "::ffff:8.8.8.8", "fe80::1", "fe80::1%eth0", "fd00::1", "2001:db8::1"] {
            assert!(judge(text, Family::Ipv6).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_judged_as_a_text_is() {
        let said = |text: &str| Said::Address(text.parse().unwrap());
        assert!(detector(false, &[]).judge(said("8.8.8.8"), Family::Ipv4).is_ok());
        assert!(detector(false, &[]).judge(said("8.8.8.8"), Family::Ipv6).is_err());
        assert!(detector(false, &[]).judge(said("::ffff:8.8.8.8"), Family::Ipv6).is_err());
        assert!(detector(false, &[]).judge(said("10.0.0.1"), Family::Ipv4).is_err());
        assert!(detector(true, &[]).judge(said("10.0.0.1"), Family::Ipv4).is_ok());
    }

    #[tokio::test]
    async fn a_family_that_no_server_has_is_not_asked_for() {
        let reading = detector(false, &["192.0.2.53"]).detect(Family::Ipv6).await;
        assert_eq!(reading, Reading::Unknown("asking for whoami.example.net: it is not asked for IPv6".into()));
    }
}
