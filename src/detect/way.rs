//! Which way a question goes out. What answers through a VPN is seen at the VPN's exit, and is kept back unless that is wished for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use async_trait::async_trait;

use super::Detector;
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::model::situation::Stray;
use crate::net::via::Via;
use crate::os::netlink::{self, Link, Snapshot};

/// Who is asked, outside of this machine, and which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Somebody in the world.
    World {
        /// The interface or address that the question is bound to.
        via: Via,
        /// Where the question goes, as far as that are addresses and not names.
        to: Vec<IpAddr>,
    },
    /// The router: this one, or that of the default route.
    Router {
        /// The interface or address that the question is bound to.
        via: Via,
        /// Its address.
        router: Option<Ipv4Addr>,
    },
}

impl Asked {
    /// The interface or address that the question is bound to.
    #[must_use]
    pub fn via(&self) -> &Via {
        match self {
            Self::World { via, .. } | Self::Router { via, .. } => via,
        }
    }

    /// Why an answer would not be about our own line, as things are now; `None` where it is, or where nobody knows.
    ///
    /// Without a binding: where the way out is a VPN's. Who binds a question to a VPN's interface, or to its address, means it.
    /// With an address that is bound to: also where the question leaves by another interface than the one that has the address.
    #[must_use]
    pub fn stray(&self, snapshot: &Snapshot, family: Family) -> Option<Stray> {
        if self.via().interface.is_some() {
            // A socket that is tied to an interface leaves by no other.
            return None;
        }
        let leaves = self.leaves(snapshot, family)?;
        let configured = self.via().address.and_then(|address| snapshot.owner(address));
        if configured.is_some_and(|link| link.index == leaves.index) {
            return None;
        }
        if snapshot.is_tunnel(leaves) {
            return Some(Stray::Vpn { interface: leaves.name.clone(), kind: leaves.kind.clone() });
        }
        // An address of the machine, not of one of its lines, may leave by each of them.
        let configured = configured.filter(|link| !link.loopback && !leaves.loopback)?;
        Some(Stray::Other { configured: configured.name.clone(), interface: leaves.name.clone() })
    }

    /// The interface by which the question leaves; `None` where there is no way, and asking will fail by itself.
    fn leaves<'a>(&self, snapshot: &'a Snapshot, family: Family) -> Option<&'a Link> {
        let to = match self {
            // Found in the main table and asked in our own network, whatever a VPN says beside it.
            Self::Router { via, router: None } => {
                let owner = via.address.map(|address| snapshot.owner(address));
                return owner.unwrap_or_else(|| snapshot.default_links(family).first().copied());
            }
            Self::Router { router, .. } => router.map(IpAddr::V4),
            Self::World { to, .. } => to.iter().copied().find(|to| Family::of(*to) == family),
        };
        let from = self.via().address;
        if to.is_none() && from.is_none() {
            return snapshot.way(family);
        }
        let index = netlink::way(to.unwrap_or_else(|| netlink::somewhere(family)), from).ok().flatten()?;
        snapshot.links.iter().find(|link| link.index == index)
    }
}

/// A source outside of this machine that is not believed where its answer would be about another line than ours. It is not even
/// asked then.
pub struct Outside {
    source: Arc<dyn Detector>,
    asked: Asked,
    vpn: bool,
}

impl Outside {
    /// The same source, kept back where its answer would not be about our own line, unless `vpn` allows that.
    #[must_use]
    pub fn new(source: Arc<dyn Detector>, asked: Asked, vpn: bool) -> Self {
        Self { source, asked, vpn }
    }

    /// Where the kernel tells nothing, nothing speaks against the source.
    fn stray(&self, family: Family) -> Option<Stray> {
        if self.vpn {
            return None;
        }
        self.asked.stray(&netlink::snapshot().ok()?, family)
    }
}

#[async_trait]
impl Detector for Outside {
    async fn detect(&self, family: Family) -> Reading {
        if let Some(stray) = self.stray(family) {
            return Reading::Unknown(stray.to_string());
        }
        let reading = self.source.detect(family).await;
        if matches!(reading, Reading::Unknown(_)) {
            return reading;
        }
        // A VPN may have come up while the answer was awaited.
        self.stray(family).map_or(reading, |stray| Reading::Unknown(stray.to_string()))
    }

