//! stub
use super::{Entry, setting::SettingsError};
/// stub
pub const ENTRY: Entry = Entry {
    name: "dyndns2",
    title: "",
    shape: "",
    documentation: "",
    settings: &[],
    build: |_, _| Err(SettingsError::whole("stub")),
};
