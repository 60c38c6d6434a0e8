//! Questions to a client, and its answers. A client of the legacy era is sent requests and answers them; one of the modern era gets them all in a result that
//! asks for input, and calls again with the answers.

#![expect(
    deprecated,
    reason = "the newest revision of the protocol deprecates sampling and roots; the older ones that are spoken here do not"
)]

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CancelledNotificationParam, ClientResult, CreateMessageRequest, ElicitRequest,
    ListRootsRequest, ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::client::{CallClient, HEARTBEAT};
use crate::client::{Action, Answer, Answered, Asks, Question, Root};
use crate::parked::PATIENCE;
use crate::schema::Schema;
use crate::text::{escape, shorten};

/// What a client of the legacy era is told it waits for.
const WAITING: &str = "waiting for an answer";

/// A question as the protocol has it: a method and its parameters.
pub(super) fn request(question: &Question) -> Value {
    match &question.asks {
        Asks::Form { message, schema } => json!({
            "method": "elicitation/create",
            "params": { "mode": "form", "message": message, "requestedSchema": schema },
        }),
        Asks::Page { message, url } => json!({
            "method": "elicitation/create",
            "params": {
                "mode": "url",
                "message": message,
                "url": url,
                "elicitationId": uuid(),
            },
        }),
        Asks::Sample(parameters) => json!({
            "method": "sampling/createMessage",
            "params": parameters,
        }),
        Asks::Roots => json!({ "method": "roots/list", "params": {} }),
    }
}

/// A name for a page that the user is sent to, which nobody can guess.
fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    // Without random numbers it is only less than unique.
    let _ = getrandom::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// All the questions by their names, for a result that asks for input.
pub(super) fn requests(questions: &[Question]) -> Map<String, Value> {
    questions
        .iter()
        .map(|question| (question.key.clone(), request(question)))
        .collect()
}

/// Asks a client of the legacy era one thing after the other, and waits for its user.
pub(super) async fn ask(
    peer: &Peer<RoleServer>,
    client: &Arc<CallClient>,
    questions: &[Question],
    cancel: &CancellationToken,
) -> Answered {
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let asking = ask_one(peer, question, cancel);
        tokio::pin!(asking);
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut asking => break answer?,
                // The client would give up a call that it hears nothing of.
                () = tokio::time::sleep(HEARTBEAT) => client.still_waiting(WAITING),
            }
        };
        let answer = read(question, &answer).map_err(|why| {
            format!(
                "the client's answer to `{}` cannot be used: {why}",
                question.key
            )
        })?;
        answers.push(answer);
    }
    Ok(answers)
}

async fn ask_one(
    peer: &Peer<RoleServer>,
    question: &Question,
    cancel: &CancellationToken,
) -> Result<Value, String> {
    let request = server_request(question)
        .map_err(|error| format!("`{}` cannot be asked: {error}", question.key))?;
    let options = PeerRequestOptions::with_timeout(PATIENCE);
    let handle = peer
        .send_cancellable_request(request, options)
        .await
        .map_err(|_| "the client is gone".to_owned())?;
    let (id, asking) = (handle.id.clone(), handle.await_response());
    tokio::select! {
        biased;
        () = cancel.cancelled() => {
            let why = Some("the call was cancelled".into());
            let _ = peer.notify_cancelled(CancelledNotificationParam::new(Some(id), why)).await;
            Err("the call was cancelled".into())
        }
        answer = asking => match answer {
            Ok(answer) => result(answer),
            Err(error) => Err(format!(
                "the client did not answer: {}",
                shorten(&escape(&error.to_string()), 300)
            )),
        },
    }
}

fn server_request(question: &Question) -> serde_json::Result<ServerRequest> {
    let request = request(question);
    let params = request.get("params").cloned().unwrap_or_default();
    Ok(match &question.asks {
        Asks::Form { .. } | Asks::Page { .. } => {
            ServerRequest::ElicitRequest(ElicitRequest::new(serde_json::from_value(params)?))
        }
        Asks::Sample(_) => ServerRequest::CreateMessageRequest(CreateMessageRequest::new(
            serde_json::from_value(params)?,
        )),
        Asks::Roots => ServerRequest::ListRootsRequest(ListRootsRequest::default()),
    })
}

fn result(answer: ClientResult) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|error| error.to_string())
}

