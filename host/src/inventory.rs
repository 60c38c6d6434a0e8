//! The state of every candidate from scan to scan: which version is served, which is settling, what is wrong with it. Decides when a changed file
//! counts; knows nothing of how changes are noticed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::catalog::{Catalog, PluginProblem};
use crate::dev::DevNote;
use crate::digest::Digest;
use crate::discover::{Candidate, Fingerprint, discover, exposure};
use crate::index::Index;
use crate::load::{self, Content, LoadError};
use crate::permissions::authority::Authority;
use crate::plugin::Plugin;
use crate::sandbox::Sandbox;

/// A changed file counts once its content has stood still this long and can be loaded.
pub(crate) const SETTLE: Duration = Duration::from_millis(50);

/// A changed file that cannot be loaded is reported once it has been so for this long, since somebody may still be writing it.
const REPORT_AFTER: Duration = Duration::from_secs(2);

/// At the start, a file that has stood still this long needs no waiting.
const SETTLED_AT_START: Duration = Duration::from_millis(20);

/// All candidates of the configured folders.
pub(crate) struct Inventory {
    folders: Vec<PathBuf>,
    cache: PathBuf,
    index: Index,
    entries: BTreeMap<PathBuf, Entry>,
    /// The paths in the order that decides a clash.
    order: Vec<PathBuf>,
    folder_problem: Option<PluginProblem>,
    warnings: Vec<String>,
    developing: Vec<DevNote>,
    first: bool,
}

#[derive(Default)]
struct Entry {
    seen: Option<Seen>,
    served: Option<Served>,
    settling: Option<Settling>,
    problem: Option<PluginProblem>,
}

/// The files' state when they were last judged; `None` in `file` for a candidate that cannot be opened.
#[derive(PartialEq)]
struct Seen {
    file: Option<Fingerprint>,
    sidecar: Option<Fingerprint>,
}

struct Served {
    plugin: Arc<Plugin>,
    /// Unknown for a plugin taken from the index.
    content: Option<(Digest, Option<Digest>)>,
}

struct Settling {
    content: Option<(Digest, Option<Digest>)>,
    content_since: Instant,
    /// Whether this content was compiled before, so was whole then: nobody is in the middle of writing it.
    known: bool,
    /// The content on its way to being a plugin, begun while it settles: what becomes of it counts only once it has stood still.
    loading: Option<Loading>,
    since: Instant,
}

type Loaded = Result<(Arc<Plugin>, toolbay_manifest::Manifest), LoadError>;

/// Ends with whoever waits for it.
struct Loading(JoinHandle<Loaded>);

/// What a scan found out.
pub(crate) struct Scanned {
    /// Plugins that may be new, in this scan: candidates for compiling ahead.
    pub(crate) new: Vec<Arc<Plugin>>,
    /// When to scan again even if nothing is noticed, because something is settling.
    pub(crate) again_in: Option<Duration>,
}

impl Inventory {
    pub(crate) fn new(folders: Vec<PathBuf>, cache: PathBuf) -> Self {
        let index = Index::open(&cache, &folders);
        Self {
            folders,
            cache,
            index,
            entries: BTreeMap::new(),
            order: Vec::new(),
            folder_problem: None,
            warnings: Vec::new(),
            developing: Vec::new(),
            first: true,
        }
    }

