//! Calls that guests make: each passes the same stages as one of a client's, as the same principal, within what is left of its caller's time.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::{CallError, ErrorCode};
use super::output::Output;
use super::{Call, CallRequest, Wants};
use crate::audit;
use crate::catalog::Found;
use crate::client::Waiting;
use crate::host::Host;
use crate::plugin::{Plugin, Tool};
use crate::principal::Principal;
use crate::sandbox::types::{ErrorCode as GuestErrorCode, ToolError, ToolResult};
use crate::sandbox::{Called, Callees};
use crate::telemetry::TracePlace;

/// So many tools call one another at most, the first included.
const MAX_DEPTH: usize = 8;

/// How long a call that a guest makes waits for a place: those who hold the places may wait for its callers.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The calls that a call is made within.
#[derive(Clone)]
pub(crate) struct Within {
    /// The tools under way, the outermost first.
    names: Vec<String>,
    plugins: Vec<Arc<Plugin>>,
    /// Until when the innermost of them may take.
    pub(super) deadline: Instant,
    read_only: bool,
    /// Whether one of them is around another.
    middleware: bool,
    /// Where the innermost of them stands in a trace.
    pub(super) trace: Option<TracePlace>,
}

impl Within {
    /// For a tool that is put around a call, itself perhaps within others.
    pub(super) fn around(outer: Option<&Self>, found: &Found, trace: Option<&TracePlace>) -> Self {
        const LONG: Duration = Duration::from_secs(3600);
        let mut within = outer.cloned().unwrap_or_else(|| Self {
            names: Vec::new(),
            plugins: Vec::new(),
            deadline: Instant::now() + LONG,
            read_only: false,
            middleware: true,
            trace: None,
        });
        within.names.push(found.tool.full_name.clone());
        // It is the user's, and not called by whoever only reads.
        within.read_only = false;
        within.middleware = true;
        within.trace = trace.cloned();
        within
    }

    /// Whether this call is around another, or within one that is.
    pub(super) fn is_middleware(&self) -> bool {
        self.middleware
    }

    /// Whether a call of this plugin is under way already, and has its place among the plugin's calls.
    pub(super) fn holds_a_place_of(&self, plugin: &Arc<Plugin>) -> bool {
        self.plugins.iter().any(|one| Arc::ptr_eq(one, plugin))
    }

    /// Whether this tool may be called here.
    pub(super) fn check(&self, tool: &Tool) -> Result<(), CallError> {
        let path = || format!("{} -> {}", self.names.join(" -> "), tool.full_name);
        let refusal = |code, message: String| Err(CallError::new(code, message));
        if self.names.contains(&tool.full_name) {
            let message = format!("`{}` would call itself: {}", tool.full_name, path());
            return refusal(ErrorCode::Conflict, message);
        }
        if self.names.len() >= MAX_DEPTH {
            let message = format!(
                "more than {MAX_DEPTH} tools would call one another: {}",
                path()
            );
            return refusal(ErrorCode::Conflict, message);
        }
        if self.read_only && !tool.annotations.read_only {
            let message = format!(
                "a read-only tool can call read-only tools only, and `{}` is none: {}",
                tool.full_name,
                path()
            );
            return refusal(ErrorCode::PermissionDenied, message);
        }
        Ok(())
    }
}

/// The tools that one guest may call.
pub(super) struct Composing {
    host: Weak<Host>,
    found: Found,
    principal: Principal,
    within: Within,
    cancel: CancellationToken,
}

impl Composing {
    /// For the guest of a call that may take until `deadline`. Nothing where its tool calls none.
    pub(super) fn of(
        host: &Host,
        found: &Found,
        request: &CallRequest<'_>,
        trace: Option<TracePlace>,
        deadline: Instant,
    ) -> Option<Arc<dyn Callees>> {
        if found.tool.requested.calls.is_empty() {
            return None;
        }
        let mut within = request.within.clone().unwrap_or_else(|| Within {
            names: Vec::new(),
            plugins: Vec::new(),
            deadline,
            read_only: false,
            middleware: false,
            trace: None,
        });
        within.names.push(found.tool.full_name.clone());
        within.plugins.push(found.plugin.clone());
        within.deadline = within.deadline.min(deadline);
        within.read_only |= found.tool.annotations.read_only;
        within.trace = trace;
        let composing = Self {
            host: host.me(),
            found: found.clone(),
            principal: request.principal.clone(),
            within,
            cancel: request.cancel.child_token(),
        };
        Some(Arc::new(composing))
    }

