//! The requests that guests answer, on a path of its own from the transport to the call and back: what everything is about is spared the hops of the protocol
//! library. A guest that asks something in the middle is answered here too: at once in the legacy era, by another request in the modern one.

mod state;

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ErrorData, RequestId, RequestMetaObject};
use rmcp::service::Peer;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use self::state::Why;
use super::client::{CallClient, Notify, capabilities};
use super::convert;
use super::dialogue;
use super::guard::answering_panics;
use super::logging::LogFilter;
use super::params::{Params, Reference};
use super::session::{Era, Session};
use super::stdio::{CallMethod, CallRequest};
use crate::audit;
use crate::call::{
    self, Call, CallEnd, CallError, ErrorCode, Output, Paused, Round, Unknown, Wants,
};
use crate::client::{Abilities, Action, Answer, Asks, Question};
use crate::host::Host;
use crate::principal::Principal;
use crate::sandbox::Remains;
use crate::status::{STATUS_TOOL, Status};

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
                method,
                params,
                cancel,
                reply,
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
        });
    })
}

/// Whoever makes a call, and the ways to it.
pub(super) struct Caller<'a> {
    pub(super) host: &'a Host,
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
    pub(super) slot: Option<OwnedSemaphorePermit>,
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
    if method == CallMethod::CallTool && target == STATUS_TOOL {
        return Ok(Answered::line(status_line(&caller, id, &params, era)));
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
        principal: &caller.session.principal,
        peer: caller.peer,
        cancel: caller.cancel,
        client: client(caller.session, caller.notify, caller.peer, &params, era),
        method,
        target,
        params: &params,
        wants,
        era,
    };
    asking.answer(id).await
}

/// The answer of the built-in tool, which takes no arguments.
fn status_line(caller: &Caller<'_>, id: &RequestId, params: &Params<'_>, era: Era) -> Vec<u8> {
    let arguments: Option<serde_json::Map<String, Value>> =
        serde_json::from_str(params.arguments_text()).ok();
    if arguments.is_none_or(|arguments| !arguments.is_empty()) {
        let message = format!("`{STATUS_TOOL}` takes no arguments");
        let mut error = CallError::new(ErrorCode::Validation, message);
        error.hint = Some("call it again with none".into());
        return convert::call_line(id, Err(&error), era);
    }
    let status = Status::of(caller.host, caller.session.listed().as_ref());
    convert::status_line(id, &status, era)
}

/// The client as the guest sees it.
fn client(
    session: &Session,
    notify: Notify,
    peer: Option<&Peer<RoleServer>>,
    params: &Params<'_>,
    era: Era,
) -> Arc<CallClient> {
    let meta = params.meta.as_ref();
    match era {
        Era::Legacy => {
            let info = peer.and_then(Peer::peer_info);
            let capabilities = info.as_ref().map(|info| &info.capabilities);
            CallClient::new(notify, meta, session.log_level.filter(), capabilities)
        }
        Era::Modern => {
            let capabilities = meta.and_then(RequestMetaObject::client_capabilities);
            let logs = LogFilter::of_request(meta);
            CallClient::new(notify, meta, logs, capabilities.as_ref())
        }
    }
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

/// One request on its way through the questions that its guest asks.
struct Asking<'a> {
    host: &'a Host,
    principal: &'a Principal,
    peer: Option<&'a Peer<RoleServer>>,
    cancel: &'a CancellationToken,
    client: Arc<CallClient>,
    method: CallMethod,
    target: &'a str,
    params: &'a Params<'a>,
    wants: Wants<'a>,
    era: Era,
}

