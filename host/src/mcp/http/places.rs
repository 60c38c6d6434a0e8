//! So many things at once, and knowing when there are none.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Places for so many things at once.
#[derive(Debug)]
pub(super) struct Places {
    room: Arc<Semaphore>,
    taken: watch::Sender<usize>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    taken: watch::Sender<usize>,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(count)),
            taken: watch::Sender::new(0),
        }
    }

    /// Takes a place if there is one.
    pub(super) fn take(&self) -> Option<Place> {
        let permit = self.room.clone().try_acquire_owned().ok()?;
        self.taken.send_modify(|taken| *taken += 1);
        Some(Place {
            _permit: permit,
            taken: self.taken.clone(),
        })
    }

    /// Waits until no place is taken, at most so long. Places can be taken meanwhile. Says whether there was such a moment.
    pub(super) async fn all_free(&self, patience: Duration) -> bool {
        let mut taken = self.taken.subscribe();
        tokio::time::timeout(patience, taken.wait_for(|taken| *taken == 0))
            .await
            .is_ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken
            .send_modify(|taken| *taken = taken.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_can_be_taken_while_somebody_waits_for_all_to_be_free() {
        let places = Arc::new(Places::new(2));
        let first = places.take().unwrap();
        let waiting = tokio::spawn({
            let places = places.clone();
            async move { places.all_free(Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        let second = places.take().unwrap();
        assert!(places.take().is_none());
        assert!(!places.all_free(Duration::ZERO).await);
        drop((first, second));
        assert!(waiting.await.unwrap());
    }
}
