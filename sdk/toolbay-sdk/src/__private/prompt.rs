//! A plugin's prompts as the host sees them: `get` finds the prompt; what a function returns becomes its messages.

use serde_json::{Map, Value};

use super::bindings::prompts;
use super::bindings::toolbay::plugin::types;
use super::completion::Completer;
use super::output::ToolFailure;
use super::plugin::Plugin;
use crate::error::ToolError;
use crate::prompt::{PromptMessage, PromptResult};

/// What `#[prompt]` makes of a function.
pub trait Prompt {
    const ENTRY: PromptItem;
}

/// A prompt as a value, so that a plugin can list prompts of different types.
pub struct PromptItem {
    pub name: &'static str,
    pub title: Option<&'static str>,
    pub description: &'static str,
    pub icons: &'static [&'static str],
    pub arguments: &'static [PromptArgument],
    pub completers: &'static [(&'static str, Completer)],
    pub get: fn(&str) -> Result<PromptResult, ToolError>,
}

/// One argument of a prompt.
pub struct PromptArgument {
    pub name: &'static str,
    pub title: Option<&'static str>,
    pub description: Option<&'static str>,
    pub required: bool,
}

impl<P: Plugin> prompts::Guest for P {
    fn get(
        name: String,
        arguments: types::Json,
    ) -> Result<prompts::PromptResult, types::ToolError> {
        let outcome = match P::PROMPTS.iter().find(|prompt| prompt.name == name) {
            Some(prompt) => (prompt.get)(&arguments),
            None => Err(ToolError::not_found(format!(
                "this plugin has no prompt `{name}`"
            ))),
        };
        outcome
            .map(PromptResult::into_wire)
            .map_err(ToolError::into_wire)
    }
}

/// The prompt's part of the manifest, before its settings.
pub(super) fn describe(prompt: &PromptItem) -> Map<String, Value> {
    let mut entry = Map::new();
    let mut add = |key: &str, value: Option<Value>| {
        entry.extend(value.map(|value| (key.to_owned(), value)));
    };
    add("title", prompt.title.map(Into::into));
    add("description", Some(prompt.description.into()));
    add("icons", super::plugin::icons(prompt.icons));
    let arguments: Value = prompt.arguments.iter().map(describe_argument).collect();
    add(
        "arguments",
        (!prompt.arguments.is_empty()).then_some(arguments),
    );
    add("completes", super::completion::names(prompt.completers));
    entry
}

fn describe_argument(argument: &PromptArgument) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), argument.name.into());
    entry.extend(
        argument
            .title
            .map(|title| ("title".to_owned(), title.into())),
    );
    let description = argument.description.map(Value::from);
    entry.extend(description.map(|text| ("description".to_owned(), text)));
    entry.insert("required".to_owned(), argument.required.into());
    Value::Object(entry)
}

/// A type whose values can be what a prompt says.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a prompt says",
    label = "a prompt gives messages",
    note = "return `String`, `PromptMessage`, `Vec<PromptMessage>`, `PromptResult`, or a `Result` of one of these whose error becomes a `ToolError`"
)]
pub trait PromptOutput {
    fn prompt_result(self) -> Result<PromptResult, ToolError>;
}

impl PromptOutput for String {
    fn prompt_result(self) -> Result<PromptResult, ToolError> {
        Ok(PromptResult::new([PromptMessage::user(self)]))
    }
}

impl PromptOutput for &str {
    fn prompt_result(self) -> Result<PromptResult, ToolError> {
        Ok(PromptResult::new([PromptMessage::user(self)]))
    }
}

impl PromptOutput for PromptMessage {
    fn prompt_result(self) -> Result<PromptResult, ToolError> {
        Ok(PromptResult::new([self]))
    }
}

impl PromptOutput for Vec<PromptMessage> {
    fn prompt_result(self) -> Result<PromptResult, ToolError> {
        Ok(PromptResult::new(self))
    }
}

impl PromptOutput for PromptResult {
    fn prompt_result(self) -> Result<PromptResult, ToolError> {
        Ok(self)
    }
}

impl<T: PromptOutput, E: ToolFailure> PromptOutput for Result<T, E> {
    fn prompt_result(self) -> Result<PromptResult, ToolError> {
        self.map_err(E::into_tool_error)?.prompt_result()
    }
}
