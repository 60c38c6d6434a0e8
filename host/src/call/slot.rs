//! The stage of a call that waits for a place: among its tool's calls, and its plugin's where that has a limit of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::CallRequest;
use super::compose::{PATIENCE, Within};
use super::error::{CallError, ErrorCode, busy};
use crate::catalog::Found;
use crate::host::Host;
use crate::plugin::Tool;
use crate::turns::{CallerPlaces, Turns};

/// A call's place among those that run at once.
#[derive(Debug)]
pub(crate) struct Slot {
    _of_tool: OwnedSemaphorePermit,
    _of_plugin: Option<OwnedSemaphorePermit>,
    _of_caller: Option<OwnedSemaphorePermit>,
}

/// Waits for a place, for as long as the tool may take at most. Callers take turns.
pub(super) async fn slot(
    host: &Host,
    found: &Found,
    caller: &Arc<str>,
    request: &CallRequest<'_>,
) -> Result<Slot, CallError> {
    let (tool, cancel) = (&found.tool, request.cancel);
    let patience = match &request.within {
        Some(_) => PATIENCE.min(tool.limits.timeout),
        None => tool.limits.timeout,
    };
    let within = request.within.as_ref();
    // A call within another has that one's place, which waits for it.
    let places = host.places.as_ref().filter(|_| within.is_none());
    take_all(places, found, caller, within, patience, cancel).await
}

/// The same for a call that goes on after a question.
pub(super) async fn slot_again(
    places: Option<&Arc<CallerPlaces>>,
    found: &Found,
    caller: &Arc<str>,
    cancel: &CancellationToken,
) -> Result<Slot, CallError> {
    let patience = found.tool.limits.timeout;
    take_all(places, found, caller, None, patience, cancel).await
}

async fn take_all(
    places: Option<&Arc<CallerPlaces>>,
    found: &Found,
    caller: &Arc<str>,
    within: Option<&Within>,
    patience: Duration,
    cancel: &CancellationToken,
) -> Result<Slot, CallError> {
    let tool = &found.tool;
    let deadline = Instant::now() + patience;
    let in_words = |refused: Refused| match refused {
        Refused::Busy => busy(tool, patience),
        Refused::Cancelled => CallError::cancelled(),
    };
    // First, so that whoever waits for a place of its own holds none that others want.
    let of_caller = match places {
        Some(places) => Some(places_of(places, tool, caller, deadline, cancel).await?),
        None => None,
    };
    let of_tool = take(&tool.turns, caller, deadline, cancel)
        .await
        .map_err(in_words)?;
    let of_plugin = match &found.plugin.turns {
        // Its caller has one already, and waits for it.
        Some(_) if within.is_some_and(|within| within.holds_a_place_of(&found.plugin)) => None,
        Some(turns) => {
            let taking = take(turns, caller, deadline, cancel);
            Some(taking.await.map_err(in_words)?)
        }
        None => None,
    };
    Ok(Slot {
        _of_tool: of_tool,
        _of_plugin: of_plugin,
        _of_caller: of_caller,
    })
}

async fn places_of(
    places: &CallerPlaces,
    tool: &Tool,
    caller: &Arc<str>,
    deadline: Instant,
    cancel: &CancellationToken,
) -> Result<OwnedSemaphorePermit, CallError> {
    let waiting = tokio::time::timeout_at(deadline, places.take(caller));
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(CallError::cancelled()),
        place = waiting => match place {
            Ok(Some(place)) => Ok(place),
            _ => {
                let message = format!("{} was not run: this caller's {} calls at once were still running when its time was up", tool.named(), places.most());
                Err(CallError::new(ErrorCode::RateLimited, message).hint("wait for answers before calling again"))
            }
        },
    }
}

/// Why there is no place.
enum Refused {
    Busy,
    Cancelled,
}

async fn take(
    turns: &Turns,
    caller: &Arc<str>,
    deadline: Instant,
    cancel: &CancellationToken,
) -> Result<OwnedSemaphorePermit, Refused> {
    if let Some(place) = turns.try_take() {
        return Ok(place);
    }
    let waiting = tokio::time::timeout_at(deadline, turns.take(caller));
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Refused::Cancelled),
        place = waiting => match place {
            Ok(Some(place)) => Ok(place),
            _ => Err(Refused::Busy),
        },
    }
}
