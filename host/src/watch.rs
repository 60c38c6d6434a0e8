//! Notices changes in the plugin folders and of the grants, and keeps the catalog up to date while the host serves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::host::Host;
use crate::inventory::Inventory;
use crate::load::LoadError;
use crate::plugin::{NotReady, Plugin};

/// A burst of events is answered by one scan: after this much quiet, or this much time.
const QUIET: Duration = Duration::from_millis(5);
const BURST: Duration = Duration::from_millis(50);

/// What a client is told first needs no plugins, and is told sooner while nothing else is done. One that says nothing for so long is not waited for.
const GREETING: Duration = Duration::from_millis(5);

/// Where no watching is possible, folders are looked at this often.
const POLL: Duration = Duration::from_secs(1);

/// How many plugins are made runnable ahead at once.
const AHEAD: usize = 2;

/// Keeps the host's catalog up to date until the host is closed. The first scan happens when somebody asks for what it finds or has been answered something that it is not needed for; soon, in
/// any case.
pub(crate) async fn keep_up(host: Arc<Host>) {
    let (events, mut noticed) = mpsc::unbounded_channel();
    let greeting = tokio::time::timeout(GREETING, host.asked.cancelled());
    tokio::select! {
        () = host.closing.cancelled() => return,
        _ = greeting => {}
    }
    let watched = watched_folders(&host);
    let (folders, cache) = (host.config.folders.clone(), host.config.cache.clone());
    let grants = host.grants.clone();
    let begun = tokio::try_join!(
        tokio::task::spawn_blocking(move || {
            let mut watcher = FolderWatcher::new(&watched, events);
            watcher.follow();
            watcher
        }),
        tokio::task::spawn_blocking(move || {
            grants.current();
            Inventory::new(folders, cache)
        }),
    );
    let (mut watcher, mut inventory) = match begun {
        Ok(begun) => begun,
        Err(error) => return tracing::error!(%error, "the plugin folders cannot be looked at"),
    };
    let mut follows = true;
    let (failed, mut failures) = mpsc::unbounded_channel();
    let mut again_in = Some(Duration::ZERO);
    loop {
        let timer = again_in.or(watcher.polls().then_some(POLL));
        tokio::select! {
            () = host.closing.cancelled() => return,
            event = noticed.recv() => {
                if event.is_none() { return }
                wait_for_quiet(&mut noticed).await;
            }
            Some((plugin, error)) = failures.recv() => {
                inventory.refuse(&plugin, &error);
                host.swap(inventory.catalog(&host.authority()));
                continue;
            }
            () = sleep(timer) => {}
        }
        // A folder that came into being, or went, is watched from now on; whatever came into it meanwhile is found by this scan.
        if !std::mem::take(&mut follows) {
            watcher.follow();
        }
        let scanned = inventory.scan(&host.sandbox).await;
        again_in = scanned.again_in;
        host.grants.refresh();
        host.swap(inventory.catalog(&host.authority()));
        host.mark_scanned(again_in.is_none());
        inventory.save_index();
        prepare_ahead(&host, scanned.new, &failed);
    }
}

/// The plugin folders, and the one in which the grants lie.
fn watched_folders(host: &Host) -> Vec<PathBuf> {
    let mut folders = host.config.folders.clone();
    folders.extend(host.grants.file().parent().map(Path::to_owned));
    folders
}

async fn sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

async fn wait_for_quiet(noticed: &mut mpsc::UnboundedReceiver<()>) {
    let burst = tokio::time::sleep(BURST);
    tokio::pin!(burst);
    loop {
        tokio::select! {
            () = &mut burst => return,
            quiet = tokio::time::timeout(QUIET, noticed.recv()) => {
                if !matches!(quiet, Ok(Some(()))) { return }
            }
        }
    }
}

