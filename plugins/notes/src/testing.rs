//! Folders with notes, for tests.

use std::fs;
use std::ops::Deref;

use tempfile::TempDir;
use toolbay_sdk::ToolError;

use crate::vault::Vault;

/// A vault in a folder that is removed with it. It lies one folder deep, so that a test can see what is written beside it.
pub(crate) struct TestVault {
    _folder: TempDir,
    vault: Vault,
}

impl TestVault {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = folder.path().join("vault");
        fs::create_dir(&vault).unwrap();
        Self {
            vault: Vault::at(&vault),
            _folder: folder,
        }
    }

    /// With files of these names, each with its own name in it.
    pub(crate) fn with(files: &[impl AsRef<str>]) -> Self {
        let vault = Self::new();
        for file in files {
            vault.write(file.as_ref(), &format!("note {}\n", file.as_ref()));
        }
        vault
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap()
    }
}

impl Deref for TestVault {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vault
    }
}

/// An error as a client sees it.
pub(crate) fn said<T>(result: Result<T, ToolError>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}
