//! What a note is: which names it may have, and where its title stands. Knows nothing of files.

use toolbay_sdk::prelude::*;

/// The deepest subfolder that notes are looked for in and created in.
pub(crate) const MAX_DEPTH: usize = 32;

/// A note without its text.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteInfo {
    /// The path in the folder: 2026/shopping.md
    pub note: String,
    /// The title: the one in the front matter, else the first heading of level 1, else the file's name
    pub title: String,
    /// The size in bytes
    pub bytes: u64,
    /// When it was last changed: 2026-11-22T09:30:00Z
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

/// Whether a file's name is a note's.
pub(crate) fn is_note_name(name: &str) -> bool {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    !stem.is_empty() && extension.eq_ignore_ascii_case("md")
}

/// Whether a file or folder is hidden: tools of other programs keep their own things there.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// # Errors
/// `validation_error` if no note can have this path. Whether it leads out of the folder is checked elsewhere.
pub(crate) fn check_path(path: &str) -> Result<(), ToolError> {
    check_folder(path)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    if is_note_name(name) {
        return Ok(());
    }
    let said = path.escape_debug();
    Err(ToolError::validation(format!(
        "`{said}` is not the path of a note: notes end in .md, such as `{}.md`",
        said.to_string().trim_end_matches('/')
    )))
}

/// # Errors
/// `validation_error` if no notes are in a folder of this path.
pub(crate) fn check_folder(path: &str) -> Result<(), ToolError> {
    let said = path.escape_debug();
    if path.split('/').any(is_hidden) {
        return Err(ToolError::validation(format!(
            "`{said}` is hidden, since a part of it begins with `.`; choose another path"
        )));
    }
    if path.chars().any(char::is_control) {
        return Err(ToolError::validation(format!(
            "`{said}` has a control character in it; leave it out"
        )));
    }
    if path.split('/').count() > MAX_DEPTH {
        return Err(ToolError::validation(format!(
            "`{said}` is more than {MAX_DEPTH} folders deep; choose a shorter path"
        )));
    }
    Ok(())
}

/// The title of a note: the one in its front matter, else its first heading of level 1, else its file's name without .md.
pub(crate) fn title(path: &str, text: &str) -> String {
    let (front_matter, body) = split_front_matter(text);
    let title = front_matter
        .and_then(title_in_front_matter)
        .or_else(|| first_heading(body));
    let name = || path.rsplit('/').next().unwrap_or(path);
    let stem = || name().rsplit_once('.').map_or(name(), |(stem, _)| stem);
    title.unwrap_or_else(stem).to_owned()
}

/// Front matter is what stands between a first line `---` and the next line `---` or `...`.
fn split_front_matter(text: &str) -> (Option<&str>, &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(rest) = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))
    else {
        return (None, text);
    };
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        let start = end;
        end += line.len();
        if matches!(line.trim_end(), "---" | "...") {
            return (rest.get(..start), rest.get(end..).unwrap_or_default());
        }
    }
    (None, text)
}

fn title_in_front_matter(front_matter: &str) -> Option<&str> {
    let value = front_matter
        .lines()
        .find_map(|line| line.strip_prefix("title:"))?
        .trim();
    let unquoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Some(unquoted.unwrap_or(value).trim()).filter(|title| !title.is_empty())
}

/// The first `# Heading` that is not in a block of code.
fn first_heading(body: &str) -> Option<&str> {
    let mut fence: Option<&str> = None;
    for line in body.lines() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
            (None, None) => {
                if let Some(title) = line.strip_prefix("# ") {
                    let title = title.trim().trim_end_matches('#').trim_end();
                    if !title.is_empty() {
                        return Some(title);
                    }
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_is_in_the_front_matter_or_the_first_heading_or_the_name() {
        for (text, expected) in [
            ("", "shopping.list"),
            ("milk\n", "shopping.list"),
            ("# Things to buy #\n# Other\n", "Things to buy"),
            ("intro\n\n# Later\n", "Later"),
            ("## Second level\n#Tag\n# \n", "shopping.list"),
            ("```sh\n# a comment\n```\n# Real\n", "Real"),
            ("~~~\n```\n# no\n~~~\n# Yes", "Yes"),
            (
                "---\ntitle: From above\ntags: [a]\n---\n# Heading\n",
                "From above",
            ),
            ("---\r\ntitle: \"Quoted: yes\"\r\n---\r\n", "Quoted: yes"),
            ("---\ntags: [a]\n...\n# Heading\n", "Heading"),
            ("---\ntitle:\n---\n# Heading\n", "Heading"),
            ("---\ntitle: never closed\n", "shopping.list"),
            (
                "\u{feff}# With a byte order mark\n",
                "With a byte order mark",
            ),
        ] {
            assert_eq!(title("2026/shopping.list.md", text), expected, "{text:?}");
        }
    }

    #[test]
    fn names_of_notes() {
        for (name, expected) in [
            ("a.md", true),
            ("A.MD", true),
            ("a b.c.md", true),
            (".md", false),
            ("a.txt", false),
            ("md", false),
            ("a.md.bak", false),
        ] {
            assert_eq!(is_note_name(name), expected, "{name}");
        }
    }

    #[test]
    fn paths_that_no_note_has_are_refused() {
        let deep = format!("{}x.md", "a/".repeat(MAX_DEPTH));
        let said = [
            "shopping",
            "a/b.txt",
            "a/",
            ".obsidian/x.md",
            "a/.x.md",
            "a\nb.md",
            &deep,
        ]
        .map(|path| check_path(path).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @r"
        `shopping` is not the path of a note: notes end in .md, such as `shopping.md`
        `a/b.txt` is not the path of a note: notes end in .md, such as `a/b.txt.md`
        `a/` is not the path of a note: notes end in .md, such as `a.md`
        `.obsidian/x.md` is hidden, since a part of it begins with `.`; choose another path
        `a/.x.md` is hidden, since a part of it begins with `.`; choose another path
        `a\nb.md` has a control character in it; leave it out
        `a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/x.md` is more than 32 folders deep; choose a shorter path
        ");
    }
}
