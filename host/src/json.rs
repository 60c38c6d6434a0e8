//! JSON text as a tree, refusing an object that has the same key twice. Readers differ in which of the two they take, so a value that was checked with the
//! one could be used with the other.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses JSON text of at most 128 levels.
///
/// # Errors
///
/// What is wrong and where, as `serde_json` has it; a key that an object has twice is wrong too.
pub(crate) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Strict>(text).map(|strict| strict.0)
}

/// The same text for the same value, however it was written: members in the order of their names, whole numbers without a point. Nothing where it is no JSON.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let mut written = String::new();
    write_canonical(&parse(text).ok()?, &mut written);
    Some(written)
}

fn write_canonical(value: &Value, to: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            to.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                *to += &Value::from(name.as_str()).to_string();
                to.push(':');
                write_canonical(value, to);
            }
            to.push('}');
        }
        Value::Array(items) => {
            to.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                write_canonical(item, to);
            }
            to.push(']');
        }
        Value::Number(number) => match whole(number) {
            Some(whole) => *to += &whole.to_string(),
            None => *to += &number.to_string(),
        },
        other => *to += &other.to_string(),
    }
}

/// A number with a point that is whole all the same, as far as doubles tell whole numbers apart.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is whole and small enough"
)]
fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = number.as_f64().filter(|_| number.is_f64())?;
    (value.fract() == 0.0 && value.abs() < EXACT).then_some(value as i64)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let Strict(value) = members.next_value()?;
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "the key `{}` is there twice",
                    crate::text::shorten(&crate::text::escape(&key), 60)
                )));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_is_written_the_same() {
        let canonical = |text| canonical(text).unwrap();
        assert_eq!(
            canonical(r#" {"b": [1.0, 2e0, -0.5, null], "a": {"d": "é", "c": true}} "#),
            r#"{"a":{"c":true,"d":"é"},"b":[1,2,-0.5,null]}"#
        );
        assert_eq!(canonical(r#""\u00e9""#), canonical("\"é\""));
        assert_ne!(canonical("9007199254740993"), canonical("9007199254740992"));
        assert_ne!(canonical("1"), canonical("\"1\""));
        assert_eq!(canonical("-0.0"), "0");
        assert_eq!(super::canonical("{"), None);
    }

    #[test]
    fn the_same_tree_as_serde_json_but_for_double_keys() {
        let text = r#"{"a": [1, -2, 3.5, 1e300, true, null, "x\u00e9"], "b": {"a": {}}, "big": 18446744073709551615}"#;
        assert_eq!(
            parse(text).unwrap(),
            serde_json::from_str::<Value>(text).unwrap()
        );
        assert_eq!(
            parse(r#"{"a": {"b": 1, "b": 2}}"#).unwrap_err().to_string(),
            "the key `b` is there twice at line 1 column 22"
        );
        assert!(parse(&"[".repeat(10_000)).is_err());
    }
}
