//! One guest, from a fresh instance to its end: what it is given, what bounds it, and what its end means.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};
use wasmtime_wasi::{HostWallClock, I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::bindings::tools::types::{ToolError, ToolResult};
use super::files::{GuestFiles, MountFailure};
use super::http::GuestHttp;
use super::lanes::Interruptions;
use super::limits::{GuestLimiter, Refused};
use super::output::GuestOutput;
use super::sockets::GuestSockets;
use super::ticker::Ticking;
use super::{Linked, Prepared, Sandbox, Surroundings};
use crate::permissions::reach::Reach;
use crate::state::Store as StateStore;
use crate::text;

/// The most random bytes that a guest gets in one request.
const MAX_RANDOM_BYTES: u64 = 1 << 20;

/// The most handles that a guest may hold at once.
const MAX_HANDLES: usize = 10_000;

/// What a call may copy out of the guest beyond its result: log lines, arguments of imports. The most that an import takes are the two values
/// of a compare-and-set, 1 MiB each; larger ones are to be told that they are too large.
const HOSTCALL_ALLOWANCE: usize = 4 << 20;

/// Who runs, for logs and messages.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) plugin: Arc<str>,
    pub(crate) tool: Arc<str>,
}

impl Label {
    pub(crate) fn new(plugin: &str, tool: &str) -> Self {
        Self {
            plugin: plugin.into(),
            tool: tool.into(),
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

/// One call of a tool.
pub(crate) struct ToolCall {
    pub(crate) label: Label,
    /// The JSON text of the arguments.
    pub(crate) arguments: String,
    pub(crate) limits: GuestLimits,
    pub(crate) reach: Reach,
}

/// How a guest ended.
#[derive(Debug)]
pub(crate) enum GuestEnd {
    Returned(Result<ToolResult, ToolError>),
    Failed(GuestFailure),
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum GuestFailure {
    /// It ran, or waited for its turn, longer than it may.
    Deadline,
    /// The caller gave up.
    Cancelled,
    /// It asked for more memory than it may have.
    Memory,
    /// It asked for larger tables than a guest may have.
    Table,
    /// It opened more handles than a guest may hold.
    Handles,
    /// It called itself too deep.
    Stack,
    /// Its result is larger than it may be.
    ResultSize,
    /// It ended itself with this status.
    Exit(i32),
    /// One of its exports has another type than the interface says.
    Mismatch(String),
    /// It crashed; the sentence says how, as far as it can be told.
    Crash(String),
    /// A folder that it is to see is not there.
    Mount(MountFailure),
    /// All slots were taken until the deadline.
    NoSlot,
    /// The host itself could not run it.
    Host(String),
}

/// A guest's end, and what is left of it. The remains are dropped by whoever has answered the caller: giving back a large
/// memory takes milliseconds.
pub(crate) struct Finished<E> {
    pub(crate) end: E,
    pub(crate) remains: Remains,
}

/// What is left of a guest; see [`Finished`].
pub(crate) enum Remains {
    Nothing,
    /// A guest that has ended.
    Ended(Box<Alive>),
    /// A guest that was still running when its time was up or its caller gave up.
    Running(#[expect(dead_code, reason = "it is only ever dropped")] Box<dyn Send>),
}

impl Remains {
    /// Whether dropping them takes long enough for somebody to notice.
    pub(super) fn is_large(&self) -> bool {
        const LARGE: usize = 4 << 20;
        match self {
            Self::Nothing => false,
            Self::Ended(alive) => alive.store.data().limiter.memory_used() > LARGE,
            Self::Running(_) => true,
        }
    }
}

/// What wasmtime keeps for one guest.
pub(super) struct GuestState {
    pub(super) wasi: WasiCtx,
    pub(super) table: ResourceTable,
    pub(super) label: Label,
    pub(super) reach: Reach,
    pub(super) files: GuestFiles,
    pub(super) sockets: GuestSockets,
    /// Where key-value state is kept.
    pub(super) store: StateStore,
    http: GuestHttp,
    limiter: GuestLimiter,
    output: GuestOutput,
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http.view(&mut self.table, &self.reach)
    }
}

impl GuestState {
    pub(super) fn new(
        label: Label,
        limits: GuestLimits,
        reach: Reach,
        files: GuestFiles,
        surroundings: &Surroundings,
    ) -> Self {
        let http = GuestHttp::new(label.plugin.clone(), surroundings.http.clone());
        let output = GuestOutput::new(label.clone());
        let mut wasi = WasiCtxBuilder::new();
        // Standard input is empty; there are no arguments, no environment and no network unless they are added here.
        wasi.stdout(output.clone());
        wasi.stderr(output.clone());
        wasi.max_random_size(MAX_RANDOM_BYTES);
        if let Some(now) = surroundings.clock {
            wasi.wall_clock(StandingClock(now));
        }
        for name in &reach.access.env {
            if let Ok(value) = std::env::var(name) {
                wasi.env(name, value);
            }
        }
        let sockets = GuestSockets::new(
            &mut wasi,
            &label.plugin,
            &reach,
            surroundings.descriptors.clone(),
        );
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            wasi: wasi.build(),
            table,
            label,
            reach,
            files,
            sockets,
            store: surroundings.state.clone(),
            http,
            limiter: GuestLimiter::new(limits.memory),
            output,
        }
    }
}

/// A clock of a test's own, which stands still. Time as such goes on: deadlines and the monotonic clock are the real ones.
struct StandingClock(Duration);

impl HostWallClock for StandingClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

/// The interruption that ends a guest whose time is up.
#[derive(Debug, thiserror::Error)]
#[error("the deadline has passed")]
struct DeadlinePassed;

/// An export of another type than the interface says.
#[derive(Debug, thiserror::Error)]
#[error("its export `{export}` is not of the type that this host expects: {why}")]
struct Mismatch {
    export: &'static str,
    why: String,
}

impl Mismatch {
    fn of(export: &'static str, error: &wasmtime::Error) -> Self {
        let why = text::shorten(&text::escape(&format!("{error:#}")), 300);
        Self { export, why }
    }
}

/// What is asked of a guest's exports once it is instantiated.
pub(super) enum Request {
    Tool {
        name: Arc<str>,
        arguments: String,
    },
    Manifest,
    /// Nothing: to see that it can be instantiated and that its exports have the right types.
    Trial,
}

/// The answer to a [`Request`].
#[derive(Debug)]
pub(super) enum Answer {
    Tool(Result<ToolResult, ToolError>),
    Manifest(String),
    Trial,
}

impl Sandbox {
    /// Runs one tool in a fresh instance.
    pub(crate) async fn call(
        &self,
        prepared: &Arc<Prepared>,
        call: ToolCall,
        cancel: &CancellationToken,
    ) -> Finished<GuestEnd> {
        let ToolCall {
            label,
            arguments,
            limits,
            reach,
        } = call;
        let request = Request::Tool {
            name: label.tool.clone(),
            arguments,
        };
        let Finished { end, remains } = self
            .run(prepared, label, request, limits, reach, cancel)
            .await;
        let end = match end {
            Ok(Answer::Tool(result)) => GuestEnd::Returned(result),
            Ok(Answer::Manifest(_) | Answer::Trial) => GuestEnd::Failed(GuestFailure::Host(
                "the guest answered another question".into(),
            )),
            Err(failure) => GuestEnd::Failed(failure),
        };
        Finished { end, remains }
    }

    pub(super) async fn run(
        &self,
        prepared: &Arc<Prepared>,
        label: Label,
        request: Request,
        limits: GuestLimits,
        reach: Reach,
        cancel: &CancellationToken,
    ) -> Finished<Result<Answer, GuestFailure>> {
        let deadline = Instant::now() + limits.timeout;
        let waiting = tokio::time::timeout_at(deadline, self.instances.clone().acquire_owned());
        let permit = tokio::select! {
            biased;
            () = cancel.cancelled() => return Finished::failed(GuestFailure::Cancelled),
            permit = waiting => permit,
        };
        let Ok(Ok(permit)) = permit else {
            return Finished::failed(GuestFailure::NoSlot);
        };
        self.crowd.look(&self.instances);

        let files = match self.files(&reach, deadline, cancel).await {
            Ok(files) => files,
            Err(failure) => return Finished::failed(failure),
        };

        let linked = prepared.linked.load_full();
        let interruptions = Interruptions::default();
        let store = store(
            &linked.pool.engine,
            GuestState::new(label, limits, reach, files, &self.surroundings),
            deadline,
            limits,
            interruptions.clone(),
        );
        let ticking = linked.pool.ticker.guest();
        let lanes = self.lanes.clone();
        let mut guest = Box::pin(async move {
            let guest = async move {
                let mut alive = Alive {
                    store,
                    _ticking: ticking,
                    _permit: permit,
                };
                let answer = linked.answer(&mut alive.store, request).await;
                (answer, alive)
            };
            lanes.run(guest, &interruptions).await
        });

        let finished = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(GuestFailure::Cancelled),
            finished = tokio::time::timeout_at(deadline, &mut guest) => finished.map_err(|_| GuestFailure::Deadline),
        };
        match finished {
            Ok(Some((answer, mut alive))) => {
                let end = answer.map_err(|error| failure(&error, alive.store.data_mut()));
                alive.store.data().output.finish();
                Finished {
                    end,
                    remains: Remains::Ended(Box::new(alive)),
                }
            }
            Ok(None) => Finished::failed(GuestFailure::Host("the host is shutting down".into())),
            Err(failure) => Finished {
                end: Err(failure),
                remains: Remains::Running(Box::new(guest)),
            },
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
        let opening = GuestFiles::open(&reach.access, &self.surroundings.descriptors);
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
    deadline: Instant,
    limits: GuestLimits,
    interruptions: Interruptions,
) -> Store<GuestState> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.max_result.saturating_add(HOSTCALL_ALLOWANCE));
    store.set_max_component_handles(MAX_HANDLES);
    // An epoch deadline is absolute, so it is set here, when the call starts.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if Instant::now() >= deadline {
            return Err(DeadlinePassed.into());
        }
        interruptions.count();
        // Yielding at each tick lets others run, and lets a dropped call end even inside a pure loop.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// A guest that has not been dropped yet. Its slot is free only once its memory is.
pub(crate) struct Alive {
    store: Store<GuestState>,
    _ticking: Ticking,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl<T> Finished<Result<T, GuestFailure>> {
    fn failed(failure: GuestFailure) -> Self {
        Self {
            end: Err(failure),
            remains: Remains::Nothing,
        }
    }
}

impl Linked {
    async fn answer(
        &self,
        store: &mut Store<GuestState>,
        request: Request,
    ) -> wasmtime::Result<Answer> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let missing = || wasmtime::Error::msg("the component lacks this export");
        match request {
            Request::Tool { name, arguments } => {
                let tools = self
                    .tools
                    .as_ref()
                    .ok_or_else(missing)?
                    .load(&mut *store, &instance)?;
                Ok(Answer::Tool(
                    tools.call_call(&mut *store, &name, &arguments).await?,
                ))
            }
            Request::Manifest => {
                let describe = self
                    .describe
                    .as_ref()
                    .ok_or_else(missing)?
                    .load(&mut *store, &instance)?;
                Ok(Answer::Manifest(describe.call_manifest(&mut *store).await?))
            }
            Request::Trial => {
                if let Some(tools) = &self.tools {
                    tools
                        .load(&mut *store, &instance)
                        .map_err(|error| Mismatch::of(super::TOOLS, &error))?;
                }
                if let Some(describe) = &self.describe {
                    describe
                        .load(&mut *store, &instance)
                        .map_err(|error| Mismatch::of(super::DESCRIBE, &error))?;
                }
                Ok(Answer::Trial)
            }
        }
    }
}

/// What an error of wasmtime's means. What the guest was refused counts first: a Rust guest that gets no memory ends in
/// `unreachable`, which alone would say nothing.
fn failure(error: &wasmtime::Error, state: &mut GuestState) -> GuestFailure {
    if error.is::<DeadlinePassed>() {
        return GuestFailure::Deadline;
    }
    if let Some(mismatch) = error.downcast_ref::<Mismatch>() {
        return GuestFailure::Mismatch(mismatch.to_string());
    }
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        return GuestFailure::Exit(*status);
    }
    match state.limiter.refused() {
        Some(Refused::Memory) => return GuestFailure::Memory,
        Some(Refused::Table) => return GuestFailure::Table,
        None => {}
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        return GuestFailure::Stack;
    }
    if matches!(
        error.downcast_ref::<ResourceTableError>(),
        Some(ResourceTableError::Full)
    ) {
        return GuestFailure::Handles;
    }
    // This error has no public type; a test with a guest of that kind keeps watch over its words.
    if error.chain().any(|cause| {
        cause
            .to_string()
            .contains("fuel allocated for hostcalls has been exhausted")
    }) {
        return GuestFailure::ResultSize;
    }
    GuestFailure::Crash(crash_sentence(error, trap, &state.output.tail()))
}

/// A Rust guest writes the reason for its panic to standard error before it traps, which says more than the trap does.
fn crash_sentence(error: &wasmtime::Error, trap: Option<&Trap>, tail: &[String]) -> String {
    const MAX_SENTENCE: usize = 400;
    if let Some(start) = tail.iter().rposition(|line| line.contains("panicked at ")) {
        // The line itself names a place in the source, which is in the log; the message follows it.
        let message: Vec<&str> = tail
            .iter()
            .skip(start + 1)
            .take_while(|line| !line.starts_with("note: "))
            .map(|line| line.trim())
            .collect();
        let message = text::shorten(&message.join(" "), MAX_SENTENCE);
        return if message.is_empty() {
            "it panicked".into()
        } else {
            format!("it panicked: {message}")
        };
    }
    match trap {
        // Rust guests keep their stack at the bottom of linear memory, where running over it is an access out of bounds.
        Some(Trap::MemoryOutOfBounds) => {
            "it accessed memory out of bounds; a recursion that is too deep can end like this"
                .into()
        }
        Some(Trap::UnreachableCodeReached) => "it aborted".into(),
        Some(trap) => text::escape(trap.to_string().trim_start_matches("wasm trap: ")),
        None => text::shorten(&text::escape(&error.root_cause().to_string()), MAX_SENTENCE),
    }
}
