//! One guest, from a fresh instance to its end: what it is given, what bounds it, and what its end means.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::{Engine, Store, UpdateDeadline};

use super::calls::Callees;
use super::client::Line;
use super::exports::{Answer, Request};
use super::failure::{DeadlinePassed, GuestFailure, failure};
use super::files::GuestFiles;
use super::guest::{Ends, GuestState, MAX_HANDLES};
use super::lanes::Interruptions;
use super::ticker::TICK;
use super::{Prepared, Sandbox, Surroundings};
use crate::client::{Answered, Client, Question};
use crate::permissions::reach::Reach;

/// How long a guest that looks whether it is cancelled may still run when it is.
const CANCEL_GRACE: Duration = Duration::from_millis(25);

/// What a call may copy out of the guest beyond its result: log lines, arguments of imports. The most that an import takes are the two values
/// of a compare-and-set, 1 MiB each; larger ones are to be told that they are too large.
const HOSTCALL_ALLOWANCE: usize = 4 << 20;

/// Who runs, for logs, messages, grants and the audit log.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) plugin: Arc<str>,
    /// A tool's name; that of a resource or a prompt after `resource:` or `prompt:`, so that it is no tool's.
    pub(crate) tool: Arc<str>,
}

impl Label {
    pub(crate) fn new(plugin: &str, tool: &str) -> Self {
        Self {
            plugin: plugin.into(),
            tool: tool.into(),
        }
    }

    pub(crate) fn resource(plugin: &str, name: &str) -> Self {
        Self::new(plugin, &format!("resource:{name}"))
    }

    pub(crate) fn prompt(plugin: &str, name: &str) -> Self {
        Self::new(plugin, &format!("prompt:{name}"))
    }

    /// What it is and is called: "tool `read`".
    pub(crate) fn named(&self) -> String {
        match self.tool.split_once(':') {
            Some((noun, name)) => format!("{noun} `{name}`"),
            None => format!("tool `{}`", self.tool),
        }
    }

    /// Its table in plugin.toml.
    pub(crate) fn table(&self) -> String {
        match self.tool.split_once(':') {
            Some((noun, name)) => format!("[{noun}s.{name}]"),
            None => format!("[tools.{}]", self.tool),
        }
    }
}

/// What bounds one guest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuestLimits {
    /// From the call's start to its end, waiting for a free slot included.
    pub(crate) timeout: Duration,
    /// All linear memories together, in bytes.
    pub(crate) memory: usize,
    /// The largest result that is taken out of the guest, in bytes.
    pub(crate) max_result: usize,
}

/// One call of a guest.
pub(crate) struct GuestCall {
    pub(crate) label: Label,
    pub(crate) request: Request,
    pub(crate) limits: GuestLimits,
    pub(crate) reach: Reach,
    /// Whoever made the call.
    pub(crate) client: Arc<dyn Client>,
    /// The tools that the guest may call.
    pub(crate) callees: Option<Arc<dyn Callees>>,
}

/// A guest's end, and what is left of it. The remains are dropped by whoever has answered the caller: giving back a large
/// memory takes milliseconds.
pub(crate) struct Finished {
    pub(crate) end: Result<Answer, GuestFailure>,
    pub(crate) remains: Remains,
}

/// What is left of a guest; see [`Finished`].
pub(crate) enum Remains {
    Nothing,
    /// A guest that has ended.
    Ended(Box<Alive>),
    /// A guest that has crashed: it may have used all of its stack.
    Crashed(Box<Alive>),
    /// A guest that was still running when its time was up or its caller gave up.
    Running(#[expect(dead_code, reason = "it is only ever dropped")] Box<dyn Send>),
}

impl Remains {
    /// Whether dropping them takes long enough for somebody to notice.
    pub(super) fn is_large(&self) -> bool {
        const LARGE: usize = 4 << 20;
        match self {
            Self::Nothing => false,
            Self::Ended(alive) | Self::Crashed(alive) => {
                alive.store.data().limiter.memory_used() > LARGE
            }
            Self::Running(_) => true,
        }
    }

    /// Whether its place keeps more than an ordinary guest's.
    pub(super) fn are_more_than_ordinary(&self) -> bool {
        matches!(self, Self::Crashed(_) | Self::Running(_))
    }
}

/// How far a guest came.
pub(crate) enum Step {
    Ended(Finished),
    /// It asks, and waits for [`Running::answer`]. Its deadline stands still until then.
    Asks(Vec<Question>),
}

/// A guest under way. Dropping it ends the guest, also inside a pure loop.
pub(crate) struct Running {
    guest: Option<Guest>,
    line: Line,
}

/// Nothing where the host is shutting down.
type Guest = Pin<Box<dyn Future<Output = Option<(wasmtime::Result<Answer>, Alive)>> + Send>>;

impl Running {
    /// Runs it until it ends or asks.
    pub(crate) async fn step(&mut self, cancel: &CancellationToken) -> Step {
        let Some(guest) = &mut self.guest else {
            return Step::Ended(Finished::failed(GuestFailure::Host(
                "the guest has ended already".into(),
            )));
        };
        let finished = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                if self.line.cancel() {
                    // It looks whether it is cancelled, so it may leave things in order.
                    let _ = tokio::time::timeout(CANCEL_GRACE, guest).await;
                }
                Err(GuestFailure::Cancelled)
            }
            finished = &mut *guest => Ok(finished),
            questions = self.line.questions() => return Step::Asks(questions),
            () = tokio::time::sleep_until(self.line.deadline()) => Err(GuestFailure::Deadline),
        };
        let guest = self.guest.take();
        Step::Ended(match finished {
            Ok(Some((answer, mut alive))) => {
                let end = answer.map_err(|error| failure(&error, alive.store.data_mut()));
                alive.store.data().output.finish();
                let alive = Box::new(alive);
                let remains = match &end {
                    Ok(_) => Remains::Ended(alive),
                    Err(_) => Remains::Crashed(alive),
                };
                Finished { end, remains }
            }
            Ok(None) => Finished::failed(GuestFailure::Host("the host is shutting down".into())),
            Err(failure) => Finished {
                end: Err(failure),
                remains: guest.map_or(Remains::Nothing, |guest| Remains::Running(Box::new(guest))),
            },
        })
    }

    /// Answers what it asked.
    pub(crate) fn answer(&self, answered: Answered) {
        self.line.answer(answered);
    }
}

