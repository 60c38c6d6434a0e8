//! What wasmtime keeps for one guest: its view of the system, its limits, and where it speaks to the host.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::Surroundings;
use super::calls::Callees;
use super::client::Line;
use super::files::GuestFiles;
use super::http::GuestHttp;
use super::limits::GuestLimiter;
use super::output::GuestOutput;
use super::run::{GuestLimits, Label};
use super::sockets::GuestSockets;
use crate::changes::Changes;
use crate::client::Client;
use crate::permissions::reach::Reach;
use crate::seal::Seal;
use crate::state::Store as StateStore;

/// The most random bytes that a guest gets in one request.
const MAX_RANDOM_BYTES: u64 = 1 << 20;

/// The most handles that a guest may hold at once.
pub(super) const MAX_HANDLES: usize = 10_000;

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
    /// Seals places in its lists.
    pub(super) seal: Arc<Seal>,
    /// Whoever made the call.
    pub(super) client: Arc<dyn Client>,
    /// The tools that it may call.
    pub(super) callees: Option<Arc<dyn Callees>>,
    /// Where its questions go.
    pub(super) line: Line,
    /// Where it says what it changed.
    pub(super) changes: Changes,
    pub(super) limiter: GuestLimiter,
    pub(super) output: GuestOutput,
    http: GuestHttp,
}

/// Who is at the other ends of what a guest says.
pub(super) struct Ends {
    /// Whoever made the call.
    pub(super) client: Arc<dyn Client>,
    /// The tools that it may call.
    pub(super) callees: Option<Arc<dyn Callees>>,
    /// Where its questions go.
    pub(super) line: Line,
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
        ends: Ends,
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
            seal: surroundings.seal.clone(),
            client: ends.client,
            callees: ends.callees,
            line: ends.line,
            changes: surroundings.changes.clone(),
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
