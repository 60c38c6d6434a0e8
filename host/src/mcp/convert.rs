//! From core types to the protocol's: the lines that answer calls, and what is listed.

mod content;
pub(super) mod listed;

use std::sync::LazyLock;
use std::time::Duration;

use rmcp::model::{ErrorCode as RpcCode, ErrorData, RequestId};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use self::content::{WireContent, WireResource, contents, role};
use super::server::implementation;
use super::session::Era;
use crate::call::{CallError, ErrorCode, Notes, PromptOutput, ReadOutput, ToolOutput};
use crate::sandbox::Completion;
use crate::status::Status;

/// The line that answers a call with its outcome.
pub(super) fn call_line(
    id: &RequestId,
    outcome: Result<&ToolOutput, &CallError>,
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
                meta: noted_meta(output.meta.as_deref(), None, &output.notes, era),
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

/// How many proposals a client gets.
const MAX_COMPLETIONS: usize = 100;

/// The line that answers `resources/read`.
pub(super) fn read_line(id: &RequestId, uri: &str, output: &ReadOutput, era: Era) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct WireRead<'a> {
        contents: Vec<WireResource<'a>>,
        #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
        meta: Option<WireMeta>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result_type: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_scope: Option<&'static str>,
    }
    let parts = output.contents.iter();
    let parts = parts.map(|part| {
        contents(
            part.uri.as_deref().unwrap_or(uri),
            part.mime_type.as_deref(),
            &part.body,
            part.meta.as_deref(),
        )
    });
    let is_modern = era == Era::Modern;
    // Where nothing is kept nobody knows how long it stays as it is; who wants to know subscribes.
    let left = output.notes.cache.map_or(Duration::ZERO, |kept| kept.left);
    let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let result = WireRead {
        contents: parts.collect(),
        meta: noted_meta(output.meta.as_deref(), None, &output.notes, era),
        result_type: result_type(era),
        ttl_ms: is_modern.then_some(left),
        // It may be this caller's alone.
        cache_scope: is_modern.then_some("private"),
    };
    line(id, &result)
}

/// The line that answers `prompts/get`.
pub(super) fn prompt_line(id: &RequestId, output: &PromptOutput, era: Era) -> Vec<u8> {
    #[derive(Serialize)]
    struct WireMessage<'a> {
        role: &'static str,
        content: WireContent<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct WirePrompt<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        messages: Vec<WireMessage<'a>>,
        #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
        meta: Option<WireMeta>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result_type: Option<&'static str>,
    }
    let messages = output.messages.iter().map(|message| WireMessage {
        role: role(message.role),
        content: WireContent::from(&message.content),
    });
    let result = WirePrompt {
        description: output.description.as_deref(),
        messages: messages.collect(),
        meta: meta(output.meta.as_deref(), None, era),
        result_type: result_type(era),
    };
    line(id, &result)
}

/// The line that answers `completion/complete`; without a completion it has no proposals.
pub(super) fn completion_line(id: &RequestId, output: Option<&Completion>, era: Era) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct WireCompletion<'a> {
        values: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u32>,
        has_more: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct WireComplete<'a> {
        completion: WireCompletion<'a>,
        #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
        meta: Option<WireMeta>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result_type: Option<&'static str>,
    }
    let all = output.map_or(&[][..], |output| &output.values);
    let values = all.get(..MAX_COMPLETIONS).unwrap_or(all);
    let result = WireComplete {
        completion: WireCompletion {
            values,
            total: output.and_then(|output| output.total),
            has_more: output.is_some_and(|output| output.has_more) || values.len() < all.len(),
        },
        meta: meta(None, None, era),
        result_type: result_type(era),
    };
    line(id, &result)
}

/// A failure of a request that has no result for failures.
pub(super) fn rpc_error(error: &CallError) -> ErrorData {
    // What the caller has to correct; everything else is this server's, and its own code says what.
    const SERVER_ERROR: RpcCode = RpcCode(-32000);
    let code = match error.code {
        ErrorCode::Validation | ErrorCode::NotFound => RpcCode::INVALID_PARAMS,
        ErrorCode::Internal => RpcCode::INTERNAL_ERROR,
        _ => SERVER_ERROR,
    };
    let data = WireError {
        success: false,
        error: &error.message,
        error_code: error.code.as_str(),
        retry_after_ms: error.retry_after_ms,
        details: error.details.as_ref(),
    };
    ErrorData::new(code, error.text(), serde_json::to_value(data).ok())
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

fn line(id: &RequestId, result: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        jsonrpc: &'static str,
        id: &'a RequestId,
        result: &'a T,
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
    noted_meta(own, error, &Notes::default(), era)
}

/// The same with how the result came about.
fn noted_meta(
    own: Option<&RawValue>,
    error: Option<&WireError<'_>>,
    notes: &Notes,
    era: Era,
) -> Option<WireMeta> {
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
    if let Some(kept) = notes.cache {
        let how = if kept.hit { "hit" } else { "miss" };
        members.insert("toolbay/cache".into(), how.into());
    }
    if notes.replay {
        members.insert("toolbay/idempotent_replay".into(), true.into());
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
