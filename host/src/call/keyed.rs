//! The stage of a call that looks whether it was made before with the same key: a retry gets the first call's result and runs nothing.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use toolbay_manifest::Idempotency;

use super::error::{CallError, ErrorCode, busy};
use super::kept::Notes;
use super::output::{Output, ToolOutput};
use crate::catalog::Found;
use crate::digest::Digest;
use crate::host::Host;
use crate::json;
use crate::owner::Owner;
use crate::plugin::Tool;
use crate::sandbox::Request;
use crate::sandbox::types::{Content, ToolResult};
use crate::state::{Claim, KeyOf, StateError, Store};

/// The longest key, in bytes.
const MAX_KEY: usize = 256;

/// A larger result is not kept; that the call ended well is.
const MAX_RESULT: usize = 16 << 20;

/// How often it is looked whether another call with the same key has ended.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What the property that marks a replay is called.
pub(crate) const REPLAY: &str = "idempotent_replay";

/// What becomes of a call that may have a key.
pub(super) enum Keyed {
    /// It has none.
    No,
    /// It is the first with this key.
    First(Claimed),
    /// It was made before, and this was its result.
    Replay(Output),
}

/// A call with a key, to be told how it ended. Dropped before that, it was ended in the middle.
pub(super) struct Claimed {
    of: KeyOf,
    arguments: String,
    ttl: u64,
    store: Store,
    owner: Arc<Owner>,
    /// Whether the row is there, and this call's.
    is_held: bool,
    /// Whether the guest may have done something.
    began: bool,
}

/// Claims the call's key, if it has one. Waits for another call with the same key.
pub(super) async fn claim(
    host: &Host,
    found: &Found,
    principal: &Arc<str>,
    asked: &Request,
    cancel: &CancellationToken,
) -> Result<Keyed, CallError> {
    let (Some(idempotency), Request::Tool { arguments, .. }) =
        (&found.tool.services.idempotency, asked)
    else {
        return Ok(Keyed::No);
    };
    let Some((key, arguments)) = take_key(&found.tool, idempotency, arguments)? else {
        return Ok(Keyed::No);
    };
    let mut claimed = Claimed {
        of: KeyOf {
            scope: found.plugin.scope.to_string(),
            plugin: found.tool.label.plugin.to_string(),
            tool: found.tool.label.tool.to_string(),
            principal: principal.to_string(),
            key,
        },
        arguments,
        ttl: idempotency.ttl.duration().as_secs(),
        store: host.store.clone(),
        owner: host.owner.clone(),
        is_held: false,
        began: false,
    };
    match claimed.claim(&found.tool, cancel).await? {
        Some(output) => Ok(Keyed::Replay(output)),
        None => Ok(Keyed::First(claimed)),
    }
}

/// The key and a digest of everything else. Nothing where there is no key.
fn take_key(
    tool: &Tool,
    idempotency: &Idempotency,
    arguments: &str,
) -> Result<Option<(String, String)>, CallError> {
    let mut value = json::parse(arguments).unwrap_or_default();
    let key = match value.pointer_mut(&idempotency.key).map(Value::take) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(key)) => key,
        Some(other) => other.to_string(),
    };
    if key.is_empty() || key.len() > MAX_KEY {
        let message = format!(
            "the arguments of `{}` are wrong: `{}` must have 1 to {MAX_KEY} bytes",
            tool.full_name, idempotency.key
        );
        return Err(CallError::new(ErrorCode::Validation, message)
            .hint("use a UUID, and the same one for each retry of the same call"));
    }
    let rest = json::canonical(&value.to_string()).unwrap_or_default();
    Ok(Some((key, Digest::of(rest.as_bytes()).to_string())))
}