impl Asking<'_> {
    async fn answer(&self, id: &RequestId) -> Result<Answered, ErrorData> {
        let state = match (&self.params.request_state, self.era) {
            (Some(state), Era::Modern) => Some(self.open(state).await?),
            _ => None,
        };
        let Some(resumed) = state else {
            let call = self.run(false, Vec::new()).await?;
            return self.converse(id, call, false, Vec::new()).await;
        };
        match resumed.state.why.clone() {
            Why::Allow => {
                let end = match self.run(false, Vec::new()).await? {
                    Call::Ended(end) => end,
                    call @ Call::Asks(_) => {
                        return self.converse(id, call, false, Vec::new()).await;
                    }
                };
                let Some(question) = &end.question else {
                    return Ok(self.ended(id, end));
                };
                if question.component.as_str() != resumed.state.component {
                    return Err(foreign_state());
                }
                let answers =
                    dialogue::read_all(&[allow("")], self.params.input_responses.as_ref());
                if !answers.is_ok_and(|answers| is_yes(&answers)) {
                    return Ok(self.ended(id, end));
                }
                let call = self.run(true, Vec::new()).await?;
                self.converse(id, call, true, Vec::new()).await
            }
            Why::Input {
                rounds,
                pending,
                wrote,
                consent,
            } => {
                let parked = self.host.parked.take(resumed.nonce);
                let call = match parked {
                    Some(paused) => Call::Asks(paused),
                    None if wrote => return Ok(self.ended(id, self.not_again())),
                    None => self.run(consent, rounds.clone()).await?,
                };
                let paused = match call {
                    Call::Asks(paused) => paused,
                    // Run again, it did not ask: its end is what it came to.
                    Call::Ended(end) => return Ok(self.ended(id, end)),
                };
                let same = paused.component().as_str() == resumed.state.component
                    && Round::digest(&paused.questions) == pending;
                if !same {
                    return Ok(self.ended(id, self.asks_something_else()));
                }
                self.go_on(id, paused, consent, rounds).await
            }
        }
    }

    async fn run(&self, consent: bool, recorded: Vec<Round>) -> Result<Call, ErrorData> {
        let request = call::CallRequest {
            wants: self.wants.clone(),
            consent,
            principal: self.principal.clone(),
            client: self.client.clone(),
            recorded,
            cancel: self.cancel,
        };
        call::run(self.host, request)
            .await
            .map_err(|unknown| unknown_error(&unknown))
    }

    /// Goes on with the answers that this request brings; those that are missing or cannot be used are asked for again.
    async fn go_on(
        &self,
        id: &RequestId,
        paused: Box<Paused>,
        consent: bool,
        mut rounds: Vec<Round>,
    ) -> Result<Answered, ErrorData> {
        let responses = self.params.input_responses.as_ref();
        let answers = match dialogue::read_all(&paused.questions, responses) {
            Ok(answers) => answers,
            Err(faults) => {
                tracing::debug!(faults = faults.join("; "), "asked again");
                return Ok(self.ask_later(id, paused, consent, rounds));
            }
        };
        rounds.push(Round {
            questions: Round::digest(&paused.questions),
            answers: answers.clone(),
        });
        let call = paused.answer(Ok(answers), self.cancel).await;
        self.converse(id, call, consent, rounds).await
    }

    /// Answers what the guest asks until it has ended, or until the client has to call again with the answers.
    async fn converse(
        &self,
        id: &RequestId,
        mut call: Call,
        mut consent: bool,
        rounds: Vec<Round>,
    ) -> Result<Answered, ErrorData> {
        loop {
            match (call, self.era) {
                (Call::Ended(end), _) => {
                    let Some(question) = &end.question else {
                        return Ok(self.ended(id, end));
                    };
                    let question = allow(&question.message);
                    if consent || !self.client.can(&question.asks) {
                        return Ok(self.ended(id, end));
                    }
                    match self.era {
                        Era::Legacy => {
                            consent = self
                                .ask_now(std::slice::from_ref(&question))
                                .await
                                .is_ok_and(|answers| is_yes(&answers));
                            if !consent {
                                return Ok(self.ended(id, end));
                            }
                            call = self.run(true, Vec::new()).await?;
                        }
                        Era::Modern => return Ok(self.ask_to_allow(id, &end, &question)),
                    }
                }
                (Call::Asks(paused), Era::Legacy) => {
                    let answered = self.ask_now(&paused.questions).await;
                    call = paused.answer(answered, self.cancel).await;
                }
                (Call::Asks(paused), Era::Modern) => {
                    // A client may answer what it knows will be asked, with the first request already.
                    let is_first = rounds.is_empty() && self.params.request_state.is_none();
                    if is_first && self.params.input_responses.is_some() {
                        return Box::pin(self.go_on(id, paused, consent, rounds)).await;
                    }
                    return Ok(self.ask_later(id, paused, consent, rounds));
                }
            }
        }
    }

    async fn ask_now(&self, questions: &[Question]) -> crate::client::Answered {
        match self.peer {
            Some(peer) => dialogue::ask(peer, &self.client, questions, self.cancel).await,
            None => Err("there is nobody to ask".into()),
        }
    }

    /// The result that asks a client of the modern era for answers. The guest waits for them as long as it can.
    fn ask_later(
        &self,
        id: &RequestId,
        mut paused: Box<Paused>,
        consent: bool,
        rounds: Vec<Round>,
    ) -> Answered {
        let why = Why::Input {
            rounds,
            pending: Round::digest(&paused.questions),
            wrote: paused.has_written(),
            consent,
        };
        let requests = dialogue::requests(&paused.questions);
        let (sealed, nonce) = self.seal(why, paused.component().as_str());
        paused.release_slot();
        self.host.parked.park(nonce, paused);
        Answered::line(input_required(id, requests, &sealed))
    }

    /// The result that asks whether this one call may be made.
    fn ask_to_allow(&self, id: &RequestId, end: &CallEnd, question: &Question) -> Answered {
        let component = end.question.as_ref().map(|question| &question.component);
        let component = component.map_or("", |component| component.as_str());
        let (sealed, _) = self.seal(Why::Allow, component);
        let requests = dialogue::requests(std::slice::from_ref(question));
        Answered::line(input_required(id, requests, &sealed))
    }

    fn ended(&self, id: &RequestId, end: CallEnd) -> Answered {
        let lacked = end.lacked != Abilities::default();
        if lacked && end.outcome.is_err() && self.era == Era::Modern {
            let error = ErrorData::missing_required_client_capability(capabilities(end.lacked));
            return Answered {
                line: convert::error_line(id, &error),
                remains: end.remains,
                slot: end.slot,
                audit: end.audit,
            };
        }
        let line = match (&end.outcome, self.method) {
            (Ok(Output::Tool(output)), _) => convert::call_line(id, Ok(output), self.era),
            (Ok(Output::Read(output)), _) => convert::read_line(id, self.target, output, self.era),
            (Ok(Output::Prompt(output)), _) => convert::prompt_line(id, output, self.era),
            (Ok(Output::Completion(output)), _) => {
                convert::completion_line(id, Some(output), self.era)
            }
            (Ok(Output::Page(_)), _) => convert::error_line(
                id,
                &ErrorData::internal_error("the guest answered another question", None),
            ),
            (Err(error), CallMethod::CallTool) => convert::call_line(id, Err(error), self.era),
            // Whoever types is not told at each letter that there are no proposals.
            (Err(_), CallMethod::Complete) => convert::completion_line(id, None, self.era),
            (Err(error), _) => convert::error_line(id, &convert::rpc_error(error)),
        };
        Answered {
            line,
            remains: end.remains,
            slot: end.slot,
            audit: end.audit,
        }
    }
}

