//! One part of a document, cut where a reader would.

use toolbay_sdk::WithText;
use toolbay_sdk::prelude::*;

use crate::decode::{self, Kind};
use crate::get::Fetched;
use crate::html::{self, Document};

const MIN_LENGTH: u64 = 1000;
const MAX_LENGTH: u64 = 100_000;

/// A part of a document from the web.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The address that it came from, after redirects
    pub url: String,
    /// The title of the page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the server says it is: text/html; charset=utf-8
    pub content_type: String,
    /// The text: Markdown if it was a page, else as it is
    pub text: String,
    /// The character that this part begins with, counted from 0
    pub start: usize,
    /// How many characters the whole text has
    pub total: usize,
    /// Whether there is more after this part
    pub has_more: bool,
    /// What to give as `start` for the next part
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_start: Option<usize>,
}

pub(crate) fn read(
    fetched: &Fetched,
    start: u64,
    length: u64,
    whole_page: bool,
) -> Result<WithText<Page>, ToolError> {
    let (kind, text) = decode::text(fetched)?;
    let Document { title, text } = match kind {
        Kind::Html => html::read(&text, &fetched.url, whole_page),
        Kind::Text => Document { title: None, text },
    };
    if text.trim().is_empty() {
        return Err(ToolError::not_found(format!(
            "{} has no text; where a page is made by scripts, its data may be had with `fetch_json`",
            fetched.url
        )));
    }
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let length = usize::try_from(length.clamp(MIN_LENGTH, MAX_LENGTH)).unwrap_or(usize::MAX);
    let Some(part) = Part::of(&text, start, length) else {
        let total = text.chars().count();
        return Err(ToolError::validation(format!(
            "`start` is {start}, but the text has {total} characters; begin with 0"
        )));
    };
    let value = Page {
        url: fetched.url.clone(),
        title,
        content_type: fetched.content_type.clone(),
        text: part.text.to_owned(),
        start,
        total: part.total,
        has_more: part.end < part.total,
        next_start: (part.end < part.total).then_some(part.end),
    };
    let text = shown(&value);
    Ok(WithText::new(value, text))
}

/// The part as it is read, with what it is of.
fn shown(page: &Page) -> String {
    let mut shown = String::new();
    if page.start == 0 {
        let title = page.title.as_ref().map(|title| format!("Title: {title}\n"));
        shown.push_str(&format!(
            "{}URL: {}\n\n",
            title.unwrap_or_default(),
            page.url
        ));
    }
    shown.push_str(&page.text);
    if let Some(next) = page.next_start {
        shown.push_str(&format!(
            "\n\n(these are characters {} to {next} of {}; go on with start {next})",
            page.start, page.total
        ));
    }
    shown
}

struct Part<'a> {
    text: &'a str,
    /// Where it ends, in characters of the whole text.
    end: usize,
    /// How many characters the whole text has.
    total: usize,
}

impl<'a> Part<'a> {
    /// The part of so many characters at most from one character on, if the text has that one.
    fn of(whole: &'a str, start: usize, length: usize) -> Option<Self> {
        let total = whole.chars().count();
        if start >= total {
            return None;
        }
        let rest = whole.get(at_char(whole, start)..)?;
        let mut text = rest.get(..at_char(rest, length))?;
        if text.len() < rest.len() {
            // Between two lines, or between two words, if there is such a place in the last quarter.
            let last_quarter = at_char(text, length - length / 4);
            let tail = text.get(last_quarter..).unwrap_or_default();
            let cut = ["\n\n", "\n", " "]
                .iter()
                .find_map(|between| Some(last_quarter + tail.rfind(between)? + between.len()));
            text = text.get(..cut.unwrap_or(text.len())).unwrap_or(text);
        }
        Some(Self {
            text,
            end: start + text.chars().count(),
            total,
        })
    }
}

/// The byte at which a character begins; the end for one that is not there.
fn at_char(text: &str, char: usize) -> usize {
    text.char_indices()
        .nth(char)
        .map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(content_type: &str, text: &str) -> Fetched {
        Fetched {
            url: "https://x.test/a".to_owned(),
            content_type: content_type.to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn parts_make_up_the_whole() {
        let texts = [
            "ä ".repeat(2500),
            "no place to cut".replace(' ', "-").repeat(400),
            "A line of text.\n".repeat(300),
            format!("{}\n\n{}", "a".repeat(900), "b".repeat(2000)),
        ];
        for whole in texts {
            let (mut start, mut parts) = (0, Vec::new());
            loop {
                let page = read(&fetched("text/plain", &whole), start, 1000, false)
                    .unwrap()
                    .value;
                assert!(page.text.chars().count() <= 1000);
                parts.push(page.text);
                match page.next_start {
                    Some(next) => start = next as u64,
                    None => break,
                }
            }
            assert_eq!(parts.concat(), whole);
        }
    }

    #[test]
    fn a_part_is_cut_between_lines_or_words() {
        let text = format!("{} end\n\nof {}", "x".repeat(900), "y".repeat(200));
        assert!(Part::of(&text, 0, 1000).unwrap().text.ends_with("end\n\n"));
        assert!(Part::of(&text, 0, 905).unwrap().text.ends_with("end\n"));
        assert!(Part::of(&text, 0, 903).unwrap().text.ends_with("x "));
    }

    #[test]
    fn what_is_read_says_what_it_is_and_how_to_go_on() {
        let page = "<title>A  page</title><main><h1>Heading</h1><p>Text.</p></main>";
        let text = |page: &str, start| {
            read(&fetched("text/html", page), start, 0, false)
                .unwrap()
                .text
        };
        insta::assert_snapshot!(text(page, 0), @r"
        Title: A page
        URL: https://x.test/a

        # Heading

        Text.
        ");
        let long = format!("<title>Long</title><p>{}</p>", "word ".repeat(300));
        assert!(
            text(&long, 0).ends_with(
                "word \n\n(these are characters 0 to 1000 of 1499; go on with start 1000)"
            )
        );
        assert!(text(&long, 1000).starts_with("word"));
    }

    #[test]
    fn a_start_beyond_the_end_and_a_page_of_nothing_are_errors() {
        let said = [
            read(&fetched("text/plain", "abc"), 3, 1000, false).unwrap_err(),
            read(
                &fetched("text/html", "<body><div id=app></div><script>x</script>"),
                0,
                1000,
                false,
            )
            .unwrap_err(),
        ];
        insta::assert_snapshot!(said.map(|error| format!("{}: {error}", error.code())).join("\n"), @r"
        validation_error: `start` is 3, but the text has 3 characters; begin with 0
        not_found: https://x.test/a has no text; where a page is made by scripts, its data may be had with `fetch_json`
        ");
    }
}
