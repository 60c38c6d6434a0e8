//! Notices when many guests are alive at once, and when that has passed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::engine::MAX_INSTANCES;

/// So many guests at once are ordinary. What more of them leave behind is worth giving back: a guest keeps up to 300 KiB warm.
const ORDINARY: usize = 8;

/// A crowd has passed when there was none for so long.
const CALM: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Crowd {
    seen: AtomicBool,
    came: Notify,
}

impl Crowd {
    /// To be called for each guest that begins; `instances` are the places for guests.
    pub(super) fn look(&self, instances: &Semaphore) {
        if is_crowd(instances)
            && !self.seen.load(Ordering::Relaxed)
            && !self.seen.swap(true, Ordering::Relaxed)
        {
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
