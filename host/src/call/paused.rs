//! A call whose guest runs, and one whose guest waits for an answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::error::{CallError, ErrorCode};
use super::kept::Afterwards;
use super::keyed::Claimed;
use super::large::Place;
use super::slot::slot_again;
use super::{Call, CallEnd, Slot, Watching, conclude};
use crate::catalog::Found;
use crate::client::{Answer, Answered, Question};
use crate::digest::Digest;
use crate::permissions::reach::Reach;
use crate::sandbox::{Running, Step};
use crate::turns::CallerPlaces;

/// What a guest asked once and what it was answered, for a second run of the same call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Round {
    /// The digest of the questions: the second run has to ask the same.
    pub(crate) questions: String,
    pub(crate) answers: Vec<Answer>,
}

impl Round {
    pub(crate) fn digest(questions: &[Question]) -> String {
        let text = serde_json::to_vec(questions).unwrap_or_default();
        Digest::of(&text).to_string()
    }
}

/// A call whose guest runs.
pub(crate) struct UnderWay {
    pub(super) running: Running,
    pub(super) found: Found,
    pub(super) reach: Reach,
    pub(super) slot: Option<Slot>,
    /// Answers for the questions to come, where the call is made for the second time.
    pub(super) recorded: VecDeque<Round>,
    pub(super) started: Instant,
    /// What becomes of its answer.
    pub(super) afterwards: Afterwards,
    /// Where its result goes if that is too large.
    pub(super) place: Place,
    /// Where its caller's own places are, if those are counted.
    pub(super) callers_places: Option<Arc<CallerPlaces>>,
    /// Its key, where it has one.
    pub(super) claimed: Option<Claimed>,
    /// Who hears how it ends.
    pub(super) watching: Watching,
}

/// A call whose guest waits for an answer. Dropping it ends the guest.
pub(crate) struct Paused {
    pub(crate) questions: Vec<Question>,
    under_way: UnderWay,
}

impl UnderWay {
    /// Whether it may be answered with a task.
    pub(crate) fn may_be_a_task(&self) -> bool {
        self.found.tool.services.task.is_some()
    }

    /// How long its guest may run.
    pub(crate) fn timeout(&self) -> Duration {
        self.found.tool.limits.timeout
    }

    /// Runs the guest to its end, or to a question that nobody has answered yet.
    pub(crate) async fn go_on(mut self, cancel: &CancellationToken) -> Call {
        loop {
            let questions = match self.running.step(cancel).await {
                Step::Ended(finished) => return Call::Ended(conclude(self, finished).await),
                Step::Asks(questions) => questions,
            };
            self.afterwards.keeps_nothing();
            if let Some(claimed) = &mut self.claimed {
                Box::pin(claimed.pauses(self.reach.usage.has_written())).await;
            }
            let Some(round) = self.recorded.pop_front() else {
                return Call::Asks(Box::new(Paused {
                    questions,
                    under_way: self,
                }));
            };
            if round.questions != Round::digest(&questions) {
                return Call::Ended(self.asks_something_else());
            }
            if let Some(end) = self.claim_again(cancel).await {
                return Call::Ended(end);
            }
            self.running.answer(Ok(round.answers));
        }
    }

    /// After a question: whether a call with the same key has come first meanwhile.
    async fn claim_again(&mut self, cancel: &CancellationToken) -> Option<CallEnd> {
        let claimed = self.claimed.as_mut()?;
        match Box::pin(claimed.goes_on(&self.found.tool, cancel)).await {
            Ok(None) => None,
            Ok(Some(output)) => Some(CallEnd::with(output)),
            Err(error) => Some(error.into()),
        }
    }

    fn asks_something_else(self) -> CallEnd {
        CallError::new(
            ErrorCode::Conflict,
            format!(
                "{} was run again to go on after a question, and asked something else than before",
                self.found.tool.named()
            ),
        )
        .hint("nothing was done with the answers; call again from the beginning, without `requestState`")
        .into()
    }
}

impl Paused {
    pub(crate) fn component(&self) -> &Digest {
        &self.under_way.found.plugin.digest
    }

    /// Whether the guest has changed anything already, so that the call must not be run a second time.
    pub(crate) fn has_written(&self) -> bool {
        self.under_way.reach.usage.has_written()
    }

    /// Lets other calls of the same tool run while nobody knows how long the answer will take.
    pub(crate) fn release_slot(&mut self) {
        self.under_way.slot = None;
    }

    /// Goes on with the answer.
    pub(crate) async fn answer(mut self, answered: Answered, cancel: &CancellationToken) -> Call {
        let under_way = &mut self.under_way;
        if under_way.slot.is_none() {
            let caller = &under_way.reach.principal;
            match slot_again(
                under_way.callers_places.as_ref(),
                &under_way.found,
                caller,
                cancel,
            )
            .await
            {
                Ok(slot) => under_way.slot = Some(slot),
                Err(error) => return Call::Ended(error.into()),
            }
        }
        if let Some(end) = under_way.claim_again(cancel).await {
            return Call::Ended(end);
        }
        under_way.running.answer(answered);
        self.under_way.go_on(cancel).await
    }
}
