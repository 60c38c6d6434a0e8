//! How wasmtime is set up, and why. Everything that changes compiled code is in here, so the child process that compiles
//! and the host that runs agree by construction.

use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    RegallocAlgorithm,
};

/// How many guests may be alive at once, all plugins together. A call beyond it waits its turn.
pub(super) const MAX_INSTANCES: u32 = 256;

/// A component made by ordinary tools has one core instance for its code and a few shims beside it.
const MAX_CORE_INSTANCES_PER_COMPONENT: u32 = 32;
const MAX_MEMORIES_PER_COMPONENT: u32 = 4;
const MAX_TABLES_PER_COMPONENT: u32 = 16;

/// The most that one linear memory can be given, whatever a manifest asks.
pub(crate) const MAX_MEMORY: usize = 4 << 30;

/// The most elements that all tables of a guest may have together.
pub(super) const MAX_TABLE_ELEMENTS: usize = 100_000;

/// The engine that runs guests.
///
/// The figures are measured with a 138 KB guest: with the pool's defaults a fresh instance takes 36 to 50 µs, with these settings 9 µs.
///
/// # Errors
///
/// Fails where the machine cannot reserve the pool's address space.
pub(super) fn running_engine() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES);
    pool.total_core_instances(MAX_INSTANCES * MAX_CORE_INSTANCES_PER_COMPONENT);
    pool.total_memories(MAX_INSTANCES * 2);
    pool.total_tables(MAX_INSTANCES * 4);
    pool.total_stacks(MAX_INSTANCES);
    pool.max_core_instances_per_component(MAX_CORE_INSTANCES_PER_COMPONENT);
    pool.max_memories_per_component(MAX_MEMORIES_PER_COMPONENT);
    pool.max_tables_per_component(MAX_TABLES_PER_COMPONENT);
    pool.max_tables_per_module(MAX_TABLES_PER_COMPONENT);
    pool.max_memories_per_module(MAX_MEMORIES_PER_COMPONENT);
    pool.max_memory_size(MAX_MEMORY);
    pool.table_elements(MAX_TABLE_ELEMENTS);
    // A slot that stays warm is reset by copying back the pages that were touched instead of giving them to the kernel and faulting
    // them in again.
    pool.pagemap_scan(Enabled::Auto);
    // This much of it per slot: more would be kept for every slot that a burst of calls has used.
    pool.linear_memory_keep_resident(256 << 10);
    pool.table_keep_resident(64 << 10);
    // A slot is warm for one component only; with fewer warm slots than plugins, plugins in rotation would all start cold.
    pool.max_unused_warm_slots(MAX_INSTANCES);

    let mut config = code_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// The engine of the child process that only compiles: the same code, no pool.
///
/// Quick code is not optimised, and the running engine takes it all the same: neither the level nor how registers were found is part of what the two must agree on.
pub(super) fn compiling_engine(quick: bool) -> wasmtime::Result<Engine> {
    let mut config = code_config();
    if quick {
        config.cranelift_opt_level(OptLevel::None);
        // Finding the best registers would take a third of the time. wasmtime advises against this for code that nobody vouches for, so it is for `toolbay dev`
        // alone: whoever runs that has the crate's build scripts run outside of any sandbox as well.
        config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    }
    Engine::new(&config)
}

fn code_config() -> Config {
    let mut config = Config::new();
    // WASI 0.3's machinery costs two and a half times the call, and is experimental in this release.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    // A guest's names are stripped, so a backtrace would tell nobody anything, and it costs time at each trap.
    config.wasm_backtrace_max_frames(None);
    // The pool reserves this much for each memory; saying so here keeps the compiled code the same with and without the pool.
    config.memory_reservation(MAX_MEMORY as u64);
    config.memory_may_move(false);
    config
}

/// Changes with what being in the cache means: since 2, that a trial instance had exports of the right types.
const CACHE_FORM: u32 = 2;

/// Names everything that compiled code depends on: engine settings, wasmtime's version and ours.
pub(super) fn compatibility_key(engine: &Engine) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    CACHE_FORM.hash(&mut hasher);
    let digest = hasher.0.finalize();
    crate::digest::hex(digest.get(..16).unwrap_or_default())
}

/// `std::hash::Hasher` over SHA-256, since the standard library's hashers may differ from one build to the next.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Only `write` is of use here: the digest is read off the hasher itself.
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_code_runs_on_the_same_engine() {
        let component = wat::parse_str(
            "(component (core module $m (func (export \"f\"))) (core instance (instantiate $m)))",
        )
        .unwrap();
        let quick = compiling_engine(true).unwrap();
        let code = quick.precompile_component(&component).unwrap();
        let running = running_engine().unwrap();
        // SAFETY: the line above has just compiled it.
        let taken = unsafe { wasmtime::component::Component::deserialize(&running, code) };
        taken.unwrap();
    }

    #[test]
    fn the_child_and_the_host_make_the_same_code() {
        let running = running_engine().unwrap();
        let compiling = compiling_engine(false).unwrap();
        assert_eq!(compatibility_key(&running), compatibility_key(&compiling));
    }
}
