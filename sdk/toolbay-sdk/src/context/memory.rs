//! Outside the sandbox what is said is kept for the test to look at, and questions are answered from what the test gave.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Context, LogLevel};
use crate::__private::bindings::toolbay::plugin::input;
use crate::ask::{Action, FormAnswer, Root, SampleResult, Supports};

/// How far a call was, as it said itself. Only in native tests.
///
/// ```
/// # let ctx = toolbay_sdk::Context::new();
/// ctx.progress_with(1, 2, "half");
/// let report: &toolbay_sdk::Report = &ctx.reported()[0];
/// assert_eq!((report.done, report.total, report.message.as_deref()), (1.0, Some(2.0), Some("half")));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How much is done.
    pub done: f64,
    /// Of how much in all.
    pub total: Option<f64>,
    /// A few words about it.
    pub message: Option<String>,
}

/// A message that a call sent to its client. Only in native tests.
///
/// ```
/// # use toolbay_sdk::{Context, LogLevel, Message};
/// # let ctx = Context::new();
/// ctx.log(LogLevel::Info, "done");
/// assert_eq!(ctx.logged(), [Message { level: LogLevel::Info, logger: None, data: "done".into() }]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the plugin that sent it.
    pub logger: Option<String>,
    /// The text or value.
    pub data: Value,
}

#[derive(Debug, Default)]
pub(super) struct Client {
    reports: RefCell<Vec<Report>>,
    messages: RefCell<Vec<Message>>,
    updated: RefCell<Vec<String>>,
    list_changed: Cell<bool>,
    asked: RefCell<Vec<(String, Value)>>,
    cancelled: bool,
    supports: Option<Supports>,
    answers: BTreeMap<String, input::Answer>,
}

impl Client {
    pub(super) fn report(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        self.reports.borrow_mut().push(Report {
            done,
            total,
            message: message.map(str::to_owned),
        });
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    pub(super) fn message(&self, level: LogLevel, logger: Option<&str>, data: &str) {
        self.messages.borrow_mut().push(Message {
            level,
            logger: logger.map(str::to_owned),
            data: serde_json::from_str(data).unwrap_or_default(),
        });
    }

    pub(super) fn resource_updated(&self, uri: &str) {
        self.updated.borrow_mut().push(uri.to_owned());
    }

    pub(super) fn resource_list_changed(&self) {
        self.list_changed.set(true);
    }

    pub(super) fn supported(&self) -> Supports {
        self.supports.unwrap_or(Supports {
            form: true,
            page: true,
            sample: true,
            roots: true,
        })
    }

    pub(super) fn ask(
        &self,
        questions: Vec<input::Question>,
    ) -> Result<Vec<input::Answer>, input::AskError> {
        let can = self.supported();
        for input::Question { key, request } in &questions {
            let (can, asked) = match request {
                input::Request::Form(form) => (can.form, shown(&form.message, &form.schema)),
                input::Request::Page(page) => (can.page, shown(&page.message, &page.url)),
                input::Request::Sample(request) => (can.sample, shown("", request)),
                input::Request::Roots => (can.roots, Value::Null),
            };
            if !can {
                let text = format!("the client cannot be asked `{key}`");
                return Err(input::AskError::Unsupported(text));
            }
            self.asked.borrow_mut().push((key.clone(), asked));
        }
        let answer = |question: input::Question| match self.answers.get(&question.key) {
            Some(answer) => Ok(answer.clone()),
            None => Err(input::AskError::Failed(format!(
                "the test has no answer to `{}`",
                question.key
            ))),
        };
        questions.into_iter().map(answer).collect()
    }
}

/// What was asked, for a test to look at.
fn shown(message: &str, json: &str) -> Value {
    let value = serde_json::from_str(json).unwrap_or_else(|_| json.into());
    if message.is_empty() {
        value
    } else {
        serde_json::json!({"message": message, "asked": value})
    }
}

/// What a native test gives a call, and what it looks at afterwards.
impl Context {
    /// A context in which nothing was said yet, of a client that can be asked everything, once the test has given the answers.
    ///
    /// ```
    /// assert!(toolbay_sdk::Context::new().supports().form);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// A context of a client that can be asked only this.
    ///
    /// ```
    /// use toolbay_sdk::{Context, Supports};
    /// let ctx = Context::new().supporting(Supports { form: true, ..Supports::default() });
    /// assert!(!ctx.supports().sample);
    /// assert!(ctx.roots("folders").is_err());
    /// ```
    #[must_use]
    pub fn supporting(mut self, supports: Supports) -> Self {
        self.client.supports = Some(supports);
        self
    }

