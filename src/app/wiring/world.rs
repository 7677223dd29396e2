//! Sources out in the world, and the router on the way there.

use std::sync::Arc;

use super::{Sources, digest};
use crate::config::{BuiltIn, EchoFormat, HttpsSource, RouterSource, Whose};
use crate::detect::Detector;
use crate::detect::dns::Dns;
use crate::detect::echoes::{DNS_ECHOES, ECHOES, Protocol, STUN_ECHOES, one_of_each};
use crate::detect::https::{Clients, Format, Https};
use crate::detect::interface::InterfaceOptions;
use crate::detect::protocol;
#[cfg(feature = "router")]
use crate::detect::router::{self, Router, RouterOptions};
use crate::detect::stun::Stun;
use crate::model::agree::Expression;
use crate::model::desired::SourceSpec;
use crate::model::evidence;
use crate::model::record::Family;
use crate::net::http::shown;
use crate::net::via::Via;

/// How many of the built-in services must agree.
const ECHO_QUORUM: usize = 2;

impl Sources<'_> {
    /// The machine is asked before the world: a publishable address on the interface of the default route needs no echo. Behind NAT the
    /// router and the world must agree, or two of the world; each operator has one voice. The router is asked only in ways that change
    /// nothing there. IPv6 is not translated on its way, so that nobody else knows it better.
    pub(super) fn auto(&mut self, family: Family, private: bool) -> Result<Expression, String> {
        let interface = self.interface(InterfaceOptions { private, vpn: self.vpn, ..InterfaceOptions::default() });
        Ok(match family {
            Family::Ipv4 if !private => {
                let protocols = vec![protocol::Protocol::NatPmp, protocol::Protocol::Upnp];
                // Where that source was not built in, the world alone is asked.
                let router = self.router(&RouterSource { protocols, ..RouterSource::default() }, private);
                let mut of: Vec<_> = router.into_iter().collect();
                for (protocol, name) in one_of_each(family) {
                    of.push(self.built_in(&BuiltIn { name: Some(name), ..BuiltIn::all(protocol) }, family)?);
                }
                Expression::FirstOf(vec![interface, Expression::Quorum { need: ECHO_QUORUM, of }])
            }
            _ => interface,
        })
    }

    #[cfg(not(feature = "router"))]
    #[expect(clippy::unused_self, reason = "the same call whether it was built in or not")]
    pub(super) fn router(&mut self, _: &RouterSource, _: bool) -> Result<Expression, String> {
        Err("this driftless was built without the feature `router`".into())
    }

    #[cfg(feature = "router")]
    pub(super) fn router(&mut self, source: &RouterSource, private: bool) -> Result<Expression, String> {
        let options = RouterOptions {
            router: source.router,
            via: source.via.clone(),
            protocols: source.protocols.clone(),
            private,
        };
        let spec = SourceSpec {
            min_interval: router::INTERVAL,
            ..SourceSpec::local(evidence::Protocol::Router, source.operator())
        };
        Ok(self.note(options.to_string(), private, spec, Router::new(options)))
    }

    /// What is declared of a server out in the world.
    pub(super) fn world(&self, protocol: evidence::Protocol, whose: &Whose) -> SourceSpec {
        let Whose { operator, trusted, .. } = whose.clone();
        SourceSpec { min_interval: self.echo_interval, protocol, operator, trusted }
    }

    pub(super) fn https(&mut self, echo: &HttpsSource, private: bool) -> Result<Expression, String> {
        let format = match &echo.format {
            EchoFormat::Plain => Format::Plain,
            EchoFormat::Json(pointer) => Format::Json(pointer.clone().into()),
            EchoFormat::KeyValue(key) => Format::Line(key.clone().into()),
            EchoFormat::Header(name) => Format::Header(name.clone()),
            EchoFormat::Between(before, after) => Format::Between(before.clone().into(), after.clone().into()),
        };
        let url = Some(echo.url.clone());
        // A digest tells echoes apart that differ only in what is not shown.
        let print = digest(&[echo.url.as_str().as_bytes(), format!("{format:?}").as_bytes()], 3);
        let name = format!("https {} #{print}{}{}", shown(&echo.url), echo.via, echo.whose);
        let https = Https::new(self.clients(&echo.via), url.clone(), url, format, private)?;
        let spec = self.world(evidence::Protocol::Https, &echo.whose);
        Ok(self.note(name, private, spec, https))
    }

    /// One built-in service, or all of a protocol that can be asked over the family, of which some must agree.
    pub(super) fn built_in(&mut self, built_in: &BuiltIn, family: Family) -> Result<Expression, String> {
        let via = &built_in.via;
        let mut of = Vec::new();
        let mut add = |sources: &mut Self, name: &str, operator: &str, detector: Arc<dyn Detector>| {
            let name = format!("{} {name}{via}", built_in.protocol);
            let spec = SourceSpec {
                min_interval: sources.echo_interval,
                ..SourceSpec::local(built_in.protocol.into(), operator)
            };
            of.push(sources.share(name, false, spec, detector));
        };
        let asked = |name: &str| built_in.name.is_none_or(|only| only == name);
        match built_in.protocol {
            Protocol::Dns => {
                for echo in DNS_ECHOES.iter().filter(|echo| asked(echo.name) && echo.is_of(family)) {
                    add(self, echo.name, echo.operator, Arc::new(Dns::echo(echo, via.clone())?));
                }
            }
            Protocol::Https => {
                for echo in ECHOES.iter().filter(|echo| asked(echo.name) && echo.url(family).is_some()) {
                    let clients = self.clients(via);
                    add(self, echo.name, echo.operator, Arc::new(Https::echo(clients, echo)?));
                }
            }
            Protocol::Stun => {
                for echo in STUN_ECHOES.iter().filter(|echo| asked(echo.name)) {
                    add(self, echo.name, echo.operator, Arc::new(Stun::echo(echo, via.clone())?));
                }
            }
        }
        match (built_in.name, of.pop()) {
            (_, None) => {
                let name = built_in.name.unwrap_or_default();
                Err(format!("the service {} {name} cannot be asked over {family}", built_in.protocol))
            }
            (Some(_), Some(only)) => Ok(only),
            (None, Some(last)) => {
                of.push(last);
                Ok(Expression::Quorum { need: ECHO_QUORUM, of })
            }
        }
    }

    fn clients(&mut self, via: &Via) -> Clients {
        if let Some((_, clients)) = self.clients.iter().find(|(of, _)| of == via) {
            return clients.clone();
        }
        let clients = Clients::going(via);
        self.clients.push((via.clone(), clients.clone()));
        clients
    }
}
