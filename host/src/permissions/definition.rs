//! What a model reads of a tool, as one text and its digest: what a grant is bound to, and what a difference is shown of.

use serde_json::{Value, json};

use crate::digest::Digest;
use crate::plugin::Tool;

/// The definition of one tool: everything that clients pass on to a model. Permissions and limits are no part of it.
pub(crate) fn definition(tool: &Tool) -> Value {
    let annotations = tool.annotations;
    let mut members = json!({
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
    });
    if let Value::Object(members) = &mut members {
        members.retain(|_, value| !value.is_null());
    }
    members
}

/// The digest that a pin holds.
pub(crate) fn digest(tool: &Tool) -> Digest {
    Digest::of(definition(tool).to_string().as_bytes())
}
