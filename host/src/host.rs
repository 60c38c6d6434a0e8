//! The host: configuration, sandbox and the current catalog, shared by whatever serves or calls.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, PluginProblem};
use crate::config::Config;
use crate::inventory::Inventory;
use crate::load::LoadError;
use crate::plugin::NotReady;
use crate::sandbox::Sandbox;
use crate::state::Store;

/// How long the first answer about tools waits for files that are being written as the host starts.
const SETTLING_AT_START: Duration = Duration::from_millis(500);

/// How long it waits for the first scan at all; a component without a manifest of its own is compiled in it.
const FIRST_SCAN: Duration = Duration::from_secs(15);

/// One running host.
pub struct Host {
    pub(crate) config: Config,
    pub(crate) sandbox: Sandbox,
    started_at: Instant,
    catalog: ArcSwap<Catalog>,
    /// The generation of the current catalog.
    definitions: watch::Sender<u64>,
    scanned: watch::Sender<bool>,
    /// Cancelled when the host is to end: nothing new is begun.
    pub(crate) closing: CancellationToken,
}

impl Host {
    /// A host with nothing loaded yet. Must be called on a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the sandbox cannot be set up on this machine.
    pub fn new(config: Config) -> Result<Arc<Self>> {
        let sandbox = Sandbox::new(
            &config.cache,
            &config.compiler_program,
            Store::new(&config.state),
        )?;
        Ok(Arc::new(Self {
            config,
            sandbox,
            started_at: Instant::now(),
            catalog: ArcSwap::default(),
            definitions: watch::Sender::new(0),
            scanned: watch::Sender::new(false),
            closing: CancellationToken::new(),
        }))
    }

    /// Loads the folders and goes on watching them until [`close`](Self::close).
    pub fn watch(self: &Arc<Self>) {
        let inventory = Inventory::new(self.config.folders.clone(), self.config.cache.clone());
        tokio::spawn(crate::watch::keep_up(self.clone(), inventory));
    }

    /// Loads the folders once, waiting for files that are still being written, and checks that every component can be run if `prepare` is set.
    pub async fn load_once(self: &Arc<Self>, prepare: bool) {
        let mut inventory = Inventory::new(self.config.folders.clone(), self.config.cache.clone());
        loop {
            let scanned = inventory.scan(&self.sandbox).await;
            if prepare {
                for plugin in &scanned.new {
                    if let Err(NotReady::Component(error)) = plugin.prepared(&self.sandbox).await {
                        inventory.refuse(plugin, &LoadError::Prepare(error));
                    }
                }
            }
            match scanned.again_in {
                Some(wait) => tokio::time::sleep(wait).await,
                None => break,
            }
        }
        inventory.save_index();
        self.swap(inventory.catalog());
        self.scanned.send_replace(true);
    }

    /// Ends every call and the watching.
    pub fn close(&self) {
        self.closing.cancel();
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// The catalog once the folders were looked at for the first time, so that the first list is complete.
    pub(crate) async fn scanned_catalog(&self) -> Arc<Catalog> {
        let mut scanned = self.scanned.subscribe();
        let _ = tokio::time::timeout(FIRST_SCAN, scanned.wait_for(|scanned| *scanned)).await;
        self.catalog()
    }

    pub(crate) fn swap(&self, mut catalog: Catalog) {
        let before = self.catalog();
        if before.same_content(&catalog) {
            return;
        }
        for problem in catalog
            .problems
            .iter()
            .filter(|problem| !before.problems.contains(problem))
        {
            log_problem(problem);
        }
        let changed = !before.same_definitions(&catalog);
        tracing::info!(
            plugins = catalog.plugins.len(),
            tools = catalog.tool_count(),
            problems = catalog.problems.len(),
            "the catalog has changed"
        );
        catalog.generation = before.generation + u64::from(changed);
        let generation = catalog.generation;
        self.catalog.store(Arc::new(catalog));
        if changed {
            self.definitions.send_replace(generation);
        }
    }

    /// The first scan is done; `settled` says that no file was in the middle of a change.
    pub(crate) fn mark_scanned(&self, settled: bool) {
        if settled || self.started_at.elapsed() > SETTLING_AT_START {
            self.scanned
                .send_if_modified(|scanned| !std::mem::replace(scanned, true));
        }
    }

    /// Tells the catalog's generation each time the tools that clients see have changed.
    pub(crate) fn definitions(&self) -> watch::Receiver<u64> {
        self.definitions.subscribe()
    }

    pub(crate) fn is_scanned(&self) -> bool {
        *self.scanned.borrow()
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// The folders that plugins are loaded from.
    #[must_use]
    pub fn folders(&self) -> &[PathBuf] {
        &self.config.folders
    }
}

fn log_problem(problem: &PluginProblem) {
    tracing::warn!(path = %problem.path.display(), hint = %problem.hint, serving_earlier = problem.serving_earlier, "a plugin is not served: {}", problem.reason);
}
