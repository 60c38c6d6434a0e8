//! Whether a note matches a query, and on which lines. Knows nothing of files.

use toolbay_sdk::prelude::*;

use crate::note::NoteInfo;

/// How many lines of a note are shown.
const MAX_LINES: usize = 3;

/// How many characters of a line are shown.
const MAX_LINE_CHARS: usize = 240;

/// What it takes to match.
#[data]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// All words of the query are in the note, in any order
    AllWords,
    /// The query as it is stands on one line of the note
    Phrase,
}

/// One page of what was found.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The notes that match, by path
    pub items: Vec<Found>,
    /// How many notes were looked through for this page
    pub searched: usize,
    /// Notes and folders that were not looked through, and why
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Whether there are notes left to look through
    pub has_more: bool,
    /// What to give as `cursor` for the next page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A note that matches.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The note
    #[serde(flatten)]
    pub info: NoteInfo,
    /// How many of its lines hold the query or a word of it; none where only its path does
    pub matching_lines: usize,
    /// The best of these lines, three at most
    pub lines: Vec<Line>,
}

/// A line that matches.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, counted from 1
    pub line: usize,
    /// Its text; `…` stands where a long one is cut
    pub text: String,
}

/// A note or a folder that was not looked through.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path
    pub note: String,
    /// Why
    pub reason: String,
}

/// What is looked for, in lower case.
#[derive(Debug)]
pub(crate) struct Query {
    /// One of them where a phrase is looked for.
    words: Vec<String>,
    /// Whether they must be on one line, so that the path does not count.
    is_phrase: bool,
}

/// How a note matches.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) matching_lines: usize,
    pub(crate) lines: Vec<Line>,
}

impl Query {
    pub(crate) fn new(query: &str, mode: Match) -> Result<Self, ToolError> {
        let query = query.trim().to_lowercase();
        let is_phrase = mode == Match::Phrase;
        let words: Vec<String> = if is_phrase {
            vec![query]
        } else {
            query.split_whitespace().map(str::to_owned).collect()
        };
        if words.iter().all(String::is_empty) {
            return Err(ToolError::validation(
                "`query` is empty; give a word, or use `list` for all notes",
            ));
        }
        Ok(Self { words, is_phrase })
    }

    /// How a note matches, if it does.
    pub(crate) fn hits(&self, note: &str, text: &str) -> Option<Hits> {
        let whole = text.to_lowercase();
        let path = if self.is_phrase {
            String::new()
        } else {
            note.to_lowercase()
        };
        let is_there = |word: &String| whole.contains(word) || path.contains(word);
        if !self.words.iter().all(is_there) {
            return None;
        }
        let mut lines: Vec<(usize, Line)> = Vec::new();
        let mut matching_lines = 0;
        for (number, line) in (1..).zip(text.lines()) {
            let lower = line.to_lowercase();
            let words = self
                .words
                .iter()
                .filter(|word| lower.contains(*word))
                .count();
            if words == 0 {
                continue;
            }
            matching_lines += 1;
            // The lines with the most words are kept, and of those with as many the first ones.
            let place = lines.partition_point(|(other, _)| *other >= words);
            if place < MAX_LINES {
                let text = self.excerpt(line, &lower);
                lines.insert(place, (words, Line { line: number, text }));
                lines.truncate(MAX_LINES);
            }
        }
        // A phrase that only the whole text holds goes over the end of a line.
        if self.is_phrase && matching_lines == 0 {
            return None;
        }
        let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
        lines.sort_unstable_by_key(|line| line.line);
        Some(Hits {
            matching_lines,
            lines,
        })
    }

    /// A line, cut around the first word in it where it is long.
    fn excerpt(&self, line: &str, lower: &str) -> String {
        let line = line.trim_end();
        let length = line.chars().count();
        if length <= MAX_LINE_CHARS {
            return line.to_owned();
        }
        let first = self
            .words
            .iter()
            .filter_map(|word| lower.find(word.as_str()))
            .min();
        let before = lower
            .get(..first.unwrap_or(0))
            .unwrap_or_default()
            .chars()
            .count();
        // Lower case may have a few characters more or less, which moves the cut by as many.
        let start = before
            .saturating_sub(MAX_LINE_CHARS / 4)
            .min(length - MAX_LINE_CHARS);
        let shown: String = line.chars().skip(start).take(MAX_LINE_CHARS).collect();
        let (left, right) = (start > 0, start + MAX_LINE_CHARS < length);
        let mark = |cut| if cut { "…" } else { "" };
        format!("{}{shown}{}", mark(left), mark(right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(query: &str, mode: Match, note: &str, text: &str) -> Option<(usize, Vec<usize>)> {
        let hits = Query::new(query, mode).unwrap().hits(note, text)?;
        Some((
            hits.matching_lines,
            hits.lines.iter().map(|line| line.line).collect(),
        ))
    }

    #[test]
    fn all_words_must_be_there_and_lines_with_most_of_them_are_shown() {
        let text = "Milk\nHoney\n\nmilk and honey\nbread\nmilk\nMILK";
        let words = |query| hits(query, Match::AllWords, "shop/List.md", text);
        assert_eq!(words("milk"), Some((4, vec![1, 4, 6])));
        assert_eq!(words("honey milk"), Some((5, vec![1, 2, 4])));
        assert_eq!(words("LIST bread"), Some((1, vec![5])));
        assert_eq!(words("list"), Some((0, vec![])));
        assert_eq!(words("milk wine"), None);
    }

    #[test]
    fn a_phrase_stands_on_one_line() {
        let phrase = |query, text| hits(query, Match::Phrase, "milk.md", text);
        assert_eq!(phrase("Milk and", "a\nmilk AND honey"), Some((1, vec![2])));
        assert_eq!(phrase("milk and", "milk\nand"), None);
        assert_eq!(phrase("milk\nand", "milk\nand"), None);
        assert_eq!(phrase("milk", "honey"), None);
    }

    #[test]
    fn letters_beyond_ascii_have_upper_and_lower_case_too() {
        assert_eq!(
            hits("ÄPFEL", Match::AllWords, "a.md", "zwei äpfel"),
            Some((1, vec![1]))
        );
        assert_eq!(
            hits("straße", Match::AllWords, "a.md", "Straße"),
            Some((1, vec![1]))
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_word() {
        let query = Query::new("needle", Match::AllWords).unwrap();
        let line = format!("{}needle{}", "é ".repeat(300), " x".repeat(300));
        let hits = query.hits("a.md", &line).unwrap();
        let shown = &hits.lines[0].text;
        assert!(
            shown.starts_with('…') && shown.ends_with('…') && shown.contains("needle"),
            "{shown}"
        );
        assert_eq!(shown.chars().count(), MAX_LINE_CHARS + 2);
        let at_the_end = format!("{}needle", "é ".repeat(300));
        let hits = query.hits("a.md", &at_the_end).unwrap();
        assert!(hits.lines[0].text.ends_with("needle"));
    }

    #[test]
    fn a_query_of_nothing_is_refused() {
        for mode in [Match::AllWords, Match::Phrase] {
            let error = Query::new(" \t", mode).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ValidationError);
        }
    }
}
