//! Tells how long a text is.

use toolbay_sdk::prelude::*;

/// The length of a text
#[data]
#[derive(Debug, PartialEq)]
pub struct Length {
    /// Words, as spaces and line breaks separate them
    pub words: usize,
    /// Characters, spaces among them
    pub characters: usize,
    /// Lines
    pub lines: usize,
}

/// Counts the words, characters and lines of a text and returns the three numbers.
#[tool]
fn measure(
    /// The text to count in
    #[schemars(length(max = 100_000))]
    text: &str,
) -> Length {
    Length {
        words: text.split_whitespace().count(),
        characters: text.chars().count(),
        lines: text.lines().count(),
    }
}

plugin!(measure);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_has_no_length() {
        let nothing = Length { words: 0, characters: 0, lines: 0 };
        assert_eq!(measure(""), nothing);
    }
}
