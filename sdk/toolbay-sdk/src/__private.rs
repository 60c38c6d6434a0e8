//! What the macros' output refers to. Not for authors: it changes without notice.

pub mod bindings;
mod check;
mod input;
mod output;
mod plugin;
mod schema;

pub use bindings::export_plugin as export;
pub use check::{check_listed_once, check_name_length, check_setting_is_listed};
pub use input::{ToolArgument, arguments, assert_argument};
pub use output::{Returned, ReturnsValue, ToolFailure, ToolOutput};
pub use plugin::{Plugin, Tool, ToolEntry, manifest_json};
pub use schema::input_schema;
