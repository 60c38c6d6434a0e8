//! Which files are on a disk of this machine. What only reads one of them takes microseconds, less than it costs to hand it to another thread and to
//! wait for that one, so it is done where the guest runs. On a file system that other machines or programs serve it may take for ever,
//! and so it has a thread to itself, as has whatever changes something: that may wait for the disk.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime_wasi::runtime::spawn_blocking;

/// The bound folders that were on a local file system when they were last opened, so that opening them can be expected to take no time.
#[derive(Clone, Default)]
pub(in super::super) struct LocalFolders(Arc<Mutex<HashSet<PathBuf>>>);

impl LocalFolders {
    pub(super) fn hold_all<'a>(&self, mut folders: impl Iterator<Item = &'a Path>) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.all(|folder| known.contains(folder))
    }

    pub(super) fn remember(&self, folder: &Path, is_local: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_local {
            known.remove(folder);
        } else if !known.contains(folder) {
            known.insert(folder.to_owned());
        }
    }
}

/// Whether an open folder is on a file system that keeps its files on this machine's disks or in its memory. Blocks where it is not.
#[cfg(target_os = "linux")]
pub(super) fn is_local(folder: &File) -> bool {
    // `linux/magic.h`, and ZFS's own headers. A layered file system is only as quick as what lies below it, so overlays are not among these.
    const EXT: i64 = 0xEF53;
    const XFS: i64 = 0x5846_5342;
    const BTRFS: i64 = 0x9123_683E;
    const F2FS: i64 = 0xF2F5_2010;
    const BCACHEFS: i64 = 0xCA45_1A4E;
    const ZFS: i64 = 0x2FC1_2FC1;
    const TMPFS: i64 = 0x0102_1994;
    rustix::fs::fstatfs(folder).is_ok_and(|found| {
        // The kernel gives 32 bits, which may have been extended by their sign.
        [EXT, XFS, BTRFS, F2FS, BCACHEFS, ZFS, TMPFS].contains(&(found.f_type & 0xFFFF_FFFF))
    })
}

/// Elsewhere nothing tells, so nothing is expected.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_local(_: &File) -> bool {
    false
}

/// Does what may block: here if it is expected to be quick, and otherwise on a thread of its own.
pub(super) async fn run<R: Send + 'static>(
    is_quick: bool,
    body: impl FnOnce() -> R + Send + 'static,
) -> R {
    if is_quick {
        body()
    } else {
        spawn_blocking(body).await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_makes_up_is_not_local() {
        let folder = File::open("/proc").unwrap();
        assert!(!is_local(&folder));
    }

    #[test]
    fn a_folder_that_has_moved_is_forgotten() {
        let known = LocalFolders::default();
        let (one, other) = (Path::new("/one"), Path::new("/other"));
        known.remember(one, true);
        assert!(known.hold_all([one].into_iter()));
        assert!(!known.hold_all([one, other].into_iter()));
        known.remember(one, false);
        assert!(!known.hold_all([one].into_iter()));
    }
}
