//! The audit log: one JSON line for each call and each decision of the user's, in `audit.jsonl` in the state folder, for its owner alone.
//!
//! It owns the file, its rotation and the form of its lines. It is told what happened and never holds a value: arguments come in as a keyed
//! hash, secrets by name. It knows nothing of MCP, guests or grants.
//!
//! Whoever records hands an event over and goes on; a thread of its own writes. Its queue holds [`QUEUE`] events. When it is full, the caller
//! waits for the writer rather than losing a line, up to [`PATIENCE`], after which a call is answered without its line. Lines that
//! could not be written, for this or another reason, are counted, and the count becomes a line as soon as one can be written. Lines are not forced to the
//! disk: a power cut may lose the last ones. A host that is killed loses what it recorded in the last [`writer::LINGER`].

mod arguments;
mod event;
mod log_file;
pub(crate) mod reader;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, channel};

pub(crate) use self::arguments::ArgumentsHash;
use self::arguments::Key;
pub(crate) use self::event::{Call, Event};
use self::writer::{Entry, Message, Writer};
use crate::config::Config;

/// The log's name in the state folder.
const FILE: &str = "audit.jsonl";

/// How many events may wait to be written.
const QUEUE: usize = 4096;

/// How long an event waits for a place in the queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of the host waits for what is still to be written.
const ENDING: Duration = Duration::from_secs(1);

/// A file that has grown to this is put aside.
const MAX_FILE: u64 = 16 << 20;

/// The audit log of one host.
#[derive(Debug)]
pub(crate) struct Audit {
    folder: PathBuf,
    max_file: u64,
    writer: OnceLock<Option<Sender<Message>>>,
    key: OnceLock<Option<Key>>,
    /// Events that have not become lines.
    lost: Arc<AtomicU64>,
}

impl Audit {
    /// Costs nothing: the thread and the file are there from the first event on.
    pub(crate) fn start(config: &Config) -> Self {
        Self::in_folder(config.state.clone(), MAX_FILE)
    }

    fn in_folder(folder: PathBuf, max_file: u64) -> Self {
        Self {
            folder,
            max_file,
            writer: OnceLock::new(),
            key: OnceLock::new(),
            lost: Arc::default(),
        }
    }

    /// What stands for a call's arguments in its line. The same arguments have the same hash in all hosts of this installation, and nobody can
    /// find the arguments by hashing guesses without its key. Nothing where the key can neither be read nor made.
    ///
    /// The first use reads a small file.
    pub(crate) fn hash(&self, arguments: &str) -> Option<ArgumentsHash> {
        let key = self.key.get_or_init(|| {
            Key::open(&self.folder)
                .inspect_err(|error| {
                    tracing::warn!(folder = %self.folder.display(), %error, "the audit log's key cannot be used; its lines will lack the arguments' hash");
                })
                .ok()
        });
        Some(key.as_ref()?.hash(arguments))
    }

    /// Records an event that has just happened.
    pub(crate) async fn record(&self, event: Event) {
        let Some(writer) = self.writer() else { return };
        let full = match writer.try_send(Message::Line(Entry::now(event))) {
            Ok(()) => return,
            Err(TrySendError::Full(message)) => message,
            Err(TrySendError::Closed(_)) => return self.lose(),
        };
        if !matches!(
            tokio::time::timeout(PATIENCE, writer.send(full)).await,
            Ok(Ok(()))
        ) {
            self.lose();
        }
    }

    /// The same for a command that runs on no runtime.
    pub(crate) fn record_blocking(&self, event: Event) {
        let Some(writer) = self.writer() else { return };
        if !send_within(writer, Message::Line(Entry::now(event)), PATIENCE) {
            self.lose();
        }
    }

    /// Waits until everything recorded so far is written, at most so long. Says whether it is.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let Some(Some(writer)) = self.writer.get() else {
            return true;
        };
        let (done, written) = std::sync::mpsc::sync_channel(1);
        send_within(writer, Message::Flush(done), patience)
            && written
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                .is_ok()
    }

    /// Waits a moment for what is still to be written. For the end of a host that leaves without dropping everything.
    pub(crate) fn end(&self) {
        if !self.flush(ENDING) {
            tracing::warn!("the audit log lacks the last calls: they could not be written in time");
        }
    }

    fn writer(&self) -> Option<&Sender<Message>> {
        let start = || {
            let (sender, receiver) = channel(QUEUE);
            let writer = Writer::new(self.folder.clone(), self.max_file, self.lost.clone());
            std::thread::Builder::new()
                .name("toolbay-audit".into())
                .spawn(move || writer.run(receiver))
                .inspect_err(|error| {
                    tracing::error!(%error, "calls are not written to the audit log");
                })
                .ok()
                .map(|_| sender)
        };
        let writer = self.writer.get_or_init(start).as_ref();
        if writer.is_none() {
            self.lose();
        }
        writer
    }

    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.end();
    }
}

impl Entry {
    fn now(event: Event) -> Self {
        Self {
            time: SystemTime::now(),
            event,
        }
    }
}

/// Hands a message over from a thread that may wait.
fn send_within(writer: &Sender<Message>, message: Message, patience: Duration) -> bool {
    const PAUSE: Duration = Duration::from_millis(5);
    let deadline = Instant::now() + patience;
    let mut message = message;
    loop {
        message = match writer.try_send(message) {
            Ok(()) => return true,
            Err(TrySendError::Full(message)) if Instant::now() < deadline => message,
            Err(_) => return false,
        };
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests;
