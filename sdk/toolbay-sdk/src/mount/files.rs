//! What tools mostly do with the files of a mount: read a text, write one whole, list and walk folders, each with a bound. Paths are those that
//! [`Mount::join`] takes, and errors name them as the caller did.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Mount;
use crate::error::{ErrorCode, ToolError};

/// The most bytes that are read of a file where nothing else is said: 1 MiB.
///
/// ```
/// assert_eq!(toolbay_sdk::DEFAULT_MAX_FILE, 1024 * 1024);
/// ```
pub const DEFAULT_MAX_FILE: u64 = 1 << 20;

/// The most entries that a folder may have to be listed or walked through.
///
/// ```
/// assert_eq!(toolbay_sdk::MAX_FOLDER_ENTRIES, 10_000);
/// ```
pub const MAX_FOLDER_ENTRIES: usize = 10_000;

/// How deep a walk goes.
const MAX_DEPTH: usize = 32;

/// Something in a folder, as [`Mount::list`] and [`Mount::walk`] give it.
///
/// ```
/// use toolbay_sdk::{Entry, EntryKind};
///
/// fn describe(entry: &Entry) -> String {
///     match entry.kind {
///         EntryKind::File => format!("{}, {} bytes", entry.name(), entry.size),
///         EntryKind::Folder => format!("{}/", entry.name()),
///         _ => entry.path.clone(),
///     }
/// }
///
/// fn only_files(entries: Vec<Entry>) -> Vec<Entry> {
///     entries.into_iter().filter(Entry::is_file).collect()
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its path from the mount on, with `/` between the parts: what the methods of [`Mount`] take.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// How many bytes a file has; 0 for anything else.
    pub size: u64,
    /// When it was last changed, where the file system says so.
    pub modified: Option<SystemTime>,
}

impl Entry {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link, a socket or something else that is neither; it is listed and never followed.
    Other,
}

