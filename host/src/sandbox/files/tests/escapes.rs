//! Attempts to get out of a mount, or to do in it what it does not allow.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use toolbay_manifest::Access;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, HostDescriptor, NewTimestamp, OpenFlags, PathFlags,
};

use super::super::open::OpenFault;
use super::{Guest, again, code, denial};

const OUT: Result<(), ErrorCode> = Err(ErrorCode::NotPermitted);

/// Every way that a guest can use a path, each tried with this one in the mount `vault`.
async fn try_everything(
    guest: &mut Guest,
    path: &str,
) -> Vec<(&'static str, Result<(), ErrorCode>)> {
    let vault = guest.root("vault");
    let fd = || again(&vault);
    let text = || path.to_owned();
    let follow = PathFlags::SYMLINK_FOLLOW;
    let mut results = Vec::new();
    let read = guest.open_to_read(&vault, path).await;
    results.push(("open", read.map(drop)));
    let create = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let created = guest
        .open(&vault, path, create, DescriptorFlags::WRITE)
        .await;
    results.push(("create", created.map(drop)));
    let view = &mut guest.view();
    results.push((
        "stat",
        code(view.stat_at(fd(), follow, text()).await).map(drop),
    ));
    results.push((
        "hash",
        code(view.metadata_hash_at(fd(), follow, text()).await).map(drop),
    ));
    results.push((
        "make folder",
        code(view.create_directory_at(fd(), text()).await),
    ));
    results.push((
        "remove folder",
        code(view.remove_directory_at(fd(), text()).await),
    ));
    results.push(("unlink", code(view.unlink_file_at(fd(), text()).await)));
    results.push((
        "rename from",
        code(view.rename_at(fd(), text(), fd(), "stolen".into()).await),
    ));
    results.push((
        "rename to",
        code(view.rename_at(fd(), "file".into(), fd(), text()).await),
    ));
    results.push((
        "link from",
        code(
            view.link_at(fd(), PathFlags::empty(), text(), fd(), "stolen".into())
                .await,
        ),
    ));
    results.push((
        "link to",
        code(
            view.link_at(fd(), PathFlags::empty(), "file".into(), fd(), text())
                .await,
        ),
    ));
    results.push((
        "make link",
        code(view.symlink_at(fd(), "file".into(), text()).await),
    ));
    results.push((
        "read link",
        code(view.readlink_at(fd(), text()).await).map(drop),
    ));
    let now = NewTimestamp::Now;
    results.push((
        "set times",
        code(view.set_times_at(fd(), follow, text(), now, now).await),
    ));
    results
}

