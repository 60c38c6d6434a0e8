//! A temporary folder, gone with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    #[track_caller]
    pub(super) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = time.map(|time| time.as_nanos()).unwrap_or_default();
        let name = format!("toolbay-test-{}-{count}-{time:x}", process::id());
        let path = std::env::temp_dir().join(name);
        // It fails where there is one already, so nobody can have prepared it.
        let made = create_private(&path).and_then(|()| path.canonicalize());
        match made {
            Ok(path) => Self(path),
            Err(error) => panic!("cannot make the folder {}: {error}", path.display()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A folder in it.
    #[track_caller]
    pub(super) fn make(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        match fs::create_dir_all(&path) {
            Ok(()) => path,
            Err(error) => panic!("cannot make the folder {}: {error}", path.display()),
        }
    }

    /// A file in it.
    #[track_caller]
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        match fs::write(&path, text) {
            Ok(()) => path,
            Err(error) => panic!("cannot write {}: {error}", path.display()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files, and goes with it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn create_private(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
