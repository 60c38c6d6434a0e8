//! `wasi:filesystem` as guests see it: each function notes what it touches, refuses what a mount does not allow, and leaves the rest to
//! wasmtime-wasi. Knows mounts by their place in the call's list.

mod descriptor;

use std::fs::File as StdFile;
use std::sync::Arc;

use toolbay_manifest::Access;
use wasmtime::component::Resource;
use wasmtime_wasi::OpenMode;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, DescriptorType, DirectoryEntryStream, ErrorCode, HostDescriptor,
    HostDirectoryEntryStream, PathFlags,
};
use wasmtime_wasi::p2::{DynOutputStream, FsError, FsResult};
use wasmtime_wasi::runtime::spawn_blocking;

use super::handles::Full;
use super::listing::{Listing, MAX_ENTRIES, TooMany};
use super::open::{self, OpenFault};
use super::output::BoundedOutput;
use super::{FilesView, Mount, Place};
use crate::permissions::usage::Denial;
use crate::text::{escape, shorten};

type Fd = Resource<Descriptor>;

/// Another name for a borrowed descriptor, since passing one on uses it up.
fn again(fd: &Fd) -> Fd {
    Resource::new_borrow(fd.rep())
}

/// A guest's path, safe to show.
fn shown(path: &str) -> String {
    format!("`{}`", shorten(&escape(path), 200))
}

