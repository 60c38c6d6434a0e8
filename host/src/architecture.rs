//! Tests of the invariants that can be read off the source: see `ARCHITECTURE.md`.

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The files outside `home` that name the crate in code, comments left out.
fn named_outside(word: &str, home: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_home = |path: &Path| {
        let relative = path.strip_prefix(&root).unwrap();
        relative.starts_with(home)
            || relative == Path::new(&format!("{home}.rs"))
            || relative == Path::new("architecture.rs")
    };
    let names = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .any(|code| code.contains(&format!("{word}::")))
    };
    sources(&root)
        .into_iter()
        .filter(|path| !is_home(path) && names(path))
        .map(|path| path.display().to_string())
        .collect()
}

#[test]
fn only_mcp_names_rmcp() {
    assert_eq!(named_outside("rmcp", "mcp"), Vec::<String>::new());
}

#[test]
fn only_the_sandbox_names_wasmtime() {
    assert_eq!(named_outside("wasmtime", "sandbox"), Vec::<String>::new());
    assert_eq!(
        named_outside("wasmtime_wasi", "sandbox"),
        Vec::<String>::new()
    );
}

#[test]
fn every_module_says_what_it_owns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let silent: Vec<_> = sources(&root)
        .into_iter()
        .filter(|path| {
            !path
                .components()
                .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
        })
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}
