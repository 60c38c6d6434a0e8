//! A client's file: read whole, replaced whole by a rename, with what was there before kept beside it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::clients::edit::EditError;
use crate::files::read_up_to;

/// The largest file that is read. Claude Code keeps its history in the same file as its servers.
const MAX_FILE: u64 = 256 << 20;

/// Links that lead to links.
const MAX_LINKS: usize = 40;

/// How many earlier versions may lie beside a file.
const MAX_BACKUPS: u32 = 1000;

#[derive(Debug)]
pub(crate) struct ClientFile {
    named: PathBuf,
    /// Where the links that it is reached by end.
    path: PathBuf,
    /// Nothing where there is no file yet.
    before: Option<fs::Metadata>,
    text: String,
}

impl ClientFile {
    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is no text.
    pub(crate) fn open(named: &Path) -> Result<Self, EditError> {
        let path = end_of_links(named).map_err(|error| failed("cannot be followed", &error))?;
        let before = match fs::metadata(&path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("cannot be looked at", &error)),
        };
        let bytes = match &before {
            Some(_) => {
                read_up_to(&path, MAX_FILE).map_err(|error| failed("cannot be read", &error))?
            }
            None => Vec::new(),
        };
        let text = String::from_utf8(bytes).map_err(|error| EditError {
            problem: format!(
                "the file is not UTF-8 text (at byte {})",
                error.utf8_error().valid_up_to()
            ),
            hint: "save it as UTF-8 in an editor first".into(),
        })?;
        Ok(Self {
            named: named.to_owned(),
            path,
            before,
            text,
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn exists(&self) -> bool {
        self.before.is_some()
    }

    /// Where the file really is, if it is reached by a link.
    pub(crate) fn end_of_links(&self) -> Option<&Path> {
        let is_link = fs::symlink_metadata(&self.named).is_ok_and(|metadata| metadata.is_symlink());
        is_link.then_some(self.path.as_path())
    }

    /// Puts the new text in place of the old one, which is kept beside it; gives where.
    ///
    /// # Errors
    ///
    /// Where that is not possible; then the file is as it was.
    pub(crate) fn replace(
        &self,
        text: &str,
        is_private: bool,
    ) -> Result<Option<PathBuf>, EditError> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)
            .map_err(|error| failed("cannot be put into its folder", &error))?;
        let unwritten = |error| failed("cannot be written", &error);
        let mut new = tempfile::Builder::new()
            .prefix(".toolbay-")
            .tempfile_in(folder)
            .map_err(unwritten)?;
        new.write_all(text.as_bytes()).map_err(unwritten)?;
        let mode = match &self.before {
            Some(before) => before.mode() & 0o7777,
            None if is_private => 0o600,
            None => 0o644,
        };
        self.keep_owner(new.as_file(), mode)?;
        new.as_file().sync_all().map_err(unwritten)?;
        // The client may have written meanwhile; what it wrote would be lost.
        if Self::open(&self.named)?.text != self.text {
            return Err(EditError {
                problem: "the file was changed at this moment by somebody else".into(),
                hint: "quit the client and run the command again".into(),
            });
        }
        let backup = match &self.before {
            Some(_) => Some(self.back_up(mode)?),
            None => None,
        };
        new.persist(&self.path)
            .map_err(|error| failed("cannot be replaced", &error.error))?;
        Ok(backup)
    }

    fn keep_owner(&self, new: &File, mode: u32) -> Result<(), EditError> {
        let unwritten = |error| failed("cannot be given the owner and mode that it had", &error);
        if let Some(before) = &self.before {
            let now = new.metadata().map_err(unwritten)?;
            if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
                std::os::unix::fs::fchown(new, Some(before.uid()), Some(before.gid()))
                    .map_err(unwritten)?;
            }
        }
        new.set_permissions(Permissions::from_mode(mode))
            .map_err(unwritten)
    }

    /// Writes what is there now under a name that nothing has.
    fn back_up(&self, mode: u32) -> Result<PathBuf, EditError> {
        let unwritten = |error| failed("cannot be kept beside the new one", &error);
        for number in 1..=MAX_BACKUPS {
            let mut name = self.path.clone().into_os_string();
            name.push(".before-toolbay");
            if number > 1 {
                name.push(format!("-{number}"));
            }
            let made = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&name);
            let mut file = match made {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(unwritten(error)),
            };
            file.write_all(self.text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(unwritten)?;
            self.keep_owner(&file, mode)?;
            return Ok(name.into());
        }
        Err(EditError {
            problem: format!("there are {MAX_BACKUPS} earlier versions of the file beside it"),
            hint: "remove the ones whose names end in .before-toolbay and a number".into(),
        })
    }
}

/// Where links end, also where nothing is there yet.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            // Not a link, or not there.
            Err(_) => return Ok(without_detours(path)),
        }
    }
    Err(io::Error::other("too many links"))
}

/// The path without links and `..` in its folders, as far as these are there.
fn without_detours(path: PathBuf) -> PathBuf {
    let folder = path
        .parent()
        .and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

fn failed(what: &str, error: &io::Error) -> EditError {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "check who may read and write the file and its folder",
        _ => "check the path, its folder and the space on the disk",
    };
    EditError {
        problem: format!("the file {what}: {error}"),
        hint: hint.into(),
    }
}
