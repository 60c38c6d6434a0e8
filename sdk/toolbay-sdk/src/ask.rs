//! Questions to the user and to the client, and their answers. Owns what can be asked and in which form; [`Context`](crate::Context) asks.

mod form;
mod questions;
mod sample;

use serde::Serialize;

pub use self::questions::{Answers, Questions};
pub use self::sample::{SampleRequest, SampleResult};
use crate::__private::bindings::toolbay::plugin::input;
use crate::error::ToolError;

/// What a client can be asked.
///
/// ```
/// use toolbay_sdk::Supports;
/// let supports = Supports { form: true, ..Supports::default() };
/// assert!(supports.form && !supports.sample);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are four independent abilities of the protocol"
)]
pub struct Supports {
    /// Forms for the user.
    pub form: bool,
    /// Pages to send the user to.
    pub page: bool,
    /// Its model.
    pub sample: bool,
    /// The folders that it works in.
    pub roots: bool,
}

impl Supports {
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(dead_code, reason = "outside the sandbox nothing crosses a border")
    )]
    pub(crate) fn of(abilities: input::Abilities) -> Self {
        Self {
            form: abilities.contains(input::Abilities::FORM),
            page: abilities.contains(input::Abilities::PAGE),
            sample: abilities.contains(input::Abilities::SAMPLE),
            roots: abilities.contains(input::Abilities::ROOTS),
        }
    }
}

/// What the user did with a form.
///
/// # What can be asked
/// The fields of a `#[data]` struct, each a text, a number, a boolean, or a choice; `Option<_>` and fields with a default may be left empty.
///
/// | field | what the user sees |
/// |---|---|
/// | `String` | a line to fill in; `#[schemars(length(min = 1, max = 20))]` bounds it |
/// | [`Email`](crate::Email), [`Url`](crate::Url), [`Date`](crate::Date), [`DateTime`](crate::DateTime) | a line of that form |
/// | numbers | a number; `#[schemars(range(min = 0, max = 10))]` bounds it |
/// | `bool` | a box to tick |
/// | an enum without fields | one of several; `#[schemars(title = "…")]` or a doc comment on a variant is what is shown |
/// | `Vec` of such an enum | several of several; `#[schemars(length(min = 1, max = 3))]` bounds how many |
///
/// `#[serde(default = "function")]` gives a default that the user sees. Doc comments say what to fill in, `#[schemars(title = "…")]` gives a short name.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// #[data]
/// enum Size {
///     #[schemars(title = "As small as it gets")]
///     Small,
///     #[schemars(title = "As large as it gets")]
///     Large,
/// }
///
/// #[data]
/// struct Order {
///     /// Where to send it
///     email: Email,
///     /// How many
///     #[schemars(range(min = 1, max = 10))]
///     count: u8,
///     size: Size,
/// }
///
/// fn order(ctx: &Context) -> Result<String, ToolError> {
///     let answer: Answer<Order> = ctx.elicit("order", "What do you want?")?;
///     let order = answer.accepted()?;
///     Ok(format!("{} for {}", order.count, order.email))
/// }
///
/// # fn main() {
/// let ctx = Context::new().answer_form("order", json!({"email": "ada@example.com", "count": 2, "size": "Small"}));
/// assert_eq!(order(&ctx).unwrap(), "2 for ada@example.com");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// They filled it in.
    Accepted(T),
    /// They said no.
    Declined,
    /// They closed it without an answer.
    Cancelled,
}

impl<T> Answer<T> {
    /// What was filled in.
    ///
    /// ```
    /// use toolbay_sdk::Answer;
    /// assert_eq!(Answer::Accepted(7).accepted(), Ok(7));
    /// assert!(Answer::<u8>::Declined.accepted().is_err());
    /// ```
    ///
    /// # Errors
    /// A `cancelled` error where the user did not fill it in.
    pub fn accepted(self) -> Result<T, ToolError> {
        match self {
            Self::Accepted(content) => Ok(content),
            Self::Declined => Err(ToolError::cancelled("the user declined to answer")),
            Self::Cancelled => Err(ToolError::cancelled("the user gave no answer")),
        }
    }
}

/// What a native test answers to a form.
///
/// ```
/// use toolbay_sdk::{Answer, FormAnswer, serde_json::json};
/// let answers: [FormAnswer; 2] = [json!({"name": "Ada"}).into(), Answer::Declined.into()];
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FormAnswer(pub(crate) input::FormAnswer);

impl From<serde_json::Value> for FormAnswer {
    fn from(content: serde_json::Value) -> Self {
        Answer::Accepted(content).into()
    }
}

impl From<Answer<serde_json::Value>> for FormAnswer {
    fn from(answer: Answer<serde_json::Value>) -> Self {
        let (action, content) = match answer {
            Answer::Accepted(content) => (input::Action::Accept, Some(content.to_string())),
            Answer::Declined => (input::Action::Decline, None),
            Answer::Cancelled => (input::Action::Cancel, None),
        };
        Self(input::FormAnswer { action, content })
    }
}

/// What the user did when sent to a page.
///
/// ```
/// use toolbay_sdk::Action;
/// assert_ne!(Action::Accept, Action::Decline);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// They went there. Whether they did what is to be done there, the page's own server knows.
    Accept,
    /// They said no.
    Decline,
    /// They closed it without an answer.
    Cancel,
}

impl Action {
    pub(super) fn of(action: input::Action) -> Self {
        match action {
            input::Action::Accept => Self::Accept,
            input::Action::Decline => Self::Decline,
            input::Action::Cancel => Self::Cancel,
        }
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn into_wire(self) -> input::Action {
        match self {
            Self::Accept => input::Action::Accept,
            Self::Decline => input::Action::Decline,
            Self::Cancel => input::Action::Cancel,
        }
    }
}

/// A folder that the client works in.
///
/// ```
/// use toolbay_sdk::Root;
/// let root = Root::new("file:///home/ada/notes").name("Notes");
/// assert_eq!(root.name.as_deref(), Some("Notes"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Root {
    /// Where it is, as a `file:` URI.
    pub uri: String,
    /// What the client calls it.
    pub name: Option<String>,
}

impl Root {
    /// The folder at this URI.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: None,
        }
    }

    /// Says what the client calls it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn into_wire(self) -> input::Root {
        input::Root {
            uri: self.uri,
            name: self.name,
        }
    }
}

/// Why there is no answer, as an error of the call.
pub(crate) fn error(error: input::AskError) -> ToolError {
    match error {
        input::AskError::Denied(text) => ToolError::permission_denied(text),
        input::AskError::Unsupported(text) | input::AskError::Failed(text) => {
            ToolError::unavailable(text)
        }
        input::AskError::Invalid(text) => ToolError::internal(text),
    }
}

/// A value as JSON, with what cannot be written left out.
fn json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
