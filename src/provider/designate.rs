//! stub
use super::{Entry, setting::SettingsError};
/// stub
pub const ENTRY: Entry = Entry {
    name: "designate",
    title: "",
    shape: "",
    documentation: "",
    settings: &[],
    build: |_, _| Err(SettingsError::whole("stub")),
};
