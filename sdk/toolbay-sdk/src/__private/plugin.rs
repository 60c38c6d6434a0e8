//! A plugin as the host sees it: `call` finds the tool, `describe` tells the manifest. The call path touches neither schemas nor the manifest.

use serde_json::{Map, Value};

use super::bindings::toolbay::plugin::types;
use super::bindings::{describe, tools};
use super::prompt::{self, PromptItem};
use super::resource::{self, ResourceItem};
use crate::error::ToolError;
use crate::result::ToolResult;

/// What `#[tool]` makes of a function.
pub trait Tool {
    const NAME: &'static str;
    const TITLE: Option<&'static str>;
    const DESCRIPTION: &'static str;
    const ICONS: &'static [&'static str];
    fn input_schema() -> Value;
    fn output_schema() -> Option<Value>;
    /// # Errors
    /// The tool's own, or arguments that do not fit.
    fn call(arguments: &str) -> Result<ToolResult, ToolError>;

    const ENTRY: ToolEntry = ToolEntry {
        name: Self::NAME,
        title: Self::TITLE,
        description: Self::DESCRIPTION,
        icons: Self::ICONS,
        input_schema: Self::input_schema,
        output_schema: Self::output_schema,
        call: Self::call,
    };
}

/// A tool as a value, so that a plugin can list tools of different types.
#[derive(Debug)]
pub struct ToolEntry {
    pub name: &'static str,
    title: Option<&'static str>,
    description: &'static str,
    icons: &'static [&'static str],
    input_schema: fn() -> Value,
    output_schema: fn() -> Option<Value>,
    call: fn(&str) -> Result<ToolResult, ToolError>,
}

/// What `plugin!` makes of its lists and `plugin.toml`, which it has checked already.
pub trait Plugin {
    const TOOLS: &'static [ToolEntry];
    const RESOURCES: &'static [ResourceItem];
    const PROMPTS: &'static [PromptItem];
    /// The manifest's `plugin` as JSON text.
    const PLUGIN: &'static str;
    /// The manifest's `mounts` as JSON text.
    const MOUNTS: &'static str;
    const TOOL_SETTINGS: Settings;
    const RESOURCE_SETTINGS: Settings;
    const PROMPT_SETTINGS: Settings;
}

/// For each one that `plugin.toml` speaks of: its name and its settings as JSON text.
pub type Settings = &'static [(&'static str, &'static str)];

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
        add(&mut tools, tool.name, describe_tool(tool), P::TOOL_SETTINGS);
    }
    let mut manifest = Map::from_iter([
        ("manifest-version".to_owned(), 1.into()),
        ("plugin".to_owned(), Value::Object(object(P::PLUGIN))),
        ("mounts".to_owned(), Value::Object(object(P::MOUNTS))),
        ("tools".to_owned(), Value::Object(tools)),
    ]);
    if !P::RESOURCES.is_empty() {
        let mut resources = Map::new();
        for resource in P::RESOURCES {
            let entry = resource::describe(resource);
            add(&mut resources, resource.name, entry, P::RESOURCE_SETTINGS);
        }
        manifest.insert("resources".to_owned(), Value::Object(resources));
    }
    if !P::PROMPTS.is_empty() {
        let mut prompts = Map::new();
        for prompt in P::PROMPTS {
            add(
                &mut prompts,
                prompt.name,
                prompt::describe(prompt),
                P::PROMPT_SETTINGS,
            );
        }
        manifest.insert("prompts".to_owned(), Value::Object(prompts));
    }
    Value::Object(manifest).to_string()
}

fn describe_tool(tool: &ToolEntry) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.extend(tool.title.map(|title| ("title".to_owned(), title.into())));
    entry.insert("description".to_owned(), tool.description.into());
    entry.insert("input-schema".to_owned(), (tool.input_schema)());
    entry.extend((tool.output_schema)().map(|schema| ("output-schema".to_owned(), schema)));
    entry.extend(icons(tool.icons).map(|icons| ("icons".to_owned(), icons)));
    entry
}

/// Adds an entry with its settings, which come in place of what the code says.
fn add(
    table: &mut Map<String, Value>,
    name: &str,
    mut entry: Map<String, Value>,
    settings: Settings,
) {
    let settings = settings.iter().find(|(other, _)| *other == name);
    entry.extend(settings.map(|(_, json)| object(json)).unwrap_or_default());
    table.insert(name.to_owned(), Value::Object(entry));
}

/// Icons of which the code says where they are.
pub(super) fn icons(sources: &[&str]) -> Option<Value> {
    let icon = |src: &&str| Value::Object(Map::from_iter([("src".to_owned(), (*src).into())]));
    (!sources.is_empty()).then(|| sources.iter().map(icon).collect())
}

/// The text was written by `plugin!` itself.
fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}
