//! From the interface's questions to the host's, and back from the host's answers. A question that no client could make anything of is refused here, where its
//! author sees it.

use serde_json::Value;

use super::super::bindings::client::input::toolbay::plugin::input::{
    self, Action as WireAction, Answer as WireAnswer, Request as WireRequest,
};
use crate::client::{Action, Answer, Asks, Question};
use crate::text::{escape, escape_lines, shorten};

/// The most questions that can be asked at once.
const MAX_QUESTIONS: usize = 16;

/// The longest message to a user, in characters.
const MAX_MESSAGE: usize = 4000;

/// The longest name of a question.
const MAX_KEY: usize = 64;

/// Reads and checks questions.
///
/// # Errors
///
/// What is wrong with the first that cannot be asked.
pub(super) fn read(asked: Vec<input::Question>) -> Result<Vec<Question>, String> {
    if asked.is_empty() || asked.len() > MAX_QUESTIONS {
        return Err(format!(
            "ask 1 to {MAX_QUESTIONS} questions at once, not {}",
            asked.len()
        ));
    }
    let mut questions: Vec<Question> = Vec::with_capacity(asked.len());
    for question in asked {
        let input::Question { key, request } = question;
        let is_name = key.len() <= MAX_KEY
            && key.starts_with(|first: char| first.is_ascii_lowercase())
            && key
                .chars()
                .all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '_');
        if !is_name {
            return Err(format!(
                "`{}` is no name for a question: use lower-case letters, digits and `_`, a letter first",
                shorten(&escape(&key), 80)
            ));
        }
        if questions.iter().any(|earlier| earlier.key == key) {
            return Err(format!("there are two questions named `{key}`"));
        }
        let asks = read_request(request).map_err(|why| format!("the question `{key}`: {why}"))?;
        questions.push(Question { key, asks });
    }
    Ok(questions)
}

fn read_request(request: WireRequest) -> Result<Asks, String> {
    let message = |message: String| shorten(&escape_lines(&message), MAX_MESSAGE);
    Ok(match request {
        WireRequest::Form(form) => Asks::Form {
            message: message(form.message),
            schema: read_schema(&form.schema)?,
        },
        WireRequest::Page(page) => {
            let url = url::Url::parse(&page.url).map_err(|error| format!("its URL: {error}"))?;
            if url.scheme() != "https" {
                return Err("its URL has to begin with https://".into());
            }
            Asks::Page {
                message: message(page.message),
                url: url.into(),
            }
        }
        WireRequest::Sample(parameters) => {
            let parameters: Value = crate::json::parse(&parameters)
                .map_err(|error| format!("its parameters are no JSON: {error}"))?;
            let has_messages = parameters.get("messages").is_some_and(Value::is_array);
            let has_limit = parameters.get("maxTokens").is_some_and(Value::is_u64);
            if !has_messages || !has_limit {
                return Err("sampling takes an object with `messages` and `maxTokens`".into());
            }
            Asks::Sample(parameters)
        }
        WireRequest::Roots => Asks::Roots,
    })
}

/// A form's schema: an object of plain values, as the protocol has it.
fn read_schema(text: &str) -> Result<Value, String> {
    let schema: Value =
        crate::json::parse(text).map_err(|error| format!("its schema is no JSON: {error}"))?;
    let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
    let Some(properties) = schema
        .get("properties")
        .and_then(Value::as_object)
        .filter(|_| is_object)
    else {
        return Err("its schema has to be an object with `properties`".into());
    };
    for (name, property) in properties {
        let kind = property.get("type").and_then(Value::as_str);
        let is_plain = match kind {
            Some("string" | "number" | "integer" | "boolean") => true,
            // A choice of several.
            Some("array") => property.get("items").is_some_and(|items| {
                items.get("enum").is_some()
                    || items.get("anyOf").is_some()
                    || items.get("oneOf").is_some()
            }),
            _ => false,
        };
        if !is_plain {
            return Err(format!(
                "a form asks for texts, numbers, booleans and choices, and `{}` is none of these",
                shorten(&escape(name), 80)
            ));
        }
    }
    crate::schema::Schema::compile(&schema)
        .map_err(|error| format!("its schema cannot be used: {error}"))?;
    Ok(schema)
}

pub(super) fn write(answer: Answer) -> WireAnswer {
    match answer {
        Answer::Form { action, content } => WireAnswer::Form(input::FormAnswer {
            action: write_action(action),
            content: content.map(|content| content.to_string()),
        }),
        Answer::Page(action) => WireAnswer::Page(write_action(action)),
        Answer::Sample(result) => WireAnswer::Sample(result.to_string()),
        Answer::Roots(roots) => WireAnswer::Roots(
            roots
                .into_iter()
                .map(|root| input::Root {
                    uri: root.uri,
                    name: root.name,
                })
                .collect(),
        ),
    }
}

fn write_action(action: Action) -> WireAction {
    match action {
        Action::Accept => WireAction::Accept,
        Action::Decline => WireAction::Decline,
        Action::Cancel => WireAction::Cancel,
    }
}
