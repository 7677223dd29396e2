//! YAML as other updaters have it: scalars are texts however they are written, and each has its line.

use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

use super::Malformed;

/// A scalar and where it stands.
pub(super) type Scalar = Spanned<String>;

/// Reads one document.
///
/// # Errors
/// It is no YAML, or has not this shape. The message names kinds and keys, never a value.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |place| usize::try_from(place.line()).unwrap_or(1)).max(1);
        Malformed::at(line, "this is not the YAML that is expected here")
    })
}

/// The line of a value.
pub(super) fn line<T>(value: &Spanned<T>) -> usize {
    usize::try_from(value.referenced.line()).unwrap_or(1).max(1)
}