/// The answers that a client of the modern era brings.
///
/// # Errors
///
/// The names of the questions that are not answered, or not in a form that can be used, each with what is wrong.
pub(super) fn read_all(
    questions: &[Question],
    responses: Option<&Value>,
) -> Result<Vec<Answer>, Vec<String>> {
    let mut answers = Vec::with_capacity(questions.len());
    let mut faults = Vec::new();
    for question in questions {
        let response = responses.and_then(|responses| responses.get(&question.key));
        match response
            .ok_or_else(|| "it is missing".to_owned())
            .and_then(|response| read(question, response))
        {
            Ok(answer) => answers.push(answer),
            Err(why) => faults.push(format!("`{}`: {why}", question.key)),
        }
    }
    if faults.is_empty() {
        Ok(answers)
    } else {
        Err(faults)
    }
}

/// Reads an answer and checks it against its question.
pub(super) fn read(question: &Question, response: &Value) -> Result<Answer, String> {
    if !response.is_object() {
        return Err("it is not an object".into());
    }
    match &question.asks {
        Asks::Form { schema, .. } => {
            let action = action(response)?;
            let content = match action {
                Action::Accept => Some(content(schema, response)?),
                Action::Decline | Action::Cancel => None,
            };
            Ok(Answer::Form { action, content })
        }
        Asks::Page { .. } => action(response).map(Answer::Page),
        Asks::Sample(_) => {
            let has_content = response.get("content").is_some();
            if !has_content || response.get("role").is_none() {
                return Err("it has no `role` and `content`".into());
            }
            Ok(Answer::Sample(response.clone()))
        }
        Asks::Roots => {
            let roots = response.get("roots").cloned().unwrap_or_default();
            let roots: Vec<Root> = serde_json::from_value(roots)
                .map_err(|_| "it has no list of `roots`".to_owned())?;
            Ok(Answer::Roots(roots))
        }
    }
}

fn action(response: &Value) -> Result<Action, String> {
    match response.get("action").and_then(Value::as_str) {
        Some("accept") => Ok(Action::Accept),
        Some("decline") => Ok(Action::Decline),
        Some("cancel") => Ok(Action::Cancel),
        _ => Err("its `action` is none of accept, decline and cancel".into()),
    }
}

/// What was filled in, which has to fit the form.
fn content(schema: &Value, response: &Value) -> Result<Value, String> {
    let content = response
        .get("content")
        .filter(|content| content.is_object())
        .cloned()
        .unwrap_or_else(|| json!({}));
    let schema = Schema::compile(schema).map_err(|error| error.to_string())?;
    match schema.faults(&content).first() {
        None => Ok(content),
        Some(fault) if fault.pointer.is_empty() => Err(fault.message.clone()),
        Some(fault) => Err(format!("{} {}", fault.pointer, fault.message)),
    }
}

/// How long whoever asked waits at most.
pub(super) const LIFETIME: Duration = PATIENCE;

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Question {
        Question {
            key: "name".into(),
            asks: Asks::Form {
                message: "Who?".into(),
                schema: json!({"type": "object", "properties": {"name": {"type": "string", "minLength": 2}}, "required": ["name"]}),
            },
        }
    }

    #[test]
    fn only_what_fits_the_form_is_an_answer() {
        let accepted =
            |content: Value| read(&form(), &json!({"action": "accept", "content": content}));
        assert_eq!(
            accepted(json!({"name": "Ada"})),
            Ok(Answer::Form {
                action: Action::Accept,
                content: Some(json!({"name": "Ada"}))
            })
        );
        assert!(accepted(json!({"name": "A"})).is_err());
        assert!(accepted(json!({})).is_err());
        assert!(accepted(json!("Ada")).is_err());
        assert!(read(&form(), &json!(12345)).is_err());
        assert!(read(&form(), &json!({"action": "perhaps"})).is_err());
        assert_eq!(
            read(
                &form(),
                &json!({"action": "decline", "content": {"name": "Ada"}})
            ),
            Ok(Answer::Form {
                action: Action::Decline,
                content: None
            })
        );
    }

    #[test]
    fn each_answer_that_is_missing_is_named() {
        let roots = Question {
            key: "roots".into(),
            asks: Asks::Roots,
        };
        let questions = [form(), roots];
        let responses =
            json!({"wrong": {"action": "accept"}, "roots": {"roots": [{"uri": "file:///a"}]}});
        assert_eq!(
            read_all(&questions, Some(&responses)).unwrap_err(),
            ["`name`: it is missing"]
        );
        assert_eq!(read_all(&questions, None).unwrap_err().len(), 2);
    }
}
