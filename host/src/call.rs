//! One tool call, top to bottom: every stage of it is visible in order in [`run`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::catalog::Found;
use crate::host::Host;
use crate::json;
use crate::plugin::{NotReady, Tool};
use crate::sandbox::types::{ErrorCode as GuestErrorCode, ToolError, ToolResult};
use crate::sandbox::{GuestEnd, GuestFailure, GuestLimits, Remains};
use crate::schema::Fault;
use crate::text::{bytes, duration, escape_lines, nearest, shorten};

/// How long a call waits for a newer version of its plugin where the file was changed under it.
const WAIT_FOR_RELOAD: Duration = Duration::from_millis(200);

/// What a caller asks for.
pub(crate) struct CallRequest<'a> {
    /// The tool's full name.
    pub(crate) name: &'a str,
    /// The JSON text of the arguments; none means no arguments.
    pub(crate) arguments: Option<&'a RawValue>,
    pub(crate) cancel: &'a CancellationToken,
}

/// The end of a call. What remains of the guest is to be given to [`Host::dispose`](crate::sandbox::Sandbox::dispose) after the answer was sent.
pub(crate) struct CallEnd {
    pub(crate) outcome: Result<ToolOutput, CallError>,
    pub(crate) remains: Option<Remains>,
    /// The call's place among its tool's concurrent ones. Kept until the answer is on its way, so that a client that does not read
    /// holds up the calls and not the memory.
    pub(crate) slot: Option<OwnedSemaphorePermit>,
}

/// What a tool gave back, checked.
#[derive(Debug)]
pub(crate) struct ToolOutput {
    pub(crate) result: ToolResult,
    /// The structured value's JSON text, known to be an object.
    pub(crate) structured: Option<Box<RawValue>>,
    /// The result's `_meta`, known to be an object.
    pub(crate) meta: Option<Box<RawValue>>,
}

/// Why a call gave no result. All of it is shown to the model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallError {
    pub(crate) code: ErrorCode,
    /// One sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// A JSON object with particulars.
    pub(crate) details: Option<Value>,
    pub(crate) retry_after_ms: Option<u64>,
}

/// The codes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    Validation,
    NotFound,
    PermissionDenied,
    RateLimited,
    Network,
    Timeout,
    Conflict,
    Cancelled,
    LimitExceeded,
    Unavailable,
    Internal,
}

impl ErrorCode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "validation_error",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::Network => "network_error",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::LimitExceeded => "limit_exceeded",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// There is no tool of this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown tool: {name}{}", .near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
pub(crate) struct UnknownTool {
    pub(crate) name: String,
    near: Option<String>,
}

/// Looks a tool up: in the catalog of this moment, or in the first complete one where the host has just started.
pub(crate) async fn look_up(host: &Host, name: &str) -> Result<Found, UnknownTool> {
    if let Some(found) = host.catalog().find(name) {
        return Ok(found);
    }
    let catalog = if host.is_scanned() {
        host.catalog()
    } else {
        host.scanned_catalog().await
    };
    catalog.find(name).ok_or_else(|| {
        let near =
            nearest(name, catalog.tools().map(|tool| tool.full_name.as_str())).map(str::to_owned);
        UnknownTool {
            name: shorten(&crate::text::escape(name), 100),
            near,
        }
    })
}

/// Runs a call through all its stages.
///
/// # Errors
///
/// [`UnknownTool`] only; everything else about the call is its outcome.
pub(crate) async fn run(host: &Host, request: CallRequest<'_>) -> Result<CallEnd, UnknownTool> {
    let started = Instant::now();
    let found = look_up(host, request.name).await?;
    let tool = found.tool.clone();
    let end = stages(host, found, &request).await;
    record(&tool, &end, started.elapsed());
    Ok(end)
}

async fn stages(host: &Host, found: Found, request: &CallRequest<'_>) -> CallEnd {
    let Found { plugin, tool } = found;
    if let Err(error) = authorize(&tool) {
        return error.into();
    }
    let arguments = match validate(&tool, request.arguments) {
        Ok(arguments) => arguments,
        Err(error) => return error.into(),
    };
    let slot = match slot(&tool, request.cancel).await {
        Ok(slot) => slot,
        Err(error) => return error.into(),
    };
    let prepared = tokio::select! {
        biased;
        () = request.cancel.cancelled() => return CallError::cancelled().into(),
        prepared = plugin.prepared(&host.sandbox) => prepared,
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return not_ready(&tool, &error).into(),
    };
    let limits = GuestLimits {
        timeout: tool.limits.timeout,
        memory: tool.limits.memory,
        max_result: tool.limits.max_result,
    };
    let finished = host
        .sandbox
        .call(
            prepared,
            tool.label.clone(),
            arguments,
            limits,
            request.cancel,
        )
        .await;
    let outcome = match finished.end {
        GuestEnd::Returned(Ok(result)) => check_output(&tool, result),
        GuestEnd::Returned(Err(error)) => Err(guest_error(&tool, error)),
        GuestEnd::Failed(failure) => Err(guest_failure(&tool, &failure)),
    };
    CallEnd {
        outcome,
        remains: Some(finished.remains),
        slot: Some(slot),
    }
}

