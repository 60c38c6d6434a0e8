//! `tools/call`, on a path of its own from the transport to the call and back: the request that everything is about is spared the hops of the
//! protocol library.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ErrorData, RequestId, RequestMetaObject};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::consent;
use super::convert;
use super::guard::answering_panics;
use super::session::{Era, Session};
use super::stdio::CallRequest;
use crate::audit;
use crate::call::{self, Question};
use crate::host::Host;
use crate::sandbox::Remains;
use crate::status::{STATUS_TOOL, Status};

/// The method of a call.
pub(super) const METHOD: &str = "tools/call";

/// What a `tools/call` carries; the arguments stay the text they came as.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallParams<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(rename = "_meta", default)]
    meta: Option<RequestMetaObject>,
    #[serde(borrow, default)]
    request_state: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    input_responses: Option<Value>,
}

/// Takes calls from the transport's reader and runs each as a task of its own.
pub(super) fn dispatcher(
    host: Arc<Host>,
    session: Arc<Session>,
    runtime: Handle,
) -> Arc<dyn Fn(CallRequest) + Send + Sync> {
    Arc::new(move |request: CallRequest| {
        let (host, session) = (host.clone(), session.clone());
        runtime.spawn(async move {
            let CallRequest {
                id,
                params,
                cancel,
                reply,
            } = request;
            let answering = answer(&host, &session, &id, params.as_deref(), &cancel);
            let answered = answering_panics(answering)
                .await
                .unwrap_or_else(|error| Answered::line(convert::error_line(&id, &error)));
            // A client that does not read is waited for here, where the call still has its tool's slot.
            tokio::select! {
                biased;
                () = reply.room() => {}
                () = cancel.cancelled() => {}
            }
            reply.send(answered.line);
            // In the order of the answers, so before anything that takes its time.
            if let Some(called) = answered.audit {
                audit(&host, called, params.as_deref()).await;
            }
            // The client has its answer; what the guest leaves behind is cleared away after it.
            if let Some(remains) = answered.remains {
                host.sandbox.dispose(remains);
            }
            drop(answered.slot);
        });
    })
}

/// The line that answers a call, and what is to be kept until it is sent.
struct Answered {
    line: Vec<u8>,
    remains: Option<Remains>,
    slot: Option<OwnedSemaphorePermit>,
    audit: Option<Box<audit::Call>>,
}

impl Answered {
    fn line(line: Vec<u8>) -> Self {
        Self {
            line,
            remains: None,
            slot: None,
            audit: None,
        }
    }
}

async fn answer(
    host: &Host,
    session: &Session,
    id: &RequestId,
    params: Option<&RawValue>,
    cancel: &CancellationToken,
) -> Result<Answered, ErrorData> {
    let params = parse(params)?;
    let era = session.era(params.meta.as_ref())?;
    if params.name == STATUS_TOOL {
        let status = Status::of(host, session.listed().as_ref());
        return Ok(Answered::line(convert::status_line(id, &status, era)));
    }
    let run = |consent| {
        let request = call::CallRequest {
            name: &params.name,
            arguments: params.arguments,
            consent,
            principal: &session.principal,
            cancel,
        };
        async {
            call::run(host, request).await.map_err(|unknown| {
                ErrorData::invalid_params(
                    unknown.to_string(),
                    Some(serde_json::json!({ "tool": unknown.name })),
                )
            })
        }
    };
    let mut end = run(false).await?;
    if let Some(question) = &end.question {
        match consent(session, &params, era, question, cancel).await? {
            Consent::Refused => {}
            Consent::Given => end = run(true).await?,
            Consent::Asked(result) => return Ok(Answered::line(convert::result_line(id, result))),
        }
    }
    Ok(Answered {
        line: convert::call_line(id, &end.outcome, era),
        remains: end.remains,
        slot: end.slot,
        audit: end.audit,
    })
}

/// The result of one call, for a transport that hands over results instead of lines.
pub(super) async fn result(
    host: &Arc<Host>,
    session: &Session,
    id: &RequestId,
    params: Option<&RawValue>,
    cancel: &CancellationToken,
) -> Result<Value, ErrorData> {
    /// What a guest leaves behind is kept no longer than this for an answer to be sent.
    const LATEST: Duration = Duration::from_secs(10);
    let answered = answering_panics(answer(host, session, id, params, cancel)).await?;
    if let Some(called) = answered.audit {
        audit(host, called, params).await;
    }
    let result = result_of(&answered.line)?;
    let Some(remains) = answered.remains else {
        return Ok(result);
    };
    // rmcp cancels the token of a request when it takes the answer.
    let (host, taken, slot) = (host.clone(), cancel.clone(), answered.slot);
    tokio::spawn(async move {
        let _ = tokio::time::timeout(LATEST, taken.cancelled()).await;
        host.sandbox.dispose(remains);
        drop(slot);
    });
    Ok(result)
}

