//! Guests that wait for an answer which their client brings with another request. Their number and their time are bounded: one that is given up is run
//! again when the answer comes, if that can be done without doing anything twice.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::call::Paused;

/// So many guests wait at most; the oldest goes first.
const MAX_PARKED: usize = 64;

/// So long one waits, and its state is good.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The guests that wait, by the nonce of the state that their client was given.
#[derive(Default)]
pub(crate) struct Parked(Mutex<HashMap<u128, Waiting>>);

struct Waiting {
    paused: Box<Paused>,
    since: Instant,
}

impl Parked {
    pub(crate) fn park(&self, nonce: u128, paused: Box<Paused>) {
        let since = Instant::now();
        self.sweep();
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = None;
        if parked.len() >= MAX_PARKED {
            let oldest = parked.iter().min_by_key(|(_, waiting)| waiting.since);
            if let Some(nonce) = oldest.map(|(nonce, _)| *nonce) {
                gone = parked.remove(&nonce);
            }
        }
        parked.insert(nonce, Waiting { paused, since });
        drop(parked);
        // A guest's memory is given back outside the lock.
        drop(gone);
    }

    /// Takes the guest that waits for the answer to this state, if it still does.
    pub(crate) fn take(&self, nonce: u128) -> Option<Box<Paused>> {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = parked.remove(&nonce)?;
        (waiting.since.elapsed() < PATIENCE).then_some(waiting.paused)
    }

    /// Gives up those whose time is over.
    pub(crate) fn sweep(&self) {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over: Vec<u128> = parked
            .iter()
            .filter(|(_, waiting)| waiting.since.elapsed() >= PATIENCE)
            .map(|(nonce, _)| *nonce)
            .collect();
        let gone: Vec<_> = over
            .iter()
            .filter_map(|nonce| parked.remove(nonce))
            .collect();
        drop(parked);
        drop(gone);
    }
}