impl FilesView<'_> {
    fn place(&self, fd: &Fd) -> Option<Place> {
        self.mounts.as_ref()?.places.get(&fd.rep()).copied()
    }

    /// Which of the call's mounts a descriptor is of.
    fn mount_number(&self, fd: &Fd) -> Option<usize> {
        self.place(fd).map(|place| place.mount)
    }

    fn mount(&self, fd: &Fd) -> Option<&Mount> {
        self.mounts.as_ref()?.mounts.get(self.mount_number(fd)?)
    }

    /// Notes that something was done in a mount.
    fn touch(&self, fd: &Fd) {
        if let Some(mount) = self.mount(fd) {
            self.usage.mount(&mount.name);
        }
    }

    fn deny(&self, what: String, remedy: Option<String>) {
        self.usage.denied(Denial { what, remedy });
    }

    /// Refuses to change anything in a mount that may only be read. Kinder than the same refusal further down, since it says what it is.
    fn writable(&self, fd: &Fd, path: Option<&str>) -> FsResult<()> {
        self.touch(fd);
        let Some(mount) = self.mount(fd).filter(|mount| mount.is_read_only()) else {
            self.usage.wrote();
            return Ok(());
        };
        let place = path.map_or_else(
            || "something".to_owned(),
            |path| shown(&format!("/{}/{path}", mount.name)),
        );
        let why = match mount.access {
            Access::Read => "which it may only read",
            Access::ReadWrite => "but a read-only tool may change nothing",
        };
        self.deny(
            format!(
                "it tried to change {place} in the mount `{}`, {why}",
                mount.name
            ),
            Some(format!("mounts = {{ {} = \"read-write\" }}", mount.name)),
        );
        Err(ErrorCode::ReadOnly.into())
    }

    fn deny_way_out(&self, fd: &Fd, path: &str) {
        let name = self.mount(fd).map_or("", |mount| &mount.name);
        self.deny(
            format!(
                "the path {} leads out of the mount `{name}`, and only what is in a mount can be reached",
                shown(path)
            ),
            None,
        );
    }

    /// Passes a result on, and notes a path that led out of its mount.
    async fn noted<T>(&mut self, fd: &Fd, path: &str, result: FsResult<T>) -> FsResult<T> {
        let refused = result.as_ref().err().and_then(FsError::downcast_ref);
        if !matches!(refused, Some(ErrorCode::NotPermitted)) {
            return result;
        }
        if let Ok(Descriptor::Dir(dir)) = self.wasi.table.get(fd) {
            let (folder, owned) = (dir.dir.clone(), path.to_owned());
            if spawn_blocking(move || open::leads_out(&folder, &owned)).await {
                self.deny_way_out(fd, path);
            }
        }
        result
    }

    fn folder(&self, fd: &Fd) -> FsResult<&Dir> {
        match self.wasi.table.get(fd)? {
            Descriptor::Dir(dir) => Ok(dir),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    /// What a path names, if it is on the same local file system as the folder, as a descriptor that is asked about it at once. Whoever gets it gives it back to the table.
    fn find_local(&mut self, fd: &Fd, flags: PathFlags, path: &str) -> FsResult<Option<Fd>> {
        let dir = self.folder(fd)?;
        if !self.is_local(fd) {
            return Ok(None);
        }
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        let Some(found) = open::find_local(&dir.dir, path, follow) else {
            return Ok(None);
        };
        let found = File::new(found?, dir.perms, OpenMode::empty(), true);
        Ok(Some(self.wasi.table.push(Descriptor::File(found))?))
    }

    /// The file, if wasmtime-wasi would wait for it on the thread that the guest runs on.
    fn local_file(&self, fd: &Fd) -> FsResult<Option<Arc<StdFile>>> {
        Ok(match self.wasi.table.get(fd)? {
            Descriptor::File(file) if self.is_local(fd) => Some(file.file.clone()),
            _ => None,
        })
    }

    fn full(&self, full: Full) -> FsError {
        self.deny(
            format!("it may open nothing more in its mounts: {}", full.0),
            None,
        );
        ErrorCode::Quota.into()
    }

    /// Makes sure that one more file may be open.
    fn admit(&mut self) -> FsResult<()> {
        let admitted = match &mut self.mounts {
            Some(mounts) => mounts.handles.admit(),
            None => Ok(()),
        };
        admitted.map_err(|full| self.full(full))
    }

    /// Makes sure that one more stream may be made of an open file.
    fn admit_stream(&mut self) -> FsResult<()> {
        let admitted = match &self.mounts {
            Some(mounts) => mounts.handles.admit_stream(),
            None => Ok(()),
        };
        admitted.map_err(|full| self.full(full))
    }

    pub(super) fn is_local(&self, fd: &Fd) -> bool {
        self.place(fd).is_some_and(|place| place.is_local)
    }

    /// Gives the guest a descriptor for what was opened through another one.
    fn keep(&mut self, parent: &Fd, descriptor: Descriptor, is_local: bool) -> FsResult<Fd> {
        let file = match &descriptor {
            Descriptor::File(file) => file.file.clone(),
            Descriptor::Dir(dir) => dir.dir.clone(),
        };
        let fd = self.wasi.table.push(descriptor)?;
        let place = self.place(parent);
        if let Some(mounts) = &mut self.mounts {
            mounts.handles.add(&file);
            if let Some(place) = place {
                let mount = place.mount;
                mounts.places.insert(fd.rep(), Place { mount, is_local });
            }
        }
        Ok(fd)
    }

    /// The same stream, held to what it says that it takes.
    fn bounded(
        &mut self,
        stream: Resource<DynOutputStream>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.wasi.table.delete(stream)?;
        let bounded: DynOutputStream = Box::new(BoundedOutput(stream));
        Ok(self.wasi.table.push(bounded)?)
    }

    /// Opens what wasmtime-wasi has to open, on systems that offer nothing better. Between the look at it and the opening it could still become
    /// a pipe; that then holds up this call until its deadline.
    pub(super) async fn open_elsewhere(
        &mut self,
        fd: &Fd,
        path_flags: PathFlags,
        path: String,
        oflags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Result<Descriptor, OpenFault>> {
        let before = self
            .wasi
            .stat_at(again(fd), path_flags, path.clone())
            .await
            .map(|stat| stat.type_);
        let ordinary = |found: DescriptorType| {
            matches!(
                found,
                DescriptorType::RegularFile
                    | DescriptorType::Directory
                    | DescriptorType::SymbolicLink
            )
        };
        if before.is_ok_and(|found| !ordinary(found)) {
            return Ok(Err(OpenFault::Special("neither a file nor a folder")));
        }
        let opened = self
            .wasi
            .open_at(again(fd), path_flags, path, oflags, flags)
            .await?;
        let descriptor = self.wasi.table.delete(opened)?;
        if let Descriptor::File(file) = &descriptor {
            let file: Arc<StdFile> = file.file.clone();
            let is_file = spawn_blocking(move || file.metadata().map(|found| found.is_file()));
            if !is_file.await? {
                return Ok(Err(OpenFault::Special("neither a file nor a folder")));
            }
        }
        Ok(Ok(descriptor))
    }
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let Some(mounts) = &mut self.mounts else {
            return Ok(Vec::new());
        };
        let mut directories = Vec::with_capacity(mounts.mounts.len());
        for (number, mount) in mounts.mounts.iter().enumerate() {
            let fd = self.wasi.table.push(Descriptor::Dir(mount.dir.clone()))?;
            let place = Place {
                mount: number,
                is_local: mount.is_local,
            };
            mounts.places.insert(fd.rep(), place);
            directories.push((fd, format!("/{}", mount.name)));
        }
        Ok(directories)
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.wasi.convert_error_code(error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.wasi.filesystem_error_code(error)
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        let listing = Resource::<Listing>::new_borrow(stream.rep());
        match self.wasi.table.get_mut(&listing)?.next().await? {
            Ok(entry) => Ok(entry),
            Err(TooMany) => {
                self.deny(
                    format!("it listed a folder with more than {MAX_ENTRIES} entries, which is the most that is given of one"),
                    None,
                );
                Err(ErrorCode::Overflow.into())
            }
        }
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.wasi
            .table
            .delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}
