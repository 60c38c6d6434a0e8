//! Other tools, called by this one: of the same plugin, or of another that the user has installed.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ToolError;

/// Calls a tool and waits for its result.
///
/// `name` is one of the plugin's own tools, or another plugin's by its full name: `stock_reserve` is the tool `reserve` of the plugin `stock`. The tool that calls says so in `plugin.toml`, and the
/// user grants it:
///
/// ```toml
/// [tools.create_order]
/// calls = ["reserve", "customers_get"]
///
/// [tools.reserve]
/// internal = true      # for other tools alone: clients neither see nor call it
/// kv = true
/// ```
///
/// What is called runs in a sandbox of its own with its own permissions, for the same caller. It takes of this call's time, and ends with it. A read-only tool can call read-only ones only.
///
/// The result is the tool's structured value, or where it has none its text: as a `String`, or as whatever the text is the JSON of.
///
/// ```no_run
/// use toolbay_sdk::prelude::*;
/// use toolbay_sdk::{call_tool, serde_json::json};
///
/// /// What is left of an article.
/// #[data]
/// struct Stock {
///     pieces: u32,
/// }
///
/// /// Says whether an article can be delivered.
/// #[tool]
/// fn is_there(article: &str) -> Result<bool, ToolError> {
///     let stock: Stock = call_tool("stock_get", json!({"article": article}))?;
///     Ok(stock.pieces > 0)
/// }
/// ```
///
/// # Errors
/// What the tool says, with its code. `permission_denied` where this tool may not call that one, `not_found` where there is none of the name, `conflict` where a tool would call itself over others,
/// `validation_error` where its result is not of the type asked for.
pub fn call_tool<T: DeserializeOwned>(
    name: &str,
    arguments: impl Serialize,
) -> Result<T, ToolError> {
    let arguments = serde_json::to_string(&arguments)
        .map_err(|error| ToolError::internal(format!("the arguments for `{name}`: {error}")))?;
    let (structured, text) = sandbox::call(name, &arguments)?;
    let value = match structured {
        Some(structured) => serde_json::from_str(&structured).unwrap_or_default(),
        None => serde_json::from_str(&text).unwrap_or_default(),
    };
    read(value)
        // A text need not be JSON.
        .or_else(|error| read(Value::String(text)).map_err(|_| error))
        .map_err(|error| {
            ToolError::validation(format!(
                "`{name}` gave something else than was expected: {error}"
            ))
        })
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}

#[cfg(target_family = "wasm")]
mod sandbox {
    use crate::__private::bindings::toolbay::plugin::calls::call_tool;
    use crate::__private::bindings::toolbay::plugin::types::Content;
    use crate::ToolError;

    /// The structured value and the text of a result.
    pub(super) fn call(name: &str, arguments: &str) -> Result<(Option<String>, String), ToolError> {
        let result = call_tool(name, arguments).map_err(ToolError::from)?;
        let texts = result
            .content
            .into_iter()
            .filter_map(|content| match content {
                Content::Text(text) => Some(text.text),
                _ => None,
            });
        Ok((result.structured, texts.collect::<Vec<_>>().join("\n")))
    }
}

/// Outside of the sandbox there is nobody to call.
#[cfg(not(target_family = "wasm"))]
mod sandbox {
    use crate::ToolError;

    pub(super) fn call(
        name: &str,
        _arguments: &str,
    ) -> Result<(Option<String>, String), ToolError> {
        Err(ToolError::unavailable(format!(
            "`{name}` cannot be called outside of the sandbox: test it with `toolbay_sdk::testing`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outside_the_sandbox_nothing_is_called() {
        let error = call_tool::<Value>("stock_get", json!({})).unwrap_err();
        assert!(
            error.to_string().contains("outside of the sandbox"),
            "{error}"
        );
    }
}
