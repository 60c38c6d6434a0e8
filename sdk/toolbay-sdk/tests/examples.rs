//! Every public item has an example, which rustdoc compiles: one in its own documentation, or one in the same file that uses it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its own data has to fail"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What is public for the macros alone.
const HIDDEN: &str = "__private";

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(HIDDEN) {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|char: char| !char.is_alphanumeric() && char != '_')
        .filter(|word| !word.is_empty())
}

/// The words of a file's examples.
fn words_of_examples(text: &str) -> BTreeSet<&str> {
    let mut is_example = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim_start();
        let Some(doc) = line.strip_prefix("//!").or(line.strip_prefix("///")) else {
            is_example = false;
            continue;
        };
        let doc = doc.trim_start();
        if let Some(fence) = doc.strip_prefix("```") {
            let is_rust = matches!(fence, "" | "no_run" | "should_panic");
            is_example = is_rust && !is_example;
        } else if is_example {
            found.extend(words(doc));
        }
    }
    found
}

/// The names of a file's public items that have no example of their own, and how many there are in all, up to its tests.
fn without_own_example(text: &str) -> (Vec<&str>, usize) {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let item = |line: &'_ str| -> Option<usize> {
        let kinds = [
            "fn ",
            "const fn ",
            "struct ",
            "enum ",
            "trait ",
            "type ",
            "const ",
        ];
        let kind = kinds.iter().find(|kind| line.starts_with(**kind))?;
        Some(kind.len())
    };
    let (mut found, mut count, mut has_example) = (Vec::new(), 0, false);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("///") {
            has_example |= line.starts_with("/// ```");
        } else if let Some(line) = line.strip_prefix("pub ")
            && let Some(start) = item(line)
        {
            count += 1;
            found.extend(words(&line[start..]).next().filter(|_| !has_example));
            has_example = false;
        } else if !line.starts_with("#[") {
            has_example = false;
        }
    }
    (found, count)
}

#[test]
fn every_public_item_is_in_an_example() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    files.sort();
    let mut missing = Vec::new();
    let mut count = 0;
    for file in files.iter().filter(|file| !file.ends_with("__private.rs")) {
        let text = fs::read_to_string(file).unwrap();
        let examples = words_of_examples(&text);
        let (names, of_file) = without_own_example(&text);
        count += of_file;
        for name in names {
            if !examples.contains(name) {
                missing.push(format!(
                    "{}: {name}",
                    file.strip_prefix(&source).unwrap().display()
                ));
            }
        }
    }
    assert!(count > 100, "only {count} public items were found");
    assert_eq!(missing, Vec::<String>::new());
}
