//! An argument that holds JSON: as text, or as the value itself. Models send either, and clients turn the one into the other.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use toolbay_sdk::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// How long the text may be: a result, the text and the values read from it have to fit into memory together.
const MAX_CHARS: usize = 8 * 1024 * 1024;

/// JSON text, as it was sent: nothing has read its numbers yet, so none has lost a digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    pub fn null() -> Self {
        Self("null".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sent = Box::<RawValue>::deserialize(deserializer)?;
        // A string holds JSON text; everything else is the value itself.
        if sent.get().starts_with('"') {
            serde_json::from_str(sent.get())
                .map(Self)
                .map_err(serde::de::Error::custom)
        } else {
            Ok(Self(Box::<str>::from(sent).into()))
        }
    }
}

impl JsonSchema for JsonText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "JsonText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "maxLength": MAX_CHARS })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_are_the_same() {
        for (sent, expected) in [
            (r#""{\"a\": 1.10}""#, r#"{"a": 1.10}"#),
            (r#"{"a": 1.10}"#, r#"{"a": 1.10}"#),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("null", "null"),
            (r#""""#, ""),
            (r#""\"text\"""#, r#""text""#),
        ] {
            let text: JsonText = serde_json::from_str(sent).unwrap();
            assert_eq!(text.as_str(), expected);
        }
    }
}