    async fn run(
        &self,
        name: &str,
        arguments: String,
    ) -> Result<(ToolResult, bool), (CallError, bool)> {
        let own = self.found.plugin.tools.iter();
        let is_own = own
            .filter(|tool| tool.is_tool())
            .any(|tool| *tool.label.tool == *name);
        let full_name = if is_own {
            format!("{}_{name}", self.found.plugin.info.name)
        } else {
            name.to_owned()
        };
        let host = self.host.upgrade().ok_or_else(|| (ending(), false))?;
        let hash = host.audit.hash(&arguments);
        let arguments = RawValue::from_string(arguments)
            .ok()
            .filter(|arguments| arguments.get().starts_with('{'))
            .ok_or_else(|| (no_object(name), false))?;
        let request = CallRequest {
            wants: Wants::Tool {
                name: &full_name,
                arguments: Some(&arguments),
            },
            consent: false,
            principal: self.principal.clone(),
            client: Arc::new(Waiting),
            recorded: Vec::new(),
            cancel: &self.cancel,
            within: Some(self.within.clone()),
        };
        let mut call = match Box::pin(super::run(&host, request)).await {
            Ok(call) => call,
            Err(unknown) => {
                let error = CallError::new(ErrorCode::NotFound, unknown.to_string());
                return Err((
                    error.hint("the plugin that has it may not be installed"),
                    false,
                ));
            }
        };
        let end = loop {
            match call {
                Call::Ended(end) => break end,
                Call::Asks(paused) => {
                    let refused =
                        Err("a tool that another tool calls cannot ask anybody".to_owned());
                    call = Box::pin(paused.answer(refused, &self.cancel)).await;
                }
            }
        };
        if let Some(remains) = end.remains {
            host.sandbox.dispose(remains);
        }
        let mut wrote = false;
        if let Some(mut called) = end.audit {
            wrote = called.used.wrote;
            called.arguments = hash;
            called.by = self.within.names.last().map(|name| name.as_str().into());
            host.audit.record(audit::Event::Called(called)).await;
        }
        match end.outcome {
            Ok(Output::Tool(output)) => {
                let structured = output
                    .structured
                    .map(|structured| structured.get().to_owned());
                let meta = output.meta.map(|meta| meta.get().to_owned());
                let result = ToolResult {
                    content: output.result.content,
                    structured,
                    meta,
                };
                Ok((result, wrote))
            }
            Ok(_) => Err((ending(), wrote)),
            Err(error) => Err((error, wrote)),
        }
    }
}

impl Callees for Composing {
    fn call(
        &self,
        name: String,
        arguments: String,
    ) -> Pin<Box<dyn Future<Output = Called> + Send + '_>> {
        Box::pin(async move {
            match self.run(&name, arguments).await {
                Ok((result, wrote)) => Called {
                    outcome: Ok(result),
                    wrote,
                },
                Err((error, wrote)) => Called {
                    outcome: Err(for_guest(&error)),
                    wrote,
                },
            }
        })
    }
}

fn ending() -> CallError {
    CallError::new(ErrorCode::Unavailable, "the host is ending".into())
}

fn no_object(name: &str) -> CallError {
    let name = crate::text::shorten(&crate::text::escape(name), 80);
    let message = format!("the arguments for `{name}` are not the text of one JSON object");
    CallError::new(ErrorCode::Validation, message)
}

fn for_guest(error: &CallError) -> ToolError {
    ToolError {
        code: match error.code {
            ErrorCode::Validation => GuestErrorCode::ValidationError,
            ErrorCode::NotFound => GuestErrorCode::NotFound,
            ErrorCode::PermissionDenied => GuestErrorCode::PermissionDenied,
            ErrorCode::RateLimited => GuestErrorCode::RateLimited,
            ErrorCode::Network => GuestErrorCode::NetworkError,
            ErrorCode::Timeout => GuestErrorCode::Timeout,
            ErrorCode::Conflict => GuestErrorCode::Conflict,
            ErrorCode::Cancelled => GuestErrorCode::Cancelled,
            ErrorCode::LimitExceeded => GuestErrorCode::LimitExceeded,
            ErrorCode::Unavailable => GuestErrorCode::Unavailable,
            ErrorCode::Internal => GuestErrorCode::Internal,
        },
        message: error.text(),
        details: error.details.as_ref().map(ToString::to_string),
        retry_after_ms: error.retry_after_ms,
        meta: None,
    }
}
