//! The folder with the notes. Owns how a note is found, read and written, and that links are not followed. The sandbox lets nothing else be
//! reached; what is refused here is refused with a sentence.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use toolbay_sdk::{Mount, ToolError, mount};

use crate::note::{self, NoteInfo};
use crate::time;

/// The largest note that is read, searched or appended to: 1 MiB.
pub(crate) const MAX_NOTE_BYTES: u64 = 1 << 20;

/// How much of a note is read for its title.
const TITLE_BYTES: u64 = 8 * 1024;

/// The folder that the user bound to the mount `vault`.
pub(crate) struct Vault {
    mount: Mount,
}

impl Vault {
    pub(crate) fn open() -> Result<Self, ToolError> {
        Ok(Self {
            mount: mount("vault")?,
        })
    }

    #[cfg(test)]
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            mount: Mount::at(folder),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.mount.path()
    }

    /// A subfolder that is there.
    pub(crate) fn folder(&self, folder: &str) -> Result<PathBuf, ToolError> {
        let path = self.mount.join(folder)?;
        note::check_folder(folder)?;
        match self.look_at(folder)? {
            Some(metadata) if metadata.is_dir() => Ok(path),
            Some(_) => Err(ToolError::validation(format!(
                "`{folder}` is not a folder; leave it out to take all notes"
            ))),
            None => Err(ToolError::not_found(format!(
                "there is no folder `{folder}`; `list` without a folder shows where notes are"
            ))),
        }
    }

    /// A note that is there, with what the file system says about it.
    pub(crate) fn note(&self, note: &str) -> Result<(PathBuf, Metadata), ToolError> {
        let path = self.mount.join(note)?;
        note::check_path(note)?;
        match self.look_at(note)? {
            Some(metadata) if metadata.is_file() => Ok((path, metadata)),
            Some(_) => Err(ToolError::validation(format!("`{note}` is not a file"))),
            None => Err(ToolError::not_found(format!(
                "there is no note `{note}`; find it with `search` or `list`"
            ))),
        }
    }

    /// The text of a note that [`note`](Self::note) or a walk found.
    pub(crate) fn text(&self, note: &str, path: &Path) -> Result<String, ToolError> {
        let file = open(note, path)?;
        let metadata = file
            .metadata()
            .map_err(|error| failed("read", note, &error))?;
        let mut bytes = room_for(&metadata, MAX_NOTE_BYTES + 1);
        file.take(MAX_NOTE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed("read", note, &error))?;
        if bytes.len() as u64 > MAX_NOTE_BYTES {
            return Err(ToolError::limit_exceeded(format!(
                "`{note}` is larger than 1 MiB, and only smaller notes are read"
            )));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// A note as lists show it. Only the beginning of its text is read.
    pub(crate) fn info(&self, note: &str, path: &Path) -> Result<NoteInfo, ToolError> {
        let file = open(note, path)?;
        let metadata = file
            .metadata()
            .map_err(|error| failed("read", note, &error))?;
        let mut beginning = room_for(&metadata, TITLE_BYTES);
        file.take(TITLE_BYTES)
            .read_to_end(&mut beginning)
            .map_err(|error| failed("read", note, &error))?;
        Ok(info(note, &String::from_utf8_lossy(&beginning), &metadata))
    }

    /// Writes a note that is not there yet, with the folders that it is in.
    pub(crate) fn create(&self, note: &str, text: &str) -> Result<(), ToolError> {
        let path = self.mount.join(note)?;
        note::check_path(note)?;
        let exists = || {
            ToolError::conflict(format!(
                "`{note}` exists already and is left as it is; add to it with `append`, or choose another path"
            ))
        };
        if self.look_at(note)?.is_some() {
            return Err(exists());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists | ErrorKind::NotADirectory => ToolError::conflict(format!(
                    "`{note}` cannot be created: a part of its path is a file; choose another path"
                )),
                _ => failed("create", note, &error),
            })?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => exists(),
                _ => failed("create", note, &error),
            })?;
        file.write_all(text.as_bytes()).map_err(|error| {
            drop(file);
            // Half a note would stand in the way of the next try.
            let _ = fs::remove_file(&path);
            failed("create", note, &error)
        })
    }

    /// Adds lines at the end of a note and returns its new size. They go out in one write at the end of the file, so that what another program adds at the
    /// same time is not lost.
    pub(crate) fn append(&self, note: &str, text: &str) -> Result<u64, ToolError> {
        let (path, metadata) = self.note(note)?;
        let mut lines = String::with_capacity(text.len() + 1);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(|error| failed("append to", note, &error))?;
        if !ends_its_line(&mut file, metadata.len())
            .map_err(|error| failed("append to", note, &error))?
        {
            lines.push('\n');
        }
        lines.push_str(text);
        let bytes = metadata.len() + lines.len() as u64;
        if bytes > MAX_NOTE_BYTES {
            return Err(ToolError::limit_exceeded(format!(
                "`{note}` would be larger than 1 MiB; go on in a new note with `create`"
            )));
        }
        file.write_all(lines.as_bytes())
            .map_err(|error| failed("append to", note, &error))?;
        Ok(bytes)
    }

    /// What is at a path, if there is anything. A link on the way, or at its end, is an error.
    fn look_at(&self, relative: &str) -> Result<Option<Metadata>, ToolError> {
        let mut path = self.path().to_path_buf();
        let mut last = None;
        for part in relative.split('/') {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(ToolError::permission_denied(format!(
                        "`{relative}` leads over a link (`{part}`), and links are not followed; name the note where it really is"
                    )));
                }
                Ok(metadata) => last = Some(metadata),
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(failed("look at", relative, &error)),
            }
        }
        Ok(last)
    }
}

/// Room for what is read of a file, so that it takes few reads: one byte more than there are, since its end is met by a read that finds nothing.
fn room_for(metadata: &Metadata, most: u64) -> Vec<u8> {
    let room = metadata.len().saturating_add(1).min(most);
    Vec::with_capacity(usize::try_from(room).unwrap_or_default())
}

/// A note as lists show it, from its text or the beginning of it.
pub(crate) fn info(note: &str, text: &str, metadata: &Metadata) -> NoteInfo {
    NoteInfo {
        note: note.to_owned(),
        title: note::title(note, text),
        bytes: metadata.len(),
        modified: metadata.modified().ok().and_then(time::iso),
    }
}

fn open(note: &str, path: &Path) -> Result<File, ToolError> {
    File::open(path).map_err(|error| failed("read", note, &error))
}

fn ends_its_line(file: &mut File, length: u64) -> std::io::Result<bool> {
    if length == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The file system's error with the note it is about; its code stays.
fn failed(what: &str, note: &str, error: &std::io::Error) -> ToolError {
    let code = ToolError::from(std::io::Error::from(error.kind())).code();
    ToolError::new(code, format!("could not {what} `{note}`: {error}"))
}
