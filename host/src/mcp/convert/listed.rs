//! What plugins offer, as the lists of the protocol have it.

use std::sync::Arc;

use rmcp::model::{
    Icon, JsonObject, Prompt, Resource, ResourceTemplate, Tool as McpTool, ToolAnnotations,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::content::{self, icon};
use crate::catalog::Listed;
use crate::sandbox::ResourceEntry;
use crate::status::{STATUS_DESCRIPTION, STATUS_SCHEMA, STATUS_TITLE};

/// A tool as clients see it.
pub(in crate::mcp) fn tool(listed: Listed<'_>) -> McpTool {
    let tool = listed.tool;
    let hints = tool.annotations;
    // All four are given: what a client assumes where one is missing differs from what is true of most tools.
    let annotations = ToolAnnotations::new()
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world);
    let description = listed.description().into_owned();
    if listed.is_withheld() {
        let anything = serde_json::json!({ "type": "object" });
        return McpTool::new(tool.full_name.clone(), description, object(&anything))
            .with_annotations(annotations);
    }
    let mut converted = McpTool::new(
        tool.full_name.clone(),
        description,
        object(&tool.advertised_input),
    )
    .with_annotations(annotations);
    converted.title.clone_from(&tool.title);
    converted.icons = icons(&tool.icons);
    converted.output_schema = tool.advertised_output.as_ref().map(object);
    converted
}

/// The built-in tool, under its own name or another.
pub(in crate::mcp) fn status_tool(name: &str) -> McpTool {
    let no_arguments =
        serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let mut converted = McpTool::new(name.to_owned(), STATUS_DESCRIPTION, object(&no_arguments))
        .with_annotations(
            ToolAnnotations::new()
                .read_only(true)
                .destructive(false)
                .idempotent(true)
                .open_world(false),
        );
    converted.title = Some(STATUS_TITLE.into());
    converted.output_schema = Some(object(&STATUS_SCHEMA));
    converted
}

fn object(schema: &Value) -> Arc<JsonObject> {
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

/// A resource as clients see it; nothing for a template.
pub(in crate::mcp) fn resource(listed: Listed<'_>) -> Option<Resource> {
    let facts = listed.tool.as_resource()?;
    if facts.uri.is_template() {
        return None;
    }
    let mut members = resource_members(listed)?;
    members.insert("uri".into(), listed.tool.full_name.clone().into());
    members.extend(facts.size.map(|size| ("size".to_owned(), size.into())));
    read(members)
}

/// A template as clients see it; nothing for a resource that is none.
pub(in crate::mcp) fn template(listed: Listed<'_>) -> Option<ResourceTemplate> {
    let facts = listed.tool.as_resource()?;
    if !facts.uri.is_template() {
        return None;
    }
    let mut members = resource_members(listed)?;
    members.insert("uriTemplate".into(), listed.tool.full_name.clone().into());
    read(members)
}

fn resource_members(listed: Listed<'_>) -> Option<Map<String, Value>> {
    let facts = listed.tool.as_resource()?;
    let mut members = described(listed, &facts.name);
    if !listed.is_withheld() {
        members.extend(
            facts
                .mime_type
                .as_ref()
                .map(|mime_type| ("mimeType".to_owned(), mime_type.clone().into())),
        );
        let annotations = facts.annotations.as_ref().map(camel_case);
        members.extend(annotations.map(|annotations| ("annotations".to_owned(), annotations)));
    }
    Some(members)
}

/// A resource that a guest lists for a template.
pub(in crate::mcp) fn entry(listed: Listed<'_>, entry: &ResourceEntry) -> Option<Resource> {
    let declared = listed.tool.as_resource()?.mime_type.as_ref();
    let mime_type = entry.mime_type.as_ref().or(declared);
    let common = content::common(entry.annotations.as_ref(), entry.meta.as_deref());
    let mut members = Map::from_iter([
        ("uri".to_owned(), entry.uri.clone().into()),
        ("name".to_owned(), entry.name.clone().into()),
    ]);
    let mut add = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("title", entry.title.clone().map(Value::from));
    add("description", entry.description.clone().map(Value::from));
    add("mimeType", mime_type.cloned().map(Value::from));
    add("size", entry.size.map(Value::from));
    let icons: Vec<_> = entry.icons.iter().map(icon).collect();
    if !icons.is_empty() {
        add("icons", serde_json::to_value(icons).ok());
    }
    if let Ok(Value::Object(common)) = serde_json::to_value(common) {
        members.extend(common);
    }
    read(members)
}

/// A prompt as clients see it.
pub(in crate::mcp) fn prompt(listed: Listed<'_>) -> Option<Prompt> {
    let facts = listed.tool.as_prompt()?;
    let mut members = described(listed, &listed.tool.full_name);
    if !listed.is_withheld() && !facts.arguments.is_empty() {
        let arguments: Vec<Value> = facts
            .arguments
            .iter()
            .map(|argument| {
                let mut members = json!({
                    "name": argument.name,
                    "title": argument.title,
                    "description": argument.description,
                    "required": argument.required,
                });
                if let Value::Object(members) = &mut members {
                    members.retain(|_, value| !value.is_null());
                }
                members
            })
            .collect();
        members.insert("arguments".into(), arguments.into());
    }
    read(members)
}

fn described(listed: Listed<'_>, name: &str) -> Map<String, Value> {
    let tool = listed.tool;
    let mut members = Map::from_iter([
        ("name".to_owned(), name.into()),
        (
            "description".to_owned(),
            listed.description().into_owned().into(),
        ),
    ]);
    if !listed.is_withheld() {
        let title = tool.title.clone();
        members.extend(title.map(|title| ("title".to_owned(), title.into())));
        let icons = icons(&tool.icons).and_then(|icons| serde_json::to_value(icons).ok());
        members.extend(icons.map(|icons| ("icons".to_owned(), icons)));
    }
    members
}

fn icons(icons: &[toolbay_manifest::Icon]) -> Option<Vec<Icon>> {
    let icons: Vec<Icon> = icons
        .iter()
        .filter_map(|icon| serde_json::from_value(camel_case(icon)).ok())
        .collect();
    (!icons.is_empty()).then_some(icons)
}

/// A value of the manifest with its keys as the protocol spells them.
fn camel_case(value: &impl serde::Serialize) -> Value {
    let Ok(Value::Object(members)) = serde_json::to_value(value) else {
        return Value::Null;
    };
    let spelled = |key: String| {
        let mut parts = key.split('-');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |mut spelled, part| {
            let mut letters = part.chars();
            spelled.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
            spelled.push_str(letters.as_str());
            spelled
        })
    };
    let members = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(members.map(|(key, value)| (spelled(key), value)).collect())
}

/// Everything here was checked when the plugin was loaded, so nothing is lost that clients could be shown.
fn read<T: DeserializeOwned>(members: Map<String, Value>) -> Option<T> {
    serde_json::from_value(Value::Object(members))
        .inspect_err(|error| tracing::warn!(%error, "something cannot be listed"))
        .ok()
}
