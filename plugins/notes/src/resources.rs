//! Notes as resources: read by their URI, listed a page at a time, their paths completed while they are typed.

use toolbay_sdk::prelude::*;

use crate::vault::Vault;
use crate::walk::Walk;

/// How many notes one page of the list has.
const PAGE: usize = 200;

/// How many notes are looked at for one completion.
const MAX_LOOKED_AT: usize = 2000;

/// How many paths are proposed at most.
const MAX_PROPOSED: usize = 100;

/// The note's URI. What has a meaning in a URI, or may not stand there, is encoded; the `/` between folders stays.
pub(crate) fn uri(note: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::from("notes://note/");
    for byte in note.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

pub(crate) fn read(vault: &Vault, note: &str) -> Result<String, ToolError> {
    let (path, _) = vault.note(note)?;
    vault.text(note, &path)
}

/// The page of notes after a cursor, which is the path of the last one before it.
pub(crate) fn list(cursor: Option<&str>) -> Result<ResourcePage, ToolError> {
    list_in(&Vault::open()?, cursor)
}

fn list_in(vault: &Vault, cursor: Option<&str>) -> Result<ResourcePage, ToolError> {
    let mut walk = Walk::new(vault, None, cursor)?;
    let mut entries = Vec::new();
    while entries.len() < PAGE {
        let Some(found) = walk.next()? else { break };
        // A note may go between being listed and being read; it is not listed then.
        let Ok(info) = vault.info(&found.note, &found.path) else {
            continue;
        };
        let mut entry = ResourceEntry::new(uri(&info.note), &info.note)
            .title(&info.title)
            .size(info.bytes);
        if let Some(modified) = &info.modified {
            entry = entry.last_modified(modified);
        }
        entries.push(entry);
    }
    let page = ResourcePage::new(entries);
    Ok(match walk.rest()? {
        Some(next) => page.next(next),
        None => page,
    })
}

/// Paths that hold what was typed, those that begin with it first.
pub(crate) fn paths(typed: &str, _settled: &Settled) -> Result<Completion, ToolError> {
    paths_in(&Vault::open()?, typed)
}

fn paths_in(vault: &Vault, typed: &str) -> Result<Completion, ToolError> {
    let wanted = typed.to_lowercase();
    let mut walk = Walk::new(vault, None, None)?;
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for _ in 0..MAX_LOOKED_AT {
        let Some(found) = walk.next()? else { break };
        let path = found.note.to_lowercase();
        if path.starts_with(&wanted) {
            first.push(found.note);
        } else if path.contains(&wanted) {
            others.push(found.note);
        }
    }
    first.extend(others);
    let all = first.len();
    first.truncate(MAX_PROPOSED);
    let completion = Completion::new(first);
    Ok(if all > MAX_PROPOSED {
        completion.more()
    } else {
        completion
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestVault;

    #[test]
    fn a_uri_keeps_folders_and_encodes_everything_else() {
        assert_eq!(uri("2026/a b.md"), "notes://note/2026/a%20b.md");
        assert_eq!(uri("ü#?%.md"), "notes://note/%C3%BC%23%3F%25.md");
    }

    #[test]
    fn every_note_is_listed_once_over_the_pages() {
        let names: Vec<String> = (0..PAGE + 30)
            .map(|number| format!("{number:04}.md"))
            .collect();
        let vault = TestVault::with(&names);
        let first = list_in(&vault, None).unwrap();
        assert_eq!(first.entries().len(), PAGE);
        let next = first.next_cursor().unwrap().to_owned();
        let second = list_in(&vault, Some(&next)).unwrap();
        assert_eq!(second.next_cursor(), None);
        let listed = first.entries().iter().chain(second.entries());
        let listed: Vec<&str> = listed.map(ResourceEntry::as_uri).collect();
        let expected: Vec<String> = names.iter().map(|name| uri(name)).collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn paths_that_begin_with_what_was_typed_come_first() {
        let vault = TestVault::with(&["a/shop.md", "shopping.md", "other.md"]);
        let completion = paths_in(&vault, "SHOP").unwrap();
        assert_eq!(completion.values(), ["shopping.md", "a/shop.md"]);
    }
}
