//! What a tool gives back when it did its work, for authors who want more than a value. How plain values become one is in `__private::output`.

use serde::Serialize;

use crate::__private::bindings::toolbay::plugin::types;
use crate::content::Content;
use crate::error::ToolError;

/// A result built by hand: blocks of content, structured content, or both.
///
/// Most tools return a plain value instead. A tool that returns this promises no output schema, since its type says nothing about what is in it.
///
/// ```
/// use toolbay_sdk::{Content, ToolError, ToolResult};
///
/// fn chart() -> Result<ToolResult, ToolError> {
///     Ok(ToolResult::new()
///         .text("Sales went up by 4 %.")
///         .content(Content::image(*b"\x89PNG", "image/png"))
///         .structured([("growth", 0.04)].into_iter().collect::<std::collections::BTreeMap<_, _>>())?)
/// }
/// let result = chart()?.meta([("example.com/source", "sales")].into_iter().collect::<std::collections::BTreeMap<_, _>>())?;
/// assert_eq!(result.structured_json(), Some(r#"{"growth":0.04}"#));
/// assert_eq!(result.texts().next(), Some("Sales went up by 4 %."));
/// # Ok::<(), ToolError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult(types::ToolResult);

impl ToolResult {
    /// A result with nothing in it yet.
    pub fn new() -> Self {
        Self(types::ToolResult {
            content: Vec::new(),
            structured: None,
            meta: None,
        })
    }

    /// Adds a block of text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.content(Content::text(text))
    }

    /// Adds any block of content.
    #[must_use]
    pub fn content(mut self, content: impl Into<Content>) -> Self {
        self.0.content.push(content.into().0);
        self
    }

    /// Sets the structured content: the value itself if it serializes to a JSON object, else `{"result": value}`.
    ///
    /// Where no content is added, the host shows the same value as JSON text: some clients pass on only the one or only the other.
    ///
    /// # Errors
    /// An `internal` error if the value cannot be written as JSON, for example a map whose keys are no texts.
    pub fn structured(mut self, value: impl Serialize) -> Result<Self, ToolError> {
        self.0.structured = Some(object_text(&value, "result")?);
        Ok(self)
    }

    /// Sets a value that serializes to a JSON object as the `_meta` of the result.
    ///
    /// # Errors
    /// An `internal` error if the value cannot be written as JSON.
    pub fn meta(mut self, meta: impl Serialize) -> Result<Self, ToolError> {
        self.0.meta = Some(object_text(&meta, "meta")?);
        Ok(self)
    }

    /// The texts among the content, in their order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.content.iter().filter_map(|content| match content {
            types::Content::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
    }

    /// The structured content, as the text of one JSON object.
    pub fn structured_json(&self) -> Option<&str> {
        self.0.structured.as_deref()
    }

    pub(crate) fn into_wire(self) -> types::ToolResult {
        self.0
    }
}

impl Default for ToolResult {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Content> for ToolResult {
    fn from(content: Content) -> Self {
        Self::new().content(content)
    }
}

/// A value with a text of its own, for results that a model reads better than as JSON: a page, a note, a report.
///
/// The tool's output schema is the value's, which becomes the structured content; the text takes the place of the value's JSON. Both have to be complete: some
/// clients pass on only the one or only the other.
///
/// ```
/// use toolbay_sdk::{WithText, prelude::*};
///
/// /// A poem.
/// #[data]
/// struct Poem {
///     /// Its title
///     title: String,
///     /// Its lines
///     lines: Vec<String>,
/// }
///
/// /// Recites a poem.
/// #[tool]
/// fn recite() -> WithText<Poem> {
///     let lines = ["Shall I compare thee", "to a summer's day?"].map(str::to_owned).to_vec();
///     let text = lines.join("\n");
///     WithText::new(Poem { title: "Sonnet 18".to_owned(), lines }, text)
/// }
/// # fn main() {}
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithText<T> {
    /// The structured content.
    pub value: T,
    /// What is read.
    pub text: String,
}

impl<T> WithText<T> {
    /// A value and the text that says the same.
    pub fn new(value: T, text: impl Into<String>) -> Self {
        Self {
            value,
            text: text.into(),
        }
    }
}

/// The value as the text of one JSON object; anything else is wrapped as `{"key": value}`.
pub(crate) fn object_text(value: &impl Serialize, key: &str) -> Result<String, ToolError> {
    let text = serde_json::to_string(value).map_err(|error| {
        ToolError::internal(format!("the result cannot be written as JSON: {error}"))
    })?;
    if text.starts_with('{') {
        Ok(text)
    } else {
        Ok(format!("{{\"{key}\":{text}}}"))
    }
}
