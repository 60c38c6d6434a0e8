//! Advances the engine's epoch while guests run, and not at all while none do: once a millisecond while any of them computes, and less often where all end before
//! a tick finds them at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// A guest in a pure loop is looked at this often.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// The first tick that meets such a guest comes this late at most. Waking a thread each millisecond would hold up one in thirty of the short calls that follow one
/// another on one processor.
const FIRST_TICK: Duration = Duration::from_millis(4);

/// After the last guest has ended, ticking goes on for a while: calls often follow one another, and waking a thread for each would
/// cost more than the ticks do.
const LINGER: Duration = Duration::from_millis(50);

/// The thread that ticks, and how many guests want it to.
#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    /// Whether a guest has met a tick since the last one.
    met: AtomicBool,
    asleep: AtomicBool,
    closed: AtomicBool,
}

/// One running guest; dropping it says that the guest has ended.
#[derive(Debug)]
pub(super) struct Ticking {
    shared: Arc<Shared>,
    thread: Thread,
    paused: AtomicBool,
}

impl Ticker {
    /// # Errors
    ///
    /// Fails where no thread can be started.
    pub(super) fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_thread = shared.clone();
        let handle = thread::Builder::new()
            .name("toolbay-epoch".into())
            .spawn(move || tick(&engine, &for_thread))?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
        })
    }

    /// Keeps the epoch advancing for as long as the answer lives.
    pub(super) fn guest(&self) -> Ticking {
        let ticking = Ticking {
            shared: self.shared.clone(),
            thread: self.thread.clone(),
            paused: AtomicBool::new(true),
        };
        ticking.go_on();
        ticking
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Ticking {
    #[cfg(test)]
    pub(super) fn of_nobody() -> Self {
        Self {
            shared: Arc::default(),
            thread: thread::current(),
            paused: AtomicBool::new(true),
        }
    }

    /// The guest has met a tick.
    pub(super) fn met(&self) {
        self.shared.met.store(true, Ordering::Relaxed);
    }

    /// The guest waits for somebody; until it goes on it needs no ticks.
    pub(super) fn pause(&self) {
        if !self.paused.swap(true, Ordering::SeqCst) {
            self.shared.running.fetch_sub(1, Ordering::SeqCst);
        }
    }

    pub(super) fn go_on(&self) {
        if !self.paused.swap(false, Ordering::SeqCst) {
            return;
        }
        // Both this pair and the thread's pair (store `asleep`, load `running`) are sequentially consistent, so at least one
        // side sees the other and no guest is left without ticks.
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.pause();
    }
}

fn tick(engine: &Engine, shared: &Shared) {
    let mut last_busy = Instant::now();
    while !shared.closed.load(Ordering::SeqCst) {
        if shared.running.load(Ordering::SeqCst) > 0 {
            last_busy = Instant::now();
        } else if last_busy.elapsed() > LINGER {
            shared.asleep.store(true, Ordering::SeqCst);
            while shared.running.load(Ordering::SeqCst) == 0
                && !shared.closed.load(Ordering::SeqCst)
            {
                thread::park();
            }
            shared.asleep.store(false, Ordering::SeqCst);
            last_busy = Instant::now();
        }
        let somebody_computes = shared.met.swap(false, Ordering::Relaxed);
        thread::sleep(if somebody_computes { TICK } else { FIRST_TICK });
        engine.increment_epoch();
    }
}
