//! Which requests wait for an answer: each id once, each answered once or, after a cancellation, never.
//! It must not know how answers are written; whoever answers passes in what puts the answer into the queue.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rmcp::model::RequestId;
use tokio_util::sync::CancellationToken;

/// After so many calls one after the other a client is taken for one that makes its calls so.
const ONE_BY_ONE: u32 = 8;

/// Tells two requests apart that use the same id one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ticket(u64);

/// How a request that rmcp serves behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Forwarded {
    Ordinary,
    /// `initialize`: it must not be cancelled, says the specification, and what comes after it relies on it.
    Handshake,
    /// `subscriptions/listen` is answered only when it ends, so nothing waits for it at the end of input.
    LongLived,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rejected {
    Duplicate,
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cancelled {
    /// The call's token is cancelled, and nothing will be sent for it.
    Call,
    /// Nothing will be sent for it; rmcp has still to be told.
    Forwarded,
    /// Answered already, never seen, or not to be cancelled.
    Nothing,
}

pub(super) struct InFlight {
    max_requests: usize,
    max_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requests: HashMap<RequestId, Entry>,
    /// Bytes of requests not answered and of other messages that rmcp has not taken yet.
    bytes: usize,
    long_lived: usize,
    /// How many requests in a row have come when none was waiting for its answer.
    one_by_one: u32,
    next_ticket: u64,
    waiting: usize,
    closed: bool,
}

/// A call that waits for its answer from now on.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) ticket: Ticket,
    pub(super) cancel: CancellationToken,
    /// Whether nothing else waits for one, nor did when the calls before this one came.
    pub(super) alone: bool,
}

struct Entry {
    ticket: Ticket,
    bytes: usize,
    kind: Kind,
}

enum Kind {
    Call(CancellationToken),
    Forwarded(Forwarded),
}

