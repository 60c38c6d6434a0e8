//! Asking the user, through the client, to let one call be made: only where whoever starts the host switched that on, and never for folders. A
//! client of the legacy era is sent a request; one of the modern era gets a result that asks for input, and calls again with the answer.
//!
//! What the client says is taken for the user's word, and a client may answer by itself: so it is off by default, allows one call, and
//! writes nothing down.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rmcp::RoleServer;
use rmcp::model::{
    ClientCapabilities, ElicitRequest, ElicitRequestParams, ErrorData, ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

use crate::digest::Digest;

/// How long a person may think.
const PATIENCE: Duration = Duration::from_secs(300);

/// The question's name among those of one result.
const QUESTION: &str = "allow";

/// What a sealed state is good for: this question about this call, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sealed {
    tool: String,
    arguments: String,
    component: String,
    expires: u64,
    nonce: u128,
}

/// The call that a question is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) tool: &'a str,
    /// The JSON text of the arguments.
    pub(super) arguments: &'a str,
    pub(super) component: &'a Digest,
}

/// Seals states so that a client can keep them and neither make nor change nor repeat one. Good for this process.
#[derive(Default)]
pub(super) struct Seal {
    /// As long as a block of the hash.
    key: OnceLock<[u8; 64]>,
    /// The states that were used, until they expire.
    used: Mutex<HashMap<u128, u64>>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seal")
    }
}

impl Seal {
    fn seal(&self, subject: Subject<'_>) -> String {
        let sealed = Sealed {
            tool: subject.tool.to_owned(),
            arguments: Digest::of(subject.arguments.as_bytes()).to_string(),
            component: subject.component.to_string(),
            expires: now() + PATIENCE.as_secs(),
            nonce: u128::from_le_bytes(random()),
        };
        let text = serde_json::to_vec(&sealed).unwrap_or_default();
        let mac = self.mac(&text).finalize().into_bytes();
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(mac)
        )
    }

    /// Whether the state was sealed here for this call, has not expired and is used for the first time.
    fn opens(&self, state: &str, subject: Subject<'_>) -> bool {
        let Some(sealed) = self.unseal(state) else {
            return false;
        };
        let now = now();
        let fits = sealed.tool == subject.tool
            && sealed.arguments == Digest::of(subject.arguments.as_bytes()).to_string()
            && sealed.component == subject.component.as_str()
            && sealed.expires > now;
        if !fits {
            return false;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires > now);
        used.insert(sealed.nonce, sealed.expires).is_none()
    }

    fn unseal(&self, state: &str) -> Option<Sealed> {
        let (text, mac) = state.split_once('.')?;
        let text = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        self.mac(&text).verify_slice(&mac).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn mac(&self, text: &[u8]) -> Hmac<Sha256> {
        let key: &[u8; 64] = self.key.get_or_init(random);
        let mut mac = Hmac::<Sha256>::new(key.into());
        mac.update(text);
        mac
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without the system's random source there is nothing to make a key from, and the host's guests would not run either.
    if getrandom::fill(&mut bytes).is_err() {
        tracing::error!("the system gives no random numbers; nobody is asked through the client");
    }
    bytes
}

/// Whether a client says that it can show a form to its user.
pub(super) fn is_supported(capabilities: Option<&ClientCapabilities>) -> bool {
    let elicitation = capabilities
        .and_then(|capabilities| serde_json::to_value(capabilities).ok())
        .and_then(|capabilities| capabilities.get("elicitation").cloned());
    // One that names modes and not this one cannot.
    elicitation.is_some_and(|modes| modes.get("url").is_none() || modes.get("form").is_some())
}

fn form(message: &str) -> Value {
    json!({
        "mode": "form",
        "message": message,
        "requestedSchema": {
            "type": "object",
            "properties": {
                QUESTION: {
                    "type": "boolean",
                    "title": "Allow this one call",
                    "description": "Yes lets the tool make this one call and remembers nothing",
                    "default": false,
                },
            },
            "required": [QUESTION],
        },
    })
}

/// The result that asks a client of the modern era.
pub(super) fn question(seal: &Seal, subject: Subject<'_>, message: &str) -> Value {
    json!({
        "inputRequests": { QUESTION: { "method": "elicitation/create", "params": form(message) } },
        "requestState": seal.seal(subject),
        "resultType": "input_required",
    })
}

/// What a client of the modern era answered.
///
/// # Errors
///
/// A state that was not sealed here for this call, is too old, or was used before.
pub(super) fn answer(
    seal: &Seal,
    subject: Subject<'_>,
    state: &str,
    responses: Option<&Value>,
) -> Result<bool, ErrorData> {
    if !seal.opens(state, subject) {
        return Err(ErrorData::invalid_params(
            "`requestState` is not one that this server gave for this call, or it has expired or was used already: call again without it",
            None,
        ));
    }
    Ok(responses
        .and_then(|responses| responses.get(QUESTION))
        .is_some_and(is_yes))
}

fn is_yes(response: &Value) -> bool {
    let allowed = response
        .get("content")
        .and_then(|content| content.get(QUESTION))
        .and_then(Value::as_bool);
    response.get("action").and_then(Value::as_str) == Some("accept") && allowed == Some(true)
}

/// Asks a client of the legacy era and waits for its user. Anything but a clear yes is no.
pub(super) async fn ask(
    peer: &Peer<RoleServer>,
    message: &str,
    cancel: &CancellationToken,
) -> bool {
    let Ok(params) = serde_json::from_value::<ElicitRequestParams>(form(message)) else {
        return false;
    };
    let request = ServerRequest::ElicitRequest(ElicitRequest::new(params));
    let options = PeerRequestOptions::with_timeout(PATIENCE);
    let Ok(handle) = peer.send_cancellable_request(request, options).await else {
        return false;
    };
    let (id, asking) = (handle.id.clone(), handle.await_response());
    tokio::select! {
        biased;
        () = cancel.cancelled() => {
            let withdrawn = rmcp::model::CancelledNotificationParam::new(Some(id), Some("the call was cancelled".into()));
            let _ = peer.notify_cancelled(withdrawn).await;
            false
        }
        answer = asking => {
            let answer = answer.ok().and_then(|answer| serde_json::to_value(answer).ok());
            answer.as_ref().is_some_and(is_yes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_good_for_its_own_call_and_once() {
        let (seal, other) = (Seal::default(), Seal::default());
        let component = Digest::of(b"component");
        let subject = Subject {
            tool: "keeper_count",
            arguments: "{}",
            component: &component,
        };
        let state = seal.seal(subject);
        let another = Subject {
            arguments: "{\"a\":1}",
            ..subject
        };
        assert!(!seal.opens(&state, another));
        assert!(!other.opens(&state, subject));
        assert!(!seal.opens(&format!("{state}x"), subject));
        assert!(!seal.opens("", subject));
        assert!(seal.opens(&state, subject));
        assert!(!seal.opens(&state, subject), "it was used");
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for (response, expected) in [
            (
                json!({"action": "accept", "content": {"allow": true}}),
                true,
            ),
            (
                json!({"action": "accept", "content": {"allow": "true"}}),
                false,
            ),
            (
                json!({"action": "accept", "content": {"allow": false}}),
                false,
            ),
            (json!({"action": "accept"}), false),
            (
                json!({"action": "decline", "content": {"allow": true}}),
                false,
            ),
            (json!({}), false),
        ] {
            assert_eq!(is_yes(&response), expected, "{response}");
        }
    }
}
