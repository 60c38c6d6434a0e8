//! Files that several hosts may read and write at once: whole or not at all, and readable by their owner alone.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes a file by way of a temporary one and a rename, creating its folders (mode 0700) where they are missing. Readers see the old
/// content or the new. After a power cut the file may be damaged, so this is for what is checked when it is read.
///
/// # Errors
///
/// Whatever the file system says.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    Unfinished::write(path, content)?.finish()
}

/// Writes a file whole, by way of a temporary one and a rename, with the permissions that a new file usually has: for what others may read too, such as
/// a plugin in a shared folder. Its folder must be there.
///
/// # Errors
///
/// Whatever the file system says.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A file that has its content and not yet its name. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Unfinished {
    file: tempfile::NamedTempFile,
    target: PathBuf,
}

impl Unfinished {
    /// Writes the content under a temporary name beside the final one (mode 0600).
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(crate) fn write(target: &Path, content: &[u8]) -> io::Result<Self> {
        let folder = target
            .parent()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a file needs a folder"))?;
        create_private_folder(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(folder)?;
        file.write_all(content)?;
        Ok(Self {
            file,
            target: target.to_owned(),
        })
    }

    /// Where the content is until then.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives the file its name.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file
            .persist(&self.target)
            .map(drop)
            .map_err(|error| error.error)
    }

    /// Gives the file its name once its content is safe against a power cut. This can take seconds on a busy disk.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(crate) fn finish_durably(self) -> io::Result<()> {
        self.file.as_file().sync_data()?;
        self.finish()
    }
}

/// How the names of unfinished files begin.
const TEMPORARY: &str = ".tmp-";

/// Removes what killed processes left unfinished in a folder more than an hour ago.
pub(crate) fn remove_leftovers(folder: &Path) {
    const LEFT: std::time::Duration = std::time::Duration::from_secs(3600);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let unfinished = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        let modified = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok();
        let age = modified.and_then(|modified| modified.elapsed().ok());
        if unfinished && age.is_some_and(|age| age > LEFT) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Creates a folder and the ones above it, readable by their owner alone. One that exists already stays as it is.
///
/// # Errors
///
/// Whatever the file system says.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Reads a whole file, unless it is larger than `limit` bytes.
///
/// # Errors
///
/// Whatever the file system says; [`io::ErrorKind::FileTooLarge`] for a file beyond the limit, also if it grows while it is read.
pub(crate) fn read_up_to(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let too_large = || {
        io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {}", crate::text::bytes(limit)),
        )
    };
    if metadata.len() > limit {
        return Err(too_large());
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(content)
}

/// The content, or nothing where the file does not exist.
///
/// # Errors
///
/// As [`read_up_to`], but for a missing file.
pub(crate) fn read_if_there(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match read_up_to(path, limit) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn writes_whole_files_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(read_up_to(&path, 3).unwrap(), b"two");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(folder.path().join("a"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
        assert_eq!(
            read_up_to(&path, 2).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        assert_eq!(read_if_there(&folder.path().join("none"), 1).unwrap(), None);
    }
}
