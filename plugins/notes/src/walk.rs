//! Notes in the order of their paths, from any place on, with bounded work. Owns the order, and what a cursor means.

use std::fs;
use std::path::{Path, PathBuf};
use std::vec;

use toolbay_sdk::ToolError;

use crate::note::{MAX_DEPTH, is_hidden, is_note_name};
use crate::search::Skipped;
use crate::vault::Vault;

/// How many files and folders are looked at in one call.
const MAX_ENTRIES: usize = 50_000;

/// A walk through the notes of a folder. Paths are compared part by part, so a folder's notes are together.
pub(crate) struct Walk {
    /// The folders that the walk is in, each with what is still to come in it.
    folders: Vec<Folder>,
    /// Where the walk has come to: the path of the last file or folder that it took, as a walk that goes on from there gets it.
    position: Option<String>,
    /// Folders that could not be listed.
    unlisted: Vec<Skipped>,
    looked_at: usize,
    max_entries: usize,
}

struct Folder {
    /// Its path from the vault on, with a `/` at its end; empty for the vault itself.
    relative: String,
    path: PathBuf,
    entries: vec::IntoIter<Entry>,
}

struct Entry {
    name: String,
    is_folder: bool,
}

/// A note that a walk came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FoundNote {
    pub(crate) note: String,
    pub(crate) path: PathBuf,
}

impl Walk {
    /// A walk through the vault or one of its folders that begins after `cursor`, the [`position`](Self::position) of an earlier one.
    pub(crate) fn new(
        vault: &Vault,
        folder: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Self, ToolError> {
        Self::bounded(vault, folder, cursor, MAX_ENTRIES)
    }

    fn bounded(
        vault: &Vault,
        folder: Option<&str>,
        cursor: Option<&str>,
        max_entries: usize,
    ) -> Result<Self, ToolError> {
        let path = match folder {
            Some(folder) => vault.folder(folder)?,
            None => vault.path().to_path_buf(),
        };
        let relative = folder
            .map(|folder| format!("{folder}/"))
            .unwrap_or_default();
        let after = match cursor {
            None => None,
            Some(cursor) => Some(cursor.strip_prefix(&relative).ok_or_else(|| {
                ToolError::validation(
                    "`cursor` does not belong to this folder; give the `next_cursor` of the page before with the same arguments",
                )
            })?),
        };
        let mut walk = Self {
            folders: Vec::new(),
            position: None,
            unlisted: Vec::new(),
            looked_at: 0,
            max_entries,
        };
        walk.enter(relative, path, after)?;
        Ok(walk)
    }

    /// The next note, or nothing where there is none or enough was looked at.
    pub(crate) fn next(&mut self) -> Result<Option<FoundNote>, ToolError> {
        loop {
            let enough = self.looked_at >= self.max_entries && self.position.is_some();
            let Some(folder) = self.folders.last_mut() else {
                return Ok(None);
            };
            if enough
                && folder
                    .entries
                    .as_slice()
                    .first()
                    .is_some_and(|next| next.is_folder)
            {
                return Ok(None);
            }
            let Some(entry) = folder.entries.next() else {
                self.folders.pop();
                continue;
            };
            let note = format!("{}{}", folder.relative, entry.name);
            let path = folder.path.join(&entry.name);
            self.position = Some(note.clone());
            if !entry.is_folder {
                return Ok(Some(FoundNote { note, path }));
            }
            if self.folders.len() <= MAX_DEPTH {
                self.enter(format!("{note}/"), path, None)?;
            }
        }
    }

    /// The cursor of the next page, if there is one: a walk may end with folders that have no note in them.
    pub(crate) fn rest(&mut self) -> Result<Option<String>, ToolError> {
        let cursor = self.position().map(str::to_owned);
        let more = cursor.is_some() && (self.next()?.is_some() || self.position().is_some());
        Ok(cursor.filter(|_| more))
    }

    /// Where a further walk has to begin to find what this one has not, or nothing if it has found everything.
    pub(crate) fn position(&self) -> Option<&str> {
        let more = self
            .folders
            .iter()
            .any(|folder| !folder.entries.as_slice().is_empty());
        self.position.as_deref().filter(|_| more)
    }

    /// The folders that the walk could not list.
    pub(crate) fn unlisted(&mut self) -> Vec<Skipped> {
        std::mem::take(&mut self.unlisted)
    }

    /// Lists a folder, and those on the way to the place after which the walk begins.
    fn enter(
        &mut self,
        relative: String,
        path: PathBuf,
        after: Option<&str>,
    ) -> Result<(), ToolError> {
        let mut entries = match list(&path) {
            Ok(entries) => entries,
            // One folder that cannot be listed hides no other; the one that was asked for is another matter.
            Err(error) if !self.folders.is_empty() => {
                self.unlisted.push(Skipped {
                    note: relative,
                    reason: format!("the folder cannot be listed: {error}"),
                });
                return Ok(());
            }
            Err(error) => {
                let code = ToolError::from(std::io::Error::from(error.kind())).code();
                return Err(ToolError::new(
                    code,
                    format!("the folder cannot be listed: {error}"),
                ));
            }
        };
        self.looked_at += entries.len();
        let mut inner = None;
        if let Some(after) = after {
            let (first, rest) = after
                .split_once('/')
                .map_or((after, None), |(first, rest)| (first, Some(rest)));
            entries.retain(|entry| entry.name.as_str() >= first);
            if entries.first().is_some_and(|entry| entry.name == first) {
                let entry = entries.remove(0);
                // What is in a folder comes after the folder itself.
                inner = entry.is_folder.then_some((entry.name, rest));
            }
        }
        let inner = inner.map(|(name, rest)| (format!("{relative}{name}/"), path.join(name), rest));
        self.folders.push(Folder {
            relative,
            path,
            entries: entries.into_iter(),
        });
        match inner {
            Some((relative, path, rest)) if self.folders.len() <= MAX_DEPTH => {
                self.enter(relative, path, rest)
            }
            _ => Ok(()),
        }
    }
}

/// The notes and folders in a folder, in the order of their names. Hidden ones, links and names that are not Unicode are left out.
fn list(path: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let kind = entry.file_type()?;
        let is_note = kind.is_file() && is_note_name(&name);
        if !is_hidden(&name) && (is_note || kind.is_dir()) {
            entries.push(Entry {
                name,
                is_folder: kind.is_dir(),
            });
        }
    }
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestVault;

