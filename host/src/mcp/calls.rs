//! The requests that guests answer, on a path of its own from the transport to the call and back: what everything is about is spared the hops of the protocol
//! library. A guest that asks something in the middle is answered here too: at once in the legacy era, by another request in the modern one.

mod asking;
mod pace;
mod state;
mod task;

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ErrorData, RequestId};
use rmcp::service::Peer;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use self::asking::Asking;
use self::pace::Pace;
use super::client::{CallClient, Notify, abilities};
use super::convert;
use super::guard::answering_panics;
use super::logging::LogFilter;
use super::params::{Params, Reference};
use super::session::{Era, Session};
use super::stdio::{CallMethod, CallRequest};
use crate::audit;
use crate::call::{CallError, ErrorCode, Slot, Wants, read_result};
use crate::client::Abilities;
use crate::host::Host;
use crate::results::URI as RESULT_URI;
use crate::sandbox::Remains;
use crate::status::{self, STATUS_TOOL, Status};

/// Takes calls from the transport's reader and runs each as a task of its own. A call that is alone begins on the reader's thread, and others do while such calls are short:
/// a short one ends there too, and is spared the way to another thread and back, which takes longer than it does.
pub(super) fn dispatcher(
    host: Arc<Host>,
    session: Arc<Session>,
    runtime: Handle,
) -> Arc<dyn Fn(CallRequest) + Send + Sync> {
    let pace = Pace::default();
    Arc::new(move |request: CallRequest| {
        let (host, session) = (host.clone(), session.clone());
        let alone = request.alone;
        let task = async move {
            let CallRequest {
                id,
                method,
                params,
                cancel,
                reply,
                ..
            } = request;
            let notes = reply.notes();
            let caller = Caller {
                host: &host,
                session: &session,
                peer: session.peer(),
                notify: Box::new(move |method, params| {
                    let note = json!({ "jsonrpc": "2.0", "method": method, "params": params });
                    notes.send(note.to_string().into_bytes());
                }),
                cancel: &cancel,
            };
            let answering = answer(caller, &id, method, params.as_deref());
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
                audit(&host, called, method, params.as_deref()).await;
            }
            // The client has its answer; what the guest leaves behind is cleared away after it.
            if let Some(remains) = answered.remains {
                host.sandbox.dispose(remains);
            }
            drop(answered.slot);
        };
        if pace.is_short() || alone {
            pace.measure(|| begin_here(&runtime, task));
        } else {
            runtime.spawn(task);
        }
    })
}

/// Runs a task on this thread until it waits for something, and the rest of it, if any, on the runtime. A guest waits at the next tick of the epoch at the latest.
fn begin_here(runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
    let mut task = Box::pin(task);
    let _entered = runtime.enter();
    // Whoever would wake this waker is asked again as soon as the task is spawned.
    let mut nobody = Context::from_waker(Waker::noop());
    if task.as_mut().poll(&mut nobody).is_pending() {
        runtime.spawn(task);
    }
}

/// Whoever makes a call, and the ways to it.
pub(super) struct Caller<'a> {
    pub(super) host: &'a Arc<Host>,
    pub(super) session: &'a Session,
    /// Where a client of the legacy era is asked.
    pub(super) peer: Option<&'a Peer<RoleServer>>,
    /// Where notifications go that belong to the call.
    pub(super) notify: Notify,
    pub(super) cancel: &'a CancellationToken,
}

/// The line that answers a call, and what is to be kept until it is sent.
pub(super) struct Answered {
    pub(super) line: Vec<u8>,
    pub(super) remains: Option<Remains>,
    pub(super) slot: Option<Slot>,
    pub(super) audit: Option<Box<audit::Call>>,
}

impl Answered {
    pub(super) fn line(line: Vec<u8>) -> Self {
        Self {
            line,
            remains: None,
            slot: None,
            audit: None,
        }
    }
}

/// Answers one request.
///
/// # Errors
///
/// What is answered with a protocol error instead of a result.
pub(super) async fn answer(
    caller: Caller<'_>,
    id: &RequestId,
    method: CallMethod,
    params: Option<&RawValue>,
) -> Result<Answered, ErrorData> {
    let params = Params::read(method, params)?;
    let era = caller.session.era(params.meta.as_ref())?;
    let target = params.target(method)?;
    if method == CallMethod::CallTool && status::is_status(caller.host, target).await {
        return Ok(Answered::line(
            Box::pin(status_line(&caller, id, &params, era)).await,
        ));
    }
    if method == CallMethod::ReadResource && target.starts_with(RESULT_URI) {
        let read = read_result(caller.host, &caller.session.principal.name, target).await;
        let Some(read) = read else {
            return Err(asking::unknown_result(target));
        };
        return Ok(Answered::line(convert::read_line(id, target, &read, era)));
    }
    let wants = match method {
        CallMethod::CallTool => Wants::Tool {
            name: target,
            arguments: params.arguments,
        },
        CallMethod::ReadResource => Wants::Read { uri: target },
        CallMethod::GetPrompt => Wants::Prompt {
            name: target,
            arguments: params.prompt_arguments()?,
        },
        CallMethod::Complete => match completion(caller.host, &params).await? {
            Some(wants) => wants,
            None => return Ok(Answered::line(convert::completion_line(id, None, era))),
        },
    };
    let asking = Asking {
        host: caller.host,
        session: caller.session,
        peer: caller.peer,
        cancel: caller.cancel,
        client: client(caller.session, caller.notify, &params, era),
        method,
        target,
        params: &params,
        wants,
        era,
    };
    asking.answer(id).await
}

