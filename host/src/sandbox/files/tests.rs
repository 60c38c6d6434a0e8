//! What a guest can do with its mounts and what it cannot, seen from the functions that it calls. No guest is needed for that: a test calls them in
//! its place.

mod escapes;
mod limits;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use toolbay_manifest::Access;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorType, ErrorCode, HostDescriptor, HostDirectoryEntryStream,
    OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use super::{FilesView, GuestFiles, LocalFolders};
use crate::permissions::access::{MountAccess, ToolAccess};
use crate::permissions::usage::{Denial, Usage};
use crate::sandbox::descriptors::Descriptors;

type Fd = Resource<Descriptor>;

/// A guest with mounts, and the folders that these are.
struct Guest {
    files: GuestFiles,
    wasi: WasiCtx,
    table: ResourceTable,
    usage: Usage,
    /// The folder around the mounts, in which there are things that no guest may reach.
    around: TempDir,
}

impl Guest {
    /// With a mount `vault` that may be written and a mount `shelf` that may be read.
    async fn new() -> Self {
        Self::with(
            &[("vault", Access::ReadWrite), ("shelf", Access::Read)],
            false,
        )
        .await
    }

    async fn with(mounts: &[(&str, Access)], read_only: bool) -> Self {
        let around = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(around.path()).unwrap();
        fs::write(root.join("secret"), "secret").unwrap();
        fs::create_dir(root.join("outside")).unwrap();
        fs::write(root.join("outside/secret.txt"), "secret").unwrap();
        let bind = |(name, access): &(&str, Access)| {
            let folder = root.join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("file"), "content").unwrap();
            fs::create_dir(folder.join("sub")).unwrap();
            MountAccess {
                name: (*name).to_owned(),
                folder,
                access: *access,
            }
        };
        let access = ToolAccess {
            mounts: mounts.iter().map(bind).collect(),
            read_only,
            ..ToolAccess::default()
        };
        let files = GuestFiles::open(&access, &Descriptors::of(1000), &LocalFolders::default())
            .await
            .unwrap();
        Self {
            files,
            wasi: WasiCtxBuilder::new().build(),
            table: ResourceTable::new(),
            usage: Usage::default(),
            around,
        }
    }

    fn view(&mut self) -> FilesView<'_> {
        FilesView {
            mounts: self.files.0.as_deref_mut(),
            wasi: WasiFilesystemCtxView {
                ctx: self.wasi.filesystem(),
                table: &mut self.table,
            },
            usage: &self.usage,
        }
    }

    /// The real path of something in or around the mounts.
    fn path(&self, path: &str) -> PathBuf {
        self.around.path().join(path)
    }

    /// A descriptor of a mount.
    fn root(&mut self, name: &str) -> Fd {
        let mut directories = self.view().get_directories().unwrap();
        let wanted = format!("/{name}");
        let place = directories.iter().position(|(_, name)| *name == wanted);
        directories.swap_remove(place.unwrap()).0
    }

    async fn open(
        &mut self,
        fd: &Fd,
        path: &str,
        oflags: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Fd, ErrorCode> {
        let follow = PathFlags::SYMLINK_FOLLOW;
        let mut view = self.view();
        let opened = view.open_at(again(fd), follow, path.to_owned(), oflags, flags);
        code(opened.await)
    }

    /// Opens what is there to be read.
    async fn open_to_read(&mut self, fd: &Fd, path: &str) -> Result<Fd, ErrorCode> {
        self.open(fd, path, OpenFlags::empty(), DescriptorFlags::READ)
            .await
    }

    /// The whole content of a file.
    async fn content(&mut self, fd: &Fd, path: &str) -> Result<String, ErrorCode> {
        let file = self.open_to_read(fd, path).await?;
        let read = code(self.view().read(again(&file), 1000, 0).await);
        HostDescriptor::drop(&mut self.view(), file).unwrap();
        Ok(String::from_utf8(read?.0).unwrap())
    }

    /// The names in a folder, with their types.
    async fn names(&mut self, fd: &Fd) -> Result<Vec<(String, DescriptorType)>, ErrorCode> {
        let stream = code(self.view().read_directory(again(fd)).await)?;
        let mut names = Vec::new();
        loop {
            let borrowed = Resource::new_borrow(stream.rep());
            match code(self.view().read_directory_entry(borrowed).await)? {
                Some(entry) => names.push((entry.name, entry.type_)),
                None => break,
            }
        }
        HostDirectoryEntryStream::drop(&mut self.view(), stream).unwrap();
        names.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(names)
    }

    /// What was refused since the last time, as it was noted.
    fn denials(&mut self) -> Vec<Denial> {
        let used = self.usage.snapshot();
        self.usage = Usage::default();
        used.denials
    }
}

