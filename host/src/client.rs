//! Whoever made a call, as its guest sees them: what they can be told while it runs, and what they can be asked. Core types, which know nothing
//! of MCP or wasmtime: `mcp/` makes the client, `sandbox/` lets guests at it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How severe a log message is: the levels of RFC 5424, the least severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

/// What the client of a call can be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are independent capabilities of the protocol"
)]
pub(crate) struct Abilities {
    /// To show its user a form.
    pub(crate) form: bool,
    /// To send its user to a page.
    pub(crate) page: bool,
    /// To have a model answer.
    pub(crate) sample: bool,
    /// Which folders it works in.
    pub(crate) roots: bool,
    /// To fetch a call's result later, or to wait for it as long as it takes.
    pub(crate) task: bool,
}

/// Takes what a guest says to its caller. None of it is waited for, and none of it may fail.
pub(crate) trait Client: Send + Sync {
    /// How far the call is. Only growing values are passed on, and not more often than is useful.
    fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>);

    /// A log message, if the client wants those of this level. `data` is any JSON value.
    fn log(&self, level: LogLevel, logger: &str, data: Value);

    fn abilities(&self) -> Abilities;

    /// Where the call stands in its client's trace, if that has one.
    fn trace(&self) -> Option<TraceParent> {
        None
    }
}

/// A place in a trace, in the texts of W3C Trace Context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceParent {
    pub(crate) parent: String,
    pub(crate) state: Option<String>,
}

/// A client that hears nothing and can be asked nothing: the command line's.
pub(crate) struct Nobody;

impl Client for Nobody {
    fn progress(&self, _done: f64, _total: Option<f64>, _message: Option<&str>) {}

    fn log(&self, _level: LogLevel, _logger: &str, _data: Value) {}

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }
}

/// One thing that a guest asks, and the name that tells it from the others of the same call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) key: String,
    pub(crate) asks: Asks,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Asks {
    /// A form for the user. The schema is one that clients can make a form of.
    Form { message: String, schema: Value },
    /// A page that the user is sent to.
    Page { message: String, url: String },
    /// The parameters of `sampling/createMessage`.
    Sample(Value),
    /// The folders that the client works in.
    Roots,
}

impl Asks {
    /// What it takes that a client of these abilities does not have, in words.
    pub(crate) fn beyond(&self, able: Abilities) -> Option<&'static str> {
        let (can, what) = match self {
            Self::Form { .. } => (able.form, "show its user a form"),
            Self::Page { .. } => (able.page, "send its user to a page"),
            Self::Sample(_) => (able.sample, "have a model answer (sampling)"),
            Self::Roots => (able.roots, "say which folders it works in (roots)"),
        };
        (!can).then_some(what)
    }
}

/// What the user did with a form or a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    Accept,
    Decline,
    Cancel,
}

/// A folder that the client works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Root {
    pub(crate) uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// The answer to one question, of the same kind as the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// The content is there where the action is [`Action::Accept`], and fits the form's schema then.
    Form {
        action: Action,
        content: Option<Value>,
    },
    Page(Action),
    /// The result of `sampling/createMessage`.
    Sample(Value),
    Roots(Vec<Root>),
}

/// What comes of asking: as many answers as questions, in their order, or why there are none.
pub(crate) type Answered = Result<Vec<Answer>, String>;

/// Whoever waits as long as a call takes, hears nothing and can be asked nothing: another tool.
pub(crate) struct Waiting;

impl Client for Waiting {
    fn progress(&self, _done: f64, _total: Option<f64>, _message: Option<&str>) {}

    fn log(&self, _level: LogLevel, _logger: &str, _data: Value) {}

    fn abilities(&self) -> Abilities {
        Abilities {
            task: true,
            ..Abilities::default()
        }
    }
}

impl std::fmt::Debug for dyn Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Client")
    }
}

/// A client that is nobody, shared.
pub(crate) fn nobody() -> Arc<dyn Client> {
    Arc::new(Nobody)
}
