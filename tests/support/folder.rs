//! A folder of plugins that a test fills and changes, as a user or a build would.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{assembled, paths};

/// A folder of plugins, removed at the end of the test.
pub(crate) struct Folder {
    plugins: PathBuf,
    /// On the same file system, so that a rename out of it is atomic.
    staging: PathBuf,
    _root: TempDir,
}

impl Folder {
    pub(crate) fn empty() -> Self {
        let root = TempDir::new().expect("a temporary folder can be made");
        let (plugins, staging) = (root.path().join("plugins"), root.path().join("staging"));
        fs::create_dir(&plugins).expect("a folder can be made");
        fs::create_dir(&staging).expect("a folder can be made");
        Self {
            plugins,
            staging,
            _root: root,
        }
    }

    /// With the components of these packages of `tests/guests/`, under their own names.
    pub(crate) fn with(guests: &[&str]) -> Self {
        let folder = Self::empty();
        for guest in guests {
            folder.add(guest);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.plugins
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.plugins.join(name)
    }

    pub(crate) fn add(&self, guest: &str) {
        self.add_as(guest, &format!("{guest}.wasm"));
    }

    /// Puts a guest there under another file name, replacing what had it.
    pub(crate) fn add_as(&self, guest: &str, name: &str) {
        self.replace(
            name,
            &fs::read(paths::guest(guest)).expect("a guest can be read"),
        );
    }

    /// Puts one of the plugins that are assembled by hand there.
    pub(crate) fn add_assembled(&self, name: &str) {
        self.replace(&format!("{name}.wasm"), &assembled::guest(name));
    }

    /// Writes a file elsewhere and renames it into place, as a careful build does.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) {
        let staged = self.staging.join(name);
        fs::write(&staged, bytes).expect("a file can be written");
        fs::rename(staged, self.file(name)).expect("a file can be renamed");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).expect("a file can be removed");
    }
}
