//! What a call can say to its client and ask of it, while it runs. Owns the words for it; how it gets there is the host's, and in a native test the test's own.
//!
//! A tool, a resource or a prompt takes `&Context` as a parameter, which is no argument:
//!
//! ```
//! use toolbay_sdk::prelude::*;
//!
//! /// Adds up numbers and returns their sum.
//! #[tool]
//! fn sum(ctx: &Context, numbers: &[f64]) -> Result<f64, ToolError> {
//!     let mut sum = 0.0;
//!     for (done, number) in numbers.iter().enumerate() {
//!         ctx.progress(done, numbers.len());
//!         if ctx.is_cancelled() {
//!             return Err(ToolError::cancelled("the sum was not wanted any more"));
//!         }
//!         sum += number;
//!     }
//!     ctx.log(LogLevel::Info, "all numbers were added");
//!     Ok(sum)
//! }
//!
//! # fn main() {
//! let ctx = Context::new();
//! assert_eq!(sum(&ctx, &[1.0, 2.0]), Ok(3.0));
//! assert_eq!(ctx.reported()[1].done, 1.0);
//! # }
//! ```

#[cfg_attr(not(target_family = "wasm"), path = "context/memory.rs")]
#[cfg_attr(target_family = "wasm", path = "context/sandbox.rs")]
mod client;
mod level;
mod quantity;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::client::Client;
#[cfg(not(target_family = "wasm"))]
pub use self::client::{Message, Report};
pub use self::level::LogLevel;
pub use self::quantity::{Quantity, Total};
use crate::ask::{Action, Answer, Answers, Questions, Root, SampleRequest, SampleResult, Supports};
use crate::error::ToolError;

/// The call as its client sees it: for progress, log messages, changes, and questions.
///
/// Outside the sandbox, as in `cargo test`, a test makes one with [`Context::new`], gives it the answers, and looks at what was said.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// #[data]
/// struct Confirmation {
///     /// Whether to delete all of it
///     sure: bool,
/// }
///
/// /// Empties the list and returns how many entries it had.
/// #[tool]
/// fn clear(ctx: &Context) -> Result<u32, ToolError> {
///     let answer: Answer<Confirmation> = ctx.elicit("sure", "This cannot be undone.")?;
///     match answer {
///         Answer::Accepted(Confirmation { sure: true }) => Ok(7),
///         _ => Err(ToolError::cancelled("the user does not want the list emptied")),
///     }
/// }
///
/// # fn main() {
/// let ctx = Context::new().answer_form("sure", json!({"sure": true}));
/// assert_eq!(clear(&ctx), Ok(7));
/// let ctx = Context::new().answer_form("sure", Answer::Declined);
/// assert!(clear(&ctx).is_err());
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Context {
    client: Client,
}

impl Context {
    /// Says how far the call is: `done` of `total`, in any unit. It may be said at every step of a loop: the host passes on no more than a client can use.
    ///
    /// Where it is not known how much there is in all, `total` is `None`.
    ///
    /// ```
    /// # let ctx = toolbay_sdk::Context::new();
    /// ctx.progress(3, 10);
    /// ctx.progress(4.5, None);
    /// assert_eq!(ctx.reported()[0].total, Some(10.0));
    /// assert_eq!(ctx.reported()[1].total, None);
    /// ```
    pub fn progress(&self, done: impl Quantity, total: impl Total) {
        self.client.report(done.quantity(), total.total(), None);
    }

    /// As [`progress`](Self::progress), with a few words about what is being done.
    ///
    /// ```
    /// # let ctx = toolbay_sdk::Context::new();
    /// ctx.progress_with(3, 10, "reading the third note");
    /// assert_eq!(ctx.reported()[0].message.as_deref(), Some("reading the third note"));
    /// ```
    pub fn progress_with(&self, done: impl Quantity, total: impl Total, message: &str) {
        let (done, total) = (done.quantity(), total.total());
        self.client.report(done, total, Some(message));
    }

