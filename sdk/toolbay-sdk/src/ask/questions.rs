//! Several questions at once, and their answers by name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Action, Answer, Root, SampleRequest, SampleResult, form};
use crate::__private::bindings::toolbay::plugin::input;
use crate::error::ToolError;

/// Several questions to be asked at once, each by a name of its own.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// #[data]
/// struct Person { name: String }
///
/// # fn main() {
/// let questions = Questions::new()
///     .form::<Person>("person", "Who are you?")
///     .form_of("colour", "Which one?", json!({"type": "object", "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}}}))
///     .page("login", "Sign in to go on.", "https://example.com/login")
///     .sample("word", SampleRequest::new("Say one kind word."))
///     .roots("folders");
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Questions {
    questions: Vec<input::Question>,
    /// The first thing that cannot be asked; said when it is.
    problem: Option<ToolError>,
}

impl Questions {
    /// No questions yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a form whose fields are those of `T`.
    #[must_use]
    pub fn form<T: JsonSchema>(self, key: &str, message: &str) -> Self {
        match form::schema::<T>() {
            Ok(schema) => self.form_of(key, message, schema),
            Err(problem) => self.with_problem(key, &problem),
        }
    }

    /// Asks for a form of this JSON Schema, for what no type says. Its content is read as [`serde_json::Value`] or any type that fits.
    #[must_use]
    pub fn form_of(self, key: &str, message: &str, schema: serde_json::Value) -> Self {
        let message = message.to_owned();
        let schema = schema.to_string();
        self.with(key, input::Request::Form(input::Form { message, schema }))
    }

    /// Sends the user to a page.
    #[must_use]
    pub fn page(self, key: &str, message: &str, url: &str) -> Self {
        let (message, url) = (message.to_owned(), url.to_owned());
        self.with(key, input::Request::Page(input::Page { message, url }))
    }

    /// Asks the client's model.
    #[must_use]
    pub fn sample(self, key: &str, request: SampleRequest) -> Self {
        match request.into_json() {
            Ok(request) => self.with(key, input::Request::Sample(request)),
            Err(problem) => self.with_problem(key, &problem),
        }
    }

    /// Asks which folders the client works in.
    #[must_use]
    pub fn roots(self, key: &str) -> Self {
        self.with(key, input::Request::Roots)
    }

    fn with(mut self, key: &str, request: input::Request) -> Self {
        let key = key.to_owned();
        self.questions.push(input::Question { key, request });
        self
    }

    fn with_problem(mut self, key: &str, problem: &str) -> Self {
        self.problem.get_or_insert_with(|| {
            ToolError::internal(format!("`{key}` cannot be asked: {problem}"))
        });
        self
    }

    pub(crate) fn into_wire(self) -> Result<(Vec<String>, Vec<input::Question>), ToolError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let keys = self.questions.iter().map(|question| question.key.clone());
        Ok((keys.collect(), self.questions))
    }
}

/// The answers to [`Questions`], by their names.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// fn folders(ctx: &Context) -> Result<usize, ToolError> {
///     let answers: Answers = ctx.ask(Questions::new().roots("folders").page("login", "Sign in.", "https://example.com"))?;
///     if answers.page("login")? != Action::Accept {
///         return Err(ToolError::permission_denied("nobody signed in"));
///     }
///     Ok(answers.roots("folders")?.len())
/// }
/// # fn main() {
/// let ctx = Context::new().answer_roots("folders", [Root::new("file:///notes")]).answer_page("login", Action::Accept);
/// assert_eq!(folders(&ctx), Ok(1));
/// # }
/// ```
#[derive(Debug)]
pub struct Answers(BTreeMap<String, input::Answer>);

impl Answers {
    pub(crate) fn new(keys: Vec<String>, answers: Vec<input::Answer>) -> Self {
        Self(keys.into_iter().zip(answers).collect())
    }

    /// The answer to a form.
    ///
    /// # Errors
    /// `internal` where there was no such form, `validation_error` where its content does not fit `T`.
    pub fn form<T: DeserializeOwned>(&self, key: &str) -> Result<Answer<T>, ToolError> {
        let Some(input::Answer::Form(answer)) = self.0.get(key) else {
            return Err(not_asked("form", key));
        };
        match answer.action {
            input::Action::Decline => Ok(Answer::Declined),
            input::Action::Cancel => Ok(Answer::Cancelled),
            input::Action::Accept => {
                let content = answer.content.as_deref().unwrap_or("{}");
                serde_json::from_str(content)
                    .map(Answer::Accepted)
                    .map_err(|error| {
                        ToolError::validation(format!(
                            "the answer to `{key}` does not fit: {error}"
                        ))
                    })
            }
        }
    }

    /// What the user did when sent to a page.
    ///
    /// # Errors
    /// `internal` where there was no such page.
    pub fn page(&self, key: &str) -> Result<Action, ToolError> {
        match self.0.get(key) {
            Some(input::Answer::Page(action)) => Ok(Action::of(*action)),
            _ => Err(not_asked("page", key)),
        }
    }

    /// What the client's model said.
    ///
    /// # Errors
    /// `internal` where it was not asked, `unavailable` where its answer makes no sense.
    pub fn sample(&self, key: &str) -> Result<SampleResult, ToolError> {
        match self.0.get(key) {
            Some(input::Answer::Sample(result)) => SampleResult::from_json(result),
            _ => Err(not_asked("question to the model", key)),
        }
    }

    /// The folders that the client works in.
    ///
    /// # Errors
    /// `internal` where that was not asked.
    pub fn roots(&self, key: &str) -> Result<Vec<Root>, ToolError> {
        let Some(input::Answer::Roots(roots)) = self.0.get(key) else {
            return Err(not_asked("question for roots", key));
        };
        let root = |root: &input::Root| Root {
            uri: root.uri.clone(),
            name: root.name.clone(),
        };
        Ok(roots.iter().map(root).collect())
    }
}

fn not_asked(what: &str, key: &str) -> ToolError {
    ToolError::internal(format!("no {what} `{key}` was asked"))
}