/// Makes new plugins runnable in the background. One that is not is reported, so that it is listed no longer.
fn prepare_ahead(
    host: &Arc<Host>,
    new: Vec<Arc<Plugin>>,
    failed: &mpsc::UnboundedSender<(Arc<Plugin>, LoadError)>,
) {
    if new.is_empty() {
        return;
    }
    let (host, failed) = (host.clone(), failed.clone());
    tokio::spawn(async move {
        let work = futures::stream::iter(new).map(|plugin| {
            let (host, failed) = (host.clone(), failed.clone());
            async move {
                let compiled = tokio::select! {
                    () = host.closing.cancelled() => return,
                    compiled = plugin.prepare_ahead(&host.sandbox) => compiled,
                };
                if let Err(NotReady::Component(error)) = compiled {
                    let _ = failed.send((plugin, error.into()));
                }
            }
        });
        work.buffer_unordered(AHEAD).collect::<()>().await;
    });
}

/// Watches each folder, or the nearest one above it that exists.
struct FolderWatcher {
    watcher: Option<RecommendedWatcher>,
    folders: Vec<PathBuf>,
    watched: Vec<PathBuf>,
    incomplete: bool,
}

impl FolderWatcher {
    fn new(folders: &[PathBuf], events: mpsc::UnboundedSender<()>) -> Self {
        let interesting: Vec<PathBuf> = folders.to_vec();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let relevant = match &event {
                Ok(event) => {
                    !matches!(event.kind, EventKind::Access(_))
                        && (event.paths.is_empty()
                            || event.paths.iter().any(|path| concerns(path, &interesting)))
                }
                Err(_) => true,
            };
            if relevant {
                let _ = events.send(());
            }
        });
        let watcher = watcher.map_err(|error| tracing::warn!(%error, "plugin folders cannot be watched and are looked at every second instead")).ok();
        Self {
            watcher,
            folders: folders.to_vec(),
            watched: Vec::new(),
            incomplete: false,
        }
    }

    /// Whether folders have to be looked at regularly, because not all of them can be watched.
    fn polls(&self) -> bool {
        self.watcher.is_none() || self.incomplete
    }

    /// Watches what there is now. A folder that comes into being before the one above it is watched again is nobody's event, so
    /// it is looked once more.
    fn follow(&mut self) {
        const LOOKS: usize = 4;
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let mut wanted = to_watch(&self.folders);
        for look in 1.. {
            self.incomplete = false;
            for folder in &wanted {
                // A folder that was removed and made again is another one under the same name, so the watch is always renewed.
                if self.watched.contains(folder) {
                    let _ = watcher.unwatch(folder);
                }
                if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                    tracing::warn!(folder = %folder.display(), %error, "this folder cannot be watched and is looked at every second instead");
                    self.incomplete = true;
                }
            }
            for gone in self
                .watched
                .iter()
                .filter(|folder| !wanted.contains(folder))
            {
                let _ = watcher.unwatch(gone);
            }
            self.watched = wanted;
            wanted = to_watch(&self.folders);
            if wanted == self.watched {
                return;
            }
            if look == LOOKS {
                // Somebody makes and removes folders all the time.
                self.incomplete = true;
                return;
            }
        }
    }
}

/// The folders, each with the one above it, from which its own removal and return are seen; of one that is not there, the nearest
/// above it that is.
fn to_watch(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut wanted: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let existing = folder
            .ancestors()
            .find(|ancestor| ancestor.is_dir())
            .map(Path::to_owned);
        let above = folder
            .parent()
            .filter(|parent| parent.is_dir())
            .map(Path::to_owned);
        wanted.extend(existing.into_iter().chain(above));
    }
    wanted.sort();
    wanted.dedup();
    wanted
}

/// Whether an event at this path can change what is loaded: in a plugin folder, or at one of the folders above it.
fn concerns(path: &Path, folders: &[PathBuf]) -> bool {
    folders
        .iter()
        .any(|folder| folder.starts_with(path) || path.parent() == Some(folder))
}
