//! The values of a record set: few, sorted, each once, and shared by their copies.

use std::fmt;
use std::ops::{BitAnd, BitOr, Deref, Sub};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::record::Value;

/// The values of a record set, in order and without duplicates. A copy shares them: the same values stand in what is wanted,
/// what was confirmed, what is ours and what is sent.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Value>", into = "Vec<Value>")]
pub struct Values(Arc<[Value]>);

impl Values {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; whether it was not there before.
    pub fn insert(&mut self, value: Value) -> bool {
        let Err(at) = self.0.binary_search(&value) else { return false };
        let mut list = self.0.to_vec();
        list.insert(at, value);
        self.0 = list.into();
        true
    }

    /// Takes a value away; whether it was there.
    pub fn remove(&mut self, value: &Value) -> bool {
        let before = self.len();
        self.retain(|other| other != value);
        self.len() < before
    }

    /// Takes the first away, if there is one.
    pub fn pop_first(&mut self) -> Option<Value> {
        let (first, rest) = self.0.split_first()?;
        let (first, rest) = (first.clone(), Self(rest.into()));
        *self = rest;
        Some(first)
    }

    /// Keeps the values that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&Value) -> bool) {
        // A part of what is sorted is sorted.
        *self = Self(self.0.iter().filter(|value| keep(value)).cloned().collect());
    }

    /// Takes all values away.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether all of them are among `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|value| other.contains(value))
    }

    /// Whether all of `other` are among them.
    #[must_use]
    pub fn is_superset(&self, other: &Self) -> bool {
        other.is_subset(self)
    }

    /// Whether none of them is among `other`.
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        !self.iter().any(|value| other.contains(value))
    }

    /// Those that are not among `other`, in order.
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Value> {
        self.iter().filter(|value| !other.contains(value))
    }

    /// Those that are among `other` too, in order.
    pub fn intersection<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Value> {
        self.iter().filter(|value| other.contains(value))
    }
}

impl Deref for Values {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl From<Vec<Value>> for Values {
    fn from(mut list: Vec<Value>) -> Self {
        list.sort_unstable();
        list.dedup();
        Self(list.into())
    }
}

impl From<Values> for Vec<Value> {
    fn from(values: Values) -> Self {
        values.to_vec()
    }
}

impl<const N: usize> From<[Value; N]> for Values {
    fn from(list: [Value; N]) -> Self {
        Vec::from(list).into()
    }
}

impl FromIterator<Value> for Values {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Vec::from_iter(values).into()
    }
}

impl Extend<Value> for Values {
    fn extend<I: IntoIterator<Item = Value>>(&mut self, values: I) {
        let mut new = values.into_iter().filter(|value| !self.contains(value)).peekable();
        if new.peek().is_some() {
            *self = self.iter().cloned().chain(new).collect();
        }
    }
}

impl IntoIterator for Values {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;
    fn into_iter(self) -> Self::IntoIter {
        Vec::from(self).into_iter()
    }
}

impl<'a> IntoIterator for &'a Values {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Sub for &Values {
    type Output = Values;
    fn sub(self, other: &Values) -> Values {
        self.difference(other).cloned().collect()
    }
}

impl BitAnd for &Values {
    type Output = Values;
    fn bitand(self, other: &Values) -> Values {
        self.intersection(other).cloned().collect()
    }
}

impl BitOr for &Values {
    type Output = Values;
    fn bitor(self, other: &Values) -> Values {
        self.iter().chain(other).cloned().collect()
    }
}

/// Values for people: `192.0.2.1, 192.0.2.2`, or `nothing`.
#[must_use]
pub fn list(values: &Values) -> String {
    if values.is_empty() {
        return "nothing".into();
    }
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn value(last: u8) -> Value {
        Value::V4([192, 0, 2, last].into())
    }

    #[test]
    fn they_are_read_in_any_order_and_written_in_theirs() {
        let read: Values = serde_json::from_str(r#"["192.0.2.2","text","192.0.2.1","192.0.2.2"]"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["192.0.2.1","192.0.2.2","text"]"#);
        assert_eq!(list(&read), "192.0.2.1, 192.0.2.2, text");
        assert_eq!(list(&Values::new()), "nothing");
    }

    proptest! {
        #[test]
        fn they_are_a_set(one in vec(0u8..6, 0..6), other in vec(0u8..6, 0..6), last in 0u8..6) {
            let sets = [&one, &other].map(|list| list.iter().copied().map(value).collect::<BTreeSet<Value>>());
            let [one, other] = [&one, &other].map(|list| list.iter().copied().map(value).collect::<Values>());
            let same = |values: &Values, set: &BTreeSet<Value>| values.iter().eq(set.iter());
            prop_assert!(same(&one, &sets[0]));
            prop_assert!(same(&(&one | &other), &(&sets[0] | &sets[1])));
            prop_assert!(same(&(&one & &other), &(&sets[0] & &sets[1])));
            prop_assert!(same(&(&one - &other), &(&sets[0] - &sets[1])));
            prop_assert_eq!(one.is_subset(&other), sets[0].is_subset(&sets[1]));
            prop_assert_eq!(one.is_superset(&other), sets[0].is_superset(&sets[1]));
            prop_assert_eq!(one.is_disjoint(&other), sets[0].is_disjoint(&sets[1]));
            prop_assert_eq!(one.cmp(&other), sets[0].cmp(&sets[1]));
            let (mut changed, mut set) = (one.clone(), sets[0].clone());
            prop_assert_eq!(changed.insert(value(last)), set.insert(value(last)));
            changed.extend(other.iter().cloned());
            set.extend(sets[1].iter().cloned());
            prop_assert!(same(&changed, &set));
            prop_assert_eq!(changed.remove(&value(last)), set.remove(&value(last)));
            prop_assert!(same(&changed, &set));
            prop_assert!(same(&one, &sets[0]), "a copy that changes leaves the other as it was");
        }
    }
}