impl Mount {
    /// The text of a file of at most 1 MiB ([`DEFAULT_MAX_FILE`]).
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-read-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let vault = toolbay_sdk::Mount::at(&folder);
    /// vault.write("shopping.md", "milk")?;
    /// assert_eq!(vault.read_to_string("shopping.md")?, "milk");
    /// assert_eq!(vault.read_to_string("nothing.md").unwrap_err().code().as_str(), "not_found");
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join); `not_found`; `limit_exceeded` if it is larger; `validation_error` if it is no text in UTF-8, or no file.
    pub fn read_to_string(&self, relative: &str) -> Result<String, ToolError> {
        let bytes = self.read(relative, DEFAULT_MAX_FILE)?;
        String::from_utf8(bytes)
            .map_err(|_| ToolError::validation(format!("`{relative}` is no text in UTF-8")))
    }

    /// The bytes of a file that has at most so many.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-bytes-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let vault = toolbay_sdk::Mount::at(&folder);
    /// vault.write("a.bin", [1, 2, 3])?;
    /// assert_eq!(vault.read("a.bin", 3)?, [1, 2, 3]);
    /// assert_eq!(vault.read("a.bin", 2).unwrap_err().code().as_str(), "limit_exceeded");
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join); `not_found`; `limit_exceeded` if it is larger; `validation_error` if it is no file.
    pub fn read(&self, relative: &str, max_bytes: u64) -> Result<Vec<u8>, ToolError> {
        let path = self.join(relative)?;
        let failed = |error| failed("read", relative, &error);
        let file = File::open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if found.is_dir() {
            return Err(ToolError::validation(format!(
                "`{relative}` is a folder, not a file"
            )));
        }
        let most = max_bytes.saturating_add(1);
        // With room for one byte more than there are, its end is met by the first read that finds nothing.
        let room = found.len().saturating_add(1).min(most);
        let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max_bytes {
            return Err(ToolError::limit_exceeded(format!(
                "`{relative}` is larger than {max_bytes} bytes, the most that is read"
            )));
        }
        Ok(bytes)
    }

    /// Writes a file whole, in place of one that is there: whoever reads it meanwhile finds the old content or the new one, never a part. Folders on the way
    /// are made.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-write-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let vault = toolbay_sdk::Mount::at(&folder);
    /// vault.write("2026/november.md", "milk")?;
    /// vault.write("2026/november.md", "milk, honey")?;
    /// assert_eq!(vault.read_to_string("2026/november.md")?, "milk, honey");
    /// assert!(vault.write("../november.md", "milk").is_err());
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join); `permission_denied` where the mount was granted for reading only; `conflict` where a folder has the name.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> Result<(), ToolError> {
        let path = self.join(relative)?;
        let failed = |error| failed("write", relative, &error);
        if path.is_dir() {
            return Err(ToolError::conflict(format!(
                "`{relative}` is a folder, so no file can have that name"
            )));
        }
        let folder = path.parent().unwrap_or(self.path());
        if folder != self.path() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let partial = folder.join(format!(".toolbay-{:016x}.partial", random()));
        let written = write_new(&partial, content.as_ref())
            .and_then(|()| fs::rename(&partial, &path))
            .inspect_err(|_| {
                // It may never have been made.
                let _ = fs::remove_file(&partial);
            });
        written.map_err(failed)
    }

    /// Removes a file. Says whether it was there.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-remove-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let vault = toolbay_sdk::Mount::at(&folder);
    /// vault.write("a.md", "")?;
    /// assert!(vault.remove("a.md")?);
    /// assert!(!vault.remove("a.md")?);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join); `permission_denied` where the mount was granted for reading only; `validation_error` if it is a folder.
    pub fn remove(&self, relative: &str) -> Result<bool, ToolError> {
        match fs::remove_file(self.join(relative)?) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("remove", relative, &error)),
        }
    }

    /// Whether there is a file, a folder or anything else of this path.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-exists-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let vault = toolbay_sdk::Mount::at(&folder);
    /// vault.write("2026/a.md", "")?;
    /// assert!(vault.exists("2026")? && !vault.exists("2027/a.md")?);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join), and the file system's own.
    pub fn exists(&self, relative: &str) -> Result<bool, ToolError> {
        match fs::symlink_metadata(self.join(relative)?) {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed("look for", relative, &error)),
        }
    }

    /// What is in a folder, by name; `""` is the mount itself. Names that are not UTF-8 are left out.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-list-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let vault = toolbay_sdk::Mount::at(&folder);
    /// vault.write("b.md", "milk")?;
    /// vault.write("a/c.md", "honey")?;
    /// let paths: Vec<_> = vault.list("")?.into_iter().map(|entry| entry.path).collect();
    /// assert_eq!(paths, ["a", "b.md"]);
    /// let inside = vault.list("a")?;
    /// assert_eq!((inside[0].path.as_str(), inside[0].name(), inside[0].size), ("a/c.md", "c.md", 5));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`join`](Self::join); `not_found`; `limit_exceeded` if there is more in it than 10,000 things ([`MAX_FOLDER_ENTRIES`]).
    pub fn list(&self, folder: &str) -> Result<Vec<Entry>, ToolError> {
        let path = match folder {
            "" => self.path().to_owned(),
            folder => self.join(folder)?,
        };
        read_folder(&path, folder)
    }

    /// All files of a folder and of the folders in it, in the order of their paths; `""` begins at the mount itself. Links are not followed, and folders more
    /// than 32 deep are left out.
    ///
    /// Each folder is read when the walk comes to it, so `take` bounds the work.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-walk-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let vault = toolbay_sdk::Mount::at(&folder);
    /// for path in ["b.md", "a/c.md", "a/d/e.md"] {
    ///     vault.write(path, "")?;
    /// }
    /// let paths = vault.walk("").take(1000).map(|entry| Ok(entry?.path));
    /// assert_eq!(paths.collect::<Result<Vec<_>, toolbay_sdk::ToolError>>()?, ["a/c.md", "a/d/e.md", "b.md"]);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// Each item may be an error, as [`list`](Self::list) gives it, in place of what is in that folder.
    pub fn walk(&self, folder: &str) -> Walk {
        let path = match folder {
            "" => Ok(self.path().to_owned()),
            folder => self.join(folder),
        };
        let mut walk = Walk {
            mount: self.clone(),
            folders: Vec::new(),
            failure: None,
        };
        match path {
            Ok(path) => walk.enter(&path, folder),
            Err(error) => walk.failure = Some(error),
        }
        walk
    }
}

/// The files of [`Mount::walk`].
///
/// ```
/// use toolbay_sdk::{ToolError, Walk};
///
/// fn size_of_all(walk: Walk) -> Result<u64, ToolError> {
///     walk.map(|entry| Ok(entry?.size)).sum()
/// }
/// ```
#[derive(Debug)]
pub struct Walk {
    mount: Mount,
    /// What is still to come in each folder that the walk is in.
    folders: Vec<std::vec::IntoIter<Entry>>,
    failure: Option<ToolError>,
}

impl Walk {
    fn enter(&mut self, path: &Path, relative: &str) {
        match read_folder(path, relative) {
            Ok(entries) => self.folders.push(entries.into_iter()),
            Err(error) => self.failure = Some(error),
        }
    }
}

impl Iterator for Walk {
    type Item = Result<Entry, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(error) = self.failure.take() {
                return Some(Err(error));
            }
            let Some(entry) = self.folders.last_mut()?.next() else {
                self.folders.pop();
                continue;
            };
            match entry.kind {
                EntryKind::File => return Some(Ok(entry)),
                EntryKind::Folder if self.folders.len() < MAX_DEPTH => {
                    // Names that `join` refuses, with a `\` in them, have no path that could be given.
                    if let Ok(path) = self.mount.join(&entry.path) {
                        self.enter(&path, &entry.path);
                    }
                }
                EntryKind::Folder | EntryKind::Other => {}
            }
        }
    }
}