    fn network_changed(&self) {
        self.source.network_changed();
    }

    fn kept_back(&self, family: Family) -> Option<String> {
        self.stray(family).map(|stray| stray.to_string())
    }

    fn asked(&self) -> Option<Asked> {
        Some(self.asked.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::netlink::{Address, DefaultRoute, Flags, Lifetime, Scope, Way};

    fn link(index: u32, name: &str, kind: Option<&str>) -> Link {
        let (name, kind) = (name.to_owned(), kind.map(str::to_owned));
        Link { index, up: true, running: true, loopback: name == "lo", name, kind, ethernet: true }
    }

    /// eth0 with the default route of the main table, and a VPN by which everything leaves in truth.
    fn with_vpn() -> Snapshot {
        let on = |index, ip: &str| {
            let (flags, preferred, valid) = (Flags::default(), Lifetime::Forever, Lifetime::Forever);
            Address { index, ip: ip.parse().unwrap(), prefix: 24, scope: Scope::Universe, flags, preferred, valid }
        };
        let gateway = Some("192.168.1.1".parse().unwrap());
        Snapshot {
            links: vec![link(1, "lo", None), link(2, "eth0", None), link(3, "wg0", Some("wireguard"))],
            addresses: vec![on(1, "127.0.0.1"), on(2, "192.168.1.2"), on(3, "10.8.0.2")],
            routes: vec![DefaultRoute { family: Family::Ipv4, index: 2, gateway, metric: 0, from: None }],
            ways: Family::ALL.map(|family| Way { family, index: 3 }).to_vec(),
        }
    }

    fn world(interface: Option<&str>) -> Asked {
        Asked::World { via: Via { interface: interface.map(str::to_owned), address: None }, to: Vec::new() }
    }

    #[test]
    fn what_leaves_through_a_vpn_is_kept_back_unless_its_interface_was_named() {
        let mut snapshot = with_vpn();
        let stray = world(None).stray(&snapshot, Family::Ipv4).unwrap();
        let said = "the way out is through the VPN wg0 (wireguard); `vpn = true` would publish its exit, \
                    `bind_interface` asks by another interface";
        assert_eq!(stray.to_string(), said);
        assert!(world(None).stray(&snapshot, Family::Ipv6).is_some());
        assert_eq!(world(Some("eth0")).stray(&snapshot, Family::Ipv4), None);
        assert_eq!(world(Some("wg0")).stray(&snapshot, Family::Ipv4), None);
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 2 }];
        assert_eq!(world(None).stray(&snapshot, Family::Ipv4), None);
        snapshot.ways.clear();
        assert_eq!(world(None).stray(&snapshot, Family::Ipv4), None, "it will fail by itself");
    }

    #[test]
    fn a_router_at_the_other_end_of_a_vpn_is_not_ours() {
        let mut snapshot = with_vpn();
        let ours = Asked::Router { via: Via::default(), router: None };
        assert_eq!(ours.stray(&snapshot, Family::Ipv4), None, "that of the main table is");
        snapshot.routes[0] =
            DefaultRoute { index: 3, gateway: Some("10.8.0.1".parse().unwrap()), ..snapshot.routes[0].clone() };
        assert!(ours.stray(&snapshot, Family::Ipv4).is_some());
    }

    struct Says(Reading);

    #[async_trait]
    impl Detector for Says {
        async fn detect(&self, _: Family) -> Reading {
            self.0.clone()
        }
    }

    #[tokio::test]
    async fn what_does_not_leave_through_a_vpn_is_passed_on() {
        let to = vec!["127.0.0.1".parse().unwrap()];
        let asked = Asked::World { via: Via::default(), to };
        for reading in [Reading::Addresses(vec!["8.8.8.8".parse().unwrap()]), Reading::None] {
            let source = Outside::new(Arc::new(Says(reading.clone())), asked.clone(), false);
            assert_eq!(source.detect(Family::Ipv4).await, reading);
            assert_eq!(source.asked().as_ref(), Some(&asked));
        }
    }
}
