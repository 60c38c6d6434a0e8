//! The threads that read what the host writes: lines from its stdout, checked as they come, and everything from its
//! stderr. Reading stdout can be stopped, for a client that does not keep up.

use std::fs::File;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

use super::ledger::Ledger;

/// How much of the host's stderr is kept for a failed test's output.
const KEPT_STDERR: usize = 4 << 20;

/// What the reading threads and the test share.
pub(crate) struct Shared {
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) stderr: Mutex<Vec<u8>>,
    /// How many bytes one read asks for; at 0 nothing is read until that changes.
    appetite: Mutex<usize>,
    appetite_changed: Condvar,
}

/// Locks, also after another thread of the test has panicked: what it holds is still of use for saying why.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ledger: Mutex::new(Ledger::new()),
            stderr: Mutex::default(),
            appetite: Mutex::new(1 << 16),
            appetite_changed: Condvar::new(),
        })
    }

    pub(crate) fn set_appetite(&self, bytes: usize) {
        *lock(&self.appetite) = bytes;
        self.appetite_changed.notify_all();
    }

    fn wait_for_appetite(&self) -> usize {
        let mut appetite = lock(&self.appetite);
        while *appetite == 0 {
            appetite = self
                .appetite_changed
                .wait(appetite)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *appetite
    }
}

/// Reads lines until the host closes its stdout. Each goes through the ledger first, so that a fault is noted also where
/// nobody waits for the line.
pub(crate) fn read_lines(mut output: File, shared: Arc<Shared>) -> Receiver<Value> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut rest = Vec::new();
        let mut piece = vec![0; 1 << 16];
        loop {
            let appetite = shared.wait_for_appetite().min(piece.len());
            let count = match output.read(&mut piece[..appetite]) {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            // Only what is new can hold the end of a line.
            let mut start = rest.len();
            rest.extend_from_slice(&piece[..count]);
            while let Some(length) = rest[start..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=start + length).collect();
                start = 0;
                deliver(&line[..line.len() - 1], &shared, &sender);
            }
        }
        if !rest.is_empty() {
            lock(&shared.ledger).unfinished(&rest);
        }
    });
    receiver
}

fn deliver(line: &[u8], shared: &Shared, sender: &Sender<Value>) {
    let message = lock(&shared.ledger).received(line);
    // The test may have stopped listening; the check was what mattered.
    let _ = sender.send(message);
}

/// Keeps the beginning of what the host writes to stderr and checks that none of it could change a terminal. The channel
/// closes at the end of stderr.
pub(crate) fn read_stderr(
    mut stderr: impl Read + Send + 'static,
    shared: Arc<Shared>,
) -> Receiver<()> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut piece = vec![0; 1 << 16];
        while let Ok(count @ 1..) = stderr.read(&mut piece) {
            let mut kept = lock(&shared.stderr);
            let room = KEPT_STDERR.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(&piece[..room]);
        }
        let kept = lock(&shared.stderr);
        if let Some(nasty) = first_nasty(&String::from_utf8_lossy(&kept)) {
            lock(&shared.ledger).fault(format!("stderr holds the raw character {nasty:?}"));
        }
        drop(sender);
    });
    receiver
}

/// The first character with which a text could change a terminal or the order in which it is read.
pub(crate) fn first_nasty(text: &str) -> Option<char> {
    text.chars().find(|character| {
        let direction = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
        (character.is_control() && !matches!(character, '\n' | '\t')) || direction
    })
}