fn read_folder(path: &Path, relative: &str) -> Result<Vec<Entry>, ToolError> {
    let whose = if relative.is_empty() { "." } else { relative };
    let failed = |error| failed("list", whose, &error);
    let mut entries = Vec::new();
    for (count, entry) in fs::read_dir(path).map_err(failed)?.enumerate() {
        if count == MAX_FOLDER_ENTRIES {
            return Err(ToolError::limit_exceeded(format!(
                "there is more in `{whose}` than {MAX_FOLDER_ENTRIES} files and folders, the most that is listed"
            )));
        }
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = match relative {
            "" => name,
            relative => format!("{relative}/{name}"),
        };
        entries.extend(entry_of(path, &entry.path()));
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

/// What is at a path; nothing where it has gone meanwhile.
fn entry_of(relative: String, path: &PathBuf) -> Option<Entry> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let (kind, size) = if metadata.is_file() {
        (EntryKind::File, metadata.len())
    } else if metadata.is_dir() {
        (EntryKind::Folder, 0)
    } else {
        (EntryKind::Other, 0)
    };
    Some(Entry {
        path: relative,
        kind,
        size,
        modified: metadata.modified().ok(),
    })
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// A number that two calls at the same time do not both get.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The file system's error with the path that it is about; its code stays.
fn failed(what: &str, relative: &str, error: &std::io::Error) -> ToolError {
    let code = ToolError::from(std::io::Error::from(error.kind())).code();
    match code {
        ErrorCode::NotFound => {
            ToolError::not_found(format!("there is no `{relative}` in the folder"))
        }
        code => ToolError::new(code, format!("cannot {what} `{relative}`: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(Mount);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("toolbay-sdk-{:016x}", random()));
            fs::create_dir(&path).unwrap();
            Self(Mount::at(path))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.0.path());
        }
    }

    #[test]
    fn errors_name_the_path_as_it_was_given() {
        let Folder(mount) = &Folder::new();
        mount.write("a/b.md", b"\xff").unwrap();
        let said = [
            mount.read_to_string("a/c.md").unwrap_err(),
            mount.read_to_string("a").unwrap_err(),
            mount.read_to_string("a/b.md").unwrap_err(),
            mount.read("a/b.md", 0).unwrap_err(),
            mount.write("a", "x").unwrap_err(),
            mount.list("d").unwrap_err(),
            mount.walk("../a").next().unwrap().unwrap_err(),
        ]
        .map(|error| format!("{}: {error}", error.code()));
        insta::assert_snapshot!(said.join("\n"), @"
        not_found: there is no `a/c.md` in the folder
        validation_error: `a` is a folder, not a file
        validation_error: `a/b.md` is no text in UTF-8
        limit_exceeded: `a/b.md` is larger than 0 bytes, the most that is read
        conflict: `a` is a folder, so no file can have that name
        not_found: there is no `d` in the folder
        validation_error: the path `../a` has a part `.` or `..`; name it as seen from the folder itself
        ");
    }

    #[test]
    fn nothing_half_written_stays() {
        let Folder(mount) = &Folder::new();
        mount.write("a.md", "one").unwrap();
        mount.write("a.md", "two").unwrap();
        // Not even where the last step fails: a folder cannot be replaced by a file.
        assert!(mount.write("a.md/b", "three").is_err());
        let names: Vec<_> = mount
            .list("")
            .unwrap()
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        assert_eq!(names, ["a.md"]);
        assert_eq!(mount.read_to_string("a.md").unwrap(), "two");
    }

    #[cfg(unix)]
    #[test]
    fn a_walk_follows_no_links() {
        let Folder(mount) = &Folder::new();
        mount.write("a/b.md", "").unwrap();
        std::os::unix::fs::symlink(mount.path(), mount.path().join("a/loop")).unwrap();
        let walked: Result<Vec<_>, _> = mount.walk("").collect();
        let paths: Vec<_> = walked
            .unwrap()
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        assert_eq!(paths, ["a/b.md"]);
        assert_eq!(mount.list("a").unwrap()[1].kind, EntryKind::Other);
    }

    #[test]
    fn folders_that_are_too_large_are_said_to_be() {
        let Folder(mount) = &Folder::new();
        for index in 0..=MAX_FOLDER_ENTRIES {
            fs::write(mount.path().join(index.to_string()), "").unwrap();
        }
        let error = mount.list("").unwrap_err();
        assert_eq!(error.code(), ErrorCode::LimitExceeded);
    }
}