impl Sandbox {
    /// Starts a guest in a fresh instance.
    ///
    /// # Errors
    ///
    /// Where it does not come to that: there is no place for it, or a folder that it is to see is not there.
    pub(crate) async fn start(
        &self,
        prepared: &Arc<Prepared>,
        call: GuestCall,
        cancel: &CancellationToken,
    ) -> Result<Running, GuestFailure> {
        let GuestCall {
            label,
            request,
            limits,
            reach,
            client,
            callees,
        } = call;
        let deadline = Instant::now() + limits.timeout;
        let permit = match self.instances.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => Box::pin(self.place(deadline, cancel)).await?,
        };
        self.crowd.look(&self.instances);
        let files = self.files(&reach, deadline, cancel).await?;

        let linked = prepared.linked.load_full();
        let interruptions = Interruptions::default();
        let line = Line::new(deadline, linked.pool.ticker.guest());
        let store = store(
            &linked.pool.engine,
            GuestState::new(
                label,
                limits,
                reach,
                files,
                Ends {
                    client,
                    callees,
                    line: line.clone(),
                },
                &self.surroundings,
            ),
            limits,
            interruptions.clone(),
        );
        let lanes = self.lanes.clone();
        let guest = Box::pin(async move {
            let mut alive = Alive {
                store,
                _permit: permit,
            };
            let answer = linked
                .exports
                .ask(&linked.pre, &mut alive.store, request)
                .await;
            (answer, alive)
        });
        let guest = Box::pin(async move { lanes.run(guest, &interruptions).await });
        Ok(Running {
            guest: Some(guest),
            line,
        })
    }

    /// Waits for a place among all guests.
    async fn place(
        &self,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, GuestFailure> {
        let waiting = tokio::time::timeout_at(deadline, self.instances.clone().acquire_owned());
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(GuestFailure::Cancelled),
            permit = waiting => match permit {
                Ok(Ok(permit)) => Ok(permit),
                _ => Err(GuestFailure::NoSlot),
            },
        }
    }

    /// Runs a guest that nobody answers.
    pub(super) async fn run(&self, prepared: &Arc<Prepared>, call: GuestCall) -> Finished {
        let cancel = CancellationToken::new();
        let mut running = match self.start(prepared, call, &cancel).await {
            Ok(running) => running,
            Err(failure) => return Finished::failed(failure),
        };
        loop {
            match running.step(&cancel).await {
                Step::Ended(finished) => return finished,
                Step::Asks(_) => running.answer(Err("there is nobody to ask".into())),
            }
        }
    }

    /// The call's mounts, opened. Most calls have none, and pay nothing for it.
    async fn files(
        &self,
        reach: &Reach,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<GuestFiles, GuestFailure> {
        if reach.access.mounts.is_empty() {
            return Ok(GuestFiles::default());
        }
        let Surroundings {
            descriptors, local, ..
        } = &self.surroundings;
        let opening = GuestFiles::open(&reach.access, descriptors, local);
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(GuestFailure::Cancelled),
            opened = tokio::time::timeout_at(deadline, opening) => match opened {
                Ok(opened) => opened.map_err(GuestFailure::Mount),
                Err(_) => Err(GuestFailure::Deadline),
            },
        }
    }
}

fn store(
    engine: &Engine,
    state: GuestState,
    limits: GuestLimits,
    interruptions: Interruptions,
) -> Store<GuestState> {
    let line = state.line.clone();
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.max_result.saturating_add(HOSTCALL_ALLOWANCE));
    store.set_max_component_handles(MAX_HANDLES);
    // An epoch deadline is absolute, so it is set here, when the call starts.
    store.set_epoch_deadline(1);
    let began = Instant::now();
    store.epoch_deadline_callback(move |_| {
        let now = Instant::now();
        if now >= line.deadline() {
            return Err(DeadlinePassed.into());
        }
        if now.duration_since(began) < TICK {
            // It happens to run at a tick. Most such calls end before the next one, and would only be held up by having to yield.
            return Ok(UpdateDeadline::Continue(1));
        }
        interruptions.count();
        line.met_tick();
        // Yielding at each tick lets others run, and lets a dropped call end even inside a pure loop.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// A guest that has not been dropped yet. Its slot is free only once its memory is.
pub(crate) struct Alive {
    store: Store<GuestState>,
    _permit: OwnedSemaphorePermit,
}

impl Finished {
    pub(crate) fn failed(failure: GuestFailure) -> Self {
        Self {
            end: Err(failure),
            remains: Remains::Nothing,
        }
    }
}
