//! How often something may be called: a rate for each caller of its own, all of which may be used at once and fills up again evenly (GCRA, the generic cell rate
//! algorithm, which needs one moment for each caller and no clock of its own).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use toolbay_manifest::Rate;

/// Callers that are remembered. One whose rate has filled up again need not be.
const MAX_CALLERS: usize = 10_000;

/// Counts the calls of one tool or plugin.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: Rate,
    /// When each caller's calls would have filled up again.
    full_at: Mutex<HashMap<Arc<str>, Instant>>,
}

/// It is too early; so long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOften(pub(crate) Duration);

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            full_at: Mutex::default(),
        }
    }

    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts a call, unless it comes too early.
    ///
    /// # Errors
    ///
    /// How long to wait.
    pub(crate) fn admit(&self, caller: &Arc<str>) -> Result<(), TooOften> {
        self.admit_at(caller, Instant::now())
    }

    fn admit_at(&self, caller: &Arc<str>, now: Instant) -> Result<(), TooOften> {
        let each = self.rate.period() / self.rate.count();
        let mut callers = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = callers.get(caller).copied().unwrap_or(now).max(now);
        // The last of a burst leaves no room.
        let beyond = (full_at + each).saturating_duration_since(now);
        if let Some(wait) = beyond
            .checked_sub(self.rate.period())
            .filter(|wait| !wait.is_zero())
        {
            return Err(TooOften(wait));
        }
        if callers.len() >= MAX_CALLERS && !callers.contains_key(caller) {
            callers.retain(|_, full_at| *full_at > now);
        }
        callers.insert(caller.clone(), full_at + each);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limiter(rate: &str) -> Limiter {
        Limiter::new(rate.parse().unwrap())
    }

    #[test]
    fn all_of_it_may_come_at_once_and_fills_up_evenly() {
        let limiter = limiter("4/s");
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let start = Instant::now();
        for _ in 0..4 {
            assert_eq!(limiter.admit_at(&one, start), Ok(()));
        }
        let quarter = Duration::from_millis(250);
        assert_eq!(limiter.admit_at(&one, start), Err(TooOften(quarter)));
        assert_eq!(limiter.admit_at(&other, start), Ok(()));
        assert_eq!(limiter.admit_at(&one, start + quarter), Ok(()));
        assert!(limiter.admit_at(&one, start + quarter).is_err());
        // Nothing is saved up beyond the whole of it.
        let later = start + Duration::from_secs(60);
        let admitted = (0..10).filter(|_| limiter.admit_at(&one, later).is_ok());
        assert_eq!(admitted.count(), 4);
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_whoever_waits_as_told_is_admitted(
            count in 1_u32..50,
            pauses in prop::collection::vec(0_u64..300, 1..200),
        ) {
            let limiter = limiter(&format!("{count}/s"));
            let caller: Arc<str> = "caller".into();
            let mut now = Instant::now();
            let mut admitted = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                if let Err(TooOften(wait)) = limiter.admit_at(&caller, now) {
                    prop_assert!(wait <= Duration::from_secs(1));
                    now += wait;
                    prop_assert_eq!(limiter.admit_at(&caller, now), Ok(()));
                }
                admitted.push(now);
            }
            for (index, from) in admitted.iter().enumerate() {
                let until = *from + Duration::from_secs(1);
                let within = admitted[index..].iter().filter(|at| **at < until).count();
                // The burst, and what fills up meanwhile.
                prop_assert!(within <= 2 * count as usize);
            }
        }
    }
}
