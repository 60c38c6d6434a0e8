//! Where things are: the workspace, its build folders, and what comes out of them.
//!
//! Everything that xtask writes or removes lies under `target/`; nothing here knows how any of it is made.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub(crate) struct Places {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// Where cargo puts the host; `CARGO_TARGET_DIR` may move it.
    pub(crate) host_target: PathBuf,
    /// Where everything else goes, always inside the workspace.
    pub(crate) target: PathBuf,
}

impl Places {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask does not lie inside a workspace")?
            .to_path_buf();
        let target = root.join("target");
        let host_target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => env::current_dir()?.join(folder),
            None => target.clone(),
        };
        Ok(Self {
            root,
            host_target,
            target,
        })
    }

    /// The release host.
    pub(crate) fn host(&self) -> PathBuf {
        self.host_target
            .join("release")
            .join(format!("toolbay{}", env::consts::EXE_SUFFIX))
    }

    /// One build folder for all guests: the standard library is built once in it.
    pub(crate) fn guest_target(&self) -> PathBuf {
        self.target.join("guests")
    }

    /// The guests' build folder for lints and tests that run outside a sandbox.
    pub(crate) fn native_guest_target(&self) -> PathBuf {
        self.target.join("guests-native")
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }

    pub(crate) fn test_guests(&self) -> PathBuf {
        self.target.join("test-guests")
    }

    /// What a run of the conformance suite needs and leaves behind.
    pub(crate) fn conformance(&self) -> PathBuf {
        self.target.join("conformance")
    }

    /// The finished plugins that the conformance suite asks for.
    pub(crate) fn fixture(&self) -> PathBuf {
        self.conformance().join("plugins")
    }

    /// The path as a person at the workspace's root would write it.
    pub(crate) fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}
