//! What the package has to carry and to keep small: the copy of the interface, and the smallest plugin.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its own data has to fail"
)]

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn digests(folder: &Path) -> Vec<(String, String)> {
    let mut digests: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let digest = Sha256::digest(fs::read(&path).unwrap());
            (name, format!("{digest:x}"))
        })
        .collect();
    digests.sort();
    digests
}

#[test]
fn the_interface_is_a_true_copy() {
    let original = folder("../../wit");
    if !original.exists() {
        // A package from a registry has only the copy.
        return;
    }
    assert_eq!(
        digests(&original),
        digests(&folder("wit")),
        "copy it again: cp wit/*.wit sdk/toolbay-sdk/wit/"
    );
}

#[test]
fn a_plugin_that_adds_two_numbers_takes_ten_lines_of_rust_and_four_of_toml() {
    let lines = |path| fs::read_to_string(folder(path)).unwrap().lines().count();
    assert!(lines("examples/adder.rs") <= 10);
    assert!(lines("examples/adder.toml") <= 4);
}
