//! The host's file descriptors, and how many of them guests may have. A descriptor that the host cannot get is a client that it cannot answer, so
//! guests together get what is left over, and each call a bounded part of that.

use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What the limit is raised to where the system lets it: enough for every guest that can be alive at once to have all that one may have.
const WANTED: u64 = 65_536 + KEPT;

/// What the host keeps for itself: clients, compilers, plugin files, its stores.
const KEPT: u64 = 512;

/// The budget of all guests together.
#[derive(Debug, Clone)]
pub(super) struct Descriptors(Arc<Semaphore>);

/// A part of the budget, given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Reserved(Option<OwnedSemaphorePermit>);

impl Descriptors {
    /// Raises the process's own limit as far as it may, and takes from it what the host does not need.
    pub(super) fn new() -> Self {
        let limit = raise_limit();
        // Where there is little, half of it is for guests rather than nothing.
        let budget = limit.saturating_sub(KEPT).max(limit / 2);
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        Self::of(budget)
    }

    /// A budget of this many.
    pub(super) fn of(budget: usize) -> Self {
        Self(Arc::new(Semaphore::new(budget.min(Semaphore::MAX_PERMITS))))
    }

    /// Adds so many to what is reserved, or says that there are none left.
    pub(super) fn reserve(&self, count: u32, reserved: &mut Reserved) -> bool {
        let Ok(permit) = self.0.clone().try_acquire_many_owned(count) else {
            return false;
        };
        match &mut reserved.0 {
            Some(earlier) => earlier.merge(permit),
            None => reserved.0 = Some(permit),
        }
        true
    }
}

impl Reserved {
    /// How many are reserved.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }
}

/// The limit on open files after the attempt to raise it.
fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // No limit at all is written as none.
    let Some(current) = limit.current else {
        return WANTED;
    };
    let wanted = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    if current >= wanted {
        return current;
    }
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        },
    );
    // Some systems have a lower bound of their own beside the one that they tell; the old limit is good enough then.
    raised.map_or(current, |()| wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_given_back() {
        let descriptors = Descriptors::of(10);
        let (mut one, mut other) = (Reserved::default(), Reserved::default());
        assert!(descriptors.reserve(4, &mut one));
        assert!(descriptors.reserve(4, &mut one));
        assert_eq!(one.count(), 8);
        assert!(!descriptors.reserve(4, &mut other), "two are left");
        assert_eq!(other.count(), 0);
        drop(one);
        assert!(descriptors.reserve(10, &mut other));
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_may() {
        let limit = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, Some(limit));
        assert_eq!(raise_limit(), limit, "raising it again changes nothing");
    }
}
