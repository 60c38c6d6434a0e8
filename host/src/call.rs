//! One tool call, top to bottom: every stage of it is visible in order in [`run`].

mod authorize;
mod error;
mod output;
mod reach;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use self::authorize::authorize;
pub(crate) use self::error::{CallError, ErrorCode};
use self::error::{busy, guest_error, guest_failure, in_words, not_ready};
pub(crate) use self::output::ToolOutput;
use self::output::check_output;
use self::reach::{reach, redact, tell_denials};
use crate::audit;
use crate::catalog::Found;
use crate::digest::Digest;
use crate::host::Host;
use crate::json;
use crate::permissions::usage::Used;
use crate::plugin::Tool;
use crate::principal::Principal;
use crate::sandbox::{GuestEnd, GuestLimits, Remains, ToolCall};
use crate::text::{nearest, shorten};

/// What a caller asks for.
pub(crate) struct CallRequest<'a> {
    /// The tool's full name.
    pub(crate) name: &'a str,
    /// The JSON text of the arguments; none means no arguments.
    pub(crate) arguments: Option<&'a RawValue>,
    /// Whether the user allowed this one call.
    pub(crate) consent: bool,
    pub(crate) principal: &'a Principal,
    pub(crate) cancel: &'a CancellationToken,
}

/// The end of a call. What remains of the guest is to be given to [`Host::dispose`](crate::sandbox::Sandbox::dispose) after the answer was sent.
pub(crate) struct CallEnd {
    pub(crate) outcome: Result<ToolOutput, CallError>,
    pub(crate) remains: Option<Remains>,
    /// The call's place among its tool's concurrent ones. Kept until the answer is on its way, so that a client that does not read
    /// holds up the calls and not the memory.
    pub(crate) slot: Option<OwnedSemaphorePermit>,
    used: Used,
    /// What the audit log gets to know, once the answer is sent.
    pub(crate) audit: Option<Box<audit::Call>>,
    /// Where it was refused and the user may be asked to allow this one call: about what.
    pub(crate) question: Option<Question>,
}

/// What a user is asked about one call.
pub(crate) struct Question {
    /// In plain words.
    pub(crate) message: String,
    pub(crate) component: Digest,
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
        let near = nearest(
            name,
            catalog.tools().map(|listed| listed.tool.full_name.as_str()),
        )
        .map(str::to_owned);
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
    let digest = found.plugin.digest.clone();
    let mut end = stages(host, found, &request).await;
    let duration = started.elapsed();
    record(&tool, &end, duration);
    end.audit = Some(Box::new(audit::Call {
        principal: request.principal.name.clone(),
        plugin: tool.label.plugin.clone(),
        digest,
        tool: tool.label.tool.clone(),
        error: end.outcome.as_ref().err().map(|error| error.code.as_str()),
        duration,
        // Whoever has the text adds its hash when nobody waits for it.
        arguments: None,
        used: std::mem::take(&mut end.used),
    }));
    Ok(end)
}

async fn stages(host: &Host, found: Found, request: &CallRequest<'_>) -> CallEnd {
    let allowance = match authorize(host, &found, request) {
        Ok(allowance) => allowance,
        Err(refusal) => return *refusal,
    };
    let Found { plugin, tool, .. } = &found;
    let arguments = match validate(tool, request.arguments) {
        Ok(arguments) => arguments,
        Err(error) => return error.into(),
    };
    let slot = match slot(tool, request.cancel).await {
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
        Err(error) => return not_ready(tool, &error).into(),
    };
    let reach = match reach(host, &found, &allowance.access, request.principal).await {
        Ok(reach) => reach,
        Err(error) => return error.into(),
    };
    if allowance.unpinned {
        host.pin(plugin);
    }
    let limits = GuestLimits {
        timeout: tool.limits.timeout,
        memory: tool.limits.memory,
        max_result: tool.limits.max_result,
    };
    let finished = host
        .sandbox
        .call(
            prepared,
            ToolCall {
                label: tool.label.clone(),
                arguments,
                limits,
                reach: reach.clone(),
            },
            request.cancel,
        )
        .await;
    let mut outcome = match finished.end {
        GuestEnd::Returned(Ok(result)) => check_output(tool, result),
        GuestEnd::Returned(Err(error)) => Err(guest_error(tool, error)),
        GuestEnd::Failed(failure) => Err(guest_failure(tool, &failure)),
    };
    outcome = redact(&reach, outcome);
    let used = reach.usage.snapshot();
    if let Err(error) = &mut outcome {
        tell_denials(&found, &used.denials, error);
    }
    CallEnd {
        outcome,
        remains: Some(finished.remains),
        slot: Some(slot),
        question: None,
        used,
        audit: None,
    }
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

impl From<CallError> for CallEnd {
    fn from(error: CallError) -> Self {
        Self {
            outcome: Err(error),
            remains: None,
            slot: None,
            question: None,
            used: Used::default(),
            audit: None,
        }
    }
}
