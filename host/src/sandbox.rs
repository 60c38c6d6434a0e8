//! The sandbox: compiles components, runs them in fresh instances, and holds them to their limits. The only place that names
//! wasmtime. It knows nothing of MCP, of manifests' texts or of who may call what; it is told the limits and keeps them.

mod bindings;
mod calls;
mod client;
mod compile;
mod crowd;
mod cursors;
mod descriptors;
mod engine;
mod exports;
mod failure;
mod files;
mod guest;
mod http;
mod kv;
mod lanes;
mod limits;
mod output;
mod pool;
mod renewal;
mod run;
mod sockets;
mod ticker;

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use wasmtime::component::InstancePre;

use self::compile::{Compiled, Compiler};
use self::crowd::Crowd;
use self::descriptors::Descriptors;
use self::exports::{DESCRIBE, Exports};
use self::files::LocalFolders;
use self::guest::GuestState;
use self::http::HttpClient;
use self::lanes::Lanes;
use self::pool::Pool;
use crate::changes::Changes;
use crate::client::nobody;
use crate::config::StandIns;
use crate::digest::Digest;
use crate::permissions::reach::Reach;
use crate::seal::Seal;
use crate::state::Store as StateStore;

pub(crate) use self::bindings::completions::Completion;
pub(crate) use self::bindings::prompts::PromptResult;
pub(crate) use self::bindings::resources::{ReadResult, ResourceEntry, ResourcePage};
pub(crate) use self::bindings::tools::types;
pub(crate) use self::calls::{Called, Callees};
pub(crate) use self::compile::{
    COMPILE_COMMAND, CompileError, CompilerProgram, compile_from_stdin,
};
pub(crate) use self::engine::MAX_MEMORY;
pub(crate) use self::exports::{Answer, Of, Request};
pub(crate) use self::failure::GuestFailure;
pub(crate) use self::run::{Finished, GuestCall, GuestLimits, Label, Remains, Running, Step};

/// How long a component may take to describe itself.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a trial instance is waited for.
const TRIAL_TIMEOUT: Duration = Duration::from_millis(100);

/// The largest manifest that a component may describe.
const MAX_DESCRIBED: usize = 4 << 20;

/// Everything that guests need to run; one for a host.
pub(crate) struct Sandbox {
    engines: Arc<Engines>,
    lanes: Arc<Lanes>,
    instances: Arc<Semaphore>,
    surroundings: Surroundings,
    crowd: Crowd,
    /// Everything that has a place in a pool.
    prepared: Mutex<Vec<Weak<Prepared>>>,
}

/// What takes longest to set up, and is needed by no answer to a handshake: whoever needs it first sets it up.
type Engines = LazyLock<Result<Engine, String>, Box<dyn FnOnce() -> Result<Engine, String> + Send>>;

/// Where code is compiled for and run.
struct Engine {
    pool: ArcSwap<Pool>,
    compiler: Compiler,
}

/// What all guests share of the host: each part gives a guest only what its reach allows.
#[derive(Clone)]
struct Surroundings {
    descriptors: Descriptors,
    local: LocalFolders,
    /// Where key-value state is kept.
    state: StateStore,
    /// Seals places in guests' lists.
    seal: Arc<Seal>,
    http: Arc<HttpClient>,
    /// Where guests say what they changed.
    changes: Changes,
    /// What guests take for the time, in a test.
    clock: Option<Duration>,
}

/// A component that is compiled, linked, and known to have exports of the right types.
pub(crate) struct Prepared {
    digest: Digest,
    linked: ArcSwap<Linked>,
}

/// A component in one of the sandbox's pools.
struct Linked {
    pool: Arc<Pool>,
    pre: InstancePre<GuestState>,
    exports: Exports,
}

/// Why a component cannot be run.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PrepareError {
    /// The machine is at fault.
    #[error("the sandbox cannot be set up on this machine: {0}")]
    Sandbox(String),
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It imports something that this host does not offer, or exports something of another type.
    #[error("it does not fit this host: {0}")]
    Link(String),
    /// A trial instance, which runs no tool, could not be made.
    #[error("it cannot be instantiated: {0}")]
    Instantiate(String),
    /// It did not give its manifest.
    #[error("it does not describe itself: {0}")]
    Describe(String),
}

