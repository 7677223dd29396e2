//! JSON kept as its text: a tenth of the memory that its values take, and written as it stands.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A well-formed JSON text, shared by its copies. Two are equal when their texts are.
#[derive(Clone, Debug)]
pub struct Json(Arc<RawValue>);

impl Json {
    /// The text of `value`; `None` where JSON cannot express it (a map whose keys are no texts).
    #[must_use]
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Option<Self> {
        to_raw_value(value).ok().map(|text| Self(text.into()))
    }

    /// What the text says, where it says a `T` and is nested no deeper than 128 levels.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.0.get()).ok()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Json {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_said_is_read_and_stands_in_a_document_as_it_is() {
        let value = json!({"a": [1, "ü\n", null]});
        let text = Json::of(&value).unwrap();
        assert_eq!(text.read::<serde_json::Value>(), Some(value));
        assert_eq!(text.read::<u8>(), None);
        let whole = serde_json::to_string(std::slice::from_ref(&text)).unwrap();
        assert_eq!(whole, "[{\"a\":[1,\"ü\\n\",null]}]");
        assert_eq!(serde_json::from_str::<Vec<Json>>(&whole).unwrap(), [text]);
    }

    #[test]
    fn what_is_nested_too_deep_is_not_understood_and_does_no_harm() {
        let deep = format!("[{}1{}]", "[".repeat(10_000), "]".repeat(10_000));
        let text: Json = serde_json::from_str(&deep).unwrap();
        assert_eq!(text.read::<serde_json::Value>(), None);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert!(serde_json::from_str::<Json>("{\"a\":}").is_err());
        assert!(serde_json::from_str::<Json>("1 2").is_err());
    }
}
