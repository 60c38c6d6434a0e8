//! How the demo shows tools and answers: short enough to read at a glance.

use serde_json::Value;

use crate::terminal::{bold, dim, note};

pub(crate) fn tool_name(tool: &Value) -> &str {
    tool.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// One line of description, one of arguments and result.
pub(crate) fn show_tool(tool: &Value) {
    let description = tool
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = description
        .split_once(". ")
        .map_or(description.as_str(), |(first, _)| first);
    note(&format!(
        "{}  {}",
        bold(tool_name(tool)),
        shorten(sentence.trim_end_matches('.'), 100)
    ));
    let arguments = fields(tool.get("inputSchema"), true);
    let result = fields(tool.get("outputSchema"), false);
    let arrow = if result.is_empty() {
        String::new()
    } else {
        format!(" -> {{{result}}}")
    };
    note(&dim(&shorten(&format!("    ({arguments}){arrow}"), 118)));
}

/// A schema's properties in brief: `filter: string, limit?: integer`.
fn fields(schema: Option<&Value>, with_types: bool) -> String {
    let Some(properties) = schema.and_then(|schema| schema.get("properties")?.as_object()) else {
        return String::new();
    };
    let required = schema.and_then(|schema| schema.get("required")?.as_array());
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let field = |(name, property): (&String, &Value)| {
        if !with_types {
            return name.clone();
        }
        let optional = if is_required(name) { "" } else { "?" };
        match property.get("type") {
            Some(Value::String(kind)) => format!("{name}{optional}: {kind}"),
            _ => format!("{name}{optional}"),
        }
    };
    properties.iter().map(field).collect::<Vec<_>>().join(", ")
}

pub(crate) fn show_lines(text: &str) {
    for line in text.lines().take(5) {
        note(&format!("    {}", shorten(line, 114)));
    }
}

/// A value as text, a list one item a line.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join("\n"),
        other => other.to_string(),
    }
}

pub(crate) fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
