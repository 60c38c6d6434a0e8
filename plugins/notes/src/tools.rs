//! What the tools do in a vault, so that tests give them one.

use toolbay_sdk::WithText;
use toolbay_sdk::prelude::*;

use crate::note::NoteInfo;
use crate::search::{Found, Hits, Query, SearchPage, Skipped};
use crate::vault::{self, MAX_NOTE_BYTES, Vault};
use crate::walk::Walk;

/// The most notes on one page.
const MAX_LIMIT: usize = 100;

/// The most lines that are read at once.
const MAX_LINES: u64 = 2000;

/// The most bytes of text that are read at once, below what the host passes on of a result.
const MAX_TEXT_BYTES: usize = 100_000;

/// How many notes one search looks through.
const MAX_SEARCHED: usize = 2000;

/// How many bytes one search looks through.
const MAX_SEARCHED_BYTES: usize = 32 << 20;

/// How many notes are named that a search has not looked through.
const MAX_SKIPPED: usize = 20;

/// One page of the list of notes.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// The notes, by path
    pub items: Vec<NoteInfo>,
    /// Folders that could not be listed, and why
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Whether there are more pages
    pub has_more: bool,
    /// What to give as `cursor` for the next page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A note, or some lines of it.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteText {
    /// Path, title, size and date of the note
    #[serde(flatten)]
    pub info: NoteInfo,
    /// The lines as they are
    pub text: String,
    /// The number of the first of these lines, counted from 1
    pub from_line: u64,
    /// How many lines the note has
    pub total_lines: u64,
    /// Whether there are more lines after these
    pub has_more: bool,
    /// What to give as `from_line` for the lines after these
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_line: Option<u64>,
}

/// What was written.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The path of the note
    pub note: String,
    /// Its size now, in bytes
    pub bytes: u64,
}

pub(crate) fn list(
    vault: &Vault,
    folder: Option<&str>,
    limit: usize,
    cursor: Option<&str>,
) -> Result<ListPage, ToolError> {
    let limit = page_size(limit);
    let mut walk = Walk::new(vault, folder, cursor)?;
    let mut items = Vec::new();
    while items.len() < limit {
        let Some(found) = walk.next()? else { break };
        // A note may go between being listed and being read; it is not listed then.
        items.extend(vault.info(&found.note, &found.path).ok());
    }
    let next_cursor = walk.rest()?;
    Ok(ListPage {
        items,
        skipped: walk.unlisted(),
        has_more: next_cursor.is_some(),
        next_cursor,
    })
}

pub(crate) fn search(
    vault: &Vault,
    query: &Query,
    folder: Option<&str>,
    limit: usize,
    cursor: Option<&str>,
) -> Result<SearchPage, ToolError> {
    let limit = page_size(limit);
    let mut walk = Walk::new(vault, folder, cursor)?;
    let (mut items, mut skipped) = (Vec::new(), Vec::new());
    let (mut searched, mut bytes) = (0, 0);
    while items.len() < limit && searched < MAX_SEARCHED && bytes < MAX_SEARCHED_BYTES {
        let Some(found) = walk.next()? else { break };
        let text = match vault.text(&found.note, &found.path) {
            Ok(text) => text,
            Err(error) => {
                if skipped.len() < MAX_SKIPPED {
                    skipped.push(Skipped {
                        note: found.note,
                        reason: error.message().to_owned(),
                    });
                }
                continue;
            }
        };
        searched += 1;
        bytes += text.len();
        if let Some(Hits {
            matching_lines,
            lines,
        }) = query.hits(&found.note, &text)
            && let Ok(info) = vault.info(&found.note, &found.path)
        {
            items.push(Found {
                info,
                matching_lines,
                lines,
            });
        }
    }
    let next_cursor = walk.rest()?;
    skipped.extend(walk.unlisted());
    Ok(SearchPage {
        items,
        searched,
        skipped,
        has_more: next_cursor.is_some(),
        next_cursor,
    })
}

