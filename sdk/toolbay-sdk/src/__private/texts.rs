//! Variables of a URI and arguments of a prompt: texts on the wire, and whatever is read from a text in the function.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::ToolError;

/// A type whose values are read from a text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a text",
    label = "variables of a URI and arguments of a prompt are texts, and this type is not read from one",
    note = "take `&str`, `String`, a number, `bool`, `Date`, an `Option` of these, or write `impl FromStr for {Self}`"
)]
pub trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T: FromStr<Err: fmt::Display>> FromText for T {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: T::Err| error.to_string())
    }
}

/// The texts of one call by their names.
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// Reads the text of a JSON object whose values are all texts, as the host sends it.
    pub fn read(json: &str) -> Result<Self, ToolError> {
        serde_json::from_str(json).map(Self).map_err(|error| {
            ToolError::validation(format!("the arguments are no texts by name: {error}"))
        })
    }

    pub fn required<T: FromText>(&self, name: &str) -> Result<T, ToolError> {
        self.optional(name)?
            .ok_or_else(|| ToolError::validation(format!("`{name}` is missing")))
    }

    pub fn optional<T: FromText>(&self, name: &str) -> Result<Option<T>, ToolError> {
        let read = |text: &String| {
            T::from_text(text)
                .map_err(|error| ToolError::validation(format!("`{name}` does not fit: {error}")))
        };
        self.0.get(name).map(read).transpose()
    }

    pub(super) fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}