/// The result in a line that holds one.
fn result_of(line: &[u8]) -> Result<Value, ErrorData> {
    let mut message: Value = serde_json::from_slice(line)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    Ok(message
        .get_mut("result")
        .map(Value::take)
        .unwrap_or_default())
}

/// Writes a call down. The arguments are known by their hash alone.
async fn audit(host: &Host, mut called: Box<audit::Call>, params: Option<&RawValue>) {
    let arguments = parse(params).ok().and_then(|params| params.arguments);
    called.arguments = host.audit.hash(arguments.map_or("{}", RawValue::get));
    host.audit.record(audit::Event::Called(called)).await;
}

/// What became of the question whether one call may be made.
enum Consent {
    Given,
    Refused,
    /// The client has to ask, and to call again: with this result.
    Asked(Value),
}

async fn consent(
    session: &Session,
    params: &CallParams<'_>,
    era: Era,
    question: &Question,
    cancel: &CancellationToken,
) -> Result<Consent, ErrorData> {
    let subject = consent::Subject {
        tool: &params.name,
        arguments: params.arguments.map_or("{}", RawValue::get),
        component: &question.component,
    };
    let given = |yes| {
        if yes {
            Consent::Given
        } else {
            Consent::Refused
        }
    };
    match era {
        Era::Legacy => {
            let Some(peer) = session.peer() else {
                return Ok(Consent::Refused);
            };
            let client = peer.peer_info();
            if !consent::is_supported(client.as_ref().map(|client| &client.capabilities)) {
                return Ok(Consent::Refused);
            }
            Ok(given(consent::ask(peer, &question.message, cancel).await))
        }
        Era::Modern => {
            let capabilities = params
                .meta
                .as_ref()
                .and_then(RequestMetaObject::client_capabilities);
            if !consent::is_supported(capabilities.as_ref()) {
                return Ok(Consent::Refused);
            }
            let seal = &session.seal;
            match &params.request_state {
                Some(state) => {
                    consent::answer(seal, subject, state, params.input_responses.as_ref())
                        .map(given)
                }
                None => Ok(Consent::Asked(consent::question(
                    seal,
                    subject,
                    &question.message,
                ))),
            }
        }
    }
}

fn parse(params: Option<&RawValue>) -> Result<CallParams<'_>, ErrorData> {
    let malformed = |why: String| {
        ErrorData::invalid_params(
            format!("the parameters of `tools/call` are malformed: {why}"),
            None,
        )
    };
    let text = params
        .map(RawValue::get)
        .ok_or_else(|| malformed("`params` is missing".into()))?;
    // A derived deserializer would take a list for the members in their order.
    if !text.starts_with('{') {
        return Err(malformed("`params` must be an object".into()));
    }
    let mut params: CallParams<'_> =
        serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    // A client that sends null means that there are no arguments.
    params.arguments = params
        .arguments
        .filter(|arguments| arguments.get() != "null");
    match params.arguments {
        Some(arguments) if !arguments.get().starts_with('{') => {
            Err(malformed("`arguments` must be an object".into()))
        }
        _ => Ok(params),
    }
}

/// One call without a connection.
pub(super) async fn once(
    host: &Host,
    tool: &str,
    arguments: &str,
) -> Result<serde_json::Value, ErrorData> {
    let session = Session::default();
    session.set_initialized();
    let params = serde_json::json!({ "name": tool });
    let mut params = params.to_string();
    // The arguments go in as the text that they are.
    params.truncate(params.len() - 1);
    let params = RawValue::from_string(format!("{params},\"arguments\":{arguments}}}"))
        .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
    let answered = answer(
        host,
        &session,
        &RequestId::Number(1),
        Some(&params),
        &CancellationToken::new(),
    )
    .await?;
    if let Some(called) = answered.audit {
        audit(host, called, Some(&params)).await;
    }
    result_of(&answered.line)
}
