//! What a function around a tool is told: `#[tool(around = f)]`.

use crate::Context;

/// A call that is about to be made, for the function around it.
///
/// A function that is named in `#[tool(around = …)]` runs in place of the tool, and calls the tool, or does not. It is one function for any number of tools, so it is generic over what they return.
///
/// ```
/// use toolbay_sdk::prelude::*;
/// use toolbay_sdk::{ToolCall, log};
///
/// /// Says in the log how each call went.
/// fn logged<T>(
///     call: &ToolCall<'_>,
///     next: impl FnOnce() -> Result<T, ToolError>,
/// ) -> Result<T, ToolError> {
///     let outcome = next();
///     match &outcome {
///         Ok(_) => log::info!("{} went well", call.name()),
///         Err(error) => log::warn!("{} failed: {}", call.name(), error.code()),
///     }
///     outcome
/// }
///
/// /// Halves an even number.
/// #[tool(around = logged)]
/// fn halve(number: i64) -> Result<i64, ToolError> {
///     if number % 2 == 0 { Ok(number / 2) } else { Err(ToolError::validation("give an even number")) }
/// }
/// # fn main() {
/// // A native test calls the tool itself.
/// assert_eq!(halve(4), Ok(2));
/// # }
/// ```
#[derive(Debug)]
pub struct ToolCall<'a> {
    name: &'a str,
    context: Context,
}

impl<'a> ToolCall<'a> {
    /// One that nothing is called by, to test a function around tools with.
    ///
    /// ```
    /// # use toolbay_sdk::{Context, ToolCall};
    /// let call = ToolCall::new("halve", Context::default());
    /// assert_eq!(call.name(), "halve");
    /// call.context().progress(1, 2);
    /// ```
    pub fn new(name: &'a str, context: Context) -> Self {
        Self { name, context }
    }

    /// The tool's name in its plugin.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The call's context, to say how far it is, or to ask.
    pub fn context(&self) -> &Context {
        &self.context
    }
}