/// The question whether one call may be made.
fn allow(message: &str) -> Question {
    let schema = json!({
        "type": "object",
        "properties": {
            "allow": {
                "type": "boolean",
                "title": "Allow this one call",
                "description": "Yes lets the tool make this one call and remembers nothing",
                "default": false,
            },
        },
        "required": ["allow"],
    });
    Question {
        key: "allow".into(),
        asks: Asks::Form {
            message: message.to_owned(),
            schema,
        },
    }
}

/// Anything but a clear yes is no.
fn is_yes(answers: &[Answer]) -> bool {
    matches!(
        answers,
        [Answer::Form { action: Action::Accept, content: Some(content) }] if content["allow"] == true
    )
}

fn input_required(
    id: &RequestId,
    requests: serde_json::Map<String, Value>,
    state: &str,
) -> Vec<u8> {
    let result = json!({
        "inputRequests": requests,
        "requestState": state,
        "resultType": "input_required",
    });
    convert::result_line(id, result)
}

fn unknown_error(unknown: &Unknown) -> ErrorData {
    let key = if unknown.noun == "resource" {
        "uri"
    } else {
        unknown.noun
    };
    ErrorData::invalid_params(unknown.to_string(), Some(json!({ key: unknown.name })))
}

fn foreign_state() -> ErrorData {
    ErrorData::invalid_params(
        "`requestState` is not one that this server gave for this call, or it has expired or was used already: call again without it",
        None,
    )
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
pub(super) async fn once(host: &Host, tool: &str, arguments: &str) -> Result<Value, ErrorData> {
    let session = Session::default();
    session.set_initialized();
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