pub(crate) fn read(
    vault: &Vault,
    note: &str,
    from_line: u64,
    lines: u64,
) -> Result<WithText<NoteText>, ToolError> {
    let (path, metadata) = vault.note(note)?;
    let text = vault.text(note, &path)?;
    let info = vault::info(note, &text, &metadata);
    let total_lines = text.lines().count() as u64;
    let from_line = from_line.max(1);
    if from_line > total_lines.max(1) {
        return Err(ToolError::validation(format!(
            "`from_line` is {from_line}, but `{note}` has {total_lines} lines"
        )));
    }
    let skipped = usize::try_from(from_line - 1).unwrap_or(usize::MAX);
    let wanted = usize::try_from(lines.clamp(1, MAX_LINES)).unwrap_or(1);
    let (mut shown, mut count) = (String::new(), 0);
    for line in text.split_inclusive('\n').skip(skipped).take(wanted) {
        // One line is always shown, or there would be no way past it.
        if count > 0 && shown.len() + line.len() > MAX_TEXT_BYTES {
            break;
        }
        shown.push_str(line);
        count += 1;
    }
    let next_line = from_line + count;
    let has_more = next_line <= total_lines;
    let mut read = shown.clone();
    if has_more {
        read.push_str(&format!(
            "\n(these are lines {from_line} to {} of {total_lines}; go on with from_line {next_line})",
            next_line - 1
        ));
    }
    let value = NoteText {
        info,
        text: shown,
        from_line,
        total_lines,
        has_more,
        next_line: has_more.then_some(next_line),
    };
    Ok(WithText::new(value, read))
}

pub(crate) fn create(vault: &Vault, note: &str, text: &str) -> Result<Written, ToolError> {
    let text = whole_lines(text);
    let bytes = text.len() as u64;
    if bytes > MAX_NOTE_BYTES {
        return Err(ToolError::limit_exceeded(
            "`text` is larger than 1 MiB; divide it into several notes",
        ));
    }
    vault.create(note, &text)?;
    Ok(Written {
        note: note.to_owned(),
        bytes,
    })
}

pub(crate) fn append(vault: &Vault, note: &str, text: &str) -> Result<Written, ToolError> {
    if text.trim().is_empty() {
        return Err(ToolError::validation(
            "`text` is empty; there is nothing to add",
        ));
    }
    let bytes = vault.append(note, &whole_lines(text))?;
    Ok(Written {
        note: note.to_owned(),
        bytes,
    })
}

fn page_size(limit: usize) -> usize {
    limit.clamp(1, MAX_LIMIT)
}

