//! Stops running a plugin for a caller for whom it keeps crashing, and tries it again after a while: first after [`FIRST_PAUSE`], then after twice as long each time it
//! crashes again. One caller's bad input keeps it from nobody else. A plugin that is replaced begins anew, since its breaker goes with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many crashes in a row open it.
const CRASHES: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// So long the call that tries is waited for; it may be cancelled, and then nobody hears of it.
const LONGEST_TRY: Duration = Duration::from_secs(30);

/// The breaker of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// Whether anything has ever crashed: as long as nothing has, nobody waits for the lock.
    needed: AtomicBool,
    callers: Mutex<HashMap<Arc<str>, Crashes>>,
}

/// What a plugin did for one caller.
#[derive(Debug, Default)]
struct Crashes {
    /// Since the last call that ended well.
    in_a_row: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Instant,
    pause: Duration,
    /// Until when a call that is out to try is waited for.
    trying: Option<Instant>,
}

/// It is open for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsOpen(pub(crate) Duration);

impl Breaker {
    /// Whether this caller's call may be made. After the pause it is one, to try.
    ///
    /// # Errors
    ///
    /// How long to wait.
    pub(crate) fn admit(&self, caller: &Arc<str>) -> Result<(), IsOpen> {
        if self.needed.load(Ordering::Relaxed) {
            self.admit_at(caller, Instant::now())
        } else {
            Ok(())
        }
    }

    fn admit_at(&self, caller: &Arc<str>, now: Instant) -> Result<(), IsOpen> {
        let mut callers = self.lock();
        let open = callers
            .get_mut(caller)
            .and_then(|crashes| crashes.open.as_mut());
        let Some(open) = open else {
            return Ok(());
        };
        let closed_until = open
            .trying
            .map_or(open.until, |trying| trying.max(open.until));
        let wait = closed_until.saturating_duration_since(now);
        if !wait.is_zero() {
            return Err(IsOpen(wait));
        }
        open.trying = Some(now + LONGEST_TRY);
        Ok(())
    }

    /// A guest came to an end of its own.
    pub(crate) fn ended_well(&self, caller: &Arc<str>) {
        if self.needed.load(Ordering::Relaxed) {
            self.lock().remove(caller);
        }
    }

    /// A guest crashed. Says whether the breaker has opened with it.
    pub(crate) fn crashed(&self, caller: &Arc<str>) -> bool {
        self.crashed_at(caller, Instant::now())
    }

    fn crashed_at(&self, caller: &Arc<str>, now: Instant) -> bool {
        self.needed.store(true, Ordering::Relaxed);
        let mut callers = self.lock();
        let crashes = callers.entry(caller.clone()).or_default();
        crashes.in_a_row = crashes.in_a_row.saturating_add(1);
        if crashes.in_a_row < CRASHES {
            return false;
        }
        let pause = match crashes.open {
            // Calls that were under way when it opened say nothing new.
            Some(Open { trying: None, .. }) => return false,
            Some(open) => (open.pause * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        crashes.open = Some(Open {
            until: now + pause,
            pause,
            trying: None,
        });
        true
    }

    /// How many callers it is open for.
    pub(crate) fn open_for(&self) -> usize {
        if !self.needed.load(Ordering::Relaxed) {
            return 0;
        }
        let callers = self.lock();
        callers
            .values()
            .filter(|crashes| crashes.open.is_some())
            .count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Crashes>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn it_opens_after_crashes_in_a_row_for_the_caller_who_has_them() {
        let breaker = Breaker::default();
        let (one, other) = (caller("one"), caller("other"));
        let start = Instant::now();
        for _ in 1..CRASHES {
            assert!(!breaker.crashed_at(&one, start));
        }
        breaker.ended_well(&one);
        for _ in 1..CRASHES {
            assert!(!breaker.crashed_at(&one, start));
            assert_eq!(breaker.admit_at(&one, start), Ok(()));
        }
        assert!(breaker.crashed_at(&one, start));
        assert_eq!(breaker.admit_at(&one, start), Err(IsOpen(FIRST_PAUSE)));
        assert_eq!(breaker.admit_at(&other, start), Ok(()));
        assert_eq!(breaker.open_for(), 1);
        // What was under way does not lengthen it.
        assert!(!breaker.crashed_at(&one, start));
        let later = start + FIRST_PAUSE;
        assert_eq!(breaker.admit_at(&one, later), Ok(()));
        assert_eq!(breaker.admit_at(&one, later), Err(IsOpen(LONGEST_TRY)));
        // One that tries and is never heard of does not keep it open for good.
        assert_eq!(breaker.admit_at(&one, later + LONGEST_TRY), Ok(()));
    }

    #[test]
    fn each_try_that_fails_doubles_the_pause_and_one_that_does_not_closes_it() {
        let breaker = Breaker::default();
        let one = caller("one");
        let mut now = Instant::now();
        for _ in 0..CRASHES {
            breaker.crashed_at(&one, now);
        }
        let mut pause = FIRST_PAUSE;
        for _ in 0..10 {
            assert_eq!(breaker.admit_at(&one, now), Err(IsOpen(pause)));
            now += pause;
            assert_eq!(breaker.admit_at(&one, now), Ok(()));
            assert!(breaker.crashed_at(&one, now));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        assert_eq!(pause, LONGEST_PAUSE);
        now += pause;
        assert_eq!(breaker.admit_at(&one, now), Ok(()));
        breaker.ended_well(&one);
        assert_eq!(breaker.open_for(), 0);
        assert_eq!(breaker.admit_at(&one, now), Ok(()));
    }
}