impl Claimed {
    /// Gives the first call's result where there was one.
    async fn claim(
        &mut self,
        tool: &Tool,
        cancel: &CancellationToken,
    ) -> Result<Option<Output>, CallError> {
        let deadline = Instant::now() + tool.limits.timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            let claimed = self
                .try_claim()
                .await
                .map_err(|error| unusable(tool, &error))?;
            match claimed {
                Claim::Yours => {
                    self.is_held = true;
                    return Ok(None);
                }
                Claim::Done(Some(result)) => {
                    return match replay(&result) {
                        Some(output) => Ok(Some(output)),
                        None => Err(self.conflict(
                            tool,
                            "done",
                            "ended well before, and its result cannot be read any more",
                        )),
                    };
                }
                Claim::Done(None) => {
                    return Err(self.conflict(
                        tool,
                        "done",
                        "ended well before, with a result that is too large to be kept",
                    ));
                }
                Claim::Unknown => {
                    return Err(self.conflict(tool, "unknown", "was begun before and ended in the middle: what it was to do may have been done or not"));
                }
                Claim::OtherArguments => {
                    let message = format!(
                        "the key `{}` was used for a call of `{}` with other arguments",
                        shown(&self.of.key),
                        tool.full_name
                    );
                    return Err(CallError::new(ErrorCode::Conflict, message)
                        .hint("use a new key for a new call, and the same arguments for a retry"));
                }
                Claim::Running(_) => {}
            }
            if Instant::now() + pause >= deadline {
                return Err(busy(tool, tool.limits.timeout));
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(CallError::cancelled()),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    async fn try_claim(&self) -> Result<Claim, StateError> {
        // Whoever cannot be known to live must not begin anything.
        let name = self.owner.name()?.to_owned();
        let owner = self.owner.clone();
        let is_gone = move |other: &str| owner.is_gone(other);
        let (of, arguments) = (self.of.clone(), self.arguments.clone());
        self.store
            .claim(of, arguments, name, self.ttl, is_gone)
            .await
    }

    /// The guest runs from now on.
    pub(super) fn begins(&mut self) {
        self.began = true;
    }

    /// The guest asks its user. What has changed nothing so far is not to hold the key for as long as that takes; it is claimed again before it goes on.
    pub(super) async fn pauses(&mut self, wrote: bool) {
        if !wrote {
            self.began = false;
            self.free().await;
        }
    }

    /// Goes on after a question. Gives the result where another call with the key came before.
    pub(super) async fn goes_on(
        &mut self,
        tool: &Tool,
        cancel: &CancellationToken,
    ) -> Result<Option<Output>, CallError> {
        let replayed = if self.is_held {
            None
        } else {
            self.claim(tool, cancel).await?
        };
        self.began = replayed.is_none();
        Ok(replayed)
    }

    /// The call has ended well. Its answer is sent only when that is on the disk.
    pub(super) async fn succeeded(mut self, tool: &Tool, output: &Output) -> Result<(), CallError> {
        let result = stored(output).filter(|result| result.len() <= MAX_RESULT);
        let owner = self.owner.name().map(str::to_owned).unwrap_or_default();
        let done = self
            .store
            .keyed_done(self.of.clone(), owner, result, self.ttl)
            .await;
        // What could not be written stays as begun, so that no retry runs it again.
        self.is_held = false;
        done.map_err(|error| {
            let message = format!(
                "{} did its work, and that cannot be written down: {error}",
                tool.named()
            );
            CallError::new(ErrorCode::Conflict, message)
                .details(serde_json::json!({ "state": "unknown" }))
                .hint("do not call it again without looking whether it was done")
        })
    }

    /// The call has failed. `in_order` says that the guest came to an end of its own and said so.
    pub(super) async fn failed(mut self, in_order: bool, wrote: bool) {
        if in_order || !wrote {
            self.free().await;
        } else {
            self.leave_unknown().await;
        }
    }

    async fn free(&mut self) {
        if std::mem::take(&mut self.is_held) {
            let owner = self.owner.name().map(str::to_owned).unwrap_or_default();
            if let Err(error) = self.store.keyed_free(self.of.clone(), owner).await {
                tracing::warn!(%error, "a key cannot be freed");
            }
        }
    }

    async fn leave_unknown(&mut self) {
        if std::mem::take(&mut self.is_held) {
            let owner = self.owner.name().map(str::to_owned).unwrap_or_default();
            if let Err(error) = self.store.keyed_unknown(self.of.clone(), owner).await {
                tracing::warn!(%error, "what became of a call with a key cannot be written down");
            }
        }
    }

    fn conflict(&self, tool: &Tool, state: &'static str, what: &str) -> CallError {
        let key = shown(&self.of.key);
        let message = format!(
            "the call of `{}` with the key `{key}` {what}",
            tool.full_name
        );
        let hint = if state == "unknown" {
            format!(
                "look whether it was done; if so, use no key again for it. If it was not, the user can free the key in their own terminal: toolbay idempotency clear {} '{}'",
                tool.full_name,
                key.replace('\'', "'\\''")
            )
        } else {
            "it is not run again; use a new key for a new call".to_owned()
        };
        CallError::new(ErrorCode::Conflict, message)
            .details(serde_json::json!({ "state": state, "key": key }))
            .hint(&hint)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let (store, of, began) = (self.store.clone(), self.of.clone(), self.began);
        let owner = self.owner.name().map(str::to_owned).unwrap_or_default();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = if began {
                    store.keyed_unknown(of, owner).await
                } else {
                    store.keyed_free(of, owner).await
                };
            });
        }
    }
}

fn shown(key: &str) -> String {
    crate::text::shorten(&crate::text::escape(key), MAX_KEY)
}

fn unusable(tool: &Tool, error: &StateError) -> CallError {
    let message = format!("{} cannot be run with a key: {error}", tool.named());
    CallError::new(ErrorCode::Unavailable, message)
        .hint("nothing was done; call it again later with the same key")
}

/// A result as it is kept.
#[derive(Serialize, Deserialize)]
struct Stored {
    content: Vec<Content>,
    structured: Option<Box<RawValue>>,
    meta: Option<Box<RawValue>>,
}

fn stored(output: &Output) -> Option<Vec<u8>> {
    let Output::Tool(output) = output else {
        return None;
    };
    let stored = Stored {
        content: output.result.content.clone(),
        structured: output.structured.clone(),
        meta: output.meta.clone(),
    };
    serde_json::to_vec(&stored).ok()
}

/// The kept result, marked as what it is.
fn replay(stored: &[u8]) -> Option<Output> {
    let stored: Stored = serde_json::from_slice(stored).ok()?;
    let structured = match stored.structured {
        Some(structured) => {
            let mut members: serde_json::Map<String, Value> =
                serde_json::from_str(structured.get()).ok()?;
            members.insert(REPLAY.to_owned(), true.into());
            Some(serde_json::value::to_raw_value(&members).ok()?)
        }
        None => None,
    };
    Some(Output::Tool(ToolOutput {
        result: ToolResult {
            content: stored.content,
            structured: None,
            meta: None,
        },
        structured,
        meta: stored.meta,
        notes: Notes {
            replay: true,
            ..Notes::default()
        },
    }))
}
