//! A place for guests: the engine with its slots for memories, tables and stacks, what guests are linked with, and the clock that
//! interrupts them.
//!
//! A slot that a guest has used stays resident for the next one, and wasmtime gives that memory back only together with the
//! engine. So after a crowd a fresh pool takes the place of the one that the crowd has used; guests under way end where they began.

use wasmtime::component::Linker;
use wasmtime::{Engine, EngineWeak};

use super::engine::running_engine;
use super::guest::GuestState;
use super::ticker::Ticker;
use super::{calls, client, cursors, files, kv, sockets};

/// Everything that guests need and that must be of one engine.
pub(super) struct Pool {
    pub(super) engine: Engine,
    pub(super) linker: Linker<GuestState>,
    pub(super) ticker: Ticker,
}

impl Pool {
    /// # Errors
    ///
    /// Fails where the machine cannot reserve the address space for guests or start a thread.
    pub(super) fn new() -> anyhow::Result<Self> {
        let engine = running_engine().map_err(|error| {
            anyhow::anyhow!("{error:#}").context("cannot set up the WebAssembly engine")
        })?;
        let mut linker = Linker::new(&engine);
        add_imports(&mut linker).map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let ticker = Ticker::start(engine.clone())?;
        Ok(Self {
            engine,
            linker,
            ticker,
        })
    }

    /// Tells later whether anything of this pool is still in use.
    pub(super) fn watch(&self) -> Retired {
        Retired(self.engine.weak())
    }
}

/// Everything that a guest can import. What it may do with it is asked when it does it.
fn add_imports(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    // Files and sockets have functions of our own in front of wasmtime-wasi's.
    linker.allow_shadowing(true);
    files::add_to_linker(linker)?;
    sockets::add_to_linker(linker)?;
    kv::add_to_linker(linker)?;
    cursors::add_to_linker(linker)?;
    calls::add_to_linker(linker)?;
    client::add_to_linker(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// A pool whose place another one has taken.
pub(super) struct Retired(EngineWeak);

impl Retired {
    /// Whether its memory has gone back to the system.
    pub(super) fn is_gone(&self) -> bool {
        self.0.upgrade().is_none()
    }
}
