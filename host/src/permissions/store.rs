//! Where the grants are kept and how several hosts and `toolbay grant` change them at once: `grants.toml` in the user's own configuration
//! folder, or the policy file that whoever starts the host passes, which nothing here ever writes.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;

use serde_json::Value;

use super::grants::{Grants, GrantsError};
use crate::digest::Digest;
use crate::files::{create_private_folder, read_up_to, write_atomically};
use crate::lock::Lock;

/// How long others may take to change the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// A larger file is refused.
const MAX_GRANTS: u64 = 4 << 20;

/// The grants of this moment and the file that they come from.
pub(crate) struct GrantStore {
    file: PathBuf,
    /// Whether the file is a policy, which is only read and must be there.
    is_policy: bool,
    /// Where definitions are kept by their digest, so that a later difference can be shown.
    definitions: PathBuf,
    /// Read when it is first asked for: a client's first request needs no grants.
    current: OnceLock<ArcSwap<Current>>,
}

/// The grants as they were last read.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    /// Or why there are none.
    pub(crate) grants: Result<Grants, GrantsError>,
    stamp: Option<Stamp>,
    /// Counts the times that the file was read anew.
    pub(crate) revision: u64,
}

/// What tells a file's state from its next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl GrantStore {
    /// The grants in a settings folder.
    pub(crate) fn in_folder(settings: &Path, state: &Path) -> Self {
        Self::open(settings.join("grants.toml"), state, false)
    }

    /// The grants of a policy file.
    pub(crate) fn policy(file: &Path, state: &Path) -> Self {
        Self::open(file.to_owned(), state, true)
    }

    fn open(file: PathBuf, state: &Path, is_policy: bool) -> Self {
        Self {
            file,
            is_policy,
            definitions: state.join("definitions"),
            current: OnceLock::new(),
        }
    }

    fn cell(&self) -> &ArcSwap<Current> {
        self.current.get_or_init(|| {
            // In this order: a change in between is then read again.
            let stamp = Stamp::of(&self.file);
            ArcSwap::from_pointee(Current {
                grants: read(&self.file, self.is_policy),
                stamp,
                revision: 0,
            })
        })
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(crate) fn is_policy(&self) -> bool {
        self.is_policy
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        self.cell().load_full()
    }

    /// Reads the file again if it is another than before; says whether it was.
    pub(crate) fn refresh(&self) -> bool {
        let before = self.current();
        let stamp = Stamp::of(&self.file);
        if stamp == before.stamp {
            return false;
        }
        let grants = read(&self.file, self.is_policy);
        if let Err(error) = &grants {
            tracing::warn!(path = %self.file.display(), hint = %error.hint, "nothing is granted: {error}");
        }
        self.cell().store(Arc::new(Current {
            grants,
            stamp,
            revision: before.revision + 1,
        }));
        true
    }

    /// Changes the file, one process at a time. The change sees what is in the file now.
    ///
    /// # Errors
    ///
    /// What is wrong with the file as it is, which is then left alone, or what the file system says.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Grants)) -> Result<(), ChangeError> {
        if self.is_policy {
            return Err(ChangeError::Policy(self.file.clone()));
        }
        let failed = |error| ChangeError::File {
            file: self.file.clone(),
            error,
        };
        let _lock = self.lock().map_err(failed)?;
        let mut grants = read(&self.file, false).map_err(|error| ChangeError::Wrong {
            file: self.file.clone(),
            error,
        })?;
        let before = grants.clone();
        change(&mut grants);
        if grants != before {
            write_atomically(&self.file, grants.to_toml().as_bytes()).map_err(failed)?;
        }
        Ok(())
    }
}

impl GrantStore {
    fn lock(&self) -> io::Result<Lock> {
        if let Some(folder) = self.file.parent() {
            create_private_folder(folder)?;
        }
        Lock::take(&self.file.with_extension("lock"), PATIENCE)
    }

    /// Keeps what a tool says of itself, by its digest.
    pub(crate) fn keep_definition(&self, definition: &Value) {
        let text = definition.to_string();
        let file = self.definition_file(Digest::of(text.as_bytes()).as_str());
        if file.exists() {
            return;
        }
        if let Err(error) = write_atomically(&file, text.as_bytes()) {
            tracing::warn!(path = %file.display(), %error, "a later change of this tool cannot be shown");
        }
    }

