//! What a prompt gives once it is filled in. Owns how messages are built; how plain values become them is in `__private::prompt`.

use serde::Serialize;

use crate::__private::bindings::prompts;
use crate::__private::bindings::toolbay::plugin::types;
use crate::content::{Content, Role};
use crate::result::object_text;

/// One message of a prompt, or of a question to the client's model.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Asks for a review of some code.
/// #[prompt]
/// fn review(
///     /// The code
///     code: &str,
/// ) -> Vec<PromptMessage> {
///     vec![
///         PromptMessage::user(format!("Review this code:\n{code}")),
///         PromptMessage::assistant("I look at names first."),
///         PromptMessage::new(Role::User, Content::embedded_text("review://rules", "No abbreviations.")),
///     ]
/// }
/// # fn main() {
/// let messages = review("let x = 1;");
/// assert_eq!(messages[1].role(), Role::Assistant);
/// assert_eq!(messages[0].content().as_text(), Some("Review this code:\nlet x = 1;"));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PromptMessage {
    role: Role,
    content: Content,
}

impl PromptMessage {
    /// What the user says.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User, content)
    }

    /// What the model says.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// What somebody says.
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }

    /// Who says it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What is said.
    pub fn content(&self) -> &Content {
        &self.content
    }

    pub(crate) fn into_parts(self) -> (Role, Content) {
        (self.role, self.content)
    }

    fn into_wire(self) -> types::PromptMessage {
        types::PromptMessage {
            role: self.role.into_wire(),
            content: self.content.0,
        }
    }
}

/// A prompt that is filled in, with a description of its own.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Asks for a summary of a note.
/// #[prompt]
/// fn summarise(note: &str) -> Result<PromptResult, ToolError> {
///     if note.is_empty() {
///         return Err(ToolError::not_found("there is no such note"));
///     }
///     Ok(PromptResult::new([PromptMessage::user(format!("Summarise {note}."))])
///         .description(format!("A summary of {note}"))
///         .meta(json!({"example.com/version": 2})))
/// }
/// # fn main() {
/// assert_eq!(summarise("a.md").unwrap().messages().len(), 1);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PromptResult {
    messages: Vec<PromptMessage>,
    description: Option<String>,
    meta: Option<String>,
}

impl PromptResult {
    /// These messages.
    pub fn new(messages: impl IntoIterator<Item = PromptMessage>) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            description: None,
            meta: None,
        }
    }

    /// Says what it is for, filled in like this; else it has the prompt's own description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a value that serializes to a JSON object, to become the `_meta` of the result.
    #[must_use]
    pub fn meta(mut self, meta: impl Serialize) -> Self {
        self.meta = object_text(&meta, "meta").ok();
        self
    }

    /// The messages.
    pub fn messages(&self) -> &[PromptMessage] {
        &self.messages
    }

    pub(crate) fn into_wire(self) -> prompts::PromptResult {
        let messages = self.messages.into_iter();
        prompts::PromptResult {
            description: self.description,
            messages: messages.map(PromptMessage::into_wire).collect(),
            meta: self.meta,
        }
    }
}
