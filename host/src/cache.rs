//! Answers that are kept for the same question: of resources and of read-only tools whose manifest says `cache`. It owns what is kept, its bounds, and what makes it stale; what
//! the question is and which answers may be kept is for [`crate::call`].
//!
//! What a writing tool invalidates is written down in a file of the plugin's in the state folder, to which all hosts of the user append whole lines and which none rewrites. Its length tells whether
//! there is anything new: a look-up costs one `stat`, and a host hears of another's writes before it answers with what it kept. An answer whose question was asked before a line was
//! appended that concerns it is not kept, so no read that began before a write ended outlives it.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::digest::Digest;

/// So many bytes of answers are kept in all.
const MAX_BYTES: usize = 64 << 20;

/// So many answers are kept in all.
const MAX_ENTRIES: usize = 10_000;

/// The folder of the plugins' files in the state folder.
const FOLDER: &str = "invalidated";

/// The answers of one host. `T` is what is kept of one.
pub(crate) struct Cache<T> {
    folder: PathBuf,
    kept: Mutex<Kept<T>>,
    plugins: Mutex<HashMap<Arc<str>, Arc<Invalidated>>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Kept<T> {
    entries: HashMap<Digest, Entry<T>>,
    /// The oldest first; an entry that is gone or was put anew is passed over.
    order: VecDeque<(Digest, u64)>,
    puts: u64,
    bytes: usize,
    /// Questions that are being answered at this moment, for whoever asks the same.
    asked: HashMap<Digest, watch::Receiver<()>>,
}

struct Entry<T> {
    value: Arc<T>,
    subject: Subject,
    until: Instant,
    bytes: usize,
    put: u64,
}

/// What an answer is of, as invalidations name it: a tool's name or a resource's URI, of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) plugin: Arc<str>,
    pub(crate) name: Arc<str>,
}

/// What one plugin's tools have made stale, as far as this host has read it.
struct Invalidated {
    path: PathBuf,
    /// How many bytes of it have been read.
    read: Mutex<u64>,
}

/// What came of looking for an answer.
pub(crate) enum Found<T> {
    /// It is kept, and for so long still.
    Hit(Arc<T>, Duration),
    /// It is not, and whoever asked is the one to find it out.
    Miss(Ticket<T>),
}

/// The right and the duty to find an answer out: others who ask the same wait until it is dropped.
pub(crate) struct Ticket<T> {
    cache: Arc<Cache<T>>,
    key: Digest,
    subject: Subject,
    /// How long the plugin's file was when the question was asked.
    since: u64,
    _answering: watch::Sender<()>,
}

