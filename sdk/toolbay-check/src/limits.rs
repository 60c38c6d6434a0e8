//! What a text says about sizes: "1 to 100", "at most ten". It errs on the side of seeing no limit.

use crate::words::{is_among, words};

const NUMBER_WORDS: &str = "one two three four five six seven eight nine ten twelve fifteen twenty thirty fifty hundred thousand";
/// Words that make of a number beside them a limit.
const LIMITING: &str = "most max maximum maximal than under below fewer less limit limited cap capped exceed never clamped top first beyond within largest span";

/// Whether a text states how large or how many at most: "1 to 100", "between 1 and 10", "at most ten", "up to 1,000", "≤ 5".
pub(crate) fn states_a_limit(text: &str) -> bool {
    if text.contains(['≤', '<']) {
        return true;
    }
    // Ranges with a dash: 1-100, 0–23.
    let characters: Vec<char> = text.chars().collect();
    let dashed = characters.windows(3).any(|three| match three {
        [before, dash, after] => {
            before.is_ascii_digit() && "-–—…".contains(*dash) && after.is_ascii_digit()
        }
        _ => false,
    });
    let words = words(&text.replace(',', ""));
    let is_number = |word: &String| {
        word.starts_with(|first: char| first.is_ascii_digit()) || is_among(word, NUMBER_WORDS)
    };
    let between = words.windows(3).any(|three| match three {
        [low, word, high] => {
            is_number(low) && is_among(word, "to and through until") && is_number(high)
        }
        _ => false,
    });
    // A digit near a limiting word, on either side.
    let near = words.iter().enumerate().any(|(index, word)| {
        let around = words
            .get(index.saturating_sub(2)..(index + 4).min(words.len()))
            .unwrap_or_default();
        is_limiting(word, words.get(index + 1))
            && around.iter().any(|other| other != word && is_number(other))
    });
    // "The three nearest", "the newest ten".
    let superlative =
        |word: &String| word.len() > 4 && word.ends_with("est") || is_among(word, "best last");
    let best = words.windows(2).any(|two| match two {
        [one, other] => {
            is_number(one) && superlative(other) || superlative(one) && is_number(other)
        }
        _ => false,
    });
    best || dashed && !looks_like_a_date(text) || between || near
}

/// "Up" is so only in "up to 10".
fn is_limiting(word: &str, next: Option<&String>) -> bool {
    is_among(word, LIMITING) || word == "up" && next.is_some_and(|next| next == "to")
}

fn looks_like_a_date(text: &str) -> bool {
    words(text).windows(3).any(|three| match three {
        [year, month, day] => {
            year.len() == 4
                && month.len() == 2
                && day.len() == 2
                && [year, month, day]
                    .iter()
                    .all(|part| part.parse::<u16>().is_ok())
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_seen() {
        for text in [
            "1 to 100, and what is beyond",
            "between 1 and 10",
            "at most ten of them",
            "up to 1,000",
            "0-23",
            "≤ 5",
            "Max. 50",
            "no more than 3",
            "a range may span 5,000 cells",
            "the top five",
        ] {
            assert!(states_a_limit(text), "{text}");
        }
        for text in [
            "how many hits to return",
            "counted from 1",
            "such as 52.52",
            "on 2026-11-30",
            "upper and lower case",
            "the most frequent first",
            "HTTP/2 and up",
        ] {
            assert!(!states_a_limit(text), "{text}");
        }
    }
}
