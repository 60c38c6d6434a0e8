//! Opening one path in a mount. wasmtime-wasi's own way of it would wait for ever on a named pipe that nobody writes, so files are opened here with
//! the same promise, that the kernel keeps the path inside the folder, and one more: what is opened is a file or a folder, and no time is lost
//! on anything else.

use std::fs::File;
use std::io;

use rustix::fs::{FileType, fstat};

/// What to open, and how.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenRequest {
    pub(super) path: String,
    /// Whether a link in the last place is followed.
    pub(super) follow: bool,
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
    /// Whether it must be a folder.
    pub(super) folder: bool,
    pub(super) read: bool,
    pub(super) write: bool,
}

/// What was opened.
#[derive(Debug)]
pub(super) enum Opened {
    File(File),
    Folder(File),
}

/// Why nothing was opened.
#[derive(Debug)]
pub(super) enum OpenFault {
    /// The path leads out of the folder.
    LeadsOut,
    /// It is neither a file nor a folder; the words say what it is.
    Special(&'static str),
    Io(io::Error),
    /// This system cannot keep a path inside a folder by itself.
    NotHere,
}

impl From<io::Error> for OpenFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a path in a folder. Blocks, though never on a pipe.
#[cfg(target_os = "linux")]
pub(super) fn open(folder: &File, request: &OpenRequest) -> Result<Opened, OpenFault> {
    open_with(folder, request, rustix::fs::ResolveFlags::empty())
}

/// The same for what is on the folder's own file system. Nothing where that does not hold for the path, as far as it comes, or it leads out.
#[cfg(target_os = "linux")]
pub(super) fn open_local(
    folder: &File,
    request: &OpenRequest,
) -> Option<Result<Opened, OpenFault>> {
    match open_with(folder, request, rustix::fs::ResolveFlags::NO_XDEV) {
        // The kernel says the same of both.
        Err(OpenFault::LeadsOut | OpenFault::NotHere) => None,
        opened => Some(opened),
    }
}

/// What a path names in a folder's own file system, opened for nothing but to be looked at. Nothing as above.
#[cfg(target_os = "linux")]
pub(super) fn find_local(folder: &File, path: &str, follow: bool) -> Option<io::Result<File>> {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    let request = OpenRequest {
        path: path.to_owned(),
        follow,
        ..OpenRequest::default()
    };
    let within = ResolveFlags::NO_XDEV;
    match resolve(folder, &request, OFlags::PATH, Mode::empty(), within) {
        Ok(found) => Some(Ok(found)),
        Err(OpenFault::Io(error)) => Some(Err(error)),
        Err(_) => None,
    }
}

#[cfg(target_os = "linux")]
fn open_with(
    folder: &File,
    request: &OpenRequest,
    also: rustix::fs::ResolveFlags,
) -> Result<Opened, OpenFault> {
    use rustix::fs::{Mode, OFlags};
    // Opening can itself be an act on a device or on whoever waits at a pipe's other end, so what it is is looked at before. That it still is
    // the same is looked at afterwards.
    match resolve(folder, request, OFlags::PATH, Mode::empty(), also) {
        Ok(file) => {
            ordinary(&file)?;
        }
        Err(OpenFault::Io(error)) if request.create && error.kind() == io::ErrorKind::NotFound => {}
        Err(fault) => return Err(fault),
    }
    let mut flags = match (request.read, request.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    flags |= OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::CREATE, request.create);
    flags.set(OFlags::EXCL, request.create && request.exclusive);
    flags.set(OFlags::TRUNC, request.truncate);
    flags.set(OFlags::DIRECTORY, request.folder);
    let mode = if request.create {
        // The user's own mask takes away from this. There is no way for a guest to make a file executable.
        Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH
    } else {
        Mode::empty()
    };
    let file = resolve(folder, request, flags, mode, also)?;
    classify(file)
}

/// Elsewhere it is left to wasmtime-wasi.
#[cfg(not(target_os = "linux"))]
pub(super) fn open(_: &File, _: &OpenRequest) -> Result<Opened, OpenFault> {
    Err(OpenFault::NotHere)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn find_local(_: &File, _: &str, _: bool) -> Option<io::Result<File>> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open_local(_: &File, _: &OpenRequest) -> Option<Result<Opened, OpenFault>> {
    None
}

/// Whether a path leads out of the folder, by its words or by a link on its way. Blocks.
pub(super) fn leads_out(folder: &File, path: &str) -> bool {
    if super::path::leads_out(path) {
        return true;
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Mode, OFlags, ResolveFlags};
        let request = OpenRequest {
            path: path.to_owned(),
            follow: true,
            ..OpenRequest::default()
        };
        let resolved = resolve(
            folder,
            &request,
            OFlags::PATH,
            Mode::empty(),
            ResolveFlags::empty(),
        );
        matches!(resolved, Err(OpenFault::LeadsOut))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        false
    }
}

/// One `openat2` that keeps to the folder.
#[cfg(target_os = "linux")]
fn resolve(
    folder: &File,
    request: &OpenRequest,
    mut flags: rustix::fs::OFlags,
    mode: rustix::fs::Mode,
    also: rustix::fs::ResolveFlags,
) -> Result<File, OpenFault> {
    use rustix::fs::{OFlags, ResolveFlags, openat2};
    use rustix::io::Errno;
    /// How often it is tried again where somebody's rename got in the way of a `..`.
    const ATTEMPTS: usize = 32;
    flags |= OFlags::CLOEXEC;
    flags.set(OFlags::NOFOLLOW, !request.follow);
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | also;
    for _ in 0..ATTEMPTS {
        match openat2(folder, request.path.as_str(), flags, mode, inside) {
            Ok(file) => return Ok(file.into()),
            Err(Errno::AGAIN) => {}
            Err(Errno::XDEV) => return Err(OpenFault::LeadsOut),
            // An older kernel, or a filter around the process. What is forbidden for another reason is so for wasmtime-wasi as well.
            Err(Errno::NOSYS | Errno::PERM) => return Err(OpenFault::NotHere),
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
    Err(io::Error::from(Errno::BUSY).into())
}

/// Sorts what was opened.
pub(super) fn classify(file: File) -> Result<Opened, OpenFault> {
    Ok(match ordinary(&file)? {
        FileType::Directory => Opened::Folder(file),
        _ => Opened::File(file),
    })
}

/// The type of an open thing, if it is a file, a folder, or a link that was not followed.
fn ordinary(file: &File) -> Result<FileType, OpenFault> {
    let what = match FileType::from_raw_mode(fstat(file).map_err(io::Error::from)?.st_mode) {
        ordinary @ (FileType::RegularFile | FileType::Directory | FileType::Symlink) => {
            return Ok(ordinary);
        }
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "of an unknown kind",
    };
    Err(OpenFault::Special(what))
}
