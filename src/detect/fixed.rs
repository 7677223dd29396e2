//! Addresses that never change: the configuration says them.

use std::net::IpAddr;

use async_trait::async_trait;

use super::Detector;
use super::list::of_family;
use crate::model::address::{NotPublic, allowed};
use crate::model::agree::Reading;
use crate::model::record::Family;

/// The detector.
#[derive(Debug)]
pub struct Fixed(Vec<IpAddr>);

impl Fixed {
    /// A detector that always says these addresses; `private` ones only where that was asked for.
    ///
    /// # Errors
    /// The first address that may not be published.
    pub fn new(addresses: &[IpAddr], private: bool) -> Result<Self, NotPublic> {
        addresses.iter().map(|address| allowed(*address, private)).collect::<Result<_, _>>().map(Self)
    }
}

#[async_trait]
impl Detector for Fixed {
    async fn detect(&self, family: Family) -> Reading {
        of_family(self.0.clone(), family, "the configuration")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_configured_is_said_by_family() {
        let [a, b] = ["8.8.8.8", "8.8.4.4"].map(|text| text.parse().unwrap());
        let fixed = Fixed::new(&[a, b], false).unwrap();
        assert_eq!(fixed.detect(Family::Ipv4).await, Reading::Addresses(vec![a, b]));
        assert!(matches!(fixed.detect(Family::Ipv6).await, Reading::Unknown(_)));
    }

    #[test]
    fn a_private_address_is_refused_unless_asked_for() {
        let private = ["10.0.0.1".parse().unwrap()];
        assert!(Fixed::new(&private, false).is_err());
        assert!(Fixed::new(&private, true).is_ok());
    }
}