impl<T: Send + Sync> Cache<T> {
    /// An empty one, whose plugins' files are in this state folder.
    pub(crate) fn new(state: &Path) -> Arc<Self> {
        Arc::new(Self {
            folder: state.join(FOLDER),
            kept: Mutex::new(Kept {
                entries: HashMap::new(),
                order: VecDeque::new(),
                puts: 0,
                bytes: 0,
                asked: HashMap::new(),
            }),
            plugins: Mutex::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// Looks for an answer. Of several who ask the same at once, one is told that there is none, and the others wait for it.
    pub(crate) async fn look_up(self: &Arc<Self>, key: &Digest, subject: &Subject) -> Found<T> {
        loop {
            let since = self.catch_up(&subject.plugin);
            let mut answering = {
                let mut kept = self.lock();
                if let Some(entry) = kept.fresh(key) {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    let left = entry.until.saturating_duration_since(Instant::now());
                    return Found::Hit(entry.value.clone(), left);
                }
                match kept.asked.get(key).cloned() {
                    Some(answering) if answering.has_changed().is_ok() => answering,
                    _ => {
                        let (answering, waiting) = watch::channel(());
                        kept.asked.insert(key.clone(), waiting);
                        self.misses.fetch_add(1, Ordering::Relaxed);
                        return Found::Miss(Ticket {
                            cache: self.clone(),
                            key: key.clone(),
                            subject: subject.clone(),
                            since,
                            _answering: answering,
                        });
                    }
                }
            };
            // It says nothing; it is dropped when the answer is there, or will not come.
            let _ = answering.changed().await;
        }
    }

    /// Makes what is kept of a plugin and fits a pattern stale, in all hosts: a resource's URI in which `*` stands for anything, a tool's name, or `*` for all.
    pub(crate) fn invalidate(&self, plugin: &Arc<str>, patterns: &[String]) {
        let mut lines = String::new();
        for pattern in patterns {
            lines.extend(pattern.chars().filter(|char| *char != '\n'));
            lines.push('\n');
        }
        let file = self.plugin(plugin);
        if let Err(error) = append(&file.path, lines.as_bytes()) {
            tracing::warn!(path = %file.path.display(), %error, "other hosts do not hear of what is stale");
            let mut kept = self.lock();
            patterns
                .iter()
                .for_each(|pattern| kept.forget(plugin, pattern));
        }
        self.catch_up(plugin);
    }

    /// How often an answer was kept, and how often it was not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.hits), count(&self.misses))
    }

    /// Reads what has been made stale since the last time, and forgets it. Gives how long the file is.
    fn catch_up(&self, plugin: &Arc<str>) -> u64 {
        let file = self.plugin(plugin);
        let mut read = file.read.lock().unwrap_or_else(PoisonError::into_inner);
        let length = fs::metadata(&file.path).map_or(0, |metadata| metadata.len());
        if length == *read {
            return length;
        }
        match lines(&file.path, *read) {
            // A file that has shrunk was replaced, and nobody knows what was in it.
            Ok(lines) if length > *read => {
                let mut kept = self.lock();
                lines
                    .lines()
                    .for_each(|pattern| kept.forget(plugin, pattern));
                *read += lines.len() as u64;
            }
            _ => {
                self.lock().forget(plugin, "*");
                *read = length;
            }
        }
        *read
    }

    fn plugin(&self, plugin: &Arc<str>) -> Arc<Invalidated> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let file = plugins.entry(plugin.clone()).or_insert_with(|| {
            let path = self.folder.join(&**plugin);
            // What is kept is younger than what is in the file already.
            let read = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            Arc::new(Invalidated {
                path,
                read: Mutex::new(read),
            })
        });
        file.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Kept<T> {
    fn fresh(&mut self, key: &Digest) -> Option<&Entry<T>> {
        if self.entries.get(key)?.until <= Instant::now() {
            self.remove(key);
        }
        self.entries.get(key)
    }

    fn put(&mut self, key: &Digest, value: T, subject: Subject, ttl: Duration, bytes: usize) {
        if bytes > MAX_BYTES / 4 {
            return;
        }
        self.remove(key);
        self.puts += 1;
        self.bytes += bytes;
        self.order.push_back((key.clone(), self.puts));
        let entry = Entry {
            value: Arc::new(value),
            subject,
            until: Instant::now() + ttl,
            bytes,
            put: self.puts,
        };
        self.entries.insert(key.clone(), entry);
        while self.bytes > MAX_BYTES || self.entries.len() > MAX_ENTRIES {
            let Some((oldest, put)) = self.order.pop_front() else {
                break;
            };
            if self
                .entries
                .get(&oldest)
                .is_some_and(|entry| entry.put == put)
            {
                self.remove(&oldest);
            }
        }
        // Entries that were removed otherwise leave their places behind.
        if self.order.len() > 2 * MAX_ENTRIES {
            let entries = &self.entries;
            self.order
                .retain(|(key, put)| entries.get(key).is_some_and(|entry| entry.put == *put));
        }
    }

    fn remove(&mut self, key: &Digest) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }

    fn forget(&mut self, plugin: &str, pattern: &str) {
        let mut freed = 0;
        self.entries.retain(|_, entry| {
            let stale = *entry.subject.plugin == *plugin && fits(pattern, &entry.subject.name);
            freed += if stale { entry.bytes } else { 0 };
            !stale
        });
        self.bytes -= freed;
    }
}

impl<T: Send + Sync> Ticket<T> {
    /// Keeps the answer, unless something has made it stale meanwhile. Whoever waited for it finds it then.
    pub(crate) fn keep(self, value: T, ttl: Duration, bytes: usize) {
        let file = self.cache.plugin(&self.subject.plugin);
        self.cache.catch_up(&self.subject.plugin);
        // Nothing is appended between the look and the entry that this host would miss: it looks again at each question.
        let is_stale = lines(&file.path, self.since).map_or_else(
            |error| error.kind() != io::ErrorKind::NotFound,
            |lines| {
                lines
                    .lines()
                    .any(|pattern| fits(pattern, &self.subject.name))
            },
        );
        if is_stale {
            return;
        }
        let mut kept = self.cache.lock();
        kept.put(&self.key, value, self.subject.clone(), ttl, bytes);
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        let mut kept = self
            .cache
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        kept.asked.remove(&self.key);
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Appends whole lines in one piece.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let open = || {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
    };
    let mut file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            crate::files::create_private_folder(path.parent().unwrap_or(path))?;
            open()?
        }
        opened => opened?,
    };
    file.write_all(lines)
}

/// The whole lines of a file from here on.
fn lines(path: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1);
    text.truncate(whole);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests;