impl InFlight {
    pub(super) fn new(max_requests: usize, max_bytes: usize) -> Self {
        Self {
            max_requests,
            max_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn begin_call(&self, id: RequestId, bytes: usize) -> Result<Begun, Rejected> {
        let cancel = CancellationToken::new();
        let (ticket, alone) = self.begin(id, bytes, Kind::Call(cancel.clone()))?;
        Ok(Begun {
            ticket,
            cancel,
            alone,
        })
    }

    pub(super) fn begin_forwarded(
        &self,
        id: RequestId,
        bytes: usize,
        kind: Forwarded,
    ) -> Result<Ticket, Rejected> {
        let (ticket, _) = self.begin(id, bytes, Kind::Forwarded(kind))?;
        Ok(ticket)
    }

    /// Also says whether nothing else waits for an answer, and has not for a while.
    fn begin(&self, id: RequestId, bytes: usize, kind: Kind) -> Result<(Ticket, bool), Rejected> {
        let mut state = self.lock();
        if state.closed {
            return Err(Rejected::Closed);
        }
        if state.requests.contains_key(&id) {
            return Err(Rejected::Duplicate);
        }
        let alone = state.requests.len() == state.long_lived;
        state.one_by_one = if alone {
            state.one_by_one.saturating_add(1)
        } else {
            0
        };
        let alone = state.one_by_one > ONE_BY_ONE;
        let ticket = Ticket(state.next_ticket);
        state.next_ticket += 1;
        state.bytes += bytes;
        state.long_lived += usize::from(kind.is_long_lived());
        state.requests.insert(
            id,
            Entry {
                ticket,
                bytes,
                kind,
            },
        );
        Ok((ticket, alone))
    }

    /// Answers a call, unless it was cancelled. `enqueue` runs under the lock, so that no end of input and no reuse of the
    /// id can come between: it must only queue.
    pub(super) fn answer_call(
        &self,
        id: &RequestId,
        ticket: Ticket,
        enqueue: impl FnOnce(),
    ) -> bool {
        self.answer(id, Some(ticket), enqueue)
    }

    /// Answers a request that rmcp served. rmcp knows no tickets.
    pub(super) fn answer_forwarded(&self, id: &RequestId, enqueue: impl FnOnce()) -> bool {
        self.answer(id, None, enqueue)
    }

    fn answer(&self, id: &RequestId, ticket: Option<Ticket>, enqueue: impl FnOnce()) -> bool {
        let mut state = self.lock();
        match state.requests.get(id) {
            Some(entry) if ticket.is_none_or(|ticket| ticket == entry.ticket) => {}
            _ => return false,
        }
        enqueue();
        let removed = state.remove(id);
        self.notify(&state);
        drop(state);
        drop(removed);
        true
    }

    /// Runs `enqueue` if the call still waits for its answer: for what may be sent before the answer.
    pub(super) fn while_waiting(
        &self,
        id: &RequestId,
        ticket: Ticket,
        enqueue: impl FnOnce(),
    ) -> bool {
        let state = self.lock();
        let waits = state
            .requests
            .get(id)
            .is_some_and(|entry| entry.ticket == ticket);
        if waits {
            enqueue();
        }
        waits
    }

    pub(super) fn cancel(&self, id: &RequestId) -> Cancelled {
        let mut state = self.lock();
        if state
            .requests
            .get(id)
            .is_none_or(|entry| matches!(entry.kind, Kind::Forwarded(Forwarded::Handshake)))
        {
            return Cancelled::Nothing;
        }
        let removed = state.remove(id);
        self.notify(&state);
        drop(state);
        match removed {
            Some(Entry {
                kind: Kind::Call(token),
                ..
            }) => {
                // Outside the lock: this runs the wakers of whoever waits for it.
                token.cancel();
                Cancelled::Call
            }
            Some(_) => Cancelled::Forwarded,
            None => Cancelled::Nothing,
        }
    }

    /// Counts a message that is on its way to rmcp, until `release`.
    pub(super) fn charge(&self, bytes: usize) {
        self.lock().bytes += bytes;
    }

    pub(super) fn release(&self, bytes: usize) {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        self.notify(&state);
    }

    /// Waits until another message may be taken in, and runs `before_waiting` if that takes time. False when the connection
    /// has ended.
    pub(super) fn wait_for_room(&self, before_waiting: impl FnOnce()) -> bool {
        let full = |state: &mut State| {
            !state.closed
                && (state.requests.len() >= self.max_requests || state.bytes >= self.max_bytes)
        };
        let mut state = self.lock();
        if full(&mut state) {
            drop(state);
            before_waiting();
            state = self.lock();
            state.waiting += 1;
            state = self
                .changed
                .wait_while(state, full)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        !state.closed
    }

    /// Waits until everything but what is long-lived has been answered, but no longer than `limit`.
    pub(super) fn wait_until_all_answered(&self, limit: Duration) {
        self.wait_while(limit, |state| state.requests.len() > state.long_lived);
    }

    /// Waits until this request has been answered, but no longer than `limit`.
    pub(super) fn wait_until_answered(&self, id: &RequestId, limit: Duration) {
        self.wait_while(limit, |state| state.requests.contains_key(id));
    }

    fn wait_while(&self, limit: Duration, condition: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        state.waiting += 1;
        while !state.closed && condition(&state) {
            let Some(rest) = deadline.checked_duration_since(Instant::now()) else {
                break;
            };
            state = self
                .changed
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.waiting -= 1;
    }

    /// Cancels everything. Nothing is answered and nothing begins afterwards.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let requests = std::mem::take(&mut state.requests);
        (state.bytes, state.long_lived) = (0, 0);
        self.notify(&state);
        drop(state);
        for entry in requests.into_values() {
            if let Kind::Call(token) = entry.kind {
                token.cancel();
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().requests.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under this lock leaves the table half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self, state: &State) {
        // A notification costs a system call even where nobody waits.
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }
}

impl State {
    fn remove(&mut self, id: &RequestId) -> Option<Entry> {
        let entry = self.requests.remove(id)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        self.long_lived -= usize::from(entry.kind.is_long_lived());
        Some(entry)
    }
}

impl Kind {
    fn is_long_lived(&self) -> bool {
        matches!(self, Kind::Forwarded(Forwarded::LongLived))
    }
}

#[cfg(test)]
mod tests;
