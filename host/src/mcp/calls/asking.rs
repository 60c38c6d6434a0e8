//! A request whose guest may ask: run, gone on with, or answered with what has to be asked first. At once in the legacy era, by another request in the modern one.

use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{ErrorData, RequestId};
use rmcp::service::Peer;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::client::{CallClient, capabilities};
use super::super::params::Params;
use super::super::session::{Era, Session};
use super::super::stdio::CallMethod;
use super::super::{convert, dialogue};
use super::Answered;
use super::state::Why;
use super::task;
use crate::call::{self, Call, CallEnd, Output, Paused, Round, Unknown, Wants};
use crate::client::{Abilities, Action, Answer, Asks, Client as _, Question};
use crate::host::Host;

/// One request on its way through the questions that its guest asks.
pub(super) struct Asking<'a> {
    pub(super) host: &'a Arc<Host>,
    pub(super) session: &'a Session,
    pub(super) peer: Option<&'a Peer<RoleServer>>,
    pub(super) cancel: &'a CancellationToken,
    pub(super) client: Arc<CallClient>,
    pub(super) method: CallMethod,
    pub(super) target: &'a str,
    pub(super) params: &'a Params<'a>,
    pub(super) wants: Wants<'a>,
    pub(super) era: Era,
}

impl Asking<'_> {
    /// Answers it, or asks for what is needed to.
    ///
    /// # Errors
    ///
    /// What is answered with a protocol error instead of a result.
    pub(super) async fn answer(&self, id: &RequestId) -> Result<Answered, ErrorData> {
        // Few calls go on with an earlier one or have tasks. What they take is boxed, here and below, so that the future of an ordinary call, which is
        // moved where it runs, stays small.
        match (&self.params.request_state, self.era) {
            (Some(state), Era::Modern) => Box::pin(self.resume(id, state)).await,
            _ => self.begin(id, false).await,
        }
    }

    /// Goes on with what the client kept.
    async fn resume(&self, id: &RequestId, state: &str) -> Result<Answered, ErrorData> {
        let resumed = self.open(state).await?;
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
                self.begin(id, true).await
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

    /// Makes the call, or a task of it where the tool and the client have them.
    async fn begin(&self, id: &RequestId, consent: bool) -> Result<Answered, ErrorData> {
        let has_tasks = self.era == Era::Modern && self.client.abilities().task;
        if has_tasks {
            return Box::pin(self.begin_task(id, consent)).await;
        }
        match self.run(consent, Vec::new()).await? {
            Call::Ended(end) if end.question.is_none() => Ok(self.ended(id, end)),
            call => Box::pin(self.converse(id, call, consent, Vec::new())).await,
        }
    }

    async fn begin_task(&self, id: &RequestId, consent: bool) -> Result<Answered, ErrorData> {
        let begun = call::begin(self.host, &self.request(consent, Vec::new())).await;
        let call = match begun.map_err(|unknown| unknown_error(&unknown))? {
            Ok(under_way) if under_way.may_be_a_task() => {
                let (tasks, arguments) = (&self.session.tasks, self.params.arguments_text());
                return Ok(task::start(
                    self.host,
                    tasks,
                    &self.client,
                    id,
                    under_way,
                    arguments,
                ));
            }
            Ok(under_way) => under_way.go_on(self.cancel).await,
            Err(end) => Call::Ended(*end),
        };
        self.converse(id, call, consent, Vec::new()).await
    }

    async fn run(&self, consent: bool, recorded: Vec<Round>) -> Result<Call, ErrorData> {
        call::run(self.host, self.request(consent, recorded))
            .await
            .map_err(|unknown| unknown_error(&unknown))
    }

    fn request(&self, consent: bool, recorded: Vec<Round>) -> call::CallRequest<'_> {
        call::CallRequest {
            wants: self.wants.clone(),
            consent,
            principal: self.session.principal.clone(),
            client: self.client.clone(),
            recorded,
            cancel: self.cancel,
            within: None,
        }
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

/// A large result that is not kept, or not for this caller.
pub(super) fn unknown_result(uri: &str) -> ErrorData {
    let uri = crate::text::shorten(&crate::text::escape(uri), 200);
    ErrorData::invalid_params(
        format!(
            "unknown resource: {uri}; a large result is kept for 10 minutes: call the tool again"
        ),
        Some(json!({ "uri": uri })),
    )
}

fn unknown_error(unknown: &Unknown) -> ErrorData {
    let key = if unknown.noun == "resource" {
        "uri"
    } else {
        unknown.noun
    };
    ErrorData::invalid_params(unknown.to_string(), Some(json!({ key: unknown.name })))
}

pub(super) fn foreign_state() -> ErrorData {
    ErrorData::invalid_params(
        "`requestState` is not one that this server gave for this call, or it has expired or was used already: call again without it",
        None,
    )
}