    /// Whether the caller gave up. One who has asked at least once gets a moment to leave things in order when the call is cancelled; any other call is ended at
    /// once.
    ///
    /// ```
    /// # let ctx = toolbay_sdk::Context::new();
    /// assert!(!ctx.is_cancelled());
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.client.is_cancelled()
    }

    /// Sends a log message to the client: a text, or any value that serializes.
    ///
    /// The protocol's newest revision has deprecated these. What is meant for the person who runs the host goes to [`log`](crate::log).
    ///
    /// ```
    /// # use toolbay_sdk::{Context, LogLevel, serde_json::json};
    /// # let ctx = Context::new();
    /// ctx.log(LogLevel::Warning, "the index is old");
    /// ctx.log(LogLevel::Debug, json!({"notes": 7}));
    /// assert_eq!(ctx.logged()[1].data, json!({"notes": 7}));
    /// ```
    pub fn log(&self, level: LogLevel, data: impl Serialize) {
        self.log_as(level, None, data);
    }

    /// As [`log`](Self::log), from a part of the plugin that has a name.
    ///
    /// ```
    /// # use toolbay_sdk::{Context, LogLevel};
    /// # let ctx = Context::new();
    /// ctx.log_from(LogLevel::Error, "index", "the index is gone");
    /// assert_eq!(ctx.logged()[0].logger.as_deref(), Some("index"));
    /// ```
    pub fn log_from(&self, level: LogLevel, logger: &str, data: impl Serialize) {
        self.log_as(level, Some(logger), data);
    }

    fn log_as(&self, level: LogLevel, logger: Option<&str>, data: impl Serialize) {
        // What cannot be written as JSON is not worth ending the call for.
        if let Ok(data) = serde_json::to_string(&data) {
            self.client.message(level, logger, &data);
        }
    }

    /// Says that the contents of a resource of this plugin have changed, to whoever subscribed to it.
    ///
    /// ```
    /// # let ctx = toolbay_sdk::Context::new();
    /// ctx.resource_updated("notes://note/shopping.md");
    /// assert_eq!(ctx.updated(), ["notes://note/shopping.md"]);
    /// ```
    pub fn resource_updated(&self, uri: &str) {
        self.client.resource_updated(uri);
    }

    /// Says that resources of this plugin have come or gone, or are called something else.
    ///
    /// ```
    /// # let ctx = toolbay_sdk::Context::new();
    /// ctx.resource_list_changed();
    /// assert!(ctx.is_list_changed());
    /// ```
    pub fn resource_list_changed(&self) {
        self.client.resource_list_changed();
    }

    /// What the client of this call can be asked.
    ///
    /// ```
    /// # let ctx = toolbay_sdk::Context::new();
    /// if ctx.supports().form {
    ///     // Ask, else take the careful way.
    /// }
    /// ```
    pub fn supports(&self) -> Supports {
        self.client.supported()
    }

    /// Asks the user to fill in a form whose fields are those of `T`, and waits. See [`Answer`] for what can be asked.
    ///
    /// The key is the question's name, `[a-z][a-z0-9_]{0,63}`, which tells it from the others of the same call. Ask before anything is changed: where a client
    /// cannot wait, the call begins anew once the answers are there.
    ///
    /// # Errors
    /// `permission_denied` where the plugin may not ask, `unavailable` where the client cannot be asked or gave no usable answer, `internal` for a form or a key
    /// that cannot be asked.
    pub fn elicit<T>(&self, key: &str, message: &str) -> Result<Answer<T>, ToolError>
    where
        T: JsonSchema + DeserializeOwned,
    {
        self.ask(Questions::new().form::<T>(key, message))?
            .form(key)
    }

    /// Sends the user to a page, with the message that says why; what happens there stays between them and it.
    ///
    /// ```
    /// use toolbay_sdk::{Action, Context};
    /// let ctx = Context::new().answer_page("login", Action::Accept);
    /// let action = ctx.open_page("login", "Sign in to go on.", "https://example.com/login")?;
    /// assert_eq!(action, Action::Accept);
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`elicit`](Self::elicit).
    pub fn open_page(&self, key: &str, message: &str, url: &str) -> Result<Action, ToolError> {
        self.ask(Questions::new().page(key, message, url))?
            .page(key)
    }

    /// Asks the client's model.
    ///
    /// ```
    /// use toolbay_sdk::{Context, SampleRequest, SampleResult};
    /// let ctx = Context::new().answer_sample("poem", SampleResult::of_text("An old silent pond"));
    /// let poem = ctx.sample("poem", SampleRequest::new("Write a haiku.").max_tokens(100))?;
    /// assert_eq!(poem.text(), "An old silent pond");
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`elicit`](Self::elicit).
    pub fn sample(&self, key: &str, request: SampleRequest) -> Result<SampleResult, ToolError> {
        self.ask(Questions::new().sample(key, request))?.sample(key)
    }

    /// The folders that the client works in.
    ///
    /// ```
    /// use toolbay_sdk::{Context, Root};
    /// let ctx = Context::new().answer_roots("folders", [Root::new("file:///home/ada/notes")]);
    /// assert_eq!(ctx.roots("folders")?[0].uri, "file:///home/ada/notes");
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`elicit`](Self::elicit).
    pub fn roots(&self, key: &str) -> Result<Vec<Root>, ToolError> {
        self.ask(Questions::new().roots(key))?.roots(key)
    }

    /// Asks several things at once, which a client can answer in one go.
    ///
    /// ```
    /// use toolbay_sdk::prelude::*;
    ///
    /// #[data]
    /// struct Person {
    ///     /// What to call you
    ///     name: String,
    /// }
    ///
    /// fn greet(ctx: &Context) -> Result<String, ToolError> {
    ///     let questions = Questions::new()
    ///         .form::<Person>("person", "Who are you?")
    ///         .sample("word", SampleRequest::new("Say one kind word."));
    ///     let answers = ctx.ask(questions)?;
    ///     let person: Person = answers.form("person")?.accepted()?;
    ///     Ok(format!("{}: {}", person.name, answers.sample("word")?.text()))
    /// }
    ///
    /// # fn main() {
    /// let ctx = Context::new()
    ///     .answer_form("person", json!({"name": "Ada"}))
    ///     .answer_sample("word", SampleResult::of_text("Welcome"));
    /// assert_eq!(greet(&ctx).unwrap(), "Ada: Welcome");
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`elicit`](Self::elicit). A client that cannot be asked one of them is asked nothing.
    pub fn ask(&self, questions: Questions) -> Result<Answers, ToolError> {
        let (keys, questions) = questions.into_wire()?;
        let answers = self.client.ask(questions).map_err(crate::ask::error)?;
        Ok(Answers::new(keys, answers))
    }
}

#[cfg(test)]
mod tests;
