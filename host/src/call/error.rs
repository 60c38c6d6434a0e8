//! Why a call gave no result: the codes, the sentences, and what the model is told to do.

use std::time::Duration;

use serde_json::Value;

use super::output::object;
use crate::plugin::{NotReady, Tool};
use crate::sandbox::GuestFailure;
use crate::sandbox::types::{ErrorCode as GuestErrorCode, ToolError};
use crate::schema::Fault;
use crate::text::{bytes, duration, escape_lines, shorten};

/// When to try again where a plugin's file was changed under a call, in milliseconds.
const RETRY_AFTER_RELOAD: u64 = 200;

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

    pub(super) fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "the call was cancelled".into())
    }

    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn details(mut self, details: Value) -> Self {
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

pub(super) fn in_words(faults: &[Fault]) -> String {
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

pub(super) fn busy(tool: &Tool, waited: Duration) -> CallError {
    let mut error = CallError::new(
        ErrorCode::Unavailable,
        format!(
            "{} is busy: no place became free within {}",
            tool.named(),
            duration(waited)
        ),
    )
    .hint("wait for earlier calls to end, then try again");
    error.retry_after_ms = Some(1000);
    error
}

pub(super) fn not_ready(tool: &Tool, error: &NotReady) -> CallError {
    let message = format!("plugin `{}` cannot be run: {error}", tool.label.plugin);
    match error {
        NotReady::Changed => {
            let mut error = CallError::new(ErrorCode::Unavailable, message)
                .hint("try again in a moment; if the tool is gone then, list the tools again");
            error.retry_after_ms = Some(RETRY_AFTER_RELOAD);
            error
        }
        NotReady::Component(_) => CallError::new(ErrorCode::Unavailable, message)
            .hint("the user can see more with `toolbay list`"),
    }
}

pub(super) fn guest_error(tool: &Tool, error: ToolError) -> CallError {
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

pub(super) fn guest_failure(tool: &Tool, failure: &GuestFailure) -> CallError {
    let named = tool.named();
    let error = |code, what: String| CallError::new(code, format!("{named} {what}"));
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
        GuestFailure::NoSlot => busy(tool, tool.limits.timeout),
        GuestFailure::Mount(why) => error(ErrorCode::Unavailable, format!("cannot be run: {why}"))
            .hint(&format!(
                "the user can bind another folder in their own terminal: toolbay grant {} --mount {}=DIR",
                tool.label.plugin, why.name
            )),
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
