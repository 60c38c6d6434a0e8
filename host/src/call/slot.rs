//! The stage of a call that waits for a place: among its tool's calls, and its plugin's where that has a limit of its own.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::{CallError, busy};
use crate::catalog::Found;
use crate::plugin::Tool;
use crate::turns::Turns;

/// A call's place among those that run at once.
#[derive(Debug)]
pub(crate) struct Slot {
    _of_tool: OwnedSemaphorePermit,
    _of_plugin: Option<OwnedSemaphorePermit>,
}

/// Waits for a place, for as long as the tool may take at most. Callers take turns.
pub(super) async fn slot(
    found: &Found,
    caller: &Arc<str>,
    cancel: &CancellationToken,
) -> Result<Slot, CallError> {
    let tool = &found.tool;
    let deadline = Instant::now() + tool.limits.timeout;
    let of_tool = take(tool, &tool.turns, caller, deadline, cancel).await?;
    let of_plugin = match &found.plugin.turns {
        Some(turns) => Some(take(tool, turns, caller, deadline, cancel).await?),
        None => None,
    };
    Ok(Slot {
        _of_tool: of_tool,
        _of_plugin: of_plugin,
    })
}

async fn take(
    tool: &Tool,
    turns: &Turns,
    caller: &Arc<str>,
    deadline: Instant,
    cancel: &CancellationToken,
) -> Result<OwnedSemaphorePermit, CallError> {
    if let Some(place) = turns.try_take() {
        return Ok(place);
    }
    let waiting = tokio::time::timeout_at(deadline, turns.take(caller));
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(CallError::cancelled()),
        place = waiting => match place {
            Ok(Some(place)) => Ok(place),
            _ => Err(busy(tool)),
        },
    }
}