    /// What a tool said of itself when it was pinned or granted.
    pub(crate) fn kept_definition(&self, digest: &str) -> Option<Value> {
        let bytes = read_up_to(&self.definition_file(digest), MAX_GRANTS).ok()?;
        let is_it = Digest::of(&bytes).as_str() == digest;
        is_it.then(|| serde_json::from_slice(&bytes).ok())?
    }

    fn definition_file(&self, digest: &str) -> PathBuf {
        // A digest from a file may be anything; only its letters and digits become a name.
        let name: String = digest
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(64)
            .collect();
        self.definitions.join(format!("{name}.json"))
    }
}

/// Why grants were not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("{} is a policy file, which is only read", .0.display())]
    Policy(PathBuf),
    #[error("{} cannot be used as it is: {error}", .file.display())]
    Wrong { file: PathBuf, error: GrantsError },
    #[error("{} cannot be written: {error}", .file.display())]
    File { file: PathBuf, error: io::Error },
}

impl Stamp {
    pub(crate) fn of(file: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(file).ok()?;
        Some(Self {
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

fn read(file: &Path, is_policy: bool) -> Result<Grants, GrantsError> {
    check_owner(file)?;
    match read_up_to(file, MAX_GRANTS) {
        Ok(bytes) => Grants::parse(&String::from_utf8_lossy(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_policy => {
            Ok(Grants::default())
        }
        Err(error) => Err(GrantsError {
            problem: format!("the file cannot be read: {error}"),
            hint: "check the path and the permissions of the file".into(),
        }),
    }
}

/// A file that others can write to is nobody's decision.
pub(crate) fn check_owner(file: &Path) -> Result<(), GrantsError> {
    let Ok(metadata) = std::fs::metadata(file) else {
        return Ok(());
    };
    if metadata.mode() & 0o022 != 0 {
        return Err(GrantsError {
            problem: "other users can write to the file".into(),
            hint: format!("look through it, then: chmod go-w {}", file.display()),
        });
    }
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own && metadata.uid() != 0 {
        return Err(GrantsError {
            problem: "the file belongs to another user".into(),
            hint: "whoever runs toolbay must own the file".into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn changes_by_several_at_once_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let stores: Vec<GrantStore> = (0..4)
            .map(|_| GrantStore::in_folder(folder.path(), folder.path()))
            .collect();
        std::thread::scope(|scope| {
            for (number, store) in stores.iter().enumerate() {
                scope.spawn(move || {
                    for entry in 0..25 {
                        store
                            .change(|grants| {
                                grants.entry(Path::new("/p"), &format!("p{number}-{entry}"));
                            })
                            .unwrap();
                    }
                });
            }
        });
        let store = GrantStore::in_folder(folder.path(), folder.path());
        assert_eq!(store.current().grants.as_ref().unwrap().grants.len(), 100);
        let mode = std::fs::metadata(store.file())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_change_of_the_file_is_seen_and_a_damaged_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = GrantStore::in_folder(folder.path(), folder.path());
        assert!(!store.refresh());
        store
            .change(|grants| {
                grants.entry(Path::new("/p"), "notes");
            })
            .unwrap();
        assert!(store.refresh());
        assert_eq!(store.current().revision, 1);
        std::fs::write(store.file(), "version = ").unwrap();
        assert!(store.refresh());
        assert!(store.current().grants.is_err());
        let refused = store.change(|grants| grants.grants.clear());
        assert!(matches!(refused, Err(ChangeError::Wrong { .. })));
        assert_eq!(std::fs::read(store.file()).unwrap(), b"version = ");
    }

    #[test]
    fn a_file_that_others_can_write_grants_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("grants.toml");
        std::fs::write(&file, "version = 1\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        let store = GrantStore::in_folder(folder.path(), folder.path());
        let error = store.current().grants.clone().unwrap_err();
        assert!(
            error.problem.starts_with("other users can write"),
            "{error}"
        );
    }
}