fn again(fd: &Fd) -> Fd {
    Resource::new_borrow(fd.rep())
}

/// The result as a guest sees it.
fn code<T>(result: FsResult<T>) -> Result<T, ErrorCode> {
    result.map_err(|error: FsError| error.downcast().unwrap())
}

fn denial(what: &str, remedy: Option<&str>) -> Denial {
    Denial {
        what: what.to_owned(),
        remedy: remedy.map(str::to_owned),
    }
}

#[tokio::test]
async fn files_are_read_written_and_listed() {
    let mut guest = Guest::new().await;
    let (vault, shelf) = (guest.root("vault"), guest.root("shelf"));
    assert_eq!(guest.content(&shelf, "file").await.unwrap(), "content");
    let create = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = guest
        .open(&vault, "sub/new", create, DescriptorFlags::WRITE)
        .await
        .unwrap();
    let written = guest.view().write(again(&file), b"text".to_vec(), 0).await;
    assert_eq!(code(written), Ok(4));
    assert_eq!(guest.content(&vault, "sub/new").await.unwrap(), "text");
    assert_eq!(fs::read(guest.path("vault/sub/new")).unwrap(), b"text");
    code(
        guest
            .view()
            .symlink_at(again(&vault), "sub/new".into(), "link".into())
            .await,
    )
    .unwrap();
    assert_eq!(guest.content(&vault, "link").await.unwrap(), "text");
    let target = guest.view().readlink_at(again(&vault), "link".into()).await;
    assert_eq!(code(target).unwrap(), "sub/new");
    assert_eq!(
        guest.names(&vault).await.unwrap(),
        [
            ("file".to_owned(), DescriptorType::RegularFile),
            ("link".to_owned(), DescriptorType::SymbolicLink),
            ("sub".to_owned(), DescriptorType::Directory),
        ]
    );
    let sub = guest.open_to_read(&vault, "sub").await.unwrap();
    assert_eq!(guest.content(&sub, "new").await.unwrap(), "text");
    let used = guest.usage.snapshot();
    assert_eq!(used.mounts, ["shelf", "vault"]);
    assert_eq!(used.denials, []);
}

#[tokio::test]
async fn what_a_guest_creates_cannot_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let mut guest = Guest::new().await;
    let vault = guest.root("vault");
    guest
        .open(&vault, "new", OpenFlags::CREATE, DescriptorFlags::WRITE)
        .await
        .unwrap();
    let mode = fs::metadata(guest.path("vault/new"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7111, 0, "{mode:o}");
}

#[tokio::test]
async fn a_guest_without_mounts_has_none() {
    let mut guest = Guest::with(&[], false).await;
    assert!(guest.files.0.is_none());
    assert!(guest.view().get_directories().unwrap().is_empty());
}

#[tokio::test]
async fn a_folder_that_is_gone_fails_the_call() {
    use std::os::unix::fs::symlink;
    let around = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(around.path()).unwrap();
    fs::create_dir_all(root.join("there/below")).unwrap();
    fs::write(root.join("file"), "").unwrap();
    symlink("there", root.join("link")).unwrap();
    let failure = async |path: &str| {
        let access = ToolAccess {
            mounts: vec![MountAccess {
                name: "vault".into(),
                folder: root.join(path),
                access: Access::Read,
            }],
            ..ToolAccess::default()
        };
        let opened =
            GuestFiles::open(&access, &Descriptors::of(10), &LocalFolders::default()).await;
        let error = opened.err().map(|failure| failure.to_string());
        error.map(|error| error.replace(&root.display().to_string(), "[root]"))
    };
    let said = |path: &str, why: &str| {
        Some(format!(
            "its mount `vault` is bound to [root]/{path}, which {why}"
        ))
    };
    assert_eq!(failure("there").await, None);
    assert_eq!(
        failure("none").await,
        said("none", "does not exist any more")
    );
    assert_eq!(
        failure("file").await,
        said("file", "is not a folder any more")
    );
    let is_link = "has become a link, or lies behind one";
    #[cfg(target_os = "linux")]
    assert_eq!(failure("link").await, said("link", is_link));
    #[cfg(target_os = "linux")]
    assert_eq!(failure("link/below").await, said("link/below", is_link));

    let access = ToolAccess {
        mounts: vec![MountAccess {
            name: "vault".into(),
            folder: root.join("there"),
            access: Access::Read,
        }],
        ..ToolAccess::default()
    };
    let opened = GuestFiles::open(&access, &Descriptors::of(0), &LocalFolders::default()).await;
    assert!(
        Arc::new(opened.err().unwrap())
            .to_string()
            .ends_with("too many files are open in this host")
    );
}

