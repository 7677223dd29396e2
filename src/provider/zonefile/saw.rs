//! Which content a read saw, and whether only we have changed it since.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use ring::digest::{SHA256, digest};

/// How many of our own writes in a row are remembered.
const WRITES: usize = 64;

/// What a read carries to the change: the digest of the content that it saw, or that there was no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saw(Option<Vec<u8>>);

impl Saw {
    /// There was no file.
    pub const NOTHING: Self = Self(None);

    /// There was a file with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Some(digest(&SHA256, bytes).as_ref().to_vec()))
    }
}

/// The contents that led to the last one we wrote, each made from the one before by us alone: the changes of one plan follow
/// one another though all of them were read before the first.
#[derive(Debug, Default)]
pub struct Writes(Mutex<VecDeque<Saw>>);

impl Writes {
    /// Whether `now` is `saw`, or came from it by our own writes alone.
    #[must_use]
    pub fn lead(&self, saw: &Saw, now: &Saw) -> bool {
        let ours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        saw == now || (ours.back() == Some(now) && ours.contains(saw))
    }

    /// Remembers that we made `after` from `before`.
    pub fn add(&self, before: Saw, after: Saw) {
        // A panic elsewhere can at worst leave it shorter, and then a change is planned anew.
        let mut ours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ours.back() != Some(&before) {
            ours.clear();
            ours.push_back(before);
        }
        ours.push_back(after);
        while ours.len() > WRITES {
            ours.pop_front();
        }
    }
}
