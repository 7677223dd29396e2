//! How single words of the command line are read.

use crate::model::record::{RecordType, Ttl};

/// Reads a type where it stands between a name and values: what is none is often a value without its type.
pub(super) fn rtype(text: &str) -> Result<RecordType, String> {
    known_type(text).map_err(|why| format!("{why}; the order is NAME TYPE VALUE"))
}

/// Reads a type.
pub(super) fn known_type(text: &str) -> Result<RecordType, String> {
    let all = || RecordType::ALL.iter().map(|rtype| rtype.as_str()).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|why| format!("{why}; there are {}", all()))
}

/// Reads a time to live.
pub(super) fn ttl(text: &str) -> Result<Ttl, String> {
    let seconds: u32 = text.parse().map_err(|_| format!("a TTL is a number of seconds, 0 to {}", Ttl::MAX))?;
    seconds.try_into()
}

/// Reads `variable=value`, the variable as it was typed.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is written variable=value")?;
    if name.trim().is_empty() { Err("the variable is missing".into()) } else { Ok((name.trim().into(), value.into())) }
}

/// Reads `key=value`.
pub(in crate::cli) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it is written key=value")?;
    let key = key.trim().to_lowercase().replace('-', "_");
    if key.is_empty() { Err("the key is missing".into()) } else { Ok((key, value.to_owned())) }
}