/// The answer of the built-in tool, which takes no arguments.
async fn status_line(
    caller: &Caller<'_>,
    id: &RequestId,
    params: &Params<'_>,
    era: Era,
) -> Vec<u8> {
    let arguments: Option<serde_json::Map<String, Value>> =
        serde_json::from_str(params.arguments_text()).ok();
    if arguments.is_none_or(|arguments| !arguments.is_empty()) {
        let message = format!("`{STATUS_TOOL}` takes no arguments");
        let mut error = CallError::new(ErrorCode::Validation, message);
        error.hint = Some("call it again with none".into());
        return convert::call_line(id, Err(&error), era);
    }
    let status = Status::of(
        caller.host,
        &caller.session.principal,
        caller.session.listed().as_ref(),
    )
    .await;
    convert::status_line(id, &status, era)
}

/// The client as the guest sees it.
fn client(session: &Session, notify: Notify, params: &Params<'_>, era: Era) -> Arc<CallClient> {
    const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    let meta = params.meta.as_ref();
    let (logs, able) = match era {
        Era::Legacy => {
            let able = Abilities {
                // There are none in this era; the command line waits for every call.
                task: session.waits(),
                ..session.abilities()
            };
            (session.log_level.filter(), able)
        }
        Era::Modern => {
            let capabilities = meta.and_then(|meta| meta.0.0.get(CAPABILITIES));
            let able = capabilities.map(abilities).unwrap_or_default();
            (LogFilter::of_request(meta), able)
        }
    };
    CallClient::new(notify, meta, logs, able)
}

/// What is completed; nothing where the plugin has no proposals for it.
async fn completion<'a>(
    host: &Host,
    params: &'a Params<'_>,
) -> Result<Option<Wants<'a>>, ErrorData> {
    let (reference, argument, context) = params.completion()?;
    let catalog = if host.is_scanned() {
        host.catalog()
    } else {
        host.scanned_catalog().await
    };
    let (found, name) = match reference {
        Reference::Prompt { name } => (catalog.find_prompt(name), name),
        Reference::Resource { uri } => (
            catalog
                .find_template(uri)
                .or_else(|| Some(catalog.find_resource(uri)?.0)),
            uri,
        ),
    };
    let found = found.ok_or_else(|| {
        let name = crate::text::shorten(&crate::text::escape(name), 200);
        ErrorData::invalid_params(format!("there is no prompt or resource `{name}`"), None)
    })?;
    let tool = &found.tool;
    let completes = tool
        .as_prompt()
        .map(|prompt| &prompt.completes)
        .or_else(|| tool.as_resource().map(|resource| &resource.completes));
    let can = completes.is_some_and(|completes| completes.contains(&argument.name));
    Ok(can.then(|| Wants::Complete {
        of: found,
        argument: &argument.name,
        value: &argument.value,
        context,
    }))
}

/// The result of one call, for a transport that hands over results instead of lines.
pub(super) async fn result(
    host: &Arc<Host>,
    caller: Caller<'_>,
    id: &RequestId,
    method: CallMethod,
    params: Option<&RawValue>,
) -> Result<Value, ErrorData> {
    /// What a guest leaves behind is kept no longer than this for an answer to be sent.
    const LATEST: Duration = Duration::from_secs(10);
    let taken = caller.cancel.clone();
    let answered = answering_panics(answer(caller, id, method, params)).await?;
    if let Some(called) = answered.audit {
        audit(host, called, method, params).await;
    }
    if let Some(remains) = answered.remains {
        // rmcp cancels the token of a request when it takes the answer.
        let (host, slot) = (host.clone(), answered.slot);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(LATEST, taken.cancelled()).await;
            host.sandbox.dispose(remains);
            drop(slot);
        });
    }
    result_of(&answered.line)
}

/// The result in a line, or the error.
fn result_of(line: &[u8]) -> Result<Value, ErrorData> {
    let unreadable = |error: serde_json::Error| ErrorData::internal_error(error.to_string(), None);
    let mut message: Value = serde_json::from_slice(line).map_err(unreadable)?;
    match message.get_mut("error") {
        Some(error) => Err(serde_json::from_value(error.take()).map_err(unreadable)?),
        None => Ok(message
            .get_mut("result")
            .map(Value::take)
            .unwrap_or_default()),
    }
}

/// Writes a call down. The arguments are known by their hash alone.
pub(super) async fn audit(
    host: &Host,
    mut called: Box<audit::Call>,
    method: CallMethod,
    params: Option<&RawValue>,
) {
    let params = Params::read(method, params).ok();
    let arguments = params.as_ref().map_or("{}", Params::arguments_text);
    called.arguments = host.audit.hash(arguments);
    host.audit.record(audit::Event::Called(called)).await;
}

/// One tool call without a connection.
pub(super) async fn once(
    host: &Arc<Host>,
    tool: &str,
    arguments: &str,
) -> Result<Value, ErrorData> {
    let session = Session::default();
    session.set_initialized();
    session.set_waits();
    let params = json!({ "name": tool });
    let mut params = params.to_string();
    // The arguments go in as the text that they are.
    params.truncate(params.len() - 1);
    let params = RawValue::from_string(format!("{params},\"arguments\":{arguments}}}"))
        .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
    let caller = Caller {
        host,
        session: &session,
        peer: None,
        notify: Box::new(|_, _| {}),
        cancel: &CancellationToken::new(),
    };
    let id = RequestId::Number(1);
    let answered = answer(caller, &id, CallMethod::CallTool, Some(&params)).await?;
    if let Some(called) = answered.audit {
        audit(host, called, CallMethod::CallTool, Some(&params)).await;
    }
    result_of(&answered.line)
}
