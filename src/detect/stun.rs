//! STUN servers, which say from which address a request came.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::echoes::StunEcho;
use super::way::Asked;
use super::{Detector, said};
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::net::server::Server;
use crate::net::stun::{PORT, Transport, mapped};
use crate::net::via::Via;

/// How long everything may take.
const ALL: Duration = Duration::from_secs(10);

/// The detector.
#[derive(Debug)]
pub struct Stun {
    server: Server,
    transport: Transport,
    via: Via,
    private: bool,
}

impl Stun {
    /// Asks this server over the family that is wanted. Addresses of a network of one's own are believed only with `private`.
    #[must_use]
    pub fn new(server: Server, transport: Transport, via: Via, private: bool) -> Self {
        Self { server, transport, via, private }
    }

    /// The detector of a public service.
    ///
    /// # Errors
    /// Where its data is wrong; not for those of [`super::echoes::STUN_ECHOES`].
    pub fn echo(echo: &StunEcho, via: Via) -> Result<Self, String> {
        Ok(Self::new(Server::parse(echo.server, PORT)?, Transport::Udp, via, false))
    }

    async fn ask(&self, family: Family) -> Result<IpAddr, String> {
        // One place: a request is sent again for as long as there is time.
        let places = self.server.places(family).await?;
        let place = *places.first().ok_or("it is nowhere")?;
        let address = mapped(place, self.transport, &self.via).await?;
        said::believed(said::of_family(address, family)?, self.private)
    }
}

#[async_trait]
impl Detector for Stun {
    async fn detect(&self, family: Family) -> Reading {
        match timeout(ALL, self.ask(family)).await {
            Ok(Ok(address)) => Reading::Addresses(vec![address]),
            Ok(Err(why)) => Reading::Unknown(format!("asking {}: {why}", self.server)),
            Err(_) => Reading::Unknown(format!("asking {}: no answer within {} s", self.server, ALL.as_secs())),
        }
    }

    fn asked(&self) -> Option<Asked> {
        Some(Asked::World { via: self.via.clone(), to: self.server.address().into_iter().collect() })
    }
}
