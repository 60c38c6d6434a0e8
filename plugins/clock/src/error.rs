//! What can be wrong with a time or a zone, said with a hint.

use std::fmt;

use toolbay_sdk::ToolError;

/// An error in what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockError {
    /// What is wrong, in lower case.
    pub message: String,
    /// How to put it right.
    pub hint: Option<String>,
}

impl ClockError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for ClockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ClockError {}

impl From<ClockError> for ToolError {
    fn from(error: ClockError) -> Self {
        Self::validation(error.to_string())
    }
}

/// What a caller gave, in quotes, cut short and without anything that could upset a terminal or a log.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN_CHARS: usize = 60;
    let mut shown: String = text
        .chars()
        .take(SHOWN_CHARS)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
