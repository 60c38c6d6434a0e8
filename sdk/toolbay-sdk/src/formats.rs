//! Texts of a known form as types: an argument of one is checked by the host before the tool runs, since its schema says `format`, and in the tool it is
//! taken apart already. Owns which texts are one; each says what is wrong with any other.
//!
//! Whatever a type holds, the host's check of that format takes (a test of the host sees to that); the host takes some more, such as `mailto:` for a URL, and then the
//! tool's own error says what is wanted.

mod date;
mod date_time;
mod email;
mod url;

pub use self::date::Date;
pub use self::date_time::DateTime;
pub use self::email::Email;
pub use self::url::Url;

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::ToolError;

/// Reads a type from a JSON text.
fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = ToolError>,
    D: Deserializer<'de>,
{
    // In a visitor, so that an error has the place of the text, which leads to the argument's name.
    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err = ToolError>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

/// A text as an error repeats it.
fn shown(text: &str) -> String {
    const MOST: usize = 100;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// What all of these are: written as they are shown, read by their `FromStr`, and a string with a format in a schema.
macro_rules! text_type {
    ($type:ident, $format:literal, $description:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "format": $format, "description": $description})
            }
        }
    };
}

text_type!(Date, "date", "A date, such as 2026-11-25");
text_type!(
    DateTime,
    "date-time",
    "A date and time with its offset, such as 2026-11-25T09:30:00+01:00"
);
text_type!(Email, "email", "An e-mail address, such as ada@example.com");
text_type!(
    Url,
    "uri",
    "An address on the web, such as https://example.com/page"
);