    /// Looks at all folders once.
    pub(crate) async fn scan(&mut self, sandbox: &Arc<Sandbox>) -> Scanned {
        let folders = self.folders.clone();
        let look = move || (discover(&folders), DevNote::all(&folders));
        let candidates = match tokio::task::spawn_blocking(look).await {
            Ok((Ok(candidates), developing)) => {
                self.developing = developing;
                self.folder_problem = None;
                self.warnings = self
                    .folders
                    .iter()
                    .filter_map(|folder| warning(folder))
                    .collect();
                candidates
            }
            Ok((Err((folder, error)), _)) => {
                // What is served stays: a folder that cannot be read for a moment says nothing about its plugins.
                self.folder_problem = Some(unreadable_folder(&folder, &error));
                return Scanned {
                    new: Vec::new(),
                    again_in: Some(REPORT_AFTER),
                };
            }
            Err(_) => {
                return Scanned {
                    new: Vec::new(),
                    again_in: Some(REPORT_AFTER),
                };
            }
        };
        self.order = candidates
            .iter()
            .map(|candidate| candidate.path.clone())
            .collect();
        let present: std::collections::HashSet<&PathBuf> = self.order.iter().collect();
        self.entries.retain(|path, _| present.contains(path));

        let mut new = Vec::new();
        let mut settling = false;
        for candidate in &candidates {
            match self.judge(sandbox, candidate).await {
                Verdict::Unchanged => {}
                Verdict::New(plugin) => new.push(plugin),
                Verdict::Settling => settling = true,
            }
        }
        self.first = false;
        self.index
            .keep_only(self.order.iter().map(PathBuf::as_path));
        Scanned {
            new,
            again_in: settling.then_some(SETTLE / 2),
        }
    }

    /// Keeps what was found for the next start, without anybody waiting for the disk.
    pub(crate) fn save_index(&mut self) {
        if let Some(save) = self.index.save() {
            drop(tokio::task::spawn_blocking(save));
        }
    }

    /// The snapshot of what is served now.
    pub(crate) fn catalog(&self, authority: &Authority) -> Catalog {
        let entries = || self.order.iter().filter_map(|path| self.entries.get(path));
        let plugins = entries()
            .filter_map(|entry| entry.served.as_ref())
            .map(|served| served.plugin.clone())
            .collect();
        let problems = entries()
            .filter_map(|entry| entry.problem.clone())
            .chain(self.folder_problem.clone())
            .chain(grants_problem(authority))
            .collect();
        let mut catalog = Catalog::new(plugins, problems, self.warnings.clone(), authority);
        catalog.developing.clone_from(&self.developing);
        catalog
    }

    /// A plugin turned out not to run after it was taken in: it is served no longer.
    pub(crate) fn refuse(&mut self, plugin: &Arc<Plugin>, error: &LoadError) {
        let Some(entry) = self.entries.get_mut(&plugin.path) else {
            return;
        };
        if entry
            .served
            .as_ref()
            .is_some_and(|served| Arc::ptr_eq(&served.plugin, plugin))
        {
            entry.served = None;
            entry.problem = Some(error.problem(&plugin.path));
        }
    }

    async fn judge(&mut self, sandbox: &Arc<Sandbox>, candidate: &Candidate) -> Verdict {
        let now = Instant::now();
        let seen = Seen {
            file: candidate.file.as_ref().ok().copied(),
            sidecar: candidate
                .sidecar
                .as_ref()
                .map(|sidecar| sidecar.fingerprint),
        };
        let first = self.first;
        let entry = self.entries.entry(candidate.path.clone()).or_default();
        if entry.settling.is_none() && entry.seen.as_ref() == Some(&seen) {
            return Verdict::Unchanged;
        }
        if first && let Some(plugin) = self.index.plugin(candidate) {
            let plugin = Arc::new(plugin);
            entry.seen = Some(seen);
            entry.served = Some(Served {
                plugin: plugin.clone(),
                content: None,
            });
            return Verdict::New(plugin);
        }
        let still_since_start =
            first && seen.file.is_none_or(|file| file.age() >= SETTLED_AT_START);
        let old_since_start = first && seen.file.is_none_or(|file| file.age() >= REPORT_AFTER);

        let content = read(candidate).await;
        let key = content.as_ref().ok().map(Content::key);
        if let (Some(served), Some(key)) = (&entry.served, &key)
            && served.content.as_ref() == Some(key)
        {
            // Touched, or written again with the same content.
            (entry.seen, entry.settling, entry.problem) = (Some(seen), None, None);
            return Verdict::Unchanged;
        }
        let replaces = entry.served.is_some();
        let settling = entry.settling.get_or_insert_with(|| Settling::begin(now));
        if settling.content != key {
            settling.hold(content.as_ref().ok(), key.clone(), now, sandbox);
        }
        let stood_still = still_since_start || now.duration_since(settling.content_since) >= SETTLE;
        let overdue = old_since_start || now.duration_since(settling.since) >= REPORT_AFTER;
        let may_fail_now =
            |error: &LoadError| overdue || (stood_still && !error.may_be_unfinished());

        let loaded = match content {
            Ok(content) => {
                let loading = settling.loading.take().unwrap_or_else(|| {
                    Loading::begin(sandbox, &self.cache, candidate, content, replaces)
                });
                if !stood_still && !settling.known {
                    settling.loading = Some(loading);
                    return Verdict::Settling;
                }
                loading.end().await.map(|loaded| (loaded, key))
            }
            Err(error) => Err(error),
        };
        match loaded {
            Ok(((plugin, manifest), key)) => {
                self.index.remember(candidate, &plugin.digest, &manifest);
                *entry = Entry {
                    seen: Some(seen),
                    served: Some(Served {
                        plugin: plugin.clone(),
                        content: key,
                    }),
                    settling: None,
                    problem: None,
                };
                Verdict::New(plugin)
            }
            Err(error) if may_fail_now(&error) => {
                let mut problem = error.problem(&candidate.path);
                problem.serving_earlier = entry.served.is_some();
                (entry.seen, entry.settling, entry.problem) = (Some(seen), None, Some(problem));
                Verdict::Unchanged
            }
            Err(_) => Verdict::Settling,
        }
    }
}

