//! The thread that writes the log: takes what has come together, writes it at once, says when that does not work.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::Receiver;

use super::event::{Event, write_lost};
use super::log_file::LogFile;

/// How long the writer lets events come together. Waking it costs whoever records more than handing over the event does, so under load it
/// is woken this often and not for each call.
pub(super) const LINGER: Duration = Duration::from_millis(20);

/// Lines are written when there are so many bytes of them.
const MAX_BATCH: usize = 256 << 10;

/// An event with its time.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) time: SystemTime,
    pub(super) event: Event,
}

#[derive(Debug)]
pub(super) enum Message {
    Line(Entry),
    /// Answered once everything before it is written.
    Flush(SyncSender<()>),
}

#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    file: LogFile,
    lost: Arc<AtomicU64>,
    /// Whether the last write failed, and so the log has been told.
    failing: bool,
    lines: Vec<u8>,
    count: u64,
}

impl Writer {
    pub(super) fn new(folder: PathBuf, max_file: u64, lost: Arc<AtomicU64>) -> Self {
        Self {
            file: LogFile::new(folder.clone(), max_file),
            folder,
            lost,
            failing: false,
            lines: Vec::new(),
            count: 0,
        }
    }

    /// Writes until nobody is left who records.
    pub(super) fn run(mut self, mut messages: Receiver<Message>) {
        while let Some(message) = messages.blocking_recv() {
            let urgent = matches!(message, Message::Flush(_));
            self.take(message);
            if !urgent {
                std::thread::sleep(LINGER);
            }
            while let Ok(message) = messages.try_recv() {
                self.take(message);
            }
            self.write();
        }
        self.write();
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(Entry { time, event }) => {
                event.write(time, &mut self.lines);
                self.count += 1;
                if self.lines.len() >= MAX_BATCH {
                    self.write();
                }
            }
            Message::Flush(done) => {
                self.write();
                let _ = done.send(());
            }
        }
    }

    fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let mut lines = Vec::with_capacity(self.lines.len() + 128);
            write_lost(lost, &mut lines);
            lines.append(&mut self.lines);
            self.lines = lines;
        }
        match self.file.append(&self.lines) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(folder = %self.folder.display(), "calls are written to the audit log again");
                }
            }
            Err(error) => {
                self.lost.fetch_add(lost + self.count, Ordering::Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(folder = %self.folder.display(), %error, "calls are not written to the audit log; they go on");
                }
            }
        }
        self.lines.clear();
        self.count = 0;
        // What a burst has needed is not kept for good.
        self.lines.shrink_to(MAX_BATCH * 2);
    }
}