/// The text with a line end at its end, so that what is appended later begins a line.
fn whole_lines(text: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{text}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Match;
    use crate::testing::{TestVault, said};

    fn search_for(vault: &Vault, query: &str) -> Result<SearchPage, ToolError> {
        search(vault, &Query::new(query, Match::AllWords)?, None, 50, None)
    }

    #[test]
    fn notes_are_listed_with_their_titles_a_page_at_a_time() {
        let vault = TestVault::new();
        vault.write("a.md", "# First\n");
        vault.write("b/c.md", "no title\n");
        vault.write("z.md", "---\ntitle: Last\n---\n");
        let names = |page: &ListPage| -> Vec<String> {
            page.items
                .iter()
                .map(|item| format!("{}: {}, {} bytes", item.note, item.title, item.bytes))
                .collect()
        };
        let page = list(&vault, None, 2, None).unwrap();
        assert_eq!(names(&page), ["a.md: First, 8 bytes", "b/c.md: c, 9 bytes"]);
        assert!(page.has_more && page.items[0].modified.is_some());
        let page = list(&vault, None, 2, page.next_cursor.as_deref()).unwrap();
        assert_eq!(names(&page), ["z.md: Last, 20 bytes"]);
        assert_eq!((page.has_more, page.next_cursor), (false, None));
        assert_eq!(
            names(&list(&vault, Some("b"), 50, None).unwrap()),
            ["b/c.md: c, 9 bytes"]
        );
    }

    #[test]
    fn limits_are_brought_into_their_range() {
        let notes: Vec<String> = (100..250).map(|number| format!("{number}.md")).collect();
        let vault = TestVault::with(&notes);
        let length = |limit| list(&vault, None, limit, None).unwrap().items.len();
        assert_eq!(
            [length(0), length(1), length(100), length(usize::MAX)],
            [1, 1, 100, 100]
        );
    }

    #[test]
    fn the_last_page_is_known_to_be_the_last() {
        let vault = TestVault::with(&["a.md", "b.md", "empty/x.txt"]);
        let page = list(&vault, None, 2, None).unwrap();
        assert_eq!((page.items.len(), page.has_more), (2, false));
    }

    #[test]
    fn a_search_finds_text_and_paths_and_says_what_it_left_out() {
        let vault = TestVault::new();
        vault.write("2026/shopping.md", "# List\n\n- milk\n- honey\n");
        vault.write("milk.md", "about cows\n");
        vault.write("other.md", "nothing\n");
        vault.write("huge.md", &"milk ".repeat(300_000));
        let page = search_for(&vault, "MILK").unwrap();
        let found: Vec<String> = page
            .items
            .iter()
            .map(|found| {
                format!(
                    "{} ({}): {:?}",
                    found.info.note, found.info.title, found.lines
                )
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        2026/shopping.md (List): [Line { line: 3, text: "- milk" }]
        milk.md (milk): []
        "#);
        insta::assert_snapshot!(format!("{:?}", page.skipped), @r#"[Skipped { note: "huge.md", reason: "`huge.md` is larger than 1 MiB, and only smaller notes are read" }]"#);
        assert_eq!((page.searched, page.has_more), (3, false));
    }

    #[test]
    fn a_search_goes_on_where_its_page_ended() {
        let vault = TestVault::with(&["a.md", "b.md", "c.md"]);
        let query = Query::new("note", Match::AllWords).unwrap();
        let mut cursor = None;
        let mut found = Vec::new();
        loop {
            let page = search(&vault, &query, None, 1, cursor.as_deref()).unwrap();
            found.extend(page.items.into_iter().map(|item| item.info.note));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, ["a.md", "b.md", "c.md"]);
    }

    #[test]
    fn a_note_is_read_in_parts() {
        let vault = TestVault::new();
        vault.write("a.md", "one\ntwo\r\nthree");
        let WithText { value, text } = read(&vault, "a.md", 1, 2).unwrap();
        assert_eq!(value.text, "one\ntwo\r\n");
        assert_eq!((value.total_lines, value.next_line), (3, Some(3)));
        assert_eq!(
            text,
            "one\ntwo\r\n\n(these are lines 1 to 2 of 3; go on with from_line 3)"
        );
        let WithText { value, text } = read(&vault, "a.md", 3, 5000).unwrap();
        assert_eq!((value.text.as_str(), value.has_more), ("three", false));
        assert_eq!(text, "three");
        vault.write("empty.md", "");
        assert_eq!(read(&vault, "empty.md", 1, 1).unwrap().value.text, "");
        insta::assert_snapshot!(said(read(&vault, "a.md", 4, 1)), @"validation_error: `from_line` is 4, but `a.md` has 3 lines");
    }

    #[test]
    fn a_long_note_is_read_to_its_end() {
        let vault = TestVault::new();
        let long = format!("{}\n", "x".repeat(MAX_TEXT_BYTES + 1));
        let text = format!("{}{long}{long}end\n", "short\n".repeat(3000));
        vault.write("a.md", &text);
        let (mut from, mut all) = (1, String::new());
        loop {
            let value = read(&vault, "a.md", from, 2000).unwrap().value;
            all.push_str(&value.text);
            match value.next_line {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(all, text);
    }

    #[test]
    fn a_note_is_created_once() {
        let vault = TestVault::new();
        let written = create(&vault, "2026/november/shopping.md", "milk").unwrap();
        assert_eq!(written.bytes, 5);
        assert_eq!(vault.read("2026/november/shopping.md"), "milk\n");
        let errors = [
            said(create(&vault, "2026/november/shopping.md", "honey")),
            said(create(&vault, "2026/november/shopping.md/x.md", "honey")),
            said(create(&vault, "x.md", &"x".repeat(1 << 20))),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r"
        conflict: `2026/november/shopping.md` exists already and is left as it is; add to it with `append`, or choose another path
        conflict: `2026/november/shopping.md/x.md` cannot be created: a part of its path is a file; choose another path
        limit_exceeded: `text` is larger than 1 MiB; divide it into several notes
        ");
        assert_eq!(vault.read("2026/november/shopping.md"), "milk\n");
    }

    #[test]
    fn appended_text_begins_a_line() {
        let vault = TestVault::new();
        for (before, text, after) in [
            ("", "milk", "milk\n"),
            ("bread", "milk", "bread\nmilk\n"),
            ("bread\n", "milk\n", "bread\nmilk\n"),
            ("bread\n\n", "\nmilk", "bread\n\n\nmilk\n"),
        ] {
            vault.write("a.md", before);
            let written = append(&vault, "a.md", text).unwrap();
            assert_eq!(vault.read("a.md"), after);
            assert_eq!(written.bytes, after.len() as u64);
        }
        vault.write("full.md", &"x".repeat(1 << 20));
        let errors = [
            said(append(&vault, "a.md", " \n")),
            said(append(&vault, "gone.md", "milk")),
            said(append(&vault, "full.md", "milk")),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r"
        validation_error: `text` is empty; there is nothing to add
        not_found: there is no note `gone.md`; find it with `search` or `list`
        limit_exceeded: `full.md` would be larger than 1 MiB; go on in a new note with `create`
        ");
        assert_eq!(vault.read("full.md").len(), 1 << 20);
    }

    #[test]
    fn paths_that_lead_out_are_refused_by_every_tool() {
        let vault = TestVault::with(&["inside/a.md"]);
        for path in [
            "../a.md",
            "/etc/a.md",
            "inside/../../a.md",
            "inside\\a.md",
            "a\0.md",
            "inside//a.md",
            "./a.md",
        ] {
            let errors = [
                read(&vault, path, 1, 1).map(drop),
                create(&vault, path, "x").map(drop),
                append(&vault, path, "x").map(drop),
                list(&vault, Some(path), 1, None).map(drop),
            ];
            for error in errors {
                assert_eq!(
                    error.unwrap_err().code(),
                    ErrorCode::ValidationError,
                    "{path}"
                );
            }
        }
        assert!(!vault.path().with_file_name("a.md").exists());
    }

    #[test]
    fn what_is_not_there_or_no_note_is_named() {
        let vault = TestVault::with(&["a.md", "folder.md/b.md"]);
        let errors = [
            said(read(&vault, "b.md", 1, 1)),
            said(read(&vault, "a.md/b.md", 1, 1)),
            said(read(&vault, "folder.md", 1, 1)),
            said(list(&vault, Some("gone"), 1, None)),
            said(list(&vault, Some("a.md"), 1, None)),
            said(create(&vault, "folder.md", "x")),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r"
        not_found: there is no note `b.md`; find it with `search` or `list`
        not_found: there is no note `a.md/b.md`; find it with `search` or `list`
        validation_error: `folder.md` is not a file
        not_found: there is no folder `gone`; `list` without a folder shows where notes are
        validation_error: `a.md` is not a folder; leave it out to take all notes
        conflict: `folder.md` exists already and is left as it is; add to it with `append`, or choose another path
        ");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let outside = TestVault::with(&["secret.md"]);
        let vault = TestVault::with(&["a.md"]);
        let link = |to: &std::path::Path, at: &str| {
            std::os::unix::fs::symlink(to, vault.path().join(at)).unwrap()
        };
        link(&outside.path().join("secret.md"), "out.md");
        link(outside.path(), "out");
        link(&outside.path().join("new.md"), "dangling.md");
        let errors = [
            said(read(&vault, "out.md", 1, 1)),
            said(read(&vault, "out/secret.md", 1, 1)),
            said(append(&vault, "out.md", "x")),
            said(create(&vault, "out/new.md", "x")),
            said(create(&vault, "dangling.md", "x")),
            said(list(&vault, Some("out"), 1, None)),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r"
        permission_denied: `out.md` leads over a link (`out.md`), and links are not followed; name the note where it really is
        permission_denied: `out/secret.md` leads over a link (`out`), and links are not followed; name the note where it really is
        permission_denied: `out.md` leads over a link (`out.md`), and links are not followed; name the note where it really is
        permission_denied: `out/new.md` leads over a link (`out`), and links are not followed; name the note where it really is
        permission_denied: `dangling.md` leads over a link (`dangling.md`), and links are not followed; name the note where it really is
        permission_denied: `out` leads over a link (`out`), and links are not followed; name the note where it really is
        ");
        assert_eq!(outside.read("secret.md"), "note secret.md\n");
        assert!(!outside.path().join("new.md").exists());
        assert_eq!(search_for(&vault, "note").unwrap().items.len(), 1);
    }
}
