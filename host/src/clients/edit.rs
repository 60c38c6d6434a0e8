//! Changes of a text by places, so that everything outside them stays as it was, byte for byte; and what can be wrong with a client's file.

use std::ops::Range;

/// What a client is told of a server under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Text(String),
    List(Vec<String>),
}

/// What a server's entry is to have; other keys that it has stay.
pub(crate) type Fields = Vec<(&'static str, Field)>;

/// A server that a client's file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// The program that the client starts; nothing for a server that it reaches otherwise.
    pub(crate) command: Option<String>,
    pub(crate) arguments: Vec<String>,
}

/// Why a client's file was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct EditError {
    pub(crate) problem: String,
    pub(crate) hint: String,
}

impl EditError {
    pub(super) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

/// Changes that are collected from one reading of a text and made at once.
#[derive(Debug, Default)]
pub(super) struct Splices(Vec<(Range<usize>, String)>);

impl Splices {
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    /// The text with all changes. Of those at one place, the earlier one comes first.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| range.start);
        let mut changed = String::with_capacity(text.len() + 256);
        let mut done = 0;
        for (range, new) in self.0 {
            changed.push_str(text.get(done..range.start).unwrap_or_default());
            changed.push_str(&new);
            done = range.end.max(done);
        }
        changed.push_str(text.get(done..).unwrap_or_default());
        changed
    }
}

/// The line of a place, counted from 1.
pub(super) fn line_of(text: &str, place: usize) -> usize {
    let before = text.as_bytes().get(..place).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// How lines end in a text: as the first one does.
pub(super) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(end) if text.get(..end).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// Splits off the mark that some editors put at the beginning of a file.
pub(super) fn split_mark(text: &str) -> (&str, &str) {
    const MARK: &str = "\u{feff}";
    text.strip_prefix(MARK)
        .map_or(("", text), |rest| (MARK, rest))
}
