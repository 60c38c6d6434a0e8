//! Which files of the plugin folders are candidates, in the order that decides who wins a clash. Reads folders, not files.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::MAX_COMPONENT;

/// A file that may be a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    /// The folder that it lies in, without links: with the plugin's name, what grants are for.
    pub(crate) folder: PathBuf,
    /// Whether the system or a browser marked the file as downloaded.
    pub(crate) downloaded: bool,
    /// The file's state, or why there is none.
    pub(crate) file: Result<Fingerprint, Unusable>,
    /// The manifest beside it, `NAME.toml`, where there is one.
    pub(crate) sidecar: Option<Sidecar>,
}

/// The manifest file beside a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sidecar {
    pub(crate) path: PathBuf,
    pub(crate) fingerprint: Fingerprint,
}

/// What tells a file's state from its next without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
    device: u64,
}

/// Why a candidate cannot even be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it is a folder")]
    Folder,
    #[error("it is not a regular file")]
    Special,
    #[error("it is a link to a file that does not exist")]
    DanglingLink,
    #[error("it is a link to a file outside its folder")]
    LinkOutside,
    #[error("it is {}, and a component may have at most {}", crate::text::bytes(*.0), crate::text::bytes(MAX_COMPONENT))]
    TooLarge(u64),
    #[error("it cannot be looked at: {0}")]
    Unreadable(String),
}

impl Unusable {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Folder | Self::Special => {
                "a plugin is one file; move this elsewhere or give it another ending than .wasm"
            }
            Self::LinkOutside => {
                "copy the file into the folder: what a link points to can be changed by whoever may write there"
            }
            Self::DanglingLink => "remove the link, or put the file where it points",
            Self::TooLarge(_) => "build it in release mode and strip it",
            Self::Unreadable(_) => "check the permissions of the file and its folder",
        }
    }
}

impl Fingerprint {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    /// How long the content has stood still, as far as the clock tells.
    pub(crate) fn age(&self) -> std::time::Duration {
        let (seconds, nanos) = self.modified.max(self.changed);
        let since_epoch = std::time::Duration::new(
            u64::try_from(seconds).unwrap_or(0),
            u32::try_from(nanos).unwrap_or(0),
        );
        std::time::UNIX_EPOCH
            .checked_add(since_epoch)
            .and_then(|modified| modified.elapsed().ok())
            .unwrap_or_default()
    }
}

/// The candidates of all folders: the folders in the given order, the files of each by name. A folder that does not exist has none.
///
/// # Errors
///
/// The first folder that exists and cannot be read.
pub(crate) fn discover(folders: &[PathBuf]) -> Result<Vec<Candidate>, (PathBuf, io::Error)> {
    let mut candidates = Vec::new();
    for folder in folders {
        let in_folder = |error| (folder.clone(), error);
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(in_folder(error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(in_folder)?.path();
            if is_component_name(&path) {
                paths.push(path);
            }
        }
        paths.sort();
        let canonical = fs::canonicalize(folder).map_err(in_folder)?;
        candidates.extend(paths.into_iter().map(|path| candidate(path, &canonical)));
    }
    // A folder given twice, or by two names, has its files once.
    let mut seen = std::collections::HashSet::new();
    candidates.retain(|candidate| seen.insert(candidate.path.clone()));
    Ok(candidates)
}

/// Hidden files are left alone: tools that write carefully use them for what is not finished.
fn is_component_name(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden
        && path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("wasm"))
}

/// One file as a candidate, whatever its name.
///
/// # Errors
///
/// Where its folder cannot be found.
pub(crate) fn single(path: &Path) -> io::Result<Candidate> {
    let path = std::path::absolute(path)?;
    let folder = path.parent().map(fs::canonicalize).transpose()?;
    let folder = folder.unwrap_or_default();
    Ok(candidate(path, &folder))
}

/// A file that is about to be put into this folder, given without links.
pub(crate) fn expected(path: PathBuf, folder: &Path) -> Candidate {
    Candidate {
        path,
        folder: folder.to_owned(),
        downloaded: false,
        file: Err(Unusable::DanglingLink),
        sidecar: None,
    }
}

fn candidate(path: PathBuf, folder: &Path) -> Candidate {
    let file = match fs::metadata(&path) {
        Ok(_) if leaves(&path, folder) => Err(Unusable::LinkOutside),
        Ok(metadata) if metadata.is_dir() => Err(Unusable::Folder),
        Ok(metadata) if !metadata.is_file() => Err(Unusable::Special),
        Ok(metadata) if metadata.len() > MAX_COMPONENT => Err(Unusable::TooLarge(metadata.len())),
        Ok(metadata) => Ok(Fingerprint::of(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Unusable::DanglingLink),
        Err(error) => Err(Unusable::Unreadable(error.to_string())),
    };
    let sidecar_path = path.with_extension("toml");
    let sidecar = fs::metadata(&sidecar_path)
        .ok()
        .filter(fs::Metadata::is_file);
    let sidecar = sidecar.map(|metadata| Sidecar {
        path: sidecar_path,
        fingerprint: Fingerprint::of(&metadata),
    });
    Candidate {
        downloaded: file.is_ok() && is_marked_as_downloaded(&path),
        folder: folder.to_owned(),
        path,
        file,
        sidecar,
    }
}

/// Whether the path is a link whose end lies elsewhere.
fn leaves(path: &Path, folder: &Path) -> bool {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    is_link && fs::canonicalize(path).is_ok_and(|end| !end.starts_with(folder))
}

/// Browsers and download tools note where a file came from: on Linux as `user.xdg.origin.url` (freedesktop.org's common extended attributes), on
/// macOS as `com.apple.quarantine`.
const MARK: &str = if cfg!(target_os = "macos") {
    "com.apple.quarantine"
} else {
    "user.xdg.origin.url"
};

fn is_marked_as_downloaded(path: &Path) -> bool {
    // Only whether it is there counts: a size of nothing asks for the length.
    rustix::fs::getxattr(path, MARK, &mut [0u8; 0]).is_ok()
}

/// Marks a file as downloaded from this address, so that it is held until somebody has looked at it.
///
/// # Errors
///
/// Where the file system keeps no such marks.
pub(crate) fn mark_as_downloaded(path: &Path, address: &str) -> io::Result<()> {
    let value = if cfg!(target_os = "macos") {
        // Flags, time, program and an id, of which the flags are needed.
        "0081;00000000;toolbay;"
    } else {
        address
    };
    let flags = rustix::fs::XattrFlags::empty();
    Ok(rustix::fs::setxattr(path, MARK, value.as_bytes(), flags)?)
}

/// Where a file came from, as far as its mark says.
pub(crate) fn origin(path: &Path) -> Option<String> {
    const LONGEST: usize = 4096;
    let mut value = vec![0u8; LONGEST];
    let length = rustix::fs::getxattr(path, MARK, value.as_mut_slice()).ok()?;
    value.truncate(length);
    String::from_utf8(value).ok()
}

/// Why others than the user could change what lies in a folder.
pub(crate) fn exposure(folder: &Path) -> Option<&'static str> {
    let metadata = fs::metadata(folder).ok()?;
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own && metadata.uid() != 0 {
        return Some("it belongs to another user");
    }
    (metadata.mode() & 0o022 != 0).then_some("other users can write to it")
}
