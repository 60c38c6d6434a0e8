//! What can go wrong with a query, said so that a model can put it right: a sentence, the place, and a hint.

use std::fmt::{self, Write as _};

use toolbay_sdk::ToolError;

/// Characters of a line that an excerpt shows at most.
const EXCERPT_CHARS: usize = 72;

/// Everything that ends a query is the caller's to mend: the filter, the input or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// What is wrong, in lower case, with an excerpt on further lines where there is a place to show.
    pub message: String,
    /// How to put it right.
    pub hint: Option<String>,
}

impl QueryError {
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

    /// An error at one place of a text, with the line it is on and a caret below it. `what` names the text.
    pub(crate) fn at(what: &str, text: &str, offset: usize, problem: &str) -> Self {
        let (line, column) = line_and_column(text, offset);
        let place = format!("{what}, line {line}, column {column}: {problem}");
        Self::new(if text.trim().is_empty() {
            place
        } else {
            format!(
                "{place}
{}",
                excerpt(text, line, column)
            )
        })
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for QueryError {}

impl From<QueryError> for ToolError {
    fn from(error: QueryError) -> Self {
        Self::validation(error.to_string())
    }
}

/// Both count from 1, columns in characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// One line of the text, cut to what is around the column, and a caret below the column.
fn excerpt(text: &str, line: usize, column: usize) -> String {
    // A control character would move the caret or the reader's terminal.
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let chars: Vec<char> = text
        .split('\n')
        .nth(line - 1)
        .unwrap_or_default()
        .chars()
        .map(visible)
        .collect();
    let start = (column - 1).saturating_sub(EXCERPT_CHARS / 2);
    let shown: String = chars.iter().skip(start).take(EXCERPT_CHARS).collect();
    let (before, after) = (
        if start > 0 { "…" } else { "" },
        if start + EXCERPT_CHARS < chars.len() {
            "…"
        } else {
            ""
        },
    );
    let indent = " ".repeat(column - 1 - start + before.chars().count());
    format!("    {before}{shown}{after}\n    {indent}^")
}

/// Writes the value, but no more than about `max` characters of it: what is cut is never even built.
pub(crate) fn shorten(value: &impl fmt::Display, max: usize) -> String {
    let mut out = Shortened {
        text: String::new(),
        left: max,
    };
    match write!(out, "{value}") {
        Ok(()) => out.text,
        Err(fmt::Error) => out.text + "…",
    }
}

struct Shortened {
    text: String,
    left: usize,
}

impl fmt::Write for Shortened {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for c in part.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_place() {
        let error = QueryError::at("filter", ".a |\n.b..c", 8, "expected a key");
        assert_eq!(
            error.to_string(),
            "filter, line 2, column 4: expected a key\n    .b..c\n       ^"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}!{}", "é".repeat(100), "x".repeat(100));
        let error = QueryError::at("input", &text, 200, "what is this").message;
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines[0], "input, line 1, column 101: what is this");
        let caret = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(caret), Some('!'));
        assert!(
            lines[1].starts_with("    …é") && lines[1].ends_with("x…"),
            "{}",
            lines[1]
        );
    }

    #[test]
    fn an_offset_outside_the_text_is_its_end() {
        assert_eq!(
            QueryError::at("input", "ab", 99, "no").message,
            "input, line 1, column 3: no\n    ab\n      ^"
        );
    }

    #[test]
    fn long_values_are_shortened() {
        assert_eq!(shorten(&"abcdef", 6), "abcdef");
        assert_eq!(shorten(&"abcdef", 5), "abcde…");
    }
}
