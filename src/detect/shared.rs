//! What several sources read in common: once for all questions that are asked together.

use std::sync::{Arc, Mutex, PoisonError};

/// The last reading of something, or why it could not be read.
pub struct Shared<T>(Mutex<Option<Result<Arc<T>, String>>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Shared<T> {
    /// What was read is not used again.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What was read since [`Shared::forget`], or else what `read` reads now.
    pub fn get(&self, read: impl FnOnce() -> Result<T, String>) -> Result<Arc<T>, String> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.get_or_insert_with(|| read().map(Arc::new)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_once_until_it_is_forgotten_and_a_failure_is_remembered_as_well() {
        let shared = Shared::default();
        assert_eq!(shared.get(|| Ok(1)).unwrap(), 1.into());
        assert_eq!(shared.get(|| Ok(2)).unwrap(), 1.into());
        shared.forget();
        assert_eq!(shared.get(|| Err("gone".into())), Err("gone".into()));
        assert_eq!(shared.get(|| Ok(3)), Err("gone".into()));
        shared.forget();
        assert_eq!(shared.get(|| Ok(3)).unwrap(), 3.into());
    }
}
