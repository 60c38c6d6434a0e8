//! Between a guest and whoever runs it: questions go out, answers come in, and the guest's deadline stands still meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::super::ticker::Ticking;
use crate::client::{Answered, Question};

/// Both ends; clones are of one.
#[derive(Clone)]
pub(in crate::sandbox) struct Line(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There are questions.
    asked: Notify,
    ticking: Ticking,
    cancelled: AtomicBool,
    /// Whether the guest has looked whether it is cancelled.
    looked: AtomicBool,
}

struct State {
    deadline: Instant,
    questions: Option<Vec<Question>>,
    /// Where the answer goes, and since when it is waited for.
    waiting: Option<(oneshot::Sender<Answered>, Instant)>,
}

impl Line {
    pub(in crate::sandbox) fn new(deadline: Instant, ticking: Ticking) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                deadline,
                questions: None,
                waiting: None,
            }),
            asked: Notify::new(),
            ticking,
            cancelled: AtomicBool::new(false),
            looked: AtomicBool::new(false),
        }))
    }

    /// One that nobody is at the other end of.
    #[cfg(test)]
    pub(in crate::sandbox) fn idle() -> Self {
        Self::new(Instant::now(), Ticking::of_nobody())
    }

    pub(in crate::sandbox) fn deadline(&self) -> Instant {
        self.lock().deadline
    }

    /// The guest computes, and has met a tick of its clock.
    pub(in crate::sandbox) fn met_tick(&self) {
        self.0.ticking.met();
    }

    /// The guest asks, and waits.
    pub(super) async fn ask(&self, questions: Vec<Question>) -> Answered {
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.lock();
            state.questions = Some(questions);
            state.waiting = Some((answer, Instant::now()));
        }
        // Whoever waits for somebody needs no clock that interrupts it.
        self.0.ticking.pause();
        self.0.asked.notify_one();
        let answered = answered.await;
        self.0.ticking.go_on();
        answered.unwrap_or_else(|_| Err("nobody answered".into()))
    }

    /// The guest waits for somebody else's work, within its own time. It needs no clock that interrupts it meanwhile.
    pub(in crate::sandbox) async fn waits_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.ticking.pause();
        let done = work.await;
        self.0.ticking.go_on();
        done
    }

    /// Waits for questions.
    pub(in crate::sandbox) async fn questions(&self) -> Vec<Question> {
        loop {
            if let Some(questions) = self.lock().questions.take() {
                return questions;
            }
            self.0.asked.notified().await;
        }
    }

    /// Answers what was asked. The time that it took does not count.
    pub(in crate::sandbox) fn answer(&self, answered: Answered) {
        let mut state = self.lock();
        if let Some((answer, since)) = state.waiting.take() {
            state.deadline += since.elapsed();
            let _ = answer.send(answered);
        }
    }

    /// Tells the guest that it is cancelled. Says whether it looks.
    pub(in crate::sandbox) fn cancel(&self) -> bool {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.0.looked.load(Ordering::SeqCst)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.0.looked.store(true, Ordering::SeqCst);
        self.0.cancelled.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
