//! Mounts: folders of the user's that a guest sees as `/NAME`, and what it may do in them. Which folders, and how they may be used, comes with
//! the call's reach; this opens them for the call and holds the guest to them.
//!
//! Keeping a path inside its mount is done by the kernel (`openat2`) and by wasmtime-wasi, whose implementation of `wasi:filesystem` stands
//! behind the one in `view`. On top of it: nothing but files and folders is opened, no link is made that could lead out, the guest holds a
//! bounded number of open files, and what it used and what it was refused is noted.

mod handles;
mod listing;
mod local;
mod open;
mod output;
mod path;
mod view;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use toolbay_manifest::Access;
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::filesystem::{Dir, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::{FsPerms, OpenMode};

use self::handles::Handles;
pub(super) use self::local::LocalFolders;
use super::descriptors::Descriptors;
use super::guest::GuestState;
use crate::permissions::access::{MountAccess, ToolAccess};
use crate::permissions::usage::Usage;

/// The mounts of one guest; most have none.
#[derive(Default)]
pub(super) struct GuestFiles(Option<Box<Mounts>>);

struct Mounts {
    mounts: Vec<Mount>,
    /// Where each descriptor that the guest holds is, by its number.
    places: HashMap<u32, Place>,
    handles: Handles,
}

/// Where an open file or folder is.
#[derive(Clone, Copy)]
struct Place {
    /// Which of the mounts it is in.
    mount: usize,
    /// Whether it is on the same local file system as the folder that the mount is bound to: others may be mounted below that.
    is_local: bool,
}

/// One mount, opened for one call.
struct Mount {
    name: String,
    dir: Dir,
    is_local: bool,
    /// Whether it may be written but for the tool's being read-only.
    access: Access,
}

/// Why a mount is not there for a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its mount `{name}` is bound to {}, which {why}", crate::text::escape(&.folder.display().to_string()))]
pub(crate) struct MountFailure {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    why: String,
}

impl GuestFiles {
    /// Opens the bound folders. A folder that is gone, or has become something else, is the call's failure. The file system may be slow to
    /// answer, so this is not done on a thread that others wait for, unless it is a local one.
    pub(super) async fn open(
        access: &ToolAccess,
        descriptors: &Descriptors,
        local: &LocalFolders,
    ) -> Result<Self, MountFailure> {
        let Some(first) = access.mounts.first() else {
            return Ok(Self::default());
        };
        let (bound, read_only) = (access.mounts.clone(), access.read_only);
        let failure = |why: &str| MountFailure {
            name: first.name.clone(),
            folder: first.folder.clone(),
            why: why.to_owned(),
        };
        let handles = Handles::new(descriptors.clone(), bound.len())
            .ok_or_else(|| failure("cannot be opened now: too many files are open in this host"))?;
        let is_quick = local.hold_all(bound.iter().map(|mount| mount.folder.as_path()));
        let known = local.clone();
        let mounts = local::run(is_quick, move || {
            bound
                .into_iter()
                .map(|mount| Mount::open(mount, read_only, &known))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
        Ok(Self(Some(Box::new(Mounts {
            mounts,
            places: HashMap::new(),
            handles,
        }))))
    }
}

impl Mount {
    fn open(
        bound: MountAccess,
        read_only: bool,
        known: &LocalFolders,
    ) -> Result<Self, MountFailure> {
        let MountAccess {
            name,
            folder,
            access,
        } = bound;
        let (perms, mode) = if read_only || access == Access::Read {
            (FsPerms::ReadOnly, OpenMode::READ)
        } else {
            (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE)
        };
        match open_folder(&folder) {
            Ok(file) => {
                let is_local = local::is_local(&file);
                known.remember(&folder, is_local);
                Ok(Self {
                    name,
                    dir: Dir::new(file, perms, mode, false),
                    is_local,
                    access,
                })
            }
            Err(error) => Err(MountFailure {
                name,
                folder,
                why: why_not(&error),
            }),
        }
    }

    fn is_read_only(&self) -> bool {
        self.dir.perms.write_not_permitted()
    }
}

/// Opens a folder whose path had no link in it when it was bound. One that has become a link since, or lies behind one, is not the folder that
/// the user meant.
fn open_folder(folder: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{ResolveFlags, openat2};
        use rustix::io::Errno;
        match openat2(CWD, folder, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
            // A kernel, or a filter around the process, that does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => {}
            opened => return Ok(opened?.into()),
        }
    }
    Ok(openat(CWD, folder, flags | OFlags::NOFOLLOW, Mode::empty())?.into())
}

fn why_not(error: &io::Error) -> String {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::NOENT) => "does not exist any more".to_owned(),
        Some(Errno::NOTDIR) => "is not a folder any more".to_owned(),
        Some(Errno::LOOP) => "has become a link, or lies behind one".to_owned(),
        _ => format!("cannot be opened: {error}"),
    }
}

/// What the linked functions see of a guest's state.
struct FilesView<'a> {
    mounts: Option<&'a mut Mounts>,
    wasi: WasiFilesystemCtxView<'a>,
    usage: &'a Usage,
}

/// Names [`FilesView`] for the linker.
struct Files;

impl HasData for Files {
    type Data<'a> = FilesView<'a>;
}

/// Puts these files in the place of wasmtime-wasi's own. The linker must allow shadowing.
pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    preopens::add_to_linker::<GuestState, Files>(linker, GuestState::files)?;
    types::add_to_linker::<GuestState, Files>(linker, GuestState::files)
}

impl GuestState {
    fn files(&mut self) -> FilesView<'_> {
        FilesView {
            mounts: self.files.0.as_deref_mut(),
            wasi: WasiFilesystemCtxView {
                ctx: self.wasi.filesystem(),
                table: &mut self.table,
            },
            usage: &self.reach.usage,
        }
    }
}
