//! What plugins say of the things that they depend on: their tools with `health = true`, all called side by side, each with a time of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::audit;
use crate::call::{self, Call, CallError, CallRequest, ErrorCode, Output, Wants};
use crate::catalog::{Found, Listed};
use crate::client::Nobody;
use crate::host::Host;
use crate::principal::Principal;
use crate::text::{duration, escape, shorten};

/// How long each may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Characters of what one says.
const MAX_MESSAGE: usize = 500;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    /// It does all that it should.
    Healthy,
    /// It works, and not as it should.
    Degraded,
    /// It does not work.
    Unhealthy,
    /// It cannot be told, since the user has not allowed the tool to look.
    Unknown,
}

/// What became of one question.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// The tool that was asked.
    pub(crate) tool: String,
    pub(crate) status: Condition,
    /// What is wrong, or what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub(crate) message: Option<String>,
    /// How long it took to say so, in milliseconds.
    pub(crate) duration_ms: u64,
}

impl Health {
    /// Whether there is nothing to do about it.
    pub(crate) fn is_well(&self) -> bool {
        matches!(self.status, Condition::Healthy | Condition::Unknown)
    }

    /// For people, and for clients that pass on text alone.
    pub(crate) fn sentence(&self) -> String {
        let status = match self.status {
            Condition::Healthy => "healthy",
            Condition::Degraded => "degraded",
            Condition::Unhealthy => "unhealthy",
            Condition::Unknown => "unknown",
        };
        let message = self.message.as_ref().map(|message| format!(": {message}"));
        let message = message.unwrap_or_default();
        format!(
            "Health: {} is {status} ({} ms){message}",
            self.tool, self.duration_ms
        )
    }
}

/// What such a tool gives back, as far as the host reads it.
#[derive(Deserialize)]
struct Said {
    status: Option<Condition>,
    message: Option<String>,
}

/// Asks all of them, for this caller.
pub(crate) async fn ask_all(host: &Host, caller: &Principal) -> Vec<Health> {
    let catalog = host.catalog();
    let asked = catalog
        .all_tools()
        .filter(|listed| listed.tool.services.health)
        .map(Listed::found);
    join_all(asked.map(|found| ask(host, caller, found))).await
}

async fn ask(host: &Host, caller: &Principal, found: Found) -> Health {
    let tool = found.tool.full_name.clone();
    let (cancel, started) = (CancellationToken::new(), Instant::now());
    let request = CallRequest {
        wants: Wants::Health { of: found },
        consent: false,
        principal: caller.clone(),
        client: Arc::new(Nobody),
        recorded: Vec::new(),
        cancel: &cancel,
        within: None,
    };
    let running = call::run(host, request);
    tokio::pin!(running);
    let call = tokio::select! {
        biased;
        call = &mut running => call,
        () = tokio::time::sleep(PATIENCE) => {
            // Ended as a call is that nobody waits for, so that it stands in the log.
            cancel.cancel();
            running.await
        }
    };
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (status, message) = match call {
        Ok(Call::Ended(end)) => {
            if let Some(remains) = end.remains {
                host.sandbox.dispose(remains);
            }
            if let Some(audit) = end.audit {
                host.audit.record(audit::Event::Called(audit)).await;
            }
            match &end.outcome {
                Ok(output) => read(output),
                Err(_) if cancel.is_cancelled() => {
                    let message = format!("it did not say so within {}", duration(PATIENCE));
                    (Condition::Unhealthy, Some(message))
                }
                Err(error) => failed(error),
            }
        }
        Ok(Call::Asks(_)) => (
            Condition::Unhealthy,
            Some("it asks its user something, which nobody answers here".to_owned()),
        ),
        Err(unknown) => (Condition::Unhealthy, Some(unknown.to_string())),
    };
    Health {
        tool,
        status,
        message: message.map(|message| shorten(&escape(&message), MAX_MESSAGE)),
        duration_ms,
    }
}

/// A tool that answers is healthy unless it says otherwise.
fn read(output: &Output) -> (Condition, Option<String>) {
    let structured = match output {
        Output::Tool(output) => output.structured.as_ref(),
        _ => None,
    };
    let said = structured.and_then(|text| serde_json::from_str::<Said>(text.get()).ok());
    match said {
        Some(Said { status, message }) => (status.unwrap_or(Condition::Healthy), message),
        None => (Condition::Healthy, None),
    }
}

fn failed(error: &CallError) -> (Condition, Option<String>) {
    let condition = match error.code {
        ErrorCode::PermissionDenied => Condition::Unknown,
        _ => Condition::Unhealthy,
    };
    (condition, Some(error.message.clone()))
}
