//! From the text of the arguments to the values that a tool takes.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::ToolError;

/// A type that can be an argument of a tool: it can be read from JSON and tells its JSON Schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a tool",
    label = "this type cannot be read from JSON with a schema",
    note = "put `#[data]` on your own struct or enum, or take a type such as `String`, `f64`, `u32`, `bool`, `Option<T>`, `Vec<T>`"
)]
pub trait ToolArgument {}

// What is missing is said by the trait above, in the words of this crate.
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> ToolArgument for T {}

/// Written for each argument before anything is derived for it, so that this trait's message is the first.
pub const fn assert_argument<T: ToolArgument>() {}

/// Reads the arguments of one call. The host has checked them against the schema, so this fails only where the schema says less
/// than the type.
pub fn arguments<T: DeserializeOwned>(text: &str) -> Result<T, ToolError> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // A model did not see the text, so line and column say nothing to it; but they lead to the argument's name.
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message);
        match argument_at(text, error.line(), error.column()) {
            Some(name) => ToolError::validation(format!("`{name}` does not fit: {message}")),
            None => ToolError::validation(format!("the arguments do not fit: {message}")),
        }
    })
}

/// The argument in whose value, or directly behind it, a place in the text is; nothing where it is elsewhere. Lines and columns are counted in bytes from 1.
fn argument_at(text: &str, line: usize, column: usize) -> Option<&str> {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let end = before.saturating_add(column).min(text.len());
    let (mut depth, mut key, mut is_value) = (0_usize, None, false);
    let (mut string_start, mut escaped) = (None, false);
    for (place, byte) in text.bytes().enumerate().take(end) {
        match (string_start, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(start), b'"') => {
                if depth == 1 && !is_value {
                    key = text.get(start..place);
                }
                string_start = None;
            }
            (Some(_), _) => {}
            (None, b'"') => string_start = Some(place + 1),
            (None, b'{' | b'[') => depth += 1,
            (None, b'}' | b']') => depth = depth.saturating_sub(1),
            (None, b':') if depth == 1 => is_value = true,
            // A value is found wrong once it is read, which may be at the comma behind it.
            (None, b',') if depth == 1 && place + 1 < end => is_value = false,
            (None, _) => {}
        }
    }
    key.filter(|_| is_value && depth > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads_to_the_argument_there() {
        let text = "{\"a\": [1, {\"b\": \"c:,}\"}],\n \"d\\\"e\": 2, \"f\": 3}";
        let shown: String = text
            .split_inclusive('\n')
            .enumerate()
            .flat_map(|(index, line)| (1..=line.len()).map(move |column| (index + 1, column)))
            .map(|(line, column)| match argument_at(text, line, column) {
                Some("a") => 'a',
                Some("d\\\"e") => 'd',
                Some("f") => 'f',
                Some(_) => '?',
                None => '.',
            })
            .collect();
        let expected = "....aaaaaaaaaaaaaaaaaaaaa........dddd....fff.";
        assert_eq!(shown.len(), text.len());
        assert_eq!(shown, expected);
        for (line, column) in [(0, 0), (1, 0), (9, 9), (usize::MAX, usize::MAX)] {
            assert_eq!(argument_at("{}", line, column), None);
        }
    }
}
