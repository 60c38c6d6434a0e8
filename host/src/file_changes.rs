//! Files that stand behind resources, watched for whoever has subscribed to these. A manifest's `watch` says which file of which mount that is; nothing is watched
//! that the tool may not read, and nothing at all while nobody listens.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::catalog::Catalog;
use crate::changes::{Change, Changes, What};
use crate::permissions::decide::Decision;

/// A file that is written in several steps is told of once in this time.
const QUIET: Duration = Duration::from_millis(50);

/// Watches files for those who have subscribed to resources.
pub(crate) struct FileChanges {
    changes: Changes,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    watcher: Option<RecommendedWatcher>,
    files: HashMap<PathBuf, Vec<Interest>>,
    /// How many files of a folder are watched: the folder is, since editors put a new file in the old one's place.
    folders: HashMap<PathBuf, usize>,
    next: u64,
}

struct Interest {
    number: u64,
    plugin: Arc<str>,
    uri: Arc<str>,
    told: Option<Instant>,
}

/// One file that is watched, until this is dropped.
pub(crate) struct Watched {
    state: Weak<Mutex<State>>,
    file: PathBuf,
    number: u64,
}

impl FileChanges {
    pub(crate) fn new(changes: Changes) -> Self {
        Self {
            changes,
            state: Arc::default(),
        }
    }

    /// Watches the file behind a resource; nothing where there is none, or the user has not allowed it to be read.
    pub(crate) fn watch(&self, catalog: &Catalog, uri: &str) -> Option<Watched> {
        let (found, variables) = catalog.find_resource(uri)?;
        let watch = found.tool.as_resource()?.watch.as_ref()?;
        let Decision::Allowed(allowance) = &*found.decision else {
            return None;
        };
        let mounts = &allowance.access.mounts;
        let mount = mounts.iter().find(|mount| mount.name == watch.mount)?;
        let file = mount.folder.join(watch.file(&variables)?);
        let folder = file.parent()?.canonicalize().ok()?;
        // A link may lead out of the mount, where there is nothing to be told of.
        let real = folder.canonicalize().ok()?;
        if !real.starts_with(&mount.folder) {
            return None;
        }
        let file = real.join(file.file_name()?);
        self.add(&real, file, &found.tool.label.plugin, uri)
    }

    fn add(&self, folder: &Path, file: PathBuf, plugin: &Arc<str>, uri: &str) -> Option<Watched> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.watcher.is_none() {
            state.watcher = Some(self.watcher()?);
        }
        let is_new = !state.folders.contains_key(folder);
        if is_new
            && let Some(watcher) = &mut state.watcher
            && let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
        {
            tracing::warn!(%error, "a file behind a resource cannot be watched");
            return None;
        }
        *state.folders.entry(folder.to_owned()).or_default() += 1;
        let number = state.next;
        state.next += 1;
        state.files.entry(file.clone()).or_default().push(Interest {
            number,
            plugin: plugin.clone(),
            uri: uri.into(),
            told: None,
        });
        Some(Watched {
            state: Arc::downgrade(&self.state),
            file,
            number,
        })
    }

    fn watcher(&self) -> Option<RecommendedWatcher> {
        let (state, changes) = (Arc::downgrade(&self.state), self.changes.clone());
        notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            let Some(state) = state.upgrade() else { return };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            for path in &event.paths {
                for interest in state.files.get_mut(path).into_iter().flatten() {
                    interest.tell(&changes);
                }
            }
        })
        .inspect_err(|error| tracing::warn!(%error, "no files can be watched"))
        .ok()
    }
}

impl Interest {
    fn tell(&mut self, changes: &Changes) {
        let now = Instant::now();
        if self
            .told
            .is_some_and(|told| now.duration_since(told) < QUIET)
        {
            return;
        }
        self.told = Some(now);
        changes.tell(Change {
            plugin: self.plugin.clone(),
            // A file is the same for everybody who may read it.
            principal: None,
            what: What::Updated(self.uri.clone()),
        });
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(state) = self.state.upgrade() else {
            return;
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interests) = state.files.get_mut(&self.file) {
            interests.retain(|interest| interest.number != self.number);
            if interests.is_empty() {
                state.files.remove(&self.file);
            }
        }
        let Some(folder) = self.file.parent() else {
            return;
        };
        let is_last = match state.folders.get_mut(folder) {
            Some(count) => {
                *count -= 1;
                *count == 0
            }
            None => false,
        };
        if is_last {
            state.folders.remove(folder);
            if let Some(watcher) = &mut state.watcher {
                // A folder that is gone is watched no longer anyway.
                let _ = watcher.unwatch(folder);
            }
        }
    }
}
