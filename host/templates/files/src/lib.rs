//! Finds lines in the text files of a folder.

use std::fs;
use std::path::Path;

use toolbay_sdk::prelude::*;
use toolbay_sdk::{Mount, mount};

/// Larger files are passed over.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The lines that hold the words
#[data]
#[derive(Debug, PartialEq)]
pub struct Found {
    /// The lines, file by file
    pub lines: Vec<Line>,
    /// Whether there are more than were asked for
    pub has_more: bool,
}

/// A line that holds the words
#[data]
#[derive(Debug, PartialEq)]
pub struct Line {
    /// The file's name
    pub file: String,
    /// The line's number, counted from 1
    pub number: usize,
    /// The line
    pub text: String,
}

/// Searches the text files (.txt and .md) of the folder for some words and returns the lines that hold them, with file and line number.
#[tool]
fn find(
    /// The words, as they stand in the line; small and capital letters are the same
    #[schemars(length(min = 1, max = 200))]
    words: &str,
    /// How many lines at most
    #[default(20)]
    #[schemars(range(min = 1, max = 100))]
    limit: usize,
) -> Result<Found, ToolError> {
    find_in(&mount("texts")?, words, limit)
}

plugin!(find);

/// Apart from the tool, so that a test hands it a folder of its own.
fn find_in(texts: &Mount, words: &str, limit: usize) -> Result<Found, ToolError> {
    let words = words.to_lowercase();
    let mut names: Vec<String> = fs::read_dir(texts.path())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_text(name))
        .collect();
    names.sort();
    let mut lines = Vec::new();
    for name in names {
        let path = texts.join(&name)?;
        if fs::metadata(&path)?.len() > MAX_FILE_BYTES {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        for (index, line) in text.lines().enumerate() {
            if !line.to_lowercase().contains(&words) {
                continue;
            }
            if lines.len() == limit {
                return Ok(Found { lines, has_more: true });
            }
            lines.push(Line { file: name.clone(), number: index + 1, text: line.to_owned() });
        }
    }
    Ok(Found { lines, has_more: false })
}

fn is_text(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("txt" | "md"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_are_searched() {
        assert!(is_text("notes.md") && is_text("a.b.txt"));
        assert!(!is_text("photo.jpg") && !is_text("md"));
    }
}
