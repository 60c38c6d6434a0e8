//! The functions of a guest's descriptors. Each notes what it touches and refuses what the mount does not allow; what is left is
//! wasmtime-wasi's to do.

use wasmtime::component::Resource;
use wasmtime_wasi::OpenMode;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, DescriptorType, DirectoryEntryStream, ErrorCode, HostDescriptor, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsResult};
use wasmtime_wasi::runtime::spawn_blocking;

use super::super::listing::{Listing, MAX_ENTRIES};
use super::super::open::{self, OpenFault, OpenRequest, Opened};
use super::super::{FilesView, local, path};
use super::{Fd, again, shown};

impl HostDescriptor for FilesView<'_> {
    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        oflags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Fd> {
        use types::{DescriptorFlags, OpenFlags};
        self.touch(&fd);
        let changes = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let write = oflags.intersects(changes) || flags.contains(DescriptorFlags::WRITE);
        let synchronised = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if flags.intersects(synchronised) {
            return Err(ErrorCode::Unsupported.into());
        }
        let is_folder = oflags.contains(OpenFlags::DIRECTORY);
        if is_folder && oflags.intersects(changes | OpenFlags::EXCLUSIVE) {
            return Err(ErrorCode::Invalid.into());
        }
        if write {
            self.writable(&fd, Some(&path))?;
        }
        self.admit()?;

        // A file that is not opened to be written is opened to be read, whatever was said of reading.
        let read = flags.contains(DescriptorFlags::READ) || !flags.contains(DescriptorFlags::WRITE);
        let request = OpenRequest {
            path: path.clone(),
            follow: path_flags.contains(PathFlags::SYMLINK_FOLLOW),
            create: oflags.contains(OpenFlags::CREATE),
            exclusive: oflags.contains(OpenFlags::EXCLUSIVE),
            truncate: oflags.contains(OpenFlags::TRUNCATE),
            folder: is_folder,
            read,
            write,
        };
        let dir = self.folder(&fd)?;
        let (folder, perms) = (dir.dir.clone(), dir.perms);
        let here = if !write && self.is_local(&fd) {
            open::open_local(&folder, &request)
        } else {
            None
        };
        let is_local = here.is_some();
        let opened = match here {
            Some(opened) => opened,
            None => spawn_blocking(move || open::open(&folder, &request)).await,
        };
        let opened = match opened {
            Ok(opened) => {
                let mut mode = OpenMode::empty();
                mode.set(OpenMode::READ, read);
                mode.set(OpenMode::WRITE, write);
                Ok(match opened {
                    Opened::File(file) => Descriptor::File(File::new(file, perms, mode, is_local)),
                    Opened::Folder(file) => Descriptor::Dir(Dir::new(file, perms, mode, false)),
                })
            }
            Err(OpenFault::NotHere) => {
                let elsewhere = self
                    .open_elsewhere(&fd, path_flags, path.clone(), oflags, flags)
                    .await;
                self.noted(&fd, &path, elsewhere).await?
            }
            Err(fault) => Err(fault),
        };
        match opened {
            Ok(descriptor) => self.keep(&fd, descriptor, is_local),
            Err(OpenFault::Io(error)) => Err(error.into()),
            Err(OpenFault::LeadsOut) => {
                self.deny_way_out(&fd, &path);
                Err(ErrorCode::NotPermitted.into())
            }
            Err(OpenFault::Special(what)) => {
                self.deny(
                    format!(
                        "{} is {what}; only files and folders can be opened",
                        shown(&path)
                    ),
                    None,
                );
                Err(ErrorCode::NotPermitted.into())
            }
            Err(OpenFault::NotHere) => Err(ErrorCode::Unsupported.into()),
        }
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        if let Some(mounts) = &mut self.mounts {
            mounts.places.remove(&fd.rep());
        }
        HostDescriptor::drop(&mut self.wasi, fd)
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        self.writable(&fd, Some(&path))?;
        if !path::is_safe_target(&target) {
            self.deny(
                format!(
                    "the link {} to {} could lead out of its mount: a link's target may neither be absolute nor hold `..`",
                    shown(&path),
                    shown(&target)
                ),
                None,
            );
            return Err(ErrorCode::NotPermitted.into());
        }
        let made = self.wasi.symlink_at(again(&fd), target, path.clone()).await;
        self.noted(&fd, &path, made).await
    }

    async fn link_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        self.writable(&fd, Some(&path))?;
        self.writable(&new_fd, Some(&new_path))?;
        if self.mount_number(&fd) != self.mount_number(&new_fd) {
            self.deny(
                format!(
                    "the hard link {} to {} would join two mounts, which stay apart",
                    shown(&new_path),
                    shown(&path)
                ),
                None,
            );
            return Err(ErrorCode::CrossDevice.into());
        }
        // A hard link to a link would put the words of a link in another place, where they mean another.
        let found = self
            .wasi
            .stat_at(again(&fd), PathFlags::empty(), path.clone())
            .await;
        let found = self.noted(&fd, &path, found).await?;
        if found.type_ != DescriptorType::RegularFile {
            self.deny(
                format!("{} is not a file; only files get hard links", shown(&path)),
                None,
            );
            return Err(ErrorCode::NotPermitted.into());
        }
        let made = self
            .wasi
            .link_at(
                again(&fd),
                path_flags,
                path.clone(),
                again(&new_fd),
                new_path.clone(),
            )
            .await;
        let made = self.noted(&fd, &path, made).await;
        self.noted(&new_fd, &new_path, made).await
    }

    async fn rename_at(
        &mut self,
        fd: Fd,
        path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        self.writable(&fd, Some(&path))?;
        self.writable(&new_fd, Some(&new_path))?;
        let renamed = self
            .wasi
            .rename_at(again(&fd), path.clone(), again(&new_fd), new_path.clone())
            .await;
        let renamed = self.noted(&fd, &path, renamed).await;
        self.noted(&new_fd, &new_path, renamed).await
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
        self.touch(&fd);
        self.admit()?;
        let (folder, is_local) = (self.folder(&fd)?.dir.clone(), self.is_local(&fd));
        let opening = move || Listing::open(&*folder, MAX_ENTRIES, is_local);
        let listing = local::run(is_local, opening).await?;
        if let Some(mounts) = &mut self.mounts {
            mounts.handles.add(listing.handle());
        }
        // The table knows things by their number alone; the type that the bindings name is one that only wasmtime-wasi can make.
        let listing = self.wasi.table.push(listing)?;
        Ok(Resource::new_own(listing.rep()))
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.writable(&fd, Some(&path))?;
        let made = self
            .wasi
            .create_directory_at(again(&fd), path.clone())
            .await;
        self.noted(&fd, &path, made).await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.writable(&fd, Some(&path))?;
        let removed = self
            .wasi
            .remove_directory_at(again(&fd), path.clone())
            .await;
        self.noted(&fd, &path, removed).await
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.writable(&fd, Some(&path))?;
        let removed = self.wasi.unlink_file_at(again(&fd), path.clone()).await;
        self.noted(&fd, &path, removed).await
    }

    async fn stat_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        self.touch(&fd);
        if let Some(found) = self.find_local(&fd, path_flags, &path)? {
            let stat = self.wasi.stat(again(&found)).await;
            self.wasi.table.delete(found)?;
            return stat;
        }
        let found = self
            .wasi
            .stat_at(again(&fd), path_flags, path.clone())
            .await;
        self.noted(&fd, &path, found).await
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        self.writable(&fd, Some(&path))?;
        let set = self
            .wasi
            .set_times_at(again(&fd), path_flags, path.clone(), accessed, modified)
            .await;
        self.noted(&fd, &path, set).await
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        self.touch(&fd);
        let target = self.wasi.readlink_at(again(&fd), path.clone()).await;
        self.noted(&fd, &path, target).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        self.touch(&fd);
        if let Some(found) = self.find_local(&fd, path_flags, &path)? {
            let hash = self.wasi.metadata_hash(again(&found)).await;
            self.wasi.table.delete(found)?;
            return hash;
        }
        let hash = self
            .wasi
            .metadata_hash_at(again(&fd), path_flags, path.clone())
            .await;
        self.noted(&fd, &path, hash).await
    }

    fn read_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynInputStream>> {
        self.touch(&fd);
        self.admit_stream()?;
        self.wasi.read_via_stream(fd, offset)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynOutputStream>> {
        self.writable(&fd, None)?;
        self.admit_stream()?;
        let stream = self.wasi.write_via_stream(fd, offset)?;
        self.bounded(stream)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        self.writable(&fd, None)?;
        self.admit_stream()?;
        let stream = self.wasi.append_via_stream(fd)?;
        self.bounded(stream)
    }

    async fn read(&mut self, fd: Fd, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        self.touch(&fd);
        self.wasi.read(fd, length, offset).await
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        self.writable(&fd, None)?;
        self.wasi.write(fd, bytes, offset).await
    }

    async fn set_size(&mut self, fd: Fd, size: u64) -> FsResult<()> {
        self.writable(&fd, None)?;
        self.wasi.set_size(fd, size).await
    }

    async fn set_times(
        &mut self,
        fd: Fd,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        self.writable(&fd, None)?;
        self.wasi.set_times(fd, accessed, modified).await
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<types::DescriptorStat> {
        self.touch(&fd);
        self.wasi.stat(fd).await
    }

    // What follows tells of an open file nothing that opening it did not.

    async fn advise(
        &mut self,
        fd: Fd,
        offset: u64,
        length: u64,
        advice: types::Advice,
    ) -> FsResult<()> {
        self.wasi.advise(fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        match self.local_file(&fd)? {
            Some(file) => Ok(spawn_blocking(move || file.sync_data()).await?),
            None => self.wasi.sync_data(fd).await,
        }
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        match self.local_file(&fd)? {
            Some(file) => Ok(spawn_blocking(move || file.sync_all()).await?),
            None => self.wasi.sync(fd).await,
        }
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<types::DescriptorFlags> {
        self.wasi.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        self.wasi.get_type(fd).await
    }

    async fn is_same_object(&mut self, one: Fd, other: Fd) -> wasmtime::Result<bool> {
        self.wasi.is_same_object(one, other).await
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<types::MetadataHashValue> {
        self.wasi.metadata_hash(fd).await
    }
}