#[tokio::test]
async fn files_that_are_not_local_are_read_the_same_way() {
    for is_local in [true, false] {
        let mut guest = Guest::new().await;
        if let Some(mounts) = &mut guest.files.0 {
            mounts
                .mounts
                .iter_mut()
                .for_each(|mount| mount.is_local = is_local);
        }
        let shelf = guest.root("shelf");
        assert_eq!(guest.content(&shelf, "file").await.unwrap(), "content");
        let sub = guest.open_to_read(&shelf, "sub").await.unwrap();
        assert_eq!(guest.view().is_local(&sub), is_local);
        assert_eq!(guest.names(&shelf).await.unwrap().len(), 2);
        let file = guest.open_to_read(&shelf, "file").await.unwrap();
        for (path, wanted) in [
            ("file", DescriptorType::RegularFile),
            ("sub", DescriptorType::Directory),
            (".", DescriptorType::Directory),
        ] {
            let flags = PathFlags::empty();
            let stat = guest
                .view()
                .stat_at(again(&shelf), flags, path.into())
                .await;
            assert_eq!(code(stat).unwrap().type_, wanted, "{path}");
        }
        let flags = PathFlags::SYMLINK_FOLLOW;
        let by_path = guest
            .view()
            .metadata_hash_at(again(&shelf), flags, "file".into())
            .await;
        let by_file = guest.view().metadata_hash(again(&file)).await;
        let (by_path, by_file) = (code(by_path).unwrap(), code(by_file).unwrap());
        assert_eq!(
            (by_path.lower, by_path.upper),
            (by_file.lower, by_file.upper)
        );
        let none = guest
            .view()
            .stat_at(again(&shelf), flags, "none".into())
            .await;
        assert_eq!(code(none).err(), Some(ErrorCode::NoEntry));
        code(guest.view().sync(again(&file)).await).unwrap();
        code(guest.view().sync_data(again(&file)).await).unwrap();
        assert_eq!(guest.denials(), []);
        std::os::unix::fs::symlink("../secret", guest.path("shelf/out")).unwrap();
        for out in ["../secret", "out"] {
            let refused = guest.content(&shelf, out).await;
            assert_eq!(refused, Err(ErrorCode::NotPermitted), "{out}");
            assert_eq!(guest.denials().len(), 1, "{out}");
            let flags = PathFlags::SYMLINK_FOLLOW;
            let refused = guest.view().stat_at(again(&shelf), flags, out.into()).await;
            assert_eq!(code(refused).err(), Some(ErrorCode::NotPermitted), "{out}");
            assert_eq!(guest.denials().len(), 1, "{out}");
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_file_system_below_a_local_folder_is_not_local() {
    use super::local;
    let access = ToolAccess {
        mounts: vec![MountAccess {
            name: "root".into(),
            folder: "/".into(),
            access: Access::Read,
        }],
        ..ToolAccess::default()
    };
    let mut guest = Guest::with(&[], false).await;
    guest.files = GuestFiles::open(&access, &Descriptors::of(1000), &LocalFolders::default())
        .await
        .unwrap();
    let root = guest.root("root");
    let is_local = local::is_local(&fs::File::open("/").unwrap());
    assert_eq!(guest.view().is_local(&root), is_local);
    // Whatever the root is on, this is made up by the kernel.
    let version = guest.open_to_read(&root, "proc/version").await.unwrap();
    assert!(!guest.view().is_local(&version));
    let folder = guest.open_to_read(&root, "proc/self").await.unwrap();
    assert!(!guest.view().is_local(&folder));
    assert!(guest.content(&folder, "status").await.is_ok());
}
