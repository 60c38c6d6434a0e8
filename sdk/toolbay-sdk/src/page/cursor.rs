//! Where a page ends, in a form that means nothing to whoever passes it on. The host gives it that
//! form; outside a component it is a version, a checksum and the position, as base64 that is safe in URLs.

use std::fmt;
use std::marker::PhantomData;

#[cfg(not(target_family = "wasm"))]
use base64::Engine as _;
#[cfg(not(target_family = "wasm"))]
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(target_family = "wasm")]
use crate::__private::bindings::toolbay::plugin::cursors;

#[cfg(not(target_family = "wasm"))]
const VERSION: u8 = 1;

/// The longest position, in bytes of JSON.
const MAX_POSITION: usize = 2048;

/// The longest cursor, in characters.
const MAX_CHARS: usize = 4096;

/// Where the page after one begins, as a tool's argument: `cursor: Option<Cursor>`. [`Page`](crate::Page) makes the next one.
///
/// What it holds is the position: a number for [`Page::of`](crate::Page::of), and with [`Page::after`](crate::Page::after) whatever the author chose, such as
/// the last item's name for a `Cursor<String>`. The caller sees a text that says nothing, to be given back as it was; one that was damaged, made up, or holds a
/// position of another kind is a `validation_error` before the tool runs.
///
/// In a component the host seals it: for this caller and this tool, so that a client can neither make one nor use another's. Outside one, as in a native test, there is
/// only a checksum, which finds accidents.
///
/// ```
/// use toolbay_sdk::{Cursor, serde_json};
///
/// let text = serde_json::to_string(&Cursor::new("milk"))?;
/// assert_eq!(serde_json::from_str::<Cursor<String>>(&text)?.position(), "milk");
/// assert_eq!(serde_json::from_str::<Cursor<String>>(&text)?.into_position(), "milk");
/// assert!(serde_json::from_str::<Cursor<u64>>(&text).is_err());
/// assert!(serde_json::from_str::<Cursor<String>>(r#""bWlsaw""#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor<P = u64> {
    position: P,
}

impl<P> Cursor<P> {
    /// A cursor to this position.
    pub fn new(position: P) -> Self {
        Self { position }
    }

    /// The position.
    pub fn position(&self) -> &P {
        &self.position
    }

    /// The position itself.
    pub fn into_position(self) -> P {
        self.position
    }
}

impl<P: Serialize> Serialize for Cursor<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        let position = serde_json::to_vec(&self.position).map_err(S::Error::custom)?;
        if position.len() > MAX_POSITION {
            return Err(S::Error::custom(
                "a cursor's position is longer than fits a cursor",
            ));
        }
        let text = seal(&position).map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de, P: DeserializeOwned> Deserialize<'de> for Cursor<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(CursorVisitor(PhantomData))
    }
}

struct CursorVisitor<P>(PhantomData<P>);

impl<P: DeserializeOwned> Visitor<'_> for CursorVisitor<P> {
    type Value = Cursor<P>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a cursor, which is a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        position(text).map(Cursor::new).ok_or_else(|| {
            E::custom("it is no cursor that this tool gave; give the `next_cursor` of the page before as it was, or leave it out to begin with the first page")
        })
    }
}

/// The position in a cursor's text, if that is one.
fn position<P: DeserializeOwned>(text: &str) -> Option<P> {
    if text.len() > MAX_CHARS {
        return None;
    }
    serde_json::from_slice(&open(text)?).ok()
}

#[cfg(target_family = "wasm")]
fn seal(position: &[u8]) -> Result<String, String> {
    cursors::seal(position)
}

#[cfg(target_family = "wasm")]
fn open(text: &str) -> Option<Vec<u8>> {
    cursors::open(text)
}

#[cfg(not(target_family = "wasm"))]
#[expect(clippy::unnecessary_wraps, reason = "the host's can fail")]
fn seal(position: &[u8]) -> Result<String, String> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&checksum(position));
    bytes.extend_from_slice(position);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(not(target_family = "wasm"))]
fn open(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (sum, position) = rest.split_at_checked(4)?;
    (*version == VERSION && sum == checksum(position)).then(|| position.to_vec())
}

/// FNV-1a of 32 bits.
#[cfg(not(target_family = "wasm"))]
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let sum = bytes.iter().fold(0x811c_9dc5_u32, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    sum.to_be_bytes()
}

impl<P> JsonSchema for Cursor<P> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The `next_cursor` of the page before, for the page after it",
            "maxLength": MAX_CHARS,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(position: &impl Serialize) -> String {
        let value = serde_json::to_value(Cursor::new(position)).unwrap();
        value.as_str().unwrap().to_owned()
    }

    #[test]
    fn the_form_stays_the_same() {
        assert_eq!(text(&7), "ATIMo_Y3");
        assert_eq!(text(&"a"), "AWGhz-oiYSI");
    }

    #[test]
    fn damaged_cursors_are_refused() {
        let good = text(&1234);
        assert_eq!(position::<u64>(&good), Some(1234));
        let damaged = [
            String::new(),
            "next".to_owned(),
            format!("{good}="),
            good.to_lowercase(),
            good.chars().rev().collect(),
            good.get(1..).unwrap().to_owned(),
            "A".repeat(5000),
        ];
        for text in damaged {
            assert_eq!(position::<u64>(&text), None, "{text}");
        }
        let error = serde_json::from_str::<Cursor>("\"next\"").unwrap_err();
        insta::assert_snapshot!(error, @"it is no cursor that this tool gave; give the `next_cursor` of the page before as it was, or leave it out to begin with the first page at line 1 column 6");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn positions_come_back(number in any::<u64>(), name in any::<String>()) {
            prop_assert_eq!(position::<u64>(&text(&number)), Some(number));
            let held = (name.clone(), number);
            let text = text(&held);
            if text.len() <= MAX_CHARS {
                prop_assert_eq!(position::<(String, u64)>(&text), Some(held));
            }
        }

        /// No change of a single character leads to another position.
        #[test]
        fn a_changed_character_is_noticed(number in any::<u64>(), place in any::<prop::sample::Index>(), new in "[A-Za-z0-9_-]") {
            let good = text(&number);
            let place = place.index(good.len());
            let mut changed = good.clone();
            changed.replace_range(place..=place, &new);
            prop_assert!(changed == good || position::<u64>(&changed).is_none());
        }

        #[test]
        fn anything_may_be_given(text in any::<String>()) {
            let _ = position::<u64>(&text);
        }
    }
}
