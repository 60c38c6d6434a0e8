//! From the text of the arguments to the values that a tool takes.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::ToolError;

/// A type that can be an argument of a tool: it can be read from JSON and tells its JSON Schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a tool",
    label = "this type cannot be read from JSON with a schema",
    note = "put `#[data]` on your own struct or enum, or take a type such as `String`, `f64`, `u32`, `bool`, `Option<T>`, `Vec<T>`"
)]
pub trait ToolArgument {}

// What is missing is said by the trait above, in the words of this crate.
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> ToolArgument for T {}

/// Written for each argument before anything is derived for it, so that this trait's message is the first.
pub const fn assert_argument<T: ToolArgument>() {}

/// Reads the arguments of one call. The host has checked them against the schema, so this fails only where the schema says less
/// than the type.
pub fn arguments<T: DeserializeOwned>(text: &str) -> Result<T, ToolError> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // A model did not see the text, so line and column say nothing to it.
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message);
        ToolError::validation(format!("the arguments do not fit: {message}"))
    })
}
