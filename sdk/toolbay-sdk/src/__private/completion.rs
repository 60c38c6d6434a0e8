//! A plugin's completions as the host sees them: `complete` finds the prompt or the resource, and the function for its argument.

use serde_json::Value;

use super::bindings::completions;
use super::bindings::toolbay::plugin::types;
use super::output::ToolFailure;
use super::plugin::Plugin;
use super::texts::Texts;
use crate::completion::{Completion, Settled};
use crate::error::ToolError;

/// From what was typed and the other arguments to proposals.
pub type Completer = fn(&str, &Settled) -> Result<Completion, ToolError>;

impl<P: Plugin> completions::Guest for P {
    fn complete(
        of: completions::Reference,
        argument: String,
        value: String,
        context: types::Json,
    ) -> Result<completions::Completion, types::ToolError> {
        let completers = match &of {
            completions::Reference::Prompt(name) => {
                let prompt = P::PROMPTS.iter().find(|prompt| prompt.name == name);
                prompt.map(|prompt| prompt.completers)
            }
            completions::Reference::Resource(name) => {
                let resource = P::RESOURCES.iter().find(|resource| resource.name == name);
                resource.map(|resource| resource.completers)
            }
        };
        let completers = completers.unwrap_or_default();
        let outcome = match completers.iter().find(|(name, _)| *name == argument) {
            Some((_, complete)) => Texts::read(&context)
                .and_then(|settled| complete(&value, &Settled::of(settled.into_map()))),
            None => Err(ToolError::not_found(format!(
                "this plugin proposes nothing for `{argument}`"
            ))),
        };
        outcome
            .map(Completion::into_wire)
            .map_err(ToolError::into_wire)
    }
}

/// The arguments that have proposals, as the manifest lists them.
pub(super) fn names(completers: &[(&str, Completer)]) -> Option<Value> {
    let names: Value = completers
        .iter()
        .map(|(name, _)| Value::from(*name))
        .collect();
    (!completers.is_empty()).then_some(names)
}

/// A type whose values can be proposals.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be proposals for an argument",
    label = "this is what the function behind `complete(…)` returns",
    note = "return `Vec<String>`, `Completion`, or a `Result` of one of these whose error becomes a `ToolError`"
)]
pub trait CompleteOutput {
    fn completion(self) -> Result<Completion, ToolError>;
}

impl CompleteOutput for Completion {
    fn completion(self) -> Result<Completion, ToolError> {
        Ok(self)
    }
}

impl<V: Into<String>> CompleteOutput for Vec<V> {
    fn completion(self) -> Result<Completion, ToolError> {
        Ok(Completion::new(self))
    }
}

impl<T: CompleteOutput, E: ToolFailure> CompleteOutput for Result<T, E> {
    fn completion(self) -> Result<Completion, ToolError> {
        self.map_err(E::into_tool_error)?.completion()
    }
}
