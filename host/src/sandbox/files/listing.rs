//! The entries of a folder, read a few at a time as the guest asks for them, so that a large folder costs the host nothing.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, openat, statat};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode};

use super::local;

/// The most entries of a folder that a guest is given.
pub(super) const MAX_ENTRIES: usize = 100_000;

/// How many entries are read at a time.
const BATCH: usize = 256;

/// A folder that is being listed.
pub(super) struct Listing {
    folder: Arc<Mutex<Dir>>,
    ready: VecDeque<Entry>,
    /// How many more entries are given.
    left: usize,
    at_end: bool,
    /// Whether it is on a local file system.
    is_local: bool,
}

/// A name that is not UTF-8 is an error in its place.
type Entry = Result<DirectoryEntry, ErrorCode>;

/// The end of what a guest is given of a folder that has more.
#[derive(Debug)]
pub(super) struct TooMany;

impl Listing {
    /// Opens the folder anew, since a listing needs a place in it of its own, to give at most so many entries of it. Blocks.
    pub(super) fn open(folder: impl AsFd, most: usize, is_local: bool) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(folder, ".", flags, Mode::empty())?;
        Ok(Self {
            folder: Arc::new(Mutex::new(Dir::new(folder)?)),
            ready: VecDeque::new(),
            left: most,
            at_end: false,
            is_local,
        })
    }

    /// What lives as long as the folder is open.
    pub(super) fn handle(&self) -> &Arc<Mutex<Dir>> {
        &self.folder
    }

    /// The next entry, or nothing at the end.
    pub(super) async fn next(&mut self) -> FsResult<Result<Option<DirectoryEntry>, TooMany>> {
        if self.ready.is_empty() && !self.at_end {
            let folder = self.folder.clone();
            let (batch, at_end) = local::run(self.is_local, move || {
                read_batch(&mut folder.lock().unwrap_or_else(PoisonError::into_inner))
            })
            .await?;
            self.ready = batch;
            self.at_end = at_end;
        }
        let Some(entry) = self.ready.pop_front() else {
            return Ok(Ok(None));
        };
        let Some(left) = self.left.checked_sub(1) else {
            self.ready.clear();
            self.at_end = true;
            return Ok(Err(TooMany));
        };
        self.left = left;
        Ok(Ok(Some(entry?)))
    }
}

/// Some entries, and whether these were the last.
fn read_batch(folder: &mut Dir) -> io::Result<(VecDeque<Entry>, bool)> {
    let mut batch = VecDeque::new();
    while batch.len() < BATCH {
        let Some(entry) = folder.read() else {
            return Ok((batch, true));
        };
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            batch.push_back(convert(folder, &entry));
        }
    }
    Ok((batch, false))
}

fn convert(folder: &Dir, entry: &DirEntry) -> Entry {
    let name = entry
        .file_name()
        .to_str()
        .map_err(|_| ErrorCode::IllegalByteSequence)?;
    let file_type = match entry.file_type() {
        // Some file systems leave the type out of their listings.
        FileType::Unknown => folder
            .fd()
            .and_then(|folder| statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW))
            .map_or(FileType::Unknown, |stat| {
                FileType::from_raw_mode(stat.st_mode)
            }),
        known => known,
    };
    Ok(DirectoryEntry {
        type_: descriptor_type(file_type),
        name: name.to_owned(),
    })
}

fn descriptor_type(file_type: FileType) -> DescriptorType {
    match file_type {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        _ => DescriptorType::Unknown,
    }
}