enum Verdict {
    Unchanged,
    New(Arc<Plugin>),
    Settling,
}

async fn read(candidate: &Candidate) -> Result<Content, LoadError> {
    let for_thread = candidate.clone();
    let read = tokio::task::spawn_blocking(move || load::read(&for_thread)).await;
    read.unwrap_or_else(|error| Err(LoadError::Read(std::io::Error::other(error))))
}

impl Settling {
    fn begin(now: Instant) -> Self {
        Self {
            content: None,
            content_since: now,
            known: false,
            loading: None,
            since: now,
        }
    }

    /// Other content than at the last look.
    fn hold(
        &mut self,
        content: Option<&Content>,
        key: Option<(Digest, Option<Digest>)>,
        now: Instant,
        sandbox: &Sandbox,
    ) {
        self.content = key;
        self.content_since = now;
        self.known = content.is_some_and(|content| sandbox.is_compiled(&content.digest));
        self.loading = None;
    }
}

impl Loading {
    /// Loads a version. One that replaces another is made ready to run first, so that nobody waits for its compiler and a version that does not
    /// run never takes the place of one that does.
    fn begin(
        sandbox: &Arc<Sandbox>,
        cache: &Path,
        candidate: &Candidate,
        content: Content,
        replaces: bool,
    ) -> Self {
        let (sandbox, cache, candidate) = (sandbox.clone(), cache.to_owned(), candidate.clone());
        Self(tokio::spawn(async move {
            let (plugin, manifest) = load::load(&sandbox, &cache, &candidate, &content).await?;
            if replaces
                && let Err(crate::plugin::NotReady::Component(error)) =
                    plugin.prepared(&sandbox).await
            {
                return Err(error.into());
            }
            Ok((Arc::new(plugin), manifest))
        }))
    }

    async fn end(mut self) -> Loaded {
        let loaded = (&mut self.0).await;
        loaded.unwrap_or_else(|error| Err(LoadError::Read(std::io::Error::other(error))))
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A folder that others can change.
fn warning(folder: &Path) -> Option<String> {
    let why = exposure(folder)?;
    let folder = crate::text::escape(&folder.display().to_string());
    Some(format!(
        "the plugin folder {folder} is not the user's alone: {why}; whoever can put a plugin there decides what the assistant is offered (chmod go-w, or use another folder)"
    ))
}

/// Grants that cannot be read are a problem like a plugin that cannot.
fn grants_problem(authority: &Authority) -> Option<PluginProblem> {
    let (path, reason, hint) = authority.problem()?;
    Some(PluginProblem {
        path,
        reason,
        hint,
        serving_earlier: false,
    })
}

fn unreadable_folder(folder: &Path, error: &std::io::Error) -> PluginProblem {
    PluginProblem {
        path: folder.to_owned(),
        reason: format!("the folder cannot be read: {error}"),
        hint: "check that it is a folder and that you may read it".into(),
        serving_earlier: false,
    }
}
