//! From core types to the protocol's: tools for the list, and the line that answers a call.

use std::sync::{Arc, LazyLock};

use rmcp::model::{ErrorData, JsonObject, RequestId, Tool as McpTool, ToolAnnotations};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::server::implementation;
use super::session::Era;
use crate::call::{CallError, ToolOutput};
use crate::catalog::Listed;
use crate::sandbox::types;
use crate::status::{STATUS_DESCRIPTION, STATUS_SCHEMA, STATUS_TITLE, STATUS_TOOL, Status};

/// A tool as clients see it.
pub(super) fn tool(listed: Listed<'_>) -> McpTool {
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
    converted.output_schema = tool.advertised_output.as_ref().map(object);
    converted
}

/// The built-in tool.
pub(super) fn status_tool() -> McpTool {
    let no_arguments =
        serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let mut converted = McpTool::new(STATUS_TOOL, STATUS_DESCRIPTION, object(&no_arguments))
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

/// The line that answers a call with its outcome.
pub(super) fn call_line(
    id: &RequestId,
    outcome: &Result<ToolOutput, CallError>,
    era: Era,
) -> Vec<u8> {
    match outcome {
        Ok(output) => {
            let mut content: Vec<WireContent<'_>> = output
                .result
                .content
                .iter()
                .map(WireContent::from)
                .collect();
            if content.is_empty()
                && let Some(structured) = &output.structured
            {
                content.push(WireContent::text(structured.get()));
            }
            let result = WireResult {
                content,
                structured_content: output.structured.as_deref(),
                is_error: false,
                meta: meta(output.meta.as_deref(), None, era),
                result_type: result_type(era),
            };
            line(id, &result)
        }
        Err(error) => {
            let code = error.code.as_str();
            let plain = WireError {
                success: false,
                error: &error.message,
                error_code: code,
                retry_after_ms: error.retry_after_ms,
                details: error.details.as_ref(),
            };
            let (sentence, json) = (
                error.text(),
                serde_json::to_string(&plain).unwrap_or_default(),
            );
            let content = vec![WireContent::text(&sentence), WireContent::text(&json)];
            let result = WireResult {
                content,
                structured_content: None,
                is_error: true,
                meta: meta(None, Some(&plain), era),
                result_type: result_type(era),
            };
            line(id, &result)
        }
    }
}

/// The line that answers a call of the built-in tool.
pub(super) fn status_line(id: &RequestId, status: &Status, era: Era) -> Vec<u8> {
    let text = status.text();
    let structured = serde_json::value::to_raw_value(status).ok();
    let result = WireResult {
        content: vec![WireContent::text(&text)],
        structured_content: structured.as_deref(),
        is_error: false,
        meta: meta(None, None, era),
        result_type: result_type(era),
    };
    line(id, &result)
}

/// The line that answers with a result that is complete as it is but for the server's name, which is the modern era's.
pub(super) fn result_line(id: &RequestId, mut result: Value) -> Vec<u8> {
    if let (Value::Object(members), Some(meta)) = (&mut result, meta(None, None, Era::Modern)) {
        members.insert("_meta".into(), Value::Object(meta.0));
    }
    serde_json::to_vec(&serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": result }))
        .unwrap_or_default()
}

/// The line that answers a request with a protocol error.
pub(super) fn error_line(id: &RequestId, error: &ErrorData) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<'a> {
        jsonrpc: &'static str,
        id: &'a RequestId,
        error: &'a ErrorData,
    }
    serde_json::to_vec(&Line {
        jsonrpc: "2.0",
        id,
        error,
    })
    .unwrap_or_default()
}

fn line(id: &RequestId, result: &WireResult<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<'a, 'b> {
        jsonrpc: &'static str,
        id: &'a RequestId,
        result: &'a WireResult<'b>,
    }
    serde_json::to_vec(&Line {
        jsonrpc: "2.0",
        id,
        result,
    })
    .unwrap_or_default()
}

fn result_type(era: Era) -> Option<&'static str> {
    (era == Era::Modern).then_some("complete")
}

