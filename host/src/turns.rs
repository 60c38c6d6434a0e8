//! Places for calls that run at once, given out fairly: each caller may have only as many calls in the queue as there are places, so that one who makes a thousand holds up
//! another's one call by a few and not by a thousand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of one tool, or of one plugin.
#[derive(Debug)]
pub(crate) struct Turns {
    most: usize,
    places: Arc<Semaphore>,
    /// Each waiting caller's own places in the queue.
    queues: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
}

impl Turns {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            places: Arc::new(Semaphore::new(most)),
            queues: Mutex::default(),
        }
    }

    /// A place, if one is free and nobody waits for it.
    pub(crate) fn try_take(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Waits for a place.
    pub(crate) async fn take(&self, caller: &Arc<str>) -> Option<OwnedSemaphorePermit> {
        if let Some(place) = self.try_take() {
            return Some(place);
        }
        let queue = self
            .queues()
            .entry(caller.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(self.most)))
            .clone();
        // Dropped after the place in the queue, also where the call gives up.
        let waiting = Waiting {
            turns: self,
            caller,
            queue: Some(queue.clone()),
        };
        let queued = queue.acquire_owned().await.ok()?;
        let place = self.places.clone().acquire_owned().await.ok();
        drop(queued);
        drop(waiting);
        place
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Semaphore>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a caller off the list when the last of its calls has a place or has given up.
struct Waiting<'a> {
    turns: &'a Turns,
    caller: &'a Arc<str>,
    queue: Option<Arc<Semaphore>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        self.queue = None;
        if queues
            .get(self.caller)
            .is_some_and(|queue| Arc::strong_count(queue) == 1)
        {
            queues.remove(self.caller);
        }
    }
}

/// Callers that are remembered. One without a call need not be.
const MAX_CALLERS: usize = 10_000;

/// Places for each caller's calls, whatever they call.
#[derive(Debug)]
pub(crate) struct CallerPlaces {
    most: usize,
    callers: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
}

impl CallerPlaces {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            callers: Mutex::default(),
        }
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Waits for a place of this caller's.
    pub(crate) async fn take(&self, caller: &Arc<str>) -> Option<OwnedSemaphorePermit> {
        let places = self.of(caller);
        places.acquire_owned().await.ok()
    }

    fn of(&self, caller: &Arc<str>) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = callers.get(caller) {
            return places.clone();
        }
        if callers.len() >= MAX_CALLERS {
            // A place that is held, or waited for, holds its caller's.
            callers.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = Arc::new(Semaphore::new(self.most));
        callers.insert(caller.clone(), places.clone());
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_caller_has_places_of_its_own() {
        let places = CallerPlaces::new(1);
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let held = places.take(&one).await.unwrap();
        let _others = places.take(&other).await.unwrap();
        let mut waiting = Box::pin(places.take(&one));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(held);
        assert!(waiting.await.is_some());
    }

    #[tokio::test]
    async fn one_callers_many_do_not_hold_up_anothers_one() {
        let turns = Arc::new(Turns::new(2));
        let (many, one): (Arc<str>, Arc<str>) = ("many".into(), "one".into());
        let held = [turns.try_take().unwrap(), turns.try_take().unwrap()];
        let (sender, mut order) = tokio::sync::mpsc::unbounded_channel();
        let wait = |caller: &Arc<str>| {
            let (turns, caller, sender) = (turns.clone(), caller.clone(), sender.clone());
            tokio::spawn(async move {
                let place = turns.take(&caller).await;
                let _ = sender.send(caller);
                tokio::task::yield_now().await;
                drop(place);
            });
        };
        for _ in 0..100 {
            wait(&many);
        }
        // All of them have to be in their queue first.
        while turns
            .queues()
            .get(&many)
            .is_none_or(|queue| Arc::strong_count(queue) < 102)
        {
            tokio::task::yield_now().await;
        }
        wait(&one);
        while !turns.queues().contains_key(&one) {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        drop(held);
        let mut before = 0;
        while order.recv().await.unwrap() != one {
            before += 1;
        }
        assert!(before <= 6, "{before} came first");
        for _ in before..100 {
            order.recv().await.unwrap();
        }
        // Who gives up while waiting leaves nothing behind.
        let held = [
            turns.take(&one).await.unwrap(),
            turns.take(&one).await.unwrap(),
        ];
        tokio::select! {
            biased;
            _ = turns.take(&many) => panic!("there is no place"),
            () = tokio::task::yield_now() => {}
        }
        drop(held);
        while !turns.queues().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
