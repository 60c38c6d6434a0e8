//! A plugin as the host sees it: `call` finds the tool, `describe` tells the manifest. The call path touches neither schemas nor the manifest.

use serde_json::{Map, Value};

use super::bindings::exports::toolbay::plugin::{describe, tools};
use super::bindings::toolbay::plugin::types;
use crate::error::ToolError;
use crate::result::ToolResult;

/// What `#[tool]` makes of a function.
pub trait Tool {
    const NAME: &'static str;
    const TITLE: Option<&'static str>;
    const DESCRIPTION: &'static str;
    fn input_schema() -> Value;
    fn output_schema() -> Option<Value>;
    /// # Errors
    /// The tool's own, or arguments that do not fit.
    fn call(arguments: &str) -> Result<ToolResult, ToolError>;

    const ENTRY: ToolEntry = ToolEntry {
        name: Self::NAME,
        title: Self::TITLE,
        description: Self::DESCRIPTION,
        input_schema: Self::input_schema,
        output_schema: Self::output_schema,
        call: Self::call,
    };
}

/// A tool as a value, so that a plugin can list tools of different types.
#[derive(Debug)]
pub struct ToolEntry {
    pub(super) name: &'static str,
    title: Option<&'static str>,
    description: &'static str,
    input_schema: fn() -> Value,
    output_schema: fn() -> Option<Value>,
    call: fn(&str) -> Result<ToolResult, ToolError>,
}

/// What `plugin!` makes of a list of tools and `plugin.toml`, which it has checked already.
pub trait Plugin {
    const TOOLS: &'static [ToolEntry];
    /// The manifest's `plugin` as JSON text.
    const PLUGIN: &'static str;
    /// The manifest's `mounts` as JSON text.
    const MOUNTS: &'static str;
    /// For each tool that `plugin.toml` speaks of: its name and its settings as JSON text.
    const SETTINGS: &'static [(&'static str, &'static str)];
}

impl<P: Plugin> tools::Guest for P {
    fn call(name: String, arguments: types::Json) -> Result<types::ToolResult, types::ToolError> {
        let tool = P::TOOLS.iter().find(|tool| tool.name == name);
        let outcome = match tool {
            Some(tool) => (tool.call)(&arguments),
            None => Err(ToolError::not_found(format!(
                "this plugin has no tool `{name}`"
            ))),
        };
        outcome
            .map(ToolResult::into_wire)
            .map_err(ToolError::into_wire)
    }
}

impl<P: Plugin> describe::Guest for P {
    fn manifest() -> types::Json {
        manifest_json::<P>()
    }
}

/// The plugin's manifest as JSON text.
pub fn manifest_json<P: Plugin>() -> String {
    let mut tools = Map::new();
    for tool in P::TOOLS {
        let mut entry = Map::new();
        entry.extend(tool.title.map(|title| ("title".to_owned(), title.into())));
        entry.insert("description".to_owned(), tool.description.into());
        entry.insert("input-schema".to_owned(), (tool.input_schema)());
        entry.extend((tool.output_schema)().map(|schema| ("output-schema".to_owned(), schema)));
        let settings = P::SETTINGS.iter().find(|(name, _)| *name == tool.name);
        entry.extend(settings.map(|(_, json)| object(json)).unwrap_or_default());
        tools.insert(tool.name.to_owned(), Value::Object(entry));
    }
    let manifest = Map::from_iter([
        ("manifest-version".to_owned(), 1.into()),
        ("plugin".to_owned(), Value::Object(object(P::PLUGIN))),
        ("mounts".to_owned(), Value::Object(object(P::MOUNTS))),
        ("tools".to_owned(), Value::Object(tools)),
    ]);
    Value::Object(manifest).to_string()
}

/// The text was written by `plugin!` itself.
fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}
