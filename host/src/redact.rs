//! Finds the values of secrets in what comes back from outside and covers them, in every spelling that servers echo them in. Knows no
//! protocol: it is given bytes and gives back as many.

mod spellings;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use self::spellings::{Next, Spellings};

/// What stands in the place of each byte of a secret, so that lengths stay true.
const COVER: u8 = b'*';

/// Covers the values of some secrets.
///
/// All spellings of all values form one automaton that looks at each byte once. It may be in several states at a time: a `%` may
/// be the secret's own or begin the code of its next character. Spellings may be mixed within one value.
pub(crate) struct Redactor {
    spellings: Spellings,
}

impl Redactor {
    /// Values shorter than eight bytes are left out, since they would be found everywhere; no such secret can be set.
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            spellings: Spellings::new(values),
        }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.spellings.is_empty()
    }

    /// The text with all values covered.
    pub(crate) fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.redact_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Spellings are made of whole characters, so what is left between them is text too.
            Cow::Owned(bytes) => Cow::Owned(
                String::from_utf8(bytes)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        }
    }

    /// The bytes with all values covered.
    pub(crate) fn redact_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut search = Search::default();
        let mut found = Vec::new();
        search.look(&self.spellings, bytes, &mut found);
        if found.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut covered = bytes.to_vec();
        for place in found {
            cover(&mut covered, 0, &place);
        }
        Cow::Owned(covered)
    }
}

/// Covers values in bytes that come in chunks. What may be the beginning of a value is held back until it is clear whether it is one.
pub(crate) struct RedactedStream {
    redactor: Arc<Redactor>,
    search: Search,
    held: VecDeque<u8>,
    found: Vec<Range<u64>>,
}

impl RedactedStream {
    pub(crate) fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            search: Search::default(),
            held: VecDeque::new(),
            found: Vec::new(),
        }
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// What can be given on after the chunk has come; perhaps nothing yet.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        self.search
            .look(&self.redactor.spellings, &chunk, &mut self.found);
        if self.held.is_empty() && self.found.is_empty() && self.search.threads.is_empty() {
            return chunk;
        }
        let start = self.search.position - (self.held.len() + chunk.len()) as u64;
        self.held.extend(&chunk);
        let held = self.held.make_contiguous();
        for place in self.found.drain(..) {
            cover(held, start, &place);
        }
        let clear_up_to = self
            .search
            .threads
            .first()
            .map_or(self.search.position, |thread| thread.start);
        let clear = offset(start, clear_up_to).min(self.held.len());
        self.held.drain(..clear).collect::<Vec<u8>>().into()
    }

    /// What was held back, after the last chunk.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.search.threads.clear();
        std::mem::take(&mut self.held)
            .into_iter()
            .collect::<Vec<u8>>()
            .into()
    }
}

/// Covers a place that is counted from the start of the whole stream, in bytes of which the first stands at `start`.
fn cover(bytes: &mut [u8], start: u64, place: &Range<u64>) {
    if let Some(place) = bytes.get_mut(offset(start, place.start)..offset(start, place.end)) {
        place.fill(COVER);
    }
}

fn offset(start: u64, place: u64) -> usize {
    usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX)
}

/// Where the automaton stands.
#[derive(Default)]
struct Search {
    /// How many bytes were looked at.
    position: u64,
    /// What has begun and may yet turn out to be a value, the earliest first.
    threads: Vec<Thread>,
    /// Kept for its memory.
    spare: Vec<Thread>,
    /// For each state the last position at which a thread came into it: two threads in one state have the same future.
    entered: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Thread {
    /// The state, which says what the next byte must be.
    state: usize,
    /// Where the spelling began.
    start: u64,
}

impl Search {
    /// Goes over the bytes and notes where values stand. Places may overlap.
    fn look(&mut self, spellings: &Spellings, bytes: &[u8], found: &mut Vec<Range<u64>>) {
        self.entered.resize(spellings.states.len(), u64::MAX);
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            if self.threads.is_empty() {
                // Nearly all bytes begin no spelling.
                let skipped = rest
                    .iter()
                    .position(|byte| spellings.may_start(*byte))
                    .unwrap_or(rest.len());
                if skipped > 0 {
                    self.position += skipped as u64;
                    rest = rest.get(skipped..).unwrap_or_default();
                    continue;
                }
            }
            self.step(spellings, *byte, found);
            rest = after;
        }
    }

    fn step(&mut self, spellings: &Spellings, byte: u8, found: &mut Vec<Range<u64>>) {
        let start = self.position;
        self.position += 1;
        let mut before = std::mem::take(&mut self.spare);
        std::mem::swap(&mut before, &mut self.threads);
        if spellings.may_start(byte) {
            before.extend(spellings.starts.iter().map(|state| Thread {
                state: *state,
                start,
            }));
        }
        for thread in &before {
            let Some(state) = spellings.states.get(thread.state) else {
                continue;
            };
            if byte != state.byte && byte != state.other {
                continue;
            }
            match &state.next {
                Next::State(next) => self.enter(*next, thread.start),
                Next::Any(next) => {
                    for next in next.clone() {
                        if let Some(state) = spellings.entries.get(next) {
                            self.enter(*state, thread.start);
                        }
                    }
                }
                Next::End => found.push(thread.start..self.position),
            }
        }
        before.clear();
        self.spare = before;
    }

    fn enter(&mut self, state: usize, start: u64) {
        if let Some(entered) = self.entered.get_mut(state)
            && *entered != self.position
        {
            *entered = self.position;
            self.threads.push(Thread { state, start });
        }
    }
}

#[cfg(test)]
mod tests;
