//! The stage of a call that asks whether it comes too often, or to a plugin that keeps crashing.

use std::sync::Arc;
use std::time::Duration;

use super::error::{CallError, ErrorCode};
use crate::breaker::IsOpen;
use crate::catalog::Found;
use crate::host::Host;
use crate::plugin::{Plugin, Tool};
use crate::rate::{Limiter, TooOften};
use crate::sandbox::GuestFailure;
use crate::text::duration;

/// Counts a call, unless it is to be refused. A refused one costs nothing more. One within another counts for what it calls, and not again for its caller.
pub(super) fn admit(
    host: &Host,
    found: &Found,
    caller: &Arc<str>,
    is_within: bool,
) -> Result<(), CallError> {
    let (plugin, tool) = (&found.plugin, &found.tool);
    plugin
        .breaker
        .admit(caller)
        .map_err(|open| is_open(tool, open))?;
    if let Some(limiter) = host.limiter.as_ref().filter(|_| !is_within) {
        count(limiter, caller, || "all tools together".to_owned())?;
    }
    if let Some(limiter) = &plugin.limiter {
        let whose = || format!("the tools of plugin `{}`", tool.label.plugin);
        count(limiter, caller, whose)?;
    }
    if let Some(limiter) = &tool.limiter {
        count(limiter, caller, || tool.named())?;
    }
    Ok(())
}

fn count(
    limiter: &Limiter,
    caller: &Arc<str>,
    what: impl FnOnce() -> String,
) -> Result<(), CallError> {
    limiter.admit(caller).map_err(|TooOften(wait)| {
        let message = format!("{} may be called {} by one caller", what(), limiter.rate());
        let error = CallError::new(ErrorCode::RateLimited, message);
        again_in(error, wait, "wait, and call less often")
    })
}

fn is_open(tool: &Tool, IsOpen(wait): IsOpen) -> CallError {
    let message = format!(
        "plugin `{}` crashed several times in a row and is not run for a while",
        tool.label.plugin
    );
    let error = CallError::new(ErrorCode::Unavailable, message);
    let hint =
        "this is a fault in the plugin; it is tried again then, and at once when it is replaced";
    again_in(error, wait, hint)
}

fn again_in(error: CallError, wait: Duration, hint: &str) -> CallError {
    // Whoever comes back a moment too early would be refused again.
    let millis = u64::try_from(wait.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut error = error.hint(&format!(
        "in {}: {hint}",
        duration(Duration::from_millis(millis))
    ));
    error.retry_after_ms = Some(millis);
    error
}

/// Tells the breaker how a guest ended, where that says something about the plugin: not where it was cancelled, took too long, reached a limit or could
/// not be begun, which may be the input's doing.
pub(super) fn tell_breaker(plugin: &Plugin, caller: &Arc<str>, failure: Option<&GuestFailure>) {
    match failure {
        None => plugin.breaker.ended_well(caller),
        Some(GuestFailure::Crash(_) | GuestFailure::Exit(_) | GuestFailure::Mismatch(_))
            if plugin.breaker.crashed(caller) =>
        {
            tracing::warn!(plugin = %plugin.info.name, %caller, "the plugin keeps crashing and is not run for a while");
        }
        Some(_) => {}
    }
}
