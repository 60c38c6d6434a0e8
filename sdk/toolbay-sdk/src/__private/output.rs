//! From whatever a tool returns to a result. Owns the choice between text, structured content and results built by hand, which is made
//! by type and at compile time: methods of [`Returned`] itself come before those of the traits for all other types.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::schema;
use crate::error::ToolError;
use crate::result::{ToolResult, WithText};

/// Stands for the type that a tool returns, without a value of it.
#[derive(Debug)]
pub struct Returned<T>(PhantomData<fn() -> T>);

impl<T> Returned<T> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Returned<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> Returned<Result<T, E>> {
    pub fn success(&self) -> Returned<T> {
        Returned::new()
    }

    pub fn outcome(&self, returned: Result<T, E>) -> Result<T, ToolError>
    where
        E: ToolFailure,
    {
        returned.map_err(E::into_tool_error)
    }
}

/// A type whose values can be the error of a tool.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a tool",
    label = "this error does not become a `ToolError`",
    note = "return `Result<_, ToolError>`, or write `impl From<{Self}> for ToolError`"
)]
pub trait ToolFailure {
    fn into_tool_error(self) -> ToolError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<ToolError>> ToolFailure for E {
    fn into_tool_error(self) -> ToolError {
        self.into()
    }
}

impl Returned<()> {
    pub fn tool_result(&self, (): ()) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::new().text("done"))
    }

    pub fn output_schema(&self) -> Option<Value> {
        None
    }
}

impl Returned<String> {
    pub fn tool_result(&self, text: String) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::new().text(text))
    }

    pub fn output_schema(&self) -> Option<Value> {
        None
    }
}

impl<'a> Returned<&'a str> {
    pub fn tool_result(&self, text: &'a str) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::new().text(text))
    }

    pub fn output_schema(&self) -> Option<Value> {
        None
    }
}

impl Returned<ToolResult> {
    pub fn tool_result(&self, result: ToolResult) -> Result<ToolResult, ToolError> {
        Ok(result)
    }

    pub fn output_schema(&self) -> Option<Value> {
        None
    }
}

impl<T> Returned<WithText<T>> {
    pub fn tool_result(&self, result: WithText<T>) -> Result<ToolResult, ToolError>
    where
        T: ToolOutput,
    {
        Ok(result.value.structured()?.text(result.text))
    }

    pub fn output_schema(&self) -> Option<Value>
    where
        T: ToolOutput,
    {
        Some(T::schema())
    }
}

/// A type whose values can be structured content: it can be written as JSON and tells its JSON Schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a tool",
    label = "this type cannot be written as JSON with a schema",
    note = "put `#[data]` on your own struct or enum, or return `String`, `()`, `ToolResult` or a `Result` of one of these whose error becomes a `ToolError`"
)]
pub trait ToolOutput {
    fn structured(self) -> Result<ToolResult, ToolError>;
    fn schema() -> Value;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> ToolOutput for T {
    fn structured(self) -> Result<ToolResult, ToolError> {
        // The host puts the same into a text, so it does not cross the border of the sandbox twice.
        ToolResult::new().structured(self)
    }

    fn schema() -> Value {
        schema::output_schema::<T>()
    }
}

/// What holds for every other type that a tool returns. The bounds are at the methods, so that a type without them is reported
/// by name instead of as a missing method.
pub trait ReturnsValue<T> {
    fn success(&self) -> Returned<T> {
        Returned::new()
    }

    fn outcome(&self, returned: T) -> Result<T, ToolError> {
        Ok(returned)
    }

    fn tool_result(&self, value: T) -> Result<ToolResult, ToolError>
    where
        T: ToolOutput,
    {
        value.structured()
    }

    fn output_schema(&self) -> Option<Value>
    where
        T: ToolOutput,
    {
        Some(T::schema())
    }
}

impl<T> ReturnsValue<T> for Returned<T> {}
