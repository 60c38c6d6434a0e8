//! How long a connection's calls take where they begin. Short ones are run on the thread that reads, however many have come at once: the way to another thread and back takes
//! longer than they do. Where one has kept that thread from reading, the next ones begin elsewhere.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The longest that a call may take here for the next one to begin here too.
const SHORT: Duration = Duration::from_micros(150);

/// After a longer one so many calls begin elsewhere, so that whoever waits behind such calls is held up by one in so many.
const ELSEWHERE: u32 = 64;

/// What one connection's calls have been like of late.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many calls more begin elsewhere.
    elsewhere: AtomicU32,
}

impl Pace {
    /// Whether the next call, which is not alone, is to begin here.
    pub(super) fn is_short(&self) -> bool {
        // Only the thread that reads asks, so nothing is lost between the two.
        let left = self.elsewhere.load(Ordering::Relaxed);
        self.elsewhere
            .store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0
    }

    /// Measures what is done here of a call.
    pub(super) fn measure(&self, begin: impl FnOnce()) {
        let started = Instant::now();
        begin();
        self.took(started.elapsed());
    }

    fn took(&self, time: Duration) {
        if time > SHORT {
            self.elsewhere.store(ELSEWHERE, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_call_sends_the_next_ones_elsewhere() {
        let pace = Pace::default();
        assert!(pace.is_short());
        pace.took(SHORT);
        assert!(pace.is_short());
        pace.took(SHORT * 2);
        for _ in 0..ELSEWHERE {
            assert!(!pace.is_short());
        }
        assert!(pace.is_short());
    }
}