impl Sandbox {
    /// Where the machine cannot reserve the address space for guests, nothing can be prepared.
    pub(crate) fn new(
        cache: &Path,
        program: CompilerProgram,
        state: StateStore,
        seal: Arc<Seal>,
        changes: Changes,
        stand_ins: &StandIns,
    ) -> Self {
        let cache = cache.to_owned();
        let engines: Arc<Engines> = Arc::new(LazyLock::new(Box::new(move || {
            let pool = Pool::new().map_err(|error| format!("{error:#}"))?;
            Ok(Engine {
                compiler: Compiler::new(&pool.engine, &cache, program),
                pool: ArcSwap::from_pointee(pool),
            })
        })));
        let instances = Arc::new(Semaphore::new(engine::MAX_INSTANCES as usize));
        Self {
            engines,
            lanes: Arc::default(),
            instances,
            surroundings: Surroundings {
                descriptors: Descriptors::new(),
                local: LocalFolders::default(),
                state,
                seal,
                http: Arc::new(HttpClient::new(stand_ins.servers.clone())),
                changes,
                clock: stand_ins.clock,
            },
            crowd: Crowd::default(),
            prepared: Mutex::default(),
        }
    }

    /// # Errors
    ///
    /// Where it cannot be set up on this machine.
    fn engine(&self) -> Result<&Engine, PrepareError> {
        self.engines
            .as_ref()
            .as_ref()
            .map_err(|error| PrepareError::Sandbox(error.clone()))
    }

    /// Whether the component's code is in the ahead-of-time cache.
    pub(crate) fn is_compiled(&self, digest: &Digest) -> bool {
        self.engine()
            .is_ok_and(|engine| engine.compiler.is_cached(digest))
    }

    /// Compiles (or maps from the cache), links, and makes one trial instance. Only code that passes is kept in the cache.
    pub(crate) async fn prepare(
        &self,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<Arc<Prepared>, PrepareError> {
        let Engine { pool, compiler } = self.engine()?;
        let pool = pool.load_full();
        let compiled = compiler.component(&pool.engine, digest, bytes).await?;
        let linked = link(pool, &compiled)?;
        let prepared = Arc::new(Prepared {
            digest: digest.clone(),
            linked: ArcSwap::from_pointee(linked),
        });
        self.register(&prepared);
        match self.inspect(&prepared, Request::Trial, TRIAL_TIMEOUT).await {
            Ok(_) => {}
            // Whether a guest that is slow to start is too slow is for each call's own deadline to say.
            Err(GuestFailure::Deadline) => {}
            Err(GuestFailure::Mismatch(why)) => return Err(PrepareError::Link(why)),
            Err(why) => return Err(PrepareError::Instantiate(why.sentence())),
        }
        let saving = compiled.save();
        if let (Some(saving), true) = (saving, compiler.is_quick()) {
            // Whoever compiles quickly hands the code on to other processes at once.
            let _ = saving.await;
        }
        Ok(prepared)
    }

    /// The manifest that the component gives of itself, run with no permissions.
    pub(crate) async fn describe(&self, prepared: &Arc<Prepared>) -> Result<String, PrepareError> {
        if !prepared.linked.load().exports.describes() {
            return Err(PrepareError::Describe(format!(
                "it does not export `{DESCRIBE}`"
            )));
        }
        match self
            .inspect(prepared, Request::Manifest, DESCRIBE_TIMEOUT)
            .await
        {
            Ok(Answer::Manifest(manifest)) => Ok(manifest),
            Ok(_) => Err(PrepareError::Describe("it gave no manifest".into())),
            Err(why) => Err(PrepareError::Describe(why.sentence())),
        }
    }

    /// Gives back a guest's remains where that holds nobody up.
    pub(crate) fn dispose(&self, remains: Remains) {
        if remains.are_more_than_ordinary() {
            self.crowd.see();
        }
        if !remains.is_large() {
            return drop(remains);
        }
        if let Some(background) = self.lanes.background() {
            drop(background.spawn_blocking(move || drop(remains)));
        }
    }

    async fn inspect(
        &self,
        prepared: &Arc<Prepared>,
        request: Request,
        timeout: Duration,
    ) -> Result<Answer, GuestFailure> {
        let limits = GuestLimits {
            timeout,
            memory: 256 << 20,
            max_result: MAX_DESCRIBED,
        };
        let call = GuestCall {
            label: Label::new("(new)", "describe"),
            request,
            limits,
            reach: Reach::nothing(),
            client: nobody(),
            callees: None,
        };
        self.run(prepared, call).await.end
    }
}

fn link(pool: Arc<Pool>, compiled: &Compiled) -> Result<Linked, PrepareError> {
    let component = &compiled.component;
    let link_error = |error: wasmtime::Error| {
        PrepareError::Link(crate::text::shorten(
            &crate::text::escape(&format!("{error:#}")),
            600,
        ))
    };
    let pre = pool.linker.instantiate_pre(component).map_err(link_error)?;
    let exports = Exports::of(component, &pre).map_err(link_error)?;
    Ok(Linked { pool, pre, exports })
}
