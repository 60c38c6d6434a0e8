//! What the macros' output refers to. Not for authors: it changes without notice.

pub mod bindings;
mod check;
mod completion;
mod input;
mod output;
mod plugin;
mod prompt;
mod resource;
mod schema;
mod texts;

pub use bindings::completions::export_completions;
pub use bindings::describe::export_describe;
pub use bindings::prompts::export_prompts;
pub use bindings::resources::ReadResult;
pub use bindings::resources::export_resources;
pub use bindings::tools::export_tools;
pub use check::{check_listed_once, check_name_length, check_scheme, check_setting_is_listed};
pub use completion::{CompleteOutput, Completer};
pub use input::{ToolArgument, arguments, assert_argument};
pub use output::{Returned, ReturnsValue, ToolFailure, ToolOutput};
pub use plugin::{Plugin, Settings, Tool, ToolEntry, manifest_json};
pub use prompt::{Prompt, PromptArgument, PromptItem, PromptOutput};
pub use resource::{ListOutput, ReadOutput, Resource, ResourceItem, mime_type_of, read_result};
pub use schema::input_schema;
pub use texts::Texts;

/// The context of the call that runs; in a native test one of nobody.
pub fn context() -> crate::Context {
    crate::Context::default()
}
