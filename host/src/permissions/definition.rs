//! What a model reads of a tool, as one text and its digest: what a grant is bound to, and what a difference is shown of.

use serde_json::{Value, json};

use crate::digest::Digest;
use crate::plugin::Tool;

/// The definition of one tool, resource or prompt: everything that clients pass on to a model. Permissions and limits are no part of it.
pub(crate) fn definition(tool: &Tool) -> Value {
    if let Some(resource) = tool.as_resource() {
        return strip(json!({
            "uri": tool.full_name,
            "title": tool.title,
            "description": tool.description,
            "mimeType": resource.mime_type,
            "size": resource.size,
            "annotations": resource.annotations,
        }));
    }
    if let Some(prompt) = tool.as_prompt() {
        return strip(json!({
            "title": tool.title,
            "description": tool.description,
            "arguments": prompt.arguments,
        }));
    }
    let annotations = tool.annotations;
    strip(json!({
        "title": tool.title,
        "description": tool.description,
        "annotations": {
            "readOnlyHint": annotations.read_only,
            "destructiveHint": annotations.destructive,
            "idempotentHint": annotations.idempotent,
            "openWorldHint": annotations.open_world,
        },
        "inputSchema": tool.input_schema(),
        "outputSchema": tool.output_schema(),
    }))
}

fn strip(mut members: Value) -> Value {
    if let Value::Object(members) = &mut members {
        members.retain(|_, value| !value.is_null());
    }
    members
}

/// The digest that a pin holds.
pub(crate) fn digest(tool: &Tool) -> Digest {
    Digest::of(definition(tool).to_string().as_bytes())
}
