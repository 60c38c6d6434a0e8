//! Whether a host still lives: each holds a lock of its own, which the system gives back when it ends, however that happens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::files::create_private_folder;
use crate::lock::Lock;

/// The folder of the locks in the state folder.
const FOLDER: &str = "hosts";

/// This host, for others that find what it has begun.
#[derive(Debug)]
pub(crate) struct Owner {
    folder: PathBuf,
    name: String,
    lock: OnceLock<Option<Lock>>,
}

impl Owner {
    /// One in this state folder. Nothing is made yet.
    pub(crate) fn new(state: &Path) -> Self {
        let mut bytes = [0_u8; 16];
        // Without random numbers a name could be another host's, and guests would not run either.
        let _ = getrandom::fill(&mut bytes);
        Self {
            folder: state.join(FOLDER),
            name: format!("{:032x}", u128::from_be_bytes(bytes)),
            lock: OnceLock::new(),
        }
    }

    /// The name that others know it by, from now until it ends.
    ///
    /// # Errors
    ///
    /// Where its lock cannot be made, so that nobody could know.
    pub(crate) fn name(&self) -> io::Result<&str> {
        let held = self.lock.get_or_init(|| {
            let taken = create_private_folder(&self.folder)
                .and_then(|()| Lock::try_take(&self.path(&self.name)));
            taken
                .inspect_err(|error| tracing::warn!(%error, "the lock of this host cannot be made"))
                .ok()
                .flatten()
        });
        match held {
            Some(_) => Ok(&self.name),
            None => Err(io::Error::other("the lock of this host cannot be made")),
        }
    }

    /// Whether another host has ended.
    pub(crate) fn is_gone(&self, other: &str) -> bool {
        is_gone(&self.folder, other)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(Some(_)) = self.lock.get() {
            let _ = fs::remove_file(self.path(&self.name));
        }
    }
}

/// Whether the host of this name has ended, for whoever is none.
pub(crate) fn has_ended(state: &Path, other: &str) -> bool {
    is_gone(&state.join(FOLDER), other)
}

fn is_gone(folder: &Path, other: &str) -> bool {
    // Names are those of rows in the store, and only ever of this form.
    if other.len() != 32 || !other.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return true;
    }
    let path = folder.join(other);
    if !path.exists() {
        return true;
    }
    match Lock::try_take(&path) {
        Ok(Some(_)) => {
            // It is held here until the file has lost its name, so that nobody takes it for one that lives.
            let _ = fs::remove_file(&path);
            true
        }
        Ok(None) => false,
        // Better to wait than to run twice.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_lives_as_long_as_it_holds_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Owner::new(folder.path()), Owner::new(folder.path()));
        let name = one.name().unwrap().to_owned();
        assert!(!other.is_gone(&name));
        assert!(other.is_gone("0123456789abcdef0123456789abcdef"));
        assert!(other.is_gone("../../etc/passwd"));
        drop(one);
        assert!(other.is_gone(&name));
        // One that was killed leaves its file behind.
        let left = folder.path().join(FOLDER).join(&name);
        fs::write(&left, "").unwrap();
        assert!(has_ended(folder.path(), &name));
        assert!(!left.exists());
    }
}
