//! From how things stand to what may be news of them.

use super::teller::{Fact, Plight, Trouble};
use super::{Kind, Subject};
use crate::model::machine::standing::{Standing, View};
use crate::model::record::Family;
use crate::model::situation::Situation;

impl Fact {
    /// Of a record set.
    #[must_use]
    pub fn of(view: &View<'_>) -> Self {
        let trouble = |kind, word: &str, why: String| Plight::Trouble(Trouble { kind, word: word.to_owned(), why });
        let plight = match &view.standing {
            // Nobody has looked.
            _ if !view.meant => Plight::Busy,
            Standing::UpToDate | Standing::Unmanaged => Plight::Well,
            Standing::Working => Plight::Busy,
            // A budget of ours is no trouble.
            Standing::Failing { .. } if view.waits_for_budget() => Plight::Busy,
            Standing::Failing { error } => {
                let why = error.as_ref().map(ToString::to_string);
                trouble(Kind::Failing, "", why.unwrap_or_else(|| "it is tried again".into()))
            }
            Standing::Held { hold, .. } => trouble(Kind::Held, hold.reason.word(), hold.error.to_string()),
            Standing::Unknown { why } => trouble(Kind::Unknown, "", why.clone()),
        };
        Self {
            subject: Subject::Record(view.id.clone()),
            values: view.entry.confirmed.as_ref().map(|confirmed| confirmed.values.clone()),
            wrote: view.entry.accepted.is_some(),
            plight,
        }
    }

    /// Of a family, where it is known how it stands.
    #[must_use]
    pub fn of_family(family: Family, situation: Option<&Situation>) -> Self {
        let plight = match situation {
            Some(situation @ Situation::BehindCarrierNat { .. }) => {
                let why = situation.says(family);
                Plight::Trouble(Trouble { kind: Kind::BehindCarrierNat, word: String::new(), why })
            }
            Some(Situation::Public { .. } | Situation::BehindNat { outside: Some(_), .. }) => Plight::Well,
            // Nothing else says that there is none.
            _ => Plight::Busy,
        };
        Self { subject: Subject::Family(family), values: None, wrote: false, plight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_a_public_way_out_is_rid_of_the_carriers_nat() {
        let (interface, address) = ("ppp0".to_owned(), "192.0.2.1".parse().unwrap());
        let plight = |situation: Option<Situation>| Fact::of_family(Family::Ipv4, situation.as_ref()).plight;
        let nat = |outside| Situation::BehindNat { interface: interface.clone(), inside: None, outside };
        assert_eq!(plight(None), Plight::Busy);
        assert_eq!(plight(Some(nat(None))), Plight::Busy);
        assert_eq!(plight(Some(nat(Some(address)))), Plight::Well);
        let carriers = Situation::BehindCarrierNat { interface, inside: None, router: None, outside: None };
        assert!(matches!(plight(Some(carriers)), Plight::Trouble(Trouble { kind: Kind::BehindCarrierNat, .. })));
    }
}
