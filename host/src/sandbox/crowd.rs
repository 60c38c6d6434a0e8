//! Notices when guests leave much behind, many at once or one that crashes, and when that has passed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::engine::MAX_INSTANCES;

/// So many guests at once are ordinary. What more of them leave behind is worth giving back: a guest keeps up to 300 KiB of its memories
/// warm, and whatever it has touched of its stack.
const ORDINARY: usize = 2;

/// How often it is looked whether a crowd has passed: it has when there was none since the last look.
const CALM: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct Crowd {
    seen: AtomicBool,
    came: Notify,
}

impl Crowd {
    /// To be called for each guest that begins; `instances` are the places for guests.
    pub(super) fn look(&self, instances: &Semaphore) {
        if is_crowd(instances) {
            self.see();
        }
    }

    /// To be called for each guest that leaves as much behind as a crowd.
    pub(super) fn see(&self) {
        if !self.seen.load(Ordering::Relaxed) && !self.seen.swap(true, Ordering::Relaxed) {
            self.came.notify_one();
        }
    }

    /// Returns when there was a crowd and it has passed.
    pub(super) async fn passed(&self, instances: &Semaphore) {
        loop {
            self.came.notified().await;
            let mut passed = false;
            while self.seen.swap(false, Ordering::Relaxed) || is_crowd(instances) {
                passed = true;
                tokio::time::sleep(CALM).await;
            }
            // A notice about what the loop has waited for already may be left over.
            if passed {
                return;
            }
        }
    }
}

fn is_crowd(instances: &Semaphore) -> bool {
    instances.available_permits() + ORDINARY < MAX_INSTANCES as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinarily_many_guests_are_no_crowd_and_one_more_is() {
        let instances = Semaphore::new(MAX_INSTANCES as usize);
        let crowd = Crowd::default();
        let ordinary = u32::try_from(ORDINARY).unwrap();
        let _alive = instances.try_acquire_many(ordinary).unwrap();
        crowd.look(&instances);
        assert!(!crowd.seen.load(Ordering::Relaxed));
        let _one_more = instances.try_acquire().unwrap();
        crowd.look(&instances);
        assert!(crowd.seen.load(Ordering::Relaxed));
    }
}
