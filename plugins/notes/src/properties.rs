//! Whatever is asked, nothing outside the vault is touched; and what was written can be read and found.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::search::{Match, Query};
use crate::testing::TestVault;
use crate::tools::{append, create, list, read, search};

/// Pieces that make up paths: put together at random they get further than random characters do.
const PIECES: &[&str] = &[
    "a", "b.md", ".md", "..", ".", "/", "/", "//", "\\", "\0", "~", "C:", "%2e", "%2f", " ", "ä",
    "\n", ".git", "…", "\u{202e}",
];

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..8)
        .prop_map(|pieces| pieces.concat())
}

/// Everything in the folder around the vault but the vault itself.
fn beside(vault: &TestVault) -> usize {
    fs::read_dir(vault.path().parent().unwrap())
        .unwrap()
        .count()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| {
            if entry.path().is_dir() {
                files(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_was_created_is_read_listed_and_found(path in path(), text in "[a-z\u{e4} \n#`-]{0,40}") {
        let vault = TestVault::new();
        let created = create(&vault, &path, &text).is_ok();
        prop_assert_eq!(beside(&vault), 1);
        prop_assert_eq!(files(vault.path()), usize::from(created));
        let listed: Vec<String> = list(&vault, None, 50, None).unwrap().items.into_iter().map(|item| item.note).collect();
        if created {
            let is_whole = text.is_empty() || text.ends_with('\n');
            let whole = format!("{text}{}", if is_whole { "" } else { "\n" });
            prop_assert_eq!(read(&vault, &path, 1, 100).unwrap().value.text, whole.clone());
            prop_assert_eq!(&listed, std::slice::from_ref(&path));
            append(&vault, &path, "needle").unwrap();
            prop_assert_eq!(vault.read(&path), format!("{whole}needle\n"));
            let query = Query::new("Needle", Match::Phrase).unwrap();
            prop_assert_eq!(search(&vault, &query, None, 1, None).unwrap().items.len(), 1);
            prop_assert!(create(&vault, &path, "again").is_err());
        } else {
            prop_assert!(listed.is_empty());
            prop_assert!(read(&vault, &path, 1, 1).is_err());
            prop_assert!(append(&vault, &path, "x").is_err());
        }
    }

    #[test]
    fn any_cursor_gives_a_page_or_an_error_that_says_something(cursor in path(), folder in proptest::option::of(path())) {
        let vault = TestVault::with(&["a/b.md", "a/a/b.md", "b.md"]);
        match list(&vault, folder.as_deref(), 2, Some(&cursor)) {
            Ok(page) => prop_assert!(page.items.len() <= 2),
            Err(error) => prop_assert!(!error.message().is_empty()),
        }
    }

    #[test]
    fn any_query_is_answered(query in "\\PC{0,12}", text in "(\\PC|\n){0,60}", phrase in any::<bool>()) {
        let mode = if phrase { Match::Phrase } else { Match::AllWords };
        if let Ok(query) = Query::new(&query, mode)
            && let Some(hits) = query.hits("a/b.md", &text)
        {
            let count = text.lines().count();
            prop_assert!(hits.lines.len() <= 3 && hits.lines.len() <= hits.matching_lines);
            prop_assert!(hits.lines.iter().all(|line| (1..=count).contains(&line.line)));
        }
    }
}