/// Declared ⊆ granted, else nothing runs. So far nothing can be granted, so a tool may ask for nothing.
fn authorize(tool: &Tool) -> Result<(), CallError> {
    if tool.asks_for.is_empty() {
        return Ok(());
    }
    let asked = tool.asks_for.join("; ");
    Err(CallError::new(
        ErrorCode::PermissionDenied,
        format!(
            "tool `{}` asks for permissions that were not granted: {asked}",
            tool.full_name
        ),
    )
    .hint(
        "this version of Toolbay can grant none; tell the user that this tool cannot be used yet",
    ))
}

/// Checks the arguments against the tool's input schema and gives their JSON text for the guest.
fn validate(tool: &Tool, arguments: Option<&RawValue>) -> Result<String, CallError> {
    let text = arguments.map_or("{}", RawValue::get);
    let value = json::parse(text).map_err(|error| {
        CallError::new(ErrorCode::Validation, format!("the arguments of `{}` cannot be read: {error}", tool.full_name))
            .hint("name each argument once, nest less deep, and keep numbers within what a double can hold")
    })?;
    let schema = tool.input().map_err(|error| {
        CallError::new(
            ErrorCode::Internal,
            format!(
                "tool `{}` has an unusable input schema: {error}",
                tool.full_name
            ),
        )
    })?;
    let faults = schema.faults(&value);
    if faults.is_empty() {
        return Ok(text.to_owned());
    }
    Err(CallError::new(ErrorCode::Validation, format!("the arguments of `{}` are wrong: {}", tool.full_name, in_words(&faults)))
        .hint("correct these and call again")
        .details(serde_json::json!({ "errors": faults.iter().map(|fault| serde_json::json!({"pointer": fault.pointer, "message": fault.message})).collect::<Vec<_>>() })))
}

fn in_words(faults: &[Fault]) -> String {
    let words = |fault: &Fault| {
        if fault.pointer.is_empty() {
            fault.message.clone()
        } else {
            format!("`{}` {}", fault.pointer, fault.message)
        }
    };
    shorten(
        &faults.iter().map(words).collect::<Vec<_>>().join("; "),
        4000,
    )
}

/// Waits for the tool's own concurrency limit, for as long as the tool may take at most.
async fn slot(tool: &Tool, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, CallError> {
    if let Ok(permit) = tool.slots.clone().try_acquire_owned() {
        return Ok(permit);
    }
    let waiting = tokio::time::timeout(tool.limits.timeout, tool.slots.clone().acquire_owned());
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(CallError::cancelled()),
        permit = waiting => match permit {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(busy(tool)),
        },
    }
}

fn busy(tool: &Tool) -> CallError {
    let mut error = CallError::new(
        ErrorCode::Unavailable,
        format!(
            "tool `{}` is busy: no place became free within {}",
            tool.full_name,
            duration(tool.limits.timeout)
        ),
    )
    .hint("wait for earlier calls to end, then try again");
    error.retry_after_ms = Some(1000);
    error
}

fn not_ready(tool: &Tool, error: &NotReady) -> CallError {
    let message = format!("plugin `{}` cannot be run: {error}", tool.label.plugin);
    match error {
        NotReady::Changed => {
            let mut error = CallError::new(ErrorCode::Unavailable, message)
                .hint("try again in a moment; if the tool is gone then, list the tools again");
            error.retry_after_ms = u64::try_from(WAIT_FOR_RELOAD.as_millis()).ok();
            error
        }
        NotReady::Component(_) => CallError::new(ErrorCode::Unavailable, message)
            .hint("the user can see more with `toolbay list`"),
    }
}

