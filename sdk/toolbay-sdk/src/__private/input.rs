//! From the text of the arguments to the values that a tool takes.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::ToolError;

/// A type that can be an argument of a tool: it can be read from JSON and tells its JSON Schema.
///
/// The parameter is only there for the message: with two ways to fulfil the trait, the compiler reports this trait itself instead of
/// the first bound that one of them misses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a tool",
    label = "this type cannot be read from JSON with a schema",
    note = "put `#[data]` on your own struct or enum, or take a type such as `String`, `f64`, `u32`, `bool`, `Option<T>`, `Vec<T>`"
)]
pub trait ToolArgument<Kind> {}

#[derive(Debug)]
pub enum FromJson {}
#[derive(Debug)]
pub enum Never {}
/// Nothing fulfils this.
pub trait Impossible {}

impl<T: DeserializeOwned + JsonSchema> ToolArgument<FromJson> for T {}
impl<T: Impossible + ?Sized> ToolArgument<Never> for T {}

pub const fn assert_argument<T: ToolArgument<Kind>, Kind>() {}

/// Reads the arguments of one call. The host has checked them against the schema, so this fails only where the schema says less
/// than the type.
pub fn arguments<T: DeserializeOwned>(text: &str) -> Result<T, ToolError> {
    serde_json::from_str(text)
        .map_err(|error| ToolError::validation(format!("the arguments do not fit: {error}")))
}
