//! JSON documents of strangers, in which no key stands twice: parsers differ in which of two counts (RFC 8259, section 4).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a document.
///
/// `{"ip": "8.8.8.8"}` is one, `{"ip": "8.8.8.8", "ip": "9.9.9.9"}` is an error.
///
/// # Errors
/// What is no JSON, is nested deeper than 128 levels, or has a key twice in one object, in words.
pub(super) fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map(|Strict(value)| value).map_err(|error| error.to_string())
}

/// A value without a key that stands twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Whatever).map(Self)
    }
}

/// Takes whatever value comes.
struct Whatever;

impl<'de> Visitor<'de> for Whatever {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom("a key stands twice"));
            }
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_it_stands() {
        let text = r#"{"a":[1,-1,1.5,true,null,"ü"],"b":{"a":{}},"":[]}"#;
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for text in ["1", "\"a\"", "null", "[]", "{}"] {
            assert!(read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_wherever_it_stands() {
        for text in [
            r#"{"ip":"8.8.8.8","ip":"9.9.9.9"}"#,
            r#"{"ip":"8.8.8.8","\u0069p":"9.9.9.9"}"#,
            r#"{"ip":null,"ip":"8.8.8.8"}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
        ] {
            assert!(read(text).unwrap_err().contains("twice"), "{text}");
        }
        assert!(read(r#"{"a":{"ip":1},"b":{"ip":1}}"#).is_ok());
    }

    #[test]
    fn what_is_no_document_or_too_deep_is_an_error() {
        for text in
            ["", "{", "8.8.8.8", "{}{}", "{\"a\":NaN}", &"[".repeat(4000), &("[".repeat(200) + &"]".repeat(200))]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