/// The result's `_meta`: the plugin's own, the error in full, and who answered.
fn meta(own: Option<&RawValue>, error: Option<&WireError<'_>>, era: Era) -> Option<WireMeta> {
    static SERVER_INFO: LazyLock<Value> =
        LazyLock::new(|| serde_json::to_value(implementation()).unwrap_or_default());
    let mut members: serde_json::Map<String, Value> = own
        .and_then(|own| serde_json::from_str(own.get()).ok())
        .unwrap_or_default();
    // Names of the protocol's own are not a plugin's to set.
    members.retain(|key, _| {
        !key.starts_with("io.modelcontextprotocol/") && !key.starts_with("toolbay/")
    });
    if let Some(error) = error {
        members.insert(
            "toolbay/error".into(),
            serde_json::to_value(error).unwrap_or_default(),
        );
    }
    if era == Era::Modern {
        members.insert(
            "io.modelcontextprotocol/serverInfo".into(),
            SERVER_INFO.clone(),
        );
    }
    (!members.is_empty()).then_some(WireMeta(members))
}

#[derive(Serialize)]
struct WireMeta(serde_json::Map<String, Value>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireResult<'a> {
    content: Vec<WireContent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<&'a RawValue>,
    is_error: bool,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<WireMeta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
}

/// An error as the second text and `_meta` carry it.
#[derive(Serialize)]
struct WireError<'a> {
    success: bool,
    error: &'a str,
    error_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
}

#[derive(Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
enum WireContent<'a> {
    Text {
        text: &'a str,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    Image {
        data: Base64<'a>,
        mime_type: &'a str,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    Audio {
        data: Base64<'a>,
        mime_type: &'a str,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    ResourceLink {
        uri: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        mime_type: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        icons: Vec<WireIcon<'a>>,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    Resource {
        resource: WireResource<'a>,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
}

#[derive(Serialize, Default)]
struct WireCommon<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<WireAnnotations<'a>>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAnnotations<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audience: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireIcon<'a> {
    src: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sizes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireResource<'a> {
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<Base64<'a>>,
}

/// Bytes that are written as base64 text.
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(self.0))
    }
}

impl<'a> WireContent<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text {
            text,
            common: WireCommon::default(),
        }
    }
}

impl<'a> From<&'a types::Content> for WireContent<'a> {
    fn from(content: &'a types::Content) -> Self {
        match content {
            types::Content::Text(text) => Self::Text {
                text: &text.text,
                common: common(text.annotations.as_ref(), text.meta.as_deref()),
            },
            types::Content::Image(image) => Self::Image {
                data: Base64(&image.data),
                mime_type: &image.mime_type,
                common: common(image.annotations.as_ref(), image.meta.as_deref()),
            },
            types::Content::Audio(audio) => Self::Audio {
                data: Base64(&audio.data),
                mime_type: &audio.mime_type,
                common: common(audio.annotations.as_ref(), audio.meta.as_deref()),
            },
            types::Content::ResourceLink(link) => Self::ResourceLink {
                uri: &link.uri,
                name: &link.name,
                title: link.title.as_deref(),
                description: link.description.as_deref(),
                mime_type: link.mime_type.as_deref(),
                size: link.size,
                icons: link.icons.iter().map(icon).collect(),
                common: common(link.annotations.as_ref(), link.meta.as_deref()),
            },
            types::Content::EmbeddedResource(resource) => Self::Resource {
                resource: embedded(resource),
                common: common(resource.annotations.as_ref(), resource.meta.as_deref()),
            },
        }
    }
}

fn embedded(resource: &types::EmbeddedResource) -> WireResource<'_> {
    let (text, blob) = match &resource.body {
        types::ResourceBody::Text(text) => (Some(text.as_str()), None),
        types::ResourceBody::Blob(blob) => (None, Some(Base64(blob))),
    };
    WireResource {
        uri: &resource.uri,
        mime_type: resource.mime_type.as_deref(),
        text,
        blob,
    }
}

fn icon(icon: &types::Icon) -> WireIcon<'_> {
    WireIcon {
        src: &icon.src,
        mime_type: icon.mime_type.as_deref(),
        sizes: &icon.sizes,
        theme: icon
            .theme
            .as_deref()
            .filter(|theme| matches!(*theme, "light" | "dark")),
    }
}

fn common<'a>(annotations: Option<&'a types::Annotations>, meta: Option<&str>) -> WireCommon<'a> {
    let role = |role: &types::Role| match role {
        types::Role::User => "user",
        types::Role::Assistant => "assistant",
    };
    WireCommon {
        annotations: annotations.map(|annotations| WireAnnotations {
            audience: annotations.audience.iter().map(role).collect(),
            priority: annotations.priority,
            last_modified: annotations.last_modified.as_deref(),
        }),
        meta: meta.and_then(|meta| serde_json::from_str(meta).ok()),
    }
}