    /// A context of a caller that gave up.
    ///
    /// ```
    /// assert!(toolbay_sdk::Context::new().cancelled().is_cancelled());
    /// ```
    #[must_use]
    pub fn cancelled(mut self) -> Self {
        self.client.cancelled = true;
        self
    }

    /// Answers a form: with its content, as JSON, or with [`Answer::Declined`](crate::Answer::Declined) or [`Answer::Cancelled`](crate::Answer::Cancelled).
    ///
    /// ```
    /// use toolbay_sdk::{Answer, Context, serde_json::json};
    /// let ctx = Context::new()
    ///     .answer_form("who", json!({"name": "Ada"}))
    ///     .answer_form("why", Answer::Cancelled);
    /// ```
    #[must_use]
    pub fn answer_form(self, key: &str, answer: impl Into<FormAnswer>) -> Self {
        self.answer(key, input::Answer::Form(answer.into().0))
    }

    /// Answers a question that sends the user to a page.
    ///
    /// ```
    /// use toolbay_sdk::{Action, Context};
    /// let ctx = Context::new().answer_page("login", Action::Decline);
    /// ```
    #[must_use]
    pub fn answer_page(self, key: &str, action: Action) -> Self {
        self.answer(key, input::Answer::Page(action.into_wire()))
    }

    /// Answers a question to the client's model.
    ///
    /// ```
    /// use toolbay_sdk::{Context, SampleResult};
    /// let ctx = Context::new().answer_sample("poem", SampleResult::of_text("An old silent pond"));
    /// ```
    #[must_use]
    pub fn answer_sample(self, key: &str, result: SampleResult) -> Self {
        self.answer(key, input::Answer::Sample(result.to_json()))
    }

    /// Answers which folders the client works in.
    ///
    /// ```
    /// use toolbay_sdk::{Context, Root};
    /// let ctx = Context::new().answer_roots("folders", [Root::new("file:///notes").name("Notes")]);
    /// ```
    #[must_use]
    pub fn answer_roots(self, key: &str, roots: impl IntoIterator<Item = Root>) -> Self {
        let roots = roots.into_iter().map(Root::into_wire).collect();
        self.answer(key, input::Answer::Roots(roots))
    }

    fn answer(mut self, key: &str, answer: input::Answer) -> Self {
        self.client.answers.insert(key.to_owned(), answer);
        self
    }

    /// What the call said about how far it was.
    ///
    /// ```
    /// assert!(toolbay_sdk::Context::new().reported().is_empty());
    /// ```
    pub fn reported(&self) -> Vec<Report> {
        self.client.reports.borrow().clone()
    }

    /// The messages that the call sent.
    ///
    /// ```
    /// assert!(toolbay_sdk::Context::new().logged().is_empty());
    /// ```
    pub fn logged(&self) -> Vec<Message> {
        self.client.messages.borrow().clone()
    }

    /// The resources that the call said it changed.
    ///
    /// ```
    /// assert!(toolbay_sdk::Context::new().updated().is_empty());
    /// ```
    pub fn updated(&self) -> Vec<String> {
        self.client.updated.borrow().clone()
    }

    /// Whether the call said that resources have come or gone.
    ///
    /// ```
    /// assert!(!toolbay_sdk::Context::new().is_list_changed());
    /// ```
    pub fn is_list_changed(&self) -> bool {
        self.client.list_changed.get()
    }

    /// What was asked, in order: the key, and the message with the schema or URL, or the request.
    ///
    /// ```
    /// use toolbay_sdk::{Context, Root};
    /// let ctx = Context::new().answer_roots("folders", [Root::new("file:///notes")]);
    /// ctx.roots("folders")?;
    /// assert_eq!(ctx.asked()[0].0, "folders");
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.client.asked.borrow().clone()
    }
}
