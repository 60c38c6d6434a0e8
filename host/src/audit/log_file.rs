//! The log's file, which several hosts append to and any of them puts aside when it has grown large.
//!
//! Each write is one call with `O_APPEND`, so the lines of several hosts stand one after the other, each whole. Nobody waits for a lock to
//! write: a host that was stopped while holding one would stop the calls of all. Only putting the file aside takes one, and who does not get it
//! goes on writing.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::FILE;
use crate::files::create_private_folder;
use crate::lock::Lock;

const LOCK: &str = "audit.lock";

/// How many files that were put aside are kept.
pub(super) const KEPT: u32 = 5;

#[derive(Debug)]
pub(super) struct LogFile {
    folder: PathBuf,
    path: PathBuf,
    max: u64,
    open: Option<File>,
    /// Whether the last write ended in the middle of a line.
    torn: bool,
}

impl LogFile {
    /// Opens nothing yet.
    pub(super) fn new(folder: PathBuf, max: u64) -> Self {
        Self {
            path: folder.join(FILE),
            folder,
            max,
            open: None,
            torn: false,
        }
    }

    /// Appends whole lines.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let outcome = self.try_append(lines);
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }

    fn try_append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.make_room(lines.len() as u64)?;
        let torn = self.torn;
        let mut file = self.current()?;
        if torn {
            // What is left of that line becomes a line of its own, and the next ones are whole again.
            file.write_all(b"\n")?;
        }
        let written = write(file, lines);
        self.torn = matches!(written, Err((_, written)) if written > 0);
        written.map_err(|(error, _)| error)
    }

    /// The open file, if it still is the one that has the name.
    fn current(&mut self) -> io::Result<&File> {
        let path = &self.path;
        let named = self.open.take().filter(|file| is_at(file, path));
        let file = match named {
            Some(file) => file,
            None => {
                create_private_folder(&self.folder)?;
                open(path)?
            }
        };
        Ok(self.open.insert(file))
    }

    /// Puts the file aside where `more` would make it too large.
    fn make_room(&mut self, more: u64) -> io::Result<()> {
        let size = self.current()?.metadata()?.len();
        if size == 0 || size.saturating_add(more) <= self.max {
            return Ok(());
        }
        let Some(_lock) = Lock::try_take(&self.folder.join(LOCK))? else {
            // Another host is at it.
            return Ok(());
        };
        // Another host may have done it a moment ago.
        let path = self.path.clone();
        if !is_at(self.current()?, &path) || self.current()?.metadata()?.len() < size {
            return Ok(());
        }
        for number in (1..KEPT).rev() {
            rename_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        fs::rename(&self.path, self.aside(1))
    }

    fn aside(&self, number: u32) -> PathBuf {
        self.folder.join(format!("audit.{number}.jsonl"))
    }
}

/// Writes everything, by one call unless the disk is full. An error says how much was written before it.
fn write(mut file: &File, bytes: &[u8]) -> Result<(), (io::Error, usize)> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return Err((io::ErrorKind::WriteZero.into(), written)),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((error, written)),
        }
    }
    Ok(())
}

/// Whether the path leads to this very file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn open(path: &Path) -> io::Result<File> {
    // A pipe in its place is an error and not something to wait for; a link is not followed.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not a regular file", path.display()),
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