    /// All notes, found by walks that each take at most so many notes and look at so many entries.
    fn pages(
        vault: &TestVault,
        folder: Option<&str>,
        notes: usize,
        entries: usize,
    ) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut walk = Walk::bounded(vault, folder, cursor.as_deref(), entries).unwrap();
            let mut page = Vec::new();
            while page.len() < notes {
                let Some(found) = walk.next().unwrap() else {
                    break;
                };
                page.push(found.note);
            }
            pages.push(page);
            match walk.position() {
                Some(position) => {
                    assert_ne!(
                        Some(position),
                        cursor.as_deref(),
                        "a walk must come further"
                    );
                    cursor = Some(position.to_owned());
                }
                None => return pages,
            }
        }
    }

    const NOTES: [&str; 7] = [
        "B.md",
        "a/b/c.md",
        "a/b.md",
        "a/z.md",
        "a.md",
        "c/d/e/f.md",
        "ä.md",
    ];

    #[test]
    fn each_note_is_found_once_whatever_the_size_of_pages() {
        let vault = TestVault::with(&NOTES);
        for notes in 1..9 {
            for entries in [1, 2, 3, 1000] {
                let pages = pages(&vault, None, notes, entries);
                assert_eq!(pages.concat(), NOTES, "{notes} notes, {entries} entries");
            }
        }
        assert_eq!(
            pages(&vault, Some("a"), 2, 1000),
            [vec!["a/b/c.md", "a/b.md"], vec!["a/z.md"]]
        );
    }

    #[test]
    fn what_is_not_a_note_is_left_out() {
        let vault = TestVault::with(&[
            "a.md",
            ".hidden.md",
            ".git/x.md",
            "b.txt",
            "c.md.bak",
            "d.md/e.md",
            "f/.md",
        ]);
        assert_eq!(
            pages(&vault, None, 10, 1000).concat(),
            ["a.md", "d.md/e.md"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_left_out() {
        let outside = TestVault::with(&["secret.md", "folder/secret.md"]);
        let vault = TestVault::with(&["a.md", "real/b.md"]);
        let link =
            |to: &str, at: &str| std::os::unix::fs::symlink(to, vault.path().join(at)).unwrap();
        link(
            &outside.path().join("secret.md").display().to_string(),
            "out.md",
        );
        link(&outside.path().join("folder").display().to_string(), "out");
        link("real", "inside");
        link(".", "real/loop");
        assert_eq!(
            pages(&vault, None, 10, 1000).concat(),
            ["a.md", "real/b.md"]
        );
    }

    #[test]
    fn a_folder_that_cannot_be_listed_is_named_and_hides_no_other() {
        let vault = TestVault::with(&["a.md", "b/c.md", "d.md"]);
        let mut walk = Walk::new(&vault, None, None).unwrap();
        fs::remove_dir_all(vault.path().join("b")).unwrap();
        let mut found = Vec::new();
        while let Some(note) = walk.next().unwrap() {
            found.push(note.note);
        }
        assert_eq!(found, ["a.md", "d.md"]);
        let unlisted: Vec<String> = walk
            .unlisted()
            .into_iter()
            .map(|folder| folder.note)
            .collect();
        assert_eq!(unlisted, ["b/"]);
    }

    #[test]
    fn a_cursor_whose_note_is_gone_still_leads_on() {
        let vault = TestVault::with(&NOTES);
        for (cursor, expected) in [
            ("a/b", "a/b/c.md"),
            ("a/b/c.md", "a/b.md"),
            ("a/b/gone.md", "a/b.md"),
            ("a/gone/x.md", "a/z.md"),
            ("a.md/was-a-folder.md", "c/d/e/f.md"),
            ("../../etc", "B.md"),
            ("", "B.md"),
        ] {
            let mut walk = Walk::new(&vault, None, Some(cursor)).unwrap();
            assert_eq!(walk.next().unwrap().unwrap().note, expected, "{cursor}");
        }
        let wrong = Walk::new(&vault, Some("a"), Some("b/c.md")).err().unwrap();
        assert_eq!(wrong.code().as_str(), "validation_error");
    }
}