/// Checks what the guest gave against its own output schema and the size that may go out.
fn check_output(tool: &Tool, result: ToolResult) -> Result<ToolOutput, CallError> {
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
fn object(text: Option<&str>, what: &str) -> Result<Option<(Box<RawValue>, Value)>, String> {
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

fn guest_error(tool: &Tool, error: ToolError) -> CallError {
    let details = match object(error.details.as_deref(), "the details of its error") {
        Ok(details) => details.map(|(_, value)| value),
        Err(why) => {
            tracing::warn!(plugin = %tool.label.plugin, tool = %tool.label.tool, "{why}");
            None
        }
    };
    let message = shorten(&escape_lines(&error.message), 8000);
    CallError {
        code: error.code.into(),
        message,
        hint: None,
        details,
        retry_after_ms: error.retry_after_ms,
    }
}

fn guest_failure(tool: &Tool, failure: &GuestFailure) -> CallError {
    let name = &tool.full_name;
    let error = |code, what: String| CallError::new(code, format!("tool `{name}` {what}"));
    match failure {
        GuestFailure::Deadline => error(
            ErrorCode::Timeout,
            format!(
                "did not finish within {} and was stopped",
                duration(tool.limits.timeout)
            ),
        )
        .hint("ask for less work in one call"),
        GuestFailure::Cancelled => CallError::cancelled(),
        GuestFailure::Memory => error(
            ErrorCode::LimitExceeded,
            format!(
                "needed more than its {} of memory and was stopped",
                bytes(tool.limits.memory as u64)
            ),
        )
        .hint("give it less data in one call"),
        GuestFailure::Table => error(
            ErrorCode::LimitExceeded,
            "asked for larger tables than a guest may have and was stopped".into(),
        ),
        GuestFailure::Handles => error(
            ErrorCode::LimitExceeded,
            "opened more handles than a guest may hold and was stopped".into(),
        ),
        GuestFailure::Stack => error(
            ErrorCode::LimitExceeded,
            "called itself too deep and was stopped".into(),
        )
        .hint("give it less deeply nested data"),
        GuestFailure::ResultSize => error(
            ErrorCode::LimitExceeded,
            format!(
                "gave back more than {}, which is not taken",
                bytes(tool.limits.max_result as u64)
            ),
        )
        .hint("ask for less in one call"),
        GuestFailure::NoSlot => busy(tool),
        GuestFailure::Exit(status) => error(
            ErrorCode::Internal,
            format!("ended itself with status {status} instead of returning a result"),
        )
        .hint("this is a fault in the plugin; other calls are not affected"),
        GuestFailure::Mismatch(why) => {
            error(ErrorCode::Internal, format!("cannot be called: {why}"))
        }
        GuestFailure::Crash(why) => error(ErrorCode::Internal, format!("crashed: {why}"))
            .hint("this is a fault in the plugin; other calls are not affected"),
        GuestFailure::Host(why) => error(ErrorCode::Internal, format!("could not be run: {why}"))
            .hint("this is a fault in Toolbay; its log says more"),
    }
}

/// Says in the log what became of the call. Arguments hold private data and stay out of it.
fn record(tool: &Arc<Tool>, end: &CallEnd, took: Duration) {
    let (plugin, name, micros) = (&tool.label.plugin, &tool.label.tool, took.as_micros());
    match &end.outcome {
        Ok(_) => tracing::debug!(%plugin, tool = %name, micros, "call completed"),
        Err(error) => {
            tracing::info!(%plugin, tool = %name, micros, code = error.code.as_str(), "call failed")
        }
    }
}

impl CallError {
    pub(crate) fn new(code: ErrorCode, message: String) -> Self {
        Self {
            code,
            message,
            hint: None,
            details: None,
            retry_after_ms: None,
        }
    }

    fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "the call was cancelled".into())
    }

    fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The sentence and the hint.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}\nhint: {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

impl From<CallError> for CallEnd {
    fn from(error: CallError) -> Self {
        Self {
            outcome: Err(error),
            remains: None,
            slot: None,
        }
    }
}

impl From<GuestErrorCode> for ErrorCode {
    fn from(code: GuestErrorCode) -> Self {
        match code {
            GuestErrorCode::ValidationError => Self::Validation,
            GuestErrorCode::NotFound => Self::NotFound,
            GuestErrorCode::PermissionDenied => Self::PermissionDenied,
            GuestErrorCode::RateLimited => Self::RateLimited,
            GuestErrorCode::NetworkError => Self::Network,
            GuestErrorCode::Timeout => Self::Timeout,
            GuestErrorCode::Conflict => Self::Conflict,
            GuestErrorCode::Cancelled => Self::Cancelled,
            GuestErrorCode::LimitExceeded => Self::LimitExceeded,
            GuestErrorCode::Unavailable => Self::Unavailable,
            GuestErrorCode::Internal => Self::Internal,
        }
    }
}
