//! The lines on their way out: whole, in order, never interleaved, written by whoever comes first.
//!
//! A producer that finds nobody writing writes at once, without blocking; producers that come meanwhile only queue, and
//! their lines leave together in the next system call. What the client is not ready to take is left to one thread, so
//! no worker of the runtime ever waits for a slow client. It must not know what the lines mean.
//!
//! The thread that reads knows when more requests have come already; it can hold its own writes back until it has
//! started them all, so that what is answered on that thread leaves together as well.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::descriptor::Output;

/// Short lines are gathered into chunks of about this size; a longer one stays as it is and is never copied.
const CHUNK: usize = 32 * 1024;
/// After so many chunks a producer has written enough for others, and the thread takes over.
const PRODUCER_CHUNKS: usize = 8;

thread_local! {
    static HELD_BACK: Cell<bool> = const { Cell::new(false) };
}

pub(super) struct Outbox {
    output: Output,
    max_queued: usize,
    state: Mutex<State>,
    /// For the thread: there is something to write.
    work: Condvar,
    /// For those who wait for room or for the end of the queue.
    drained: Condvar,
    /// The same, for those who wait in a future.
    room: Notify,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first chunk is written already.
    written: usize,
    /// Including the chunk that is being written.
    queued_bytes: usize,
    writer: Writer,
    waiting: usize,
    closed: bool,
}

#[derive(Default, PartialEq)]
enum Writer {
    #[default]
    Nobody,
    Producer,
    Thread,
}

impl Outbox {
    pub(super) fn new(output: OwnedFd, max_queued: usize) -> io::Result<Self> {
        Ok(Self {
            output: Output::new(output)?,
            max_queued,
            state: Mutex::default(),
            work: Condvar::new(),
            drained: Condvar::new(),
            room: Notify::new(),
        })
    }

    pub(super) fn push(&self, line: Vec<u8>) {
        self.enqueue(line);
        self.write_queued();
    }

    /// Queues a line without writing. Whoever calls this calls `write_queued` next.
    pub(super) fn enqueue(&self, mut line: Vec<u8>) {
        make_one_line(&mut line);
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.queued_bytes += line.len() + 1;
        match state.chunks.back_mut() {
            Some(chunk) if chunk.len() + line.len() < CHUNK => {
                chunk.extend_from_slice(&line);
                chunk.push(b'\n');
            }
            _ => {
                line.push(b'\n');
                state.chunks.push_back(line);
            }
        }
    }

    /// Holds back what this thread queues from now on, until it releases it, another thread writes, or a chunk is full.
    pub(super) fn hold_back(&self) {
        HELD_BACK.set(true);
    }

    pub(super) fn release(&self) {
        if HELD_BACK.replace(false) {
            self.write_queued();
        }
    }

    /// Writes what can be written without blocking, unless somebody else is at it.
    pub(super) fn write_queued(&self) {
        let mut state = self.lock();
        if state.writer != Writer::Nobody || state.chunks.is_empty() {
            return;
        }
        if HELD_BACK.get() && state.queued_bytes < CHUNK {
            return;
        }
        state.writer = Writer::Producer;
        for _ in 0..PRODUCER_CHUNKS {
            let Some(chunk) = state.chunks.pop_front() else {
                break;
            };
            let before = std::mem::take(&mut state.written);
            drop(state);
            // An error stays for the thread, which meets it again and ends the connection.
            let written = before
                + self
                    .output
                    .try_write(chunk.get(before..).unwrap_or_default())
                    .unwrap_or(0);
            state = self.lock();
            if written < chunk.len() {
                if !state.closed {
                    state.chunks.push_front(chunk);
                    state.written = written;
                }
                break;
            }
            self.account_written(&mut state, chunk.len());
        }
        if state.chunks.is_empty() {
            self.finish_writing(&mut state);
        } else {
            state.writer = Writer::Thread;
            self.work.notify_one();
        }
    }

    /// The thread's work: writes what producers leave behind, until the outbox is closed.
    ///
    /// # Errors
    /// When the client has closed its end or writing fails otherwise; the outbox is then closed.
    pub(super) fn write_until_closed(&self) -> io::Result<()> {
        let mut state = self.lock();
        loop {
            state = self
                .work
                .wait_while(state, |state| {
                    state.writer != Writer::Thread && !state.closed
                })
                .unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                return Ok(());
            }
            let Some(chunk) = state.chunks.pop_front() else {
                self.finish_writing(&mut state);
                continue;
            };
            let before = std::mem::take(&mut state.written);
            drop(state);
            if let Err(error) = self
                .output
                .write_all(chunk.get(before..).unwrap_or_default())
            {
                self.close();
                return Err(error);
            }
            state = self.lock();
            self.account_written(&mut state, chunk.len());
            // A large answer is given back outside the lock.
            drop(state);
            drop(chunk);
            state = self.lock();
        }
    }

    /// Waits until there is room for more. False when the outbox is closed.
    pub(super) fn wait_for_room(&self) -> bool {
        let full = |state: &mut State| !state.closed && state.queued_bytes >= self.max_queued;
        let mut state = self.lock();
        if full(&mut state) {
            drop(state);
            self.release();
            state = self.lock();
            state.waiting += 1;
            state = self
                .drained
                .wait_while(state, full)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        !state.closed
    }

    /// Ready when there is room for more, or the outbox is closed.
    pub(super) async fn room(&self) {
        loop {
            // Made before the check, so that no wake-up is lost between the two.
            let room = self.room.notified();
            {
                let state = self.lock();
                if state.closed || state.queued_bytes < self.max_queued {
                    return;
                }
            }
            room.await;
        }
    }

    /// Waits until everything is written, but no longer than `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        self.write_queued();
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        state.waiting += 1;
        while !state.closed && (state.writer != Writer::Nobody || !state.chunks.is_empty()) {
            let Some(rest) = deadline.checked_duration_since(Instant::now()) else {
                break;
            };
            state = self
                .drained
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.waiting -= 1;
    }

    /// Drops what is not written yet; nothing is written afterwards.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let chunks = std::mem::take(&mut state.chunks);
        state.queued_bytes = 0;
        self.work.notify_all();
        self.drained.notify_all();
        self.room.notify_waiters();
        drop(state);
        drop(chunks);
    }

    #[cfg(test)]
    pub(super) fn queued_bytes(&self) -> usize {
        self.lock().queued_bytes
    }

    #[cfg(test)]
    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    fn account_written(&self, state: &mut State, bytes: usize) {
        let was_full = state.queued_bytes >= self.max_queued;
        state.queued_bytes = state.queued_bytes.saturating_sub(bytes);
        if was_full && state.queued_bytes < self.max_queued {
            self.room.notify_waiters();
            self.notify_drained(state);
        }
    }

    fn finish_writing(&self, state: &mut State) {
        state.writer = Writer::Nobody;
        self.notify_drained(state);
    }

    fn notify_drained(&self, state: &State) {
        // A notification costs a system call even where nobody waits.
        if state.waiting > 0 {
            self.drained.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under this lock leaves the queue half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line end inside a JSON text can only be white space between its parts, as in a result that a guest formatted
/// itself. As a space it means the same and does not split the message.
fn make_one_line(line: &mut [u8]) {
    let mut rest = line;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
        let Some((byte, after)) = rest.get_mut(at..).and_then(<[u8]>::split_first_mut) else {
            return;
        };
        *byte = b' ';
        rest = after;
    }
}

#[cfg(test)]
mod tests;
