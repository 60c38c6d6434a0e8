//! What a guest gave back, checked before anybody sees it.

use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{CallError, ErrorCode, in_words};
use crate::json;
use crate::plugin::Tool;
use crate::sandbox::types::ToolResult;
use crate::text::bytes;

/// What a tool gave back, checked.
#[derive(Debug)]
pub(crate) struct ToolOutput {
    pub(crate) result: ToolResult,
    /// The structured value's JSON text, known to be an object.
    pub(crate) structured: Option<Box<RawValue>>,
    /// The result's `_meta`, known to be an object.
    pub(crate) meta: Option<Box<RawValue>>,
}

/// Checks what the guest gave against its own output schema and the size that may go out.
pub(super) fn check_output(tool: &Tool, result: ToolResult) -> Result<ToolOutput, CallError> {
    let wrong = |what: String| {
        CallError::new(
            ErrorCode::Internal,
            format!(
                "tool `{}` gave a result that is not allowed: {what}",
                tool.full_name
            ),
        )
        .hint("this is a fault in the plugin; its author should know of it")
    };
    let structured = object(result.structured.as_deref(), "its structured value").map_err(wrong)?;
    let meta = object(result.meta.as_deref(), "its meta").map_err(wrong)?;
    match (tool.output(), &structured) {
        (Ok(None), _) => {}
        (Ok(Some(_)), None) => {
            return Err(wrong(
                "it declares an output schema and gave no structured value".into(),
            ));
        }
        (Ok(Some(schema)), Some((_, value))) => {
            let faults = schema.faults(value);
            if !faults.is_empty() {
                return Err(wrong(format!(
                    "it does not fit the tool's output schema: {}",
                    in_words(&faults)
                )));
            }
        }
        (Err(error), _) => return Err(wrong(format!("its output schema cannot be used: {error}"))),
    }
    check_contents(&result).map_err(wrong)?;
    let size = size(&result);
    if size > tool.limits.output {
        return Err(CallError::new(
            ErrorCode::LimitExceeded,
            format!(
                "the result of `{}` has {}, and at most {} are passed on",
                tool.full_name,
                bytes(size as u64),
                bytes(tool.limits.output as u64)
            ),
        )
        .hint("ask for less: narrow the arguments, or ask for a part at a time"));
    }
    Ok(ToolOutput {
        result,
        structured: structured.map(|(raw, _)| raw),
        meta: meta.map(|(raw, _)| raw),
    })
}

/// Reads JSON text that has to be an object.
pub(super) fn object(
    text: Option<&str>,
    what: &str,
) -> Result<Option<(Box<RawValue>, Value)>, String> {
    let Some(text) = text else { return Ok(None) };
    let value = json::parse(text).map_err(|error| format!("{what} is not valid JSON ({error})"))?;
    if !value.is_object() {
        return Err(format!("{what} is not a JSON object"));
    }
    // A line break inside the text would end the protocol's line, so it is written anew where it has one.
    let line = if text.contains(['\n', '\r']) {
        value.to_string()
    } else {
        text.trim().to_owned()
    };
    let raw = RawValue::from_string(line)
        .map_err(|error| format!("{what} is not valid JSON ({error})"))?;
    Ok(Some((raw, value)))
}

fn check_contents(result: &ToolResult) -> Result<(), String> {
    use crate::sandbox::types::Content;
    for content in &result.content {
        let (meta, annotations) = match content {
            Content::Text(text) => (&text.meta, &text.annotations),
            Content::Image(image) => (&image.meta, &image.annotations),
            Content::Audio(audio) => (&audio.meta, &audio.annotations),
            Content::ResourceLink(link) => (&link.meta, &link.annotations),
            Content::EmbeddedResource(resource) => (&resource.meta, &resource.annotations),
        };
        object(meta.as_deref(), "the meta of a content block")?;
        if let Some(priority) = annotations
            .as_ref()
            .and_then(|annotations| annotations.priority)
            && !(0.0..=1.0).contains(&priority)
        {
            return Err(format!(
                "a priority must lie between 0 and 1, not be {priority}"
            ));
        }
    }
    Ok(())
}

/// How much a result carries, encoding left out.
fn size(result: &ToolResult) -> usize {
    use crate::sandbox::types::{Content, ResourceBody};
    let content: usize = result
        .content
        .iter()
        .map(|content| match content {
            Content::Text(text) => text.text.len(),
            Content::Image(image) => image.data.len(),
            Content::Audio(audio) => audio.data.len(),
            Content::ResourceLink(link) => {
                link.uri.len() + link.description.as_ref().map_or(0, String::len)
            }
            Content::EmbeddedResource(resource) => match &resource.body {
                ResourceBody::Text(text) => text.len(),
                ResourceBody::Blob(blob) => blob.len(),
            },
        })
        .sum();
    // Text and structured value mostly say the same twice; the larger counts.
    content.max(result.structured.as_ref().map_or(0, String::len))
}