/// What is around the mounts, to see that nothing of it changed.
fn surroundings(guest: &Guest) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for folder in ["", "outside", "vault"] {
        for entry in fs::read_dir(guest.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(guest.around.path())
                .unwrap()
                .display()
                .to_string();
            found.push((name, fs::read_to_string(&path).ok()));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn dots_and_absolute_paths() {
    let mut guest = Guest::new().await;
    let before = surroundings(&guest);
    let absolute = guest.path("secret").display().to_string();
    for path in [
        "../secret",
        "sub/../../secret",
        "./sub/.././../outside/secret.txt",
        "../vault/file",
        "/etc/passwd",
        "//etc/passwd",
        &absolute,
    ] {
        for (attempt, result) in try_everything(&mut guest, path).await {
            assert_eq!(result, OUT, "{attempt} {path}");
        }
        let said = format!(
            "the path `{path}` leads out of the mount `vault`, and only what is in a mount can be reached"
        );
        assert_eq!(guest.denials(), [denial(&said, None)]);
    }
    assert_eq!(surroundings(&guest), before);
    // A descriptor of a folder inside is no way up either.
    let vault = guest.root("vault");
    let sub = guest.open_to_read(&vault, "sub").await.unwrap();
    for path in ["..", "../file", "../../secret"] {
        assert_eq!(
            guest.open_to_read(&sub, path).await.unwrap_err(),
            ErrorCode::NotPermitted
        );
    }
}

#[tokio::test]
async fn links_that_lead_out() {
    let mut guest = Guest::new().await;
    let absolute = guest.path("secret");
    symlink(&absolute, guest.path("vault/absolute")).unwrap();
    symlink("../secret", guest.path("vault/relative")).unwrap();
    symlink("relative", guest.path("vault/twice")).unwrap();
    symlink("../outside", guest.path("vault/folder")).unwrap();
    symlink("../nothing", guest.path("vault/dangling")).unwrap();
    symlink("/proc/self", guest.path("vault/proc")).unwrap();
    symlink("/proc/self/environ", guest.path("vault/environ")).unwrap();
    symlink("/", guest.path("vault/root")).unwrap();
    let vault = guest.root("vault");
    for path in [
        "absolute",
        "relative",
        "twice",
        "folder",
        "folder/secret.txt",
        "dangling",
        "proc/environ",
        "proc/root/etc/passwd",
        "environ",
        "root/etc/passwd",
        "sub/../relative",
    ] {
        guest.denials();
        let flags = DescriptorFlags::READ;
        let follow = PathFlags::SYMLINK_FOLLOW;
        for oflags in [
            OpenFlags::empty(),
            OpenFlags::CREATE,
            OpenFlags::TRUNCATE,
            OpenFlags::DIRECTORY,
        ] {
            assert_eq!(
                guest.open(&vault, path, oflags, flags).await.map(drop),
                OUT,
                "{path} {oflags:?}"
            );
        }
        let stat = guest
            .view()
            .stat_at(again(&vault), follow, path.into())
            .await;
        assert_eq!(code(stat).map(drop), OUT, "{path}");
        let said = format!(
            "the path `{path}` leads out of the mount `vault`, and only what is in a mount can be reached"
        );
        assert_eq!(guest.denials(), [denial(&said, None)]);
    }
    // What lies behind a link cannot be changed, the link itself can.
    for (attempt, result) in try_everything(&mut guest, "folder/secret.txt").await {
        assert_eq!(result, OUT, "{attempt}");
    }
    code(
        guest
            .view()
            .unlink_file_at(again(&vault), "folder".into())
            .await,
    )
    .unwrap();
    assert!(guest.path("outside/secret.txt").exists());
    assert!(!guest.path("nothing").exists());
    // Where an absolute link leads is not told.
    let target = guest
        .view()
        .readlink_at(again(&vault), "absolute".into())
        .await;
    assert_eq!(code(target).map(drop), OUT);
}

#[tokio::test]
async fn making_links_that_lead_out() {
    let mut guest = Guest::new().await;
    let vault = guest.root("vault");
    fs::create_dir_all(guest.path("vault/a/b")).unwrap();
    for target in ["/etc/passwd", "../secret", "..", "sub/../../secret", "a/.."] {
        for path in ["evil", "a/b/evil"] {
            let made = guest
                .view()
                .symlink_at(again(&vault), target.into(), path.into())
                .await;
            assert_eq!(code(made), OUT, "{target}");
            assert!(fs::symlink_metadata(guest.path("vault").join(path)).is_err());
            let said = format!(
                "the link `{path}` to `{target}` could lead out of its mount: a link's target may neither be absolute nor hold `..`"
            );
            assert_eq!(guest.denials(), [denial(&said, None)]);
        }
    }
    code(
        guest
            .view()
            .symlink_at(again(&vault), "b".into(), "a/fine".into())
            .await,
    )
    .unwrap();
    assert_eq!(
        fs::read_link(guest.path("vault/a/fine")).unwrap(),
        Path::new("b")
    );
}

#[tokio::test]
async fn hard_links() {
    let mut guest = Guest::with(
        &[("vault", Access::ReadWrite), ("other", Access::ReadWrite)],
        false,
    )
    .await;
    let (vault, other) = (guest.root("vault"), guest.root("other"));
    symlink("../secret", guest.path("vault/relative")).unwrap();
    let none = PathFlags::empty();
    let across = guest
        .view()
        .link_at(
            again(&vault),
            none,
            "file".into(),
            again(&other),
            "joined".into(),
        )
        .await;
    assert_eq!(code(across), Err(ErrorCode::CrossDevice));
    assert_eq!(
        guest.denials(),
        [denial(
            "the hard link `joined` to `file` would join two mounts, which stay apart",
            None
        )]
    );
    assert!(!guest.path("other/joined").exists());
    let of_link = guest
        .view()
        .link_at(
            again(&vault),
            none,
            "relative".into(),
            again(&vault),
            "sub/moved".into(),
        )
        .await;
    assert_eq!(code(of_link), OUT);
    assert_eq!(
        guest.denials(),
        [denial(
            "`relative` is not a file; only files get hard links",
            None
        )]
    );
    let followed = guest
        .view()
        .link_at(
            again(&vault),
            PathFlags::SYMLINK_FOLLOW,
            "relative".into(),
            again(&vault),
            "x".into(),
        )
        .await;
    assert_eq!(code(followed), OUT);
    let inside = guest
        .view()
        .link_at(
            again(&vault),
            none,
            "file".into(),
            again(&vault),
            "sub/same".into(),
        )
        .await;
    code(inside).unwrap();
    assert_eq!(fs::read(guest.path("vault/sub/same")).unwrap(), b"content");
    // Moving is another thing: the file is in one of them, as a copy would be.
    let moved = guest
        .view()
        .rename_at(
            again(&vault),
            "sub/same".into(),
            again(&other),
            "moved".into(),
        )
        .await;
    code(moved).unwrap();
}

/// A named pipe.
fn make_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
}

#[tokio::test]
async fn a_pipe_that_nobody_writes() {
    let mut guest = Guest::new().await;
    make_pipe(&guest.path("vault/pipe"));
    symlink("pipe", guest.path("vault/to-pipe")).unwrap();
    let vault = guest.root("vault");
    for path in ["pipe", "to-pipe"] {
        guest.denials();
        for (oflags, flags) in [
            (OpenFlags::empty(), DescriptorFlags::READ),
            (OpenFlags::empty(), DescriptorFlags::WRITE),
            (
                OpenFlags::CREATE | OpenFlags::TRUNCATE,
                DescriptorFlags::READ | DescriptorFlags::WRITE,
            ),
        ] {
            let opening = guest.open(&vault, path, oflags, flags);
            let opened = tokio::time::timeout(Duration::from_secs(10), opening).await;
            assert_eq!(opened.expect("it does not wait").map(drop), OUT);
        }
        let said = format!("`{path}` is a named pipe; only files and folders can be opened");
        assert_eq!(guest.denials(), [denial(&said, None)]);
    }
    // That it is there is no secret.
    let names = guest.names(&vault).await.unwrap();
    assert!(names.iter().any(|(name, _)| name == "pipe"));
}

#[tokio::test]
async fn sockets_and_devices() {
    let mut guest = Guest::new().await;
    let _listener = UnixListener::bind(guest.path("vault/socket")).unwrap();
    let vault = guest.root("vault");
    assert_eq!(guest.open_to_read(&vault, "socket").await.map(drop), OUT);
    assert_eq!(
        guest.denials(),
        [denial(
            "`socket` is a socket; only files and folders can be opened",
            None
        )]
    );
    // Only root may make a device; for everybody else there is none to be found.
    let null = mknodat(
        CWD,
        guest.path("vault/null"),
        FileType::CharacterDevice,
        Mode::from(0o600),
        rustix::fs::makedev(1, 3),
    );
    if null.is_ok() {
        assert_eq!(guest.open_to_read(&vault, "null").await.map(drop), OUT);
        assert_eq!(
            guest.denials(),
            [denial(
                "`null` is a device; only files and folders can be opened",
                None
            )]
        );
    }
}

// The way of systems where opening is left to wasmtime-wasi.
#[tokio::test]
async fn opening_elsewhere() {
    let mut guest = Guest::new().await;
    make_pipe(&guest.path("vault/pipe"));
    symlink("../secret", guest.path("vault/relative")).unwrap();
    let vault = guest.root("vault");
    let mut view = guest.view();
    let mut open = async |path: &str| {
        let opened = view
            .open_elsewhere(
                &vault,
                PathFlags::SYMLINK_FOLLOW,
                path.into(),
                OpenFlags::empty(),
                DescriptorFlags::READ,
            )
            .await;
        code(opened)
    };
    assert!(matches!(open("pipe").await, Ok(Err(OpenFault::Special(_)))));
    assert!(matches!(open("file").await, Ok(Ok(_))));
    assert!(matches!(open("sub").await, Ok(Ok(_))));
    for path in ["relative", "../secret", "/etc/passwd"] {
        assert!(
            matches!(open(path).await, Err(ErrorCode::NotPermitted)),
            "{path}"
        );
    }
}

/// Exchanges two names over and over until it is dropped.
struct Swapping {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<u64>>,
}

impl Swapping {
    fn start(one: &Path, other: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (one, other, stopped) = (one.to_owned(), other.to_owned(), stop.clone());
        let thread = thread::spawn(move || {
            let mut swaps = 0;
            while !stopped.load(Ordering::Relaxed) {
                renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
                swaps += 1;
            }
            swaps
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// How often it happened.
    fn finish(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

#[tokio::test]
async fn a_folder_that_becomes_a_link_while_it_is_opened() {
    let mut guest = Guest::new().await;
    fs::create_dir(guest.path("vault/inner")).unwrap();
    fs::write(guest.path("vault/inner/secret.txt"), "inside").unwrap();
    symlink("../outside", guest.path("vault/other")).unwrap();
    let vault = guest.root("vault");
    let swapping = Swapping::start(&guest.path("vault/inner"), &guest.path("vault/other"));
    let (mut inside, mut refused) = (0, 0);
    for _ in 0..20_000 {
        for path in ["inner/secret.txt", "sub/../inner/secret.txt"] {
            match guest.content(&vault, path).await {
                Ok(content) => {
                    assert_eq!(content, "inside");
                    inside += 1;
                }
                Err(ErrorCode::NotPermitted | ErrorCode::Busy) => refused += 1,
                Err(code) => panic!("{code:?}"),
            }
        }
        if inside > 500 && refused > 500 {
            break;
        }
    }
    let swaps = swapping.finish();
    assert!(
        inside > 0 && refused > 0 && swaps > 100,
        "{inside} {refused} {swaps}"
    );
}

#[tokio::test]
async fn a_file_that_becomes_a_pipe_while_it_is_opened() {
    let mut guest = Guest::new().await;
    make_pipe(&guest.path("vault/pipe"));
    let vault = guest.root("vault");
    let swapping = Swapping::start(&guest.path("vault/file"), &guest.path("vault/pipe"));
    let (mut files, mut pipes) = (0, 0);
    for _ in 0..20_000 {
        let opening = guest.content(&vault, "file");
        match tokio::time::timeout(Duration::from_secs(10), opening)
            .await
            .expect("it does not wait")
        {
            Ok(_) => files += 1,
            Err(ErrorCode::NotPermitted) => pipes += 1,
            Err(code) => panic!("{code:?}"),
        }
        if files > 500 && pipes > 500 {
            break;
        }
    }
    let swaps = swapping.finish();
    assert!(
        files > 0 && pipes > 0 && swaps > 100,
        "{files} {pipes} {swaps}"
    );
}

/// Everything that changes something, tried in a mount that may not be changed.
async fn check_unchanged(mut guest: Guest, mount: &str, why: &str) {
    fs::remove_dir(guest.path(mount).join("sub")).unwrap();
    fs::create_dir(guest.path(mount).join("sub")).unwrap();
    let folder = guest.root(mount);
    let fd = || again(&folder);
    let file = guest.open_to_read(&folder, "file").await.unwrap();
    for (oflags, flags) in [
        (OpenFlags::CREATE, DescriptorFlags::READ),
        (
            OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
            DescriptorFlags::READ,
        ),
        (OpenFlags::TRUNCATE, DescriptorFlags::READ),
        (OpenFlags::empty(), DescriptorFlags::WRITE),
    ] {
        let opened = guest.open(&folder, "file", oflags, flags).await;
        assert_eq!(opened.map(drop), Err(ErrorCode::ReadOnly));
    }
    let said = format!("it tried to change `/{mount}/file` in the mount `{mount}`, {why}");
    let remedy = format!("mounts = {{ {mount} = \"read-write\" }}");
    assert_eq!(guest.denials(), [denial(&said, Some(&remedy))]);
    let now = NewTimestamp::Now;
    let view = &mut guest.view();
    let name = || "file".to_owned();
    for result in [
        code(view.create_directory_at(fd(), "new".into()).await),
        code(view.remove_directory_at(fd(), "sub".into()).await),
        code(view.unlink_file_at(fd(), name()).await),
        code(view.rename_at(fd(), name(), fd(), "new".into()).await),
        code(
            view.link_at(fd(), PathFlags::empty(), name(), fd(), "new".into())
                .await,
        ),
        code(view.symlink_at(fd(), name(), "new".into()).await),
        code(
            view.set_times_at(fd(), PathFlags::empty(), name(), now, now)
                .await,
        ),
        code(view.set_times(fd(), now, now).await),
        code(view.set_times(again(&file), now, now).await),
        code(view.set_size(again(&file), 0).await),
        code(view.write(again(&file), b"x".to_vec(), 0).await).map(drop),
        code(view.write_via_stream(again(&file), 0)).map(drop),
        code(view.append_via_stream(again(&file))).map(drop),
    ] {
        assert_eq!(result, Err(ErrorCode::ReadOnly));
    }
    assert!(
        guest
            .denials()
            .iter()
            .all(|denial| denial.remedy.as_deref() == Some(&remedy))
    );
    assert_eq!(
        fs::read(guest.path(mount).join("file")).unwrap(),
        b"content"
    );
    let mut names: Vec<_> = fs::read_dir(guest.path(mount))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["file", "sub"]);
}

#[tokio::test]
async fn a_mount_that_may_only_be_read() {
    check_unchanged(Guest::new().await, "shelf", "which it may only read").await;
}

#[tokio::test]
async fn a_tool_that_is_read_only() {
    let guest = Guest::with(&[("vault", Access::ReadWrite)], true).await;
    check_unchanged(guest, "vault", "but a read-only tool may change nothing").await;
}

#[tokio::test]
async fn from_one_mount_into_one_that_may_only_be_read() {
    let mut guest = Guest::new().await;
    let (vault, shelf) = (guest.root("vault"), guest.root("shelf"));
    let view = &mut guest.view();
    let none = PathFlags::empty();
    for result in [
        code(
            view.rename_at(again(&vault), "file".into(), again(&shelf), "new".into())
                .await,
        ),
        code(
            view.rename_at(again(&shelf), "file".into(), again(&vault), "new".into())
                .await,
        ),
        code(
            view.link_at(
                again(&shelf),
                none,
                "file".into(),
                again(&vault),
                "new".into(),
            )
            .await,
        ),
    ] {
        assert_eq!(result, Err(ErrorCode::ReadOnly));
    }
}

#[tokio::test]
async fn strange_names() {
    let mut guest = Guest::new().await;
    let vault = guest.root("vault");
    let long = "x".repeat(300);
    let longer = "x/".repeat(10_000);
    for (path, expected) in [
        ("", ErrorCode::NoEntry),
        ("a\0b", ErrorCode::Invalid),
        ("file\0", ErrorCode::Invalid),
        ("file/", ErrorCode::NotDirectory),
        ("file/.", ErrorCode::NotDirectory),
        ("file/..", ErrorCode::NotDirectory),
        (&long, ErrorCode::NameTooLong),
        (&longer, ErrorCode::NameTooLong),
        ("..\\secret", ErrorCode::NoEntry),
        ("%2e%2e/secret", ErrorCode::NoEntry),
        ("~/secret", ErrorCode::NoEntry),
    ] {
        let opened = guest.open_to_read(&vault, path).await;
        assert_eq!(opened.map(drop), Err(expected), "{path:?}");
    }
    for path in [".", "sub/..", "./", "sub/../."] {
        guest.open_to_read(&vault, path).await.unwrap();
    }
    // What is noted of a name can be shown anywhere.
    let hidden = "../\u{1b}[31m\u{202e}\n";
    guest.open_to_read(&vault, hidden).await.unwrap_err();
    let what = &guest.denials()[0].what;
    assert!(what.contains("`../\\u{1b}[31m\\u{202e}\\u{a}`"), "{what}");
    // A name of the kernel's for what is open in this process.
    let create = OpenFlags::CREATE;
    let odd = "con: \u{202e}*?|\"<>";
    guest
        .open(&vault, odd, create, DescriptorFlags::WRITE)
        .await
        .unwrap();
    assert!(guest.path("vault").join(odd).exists());
}
