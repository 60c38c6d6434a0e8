//! The host: configuration, sandbox and the current catalog, shared by whatever serves or calls.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::call::{Answers, Middleware};
use crate::catalog::{Catalog, Generation, PluginProblem};
use crate::changes::{Changes, What};
use crate::config::Config;
use crate::dev::DevNote;
use crate::file_changes::FileChanges;
use crate::inventory::Inventory;
use crate::load::LoadError;
use crate::owner::Owner;
use crate::parked::Parked;
use crate::permissions::authority::{Authority, pin};
use crate::permissions::binding::Forbidden;
use crate::permissions::store::GrantStore;
use crate::plugin::{NotReady, Plugin};
use crate::rate::Limiter;
use crate::results::Results;
use crate::sandbox::{CompilerProgram, Sandbox};
use crate::seal::Seal;
use crate::secrets::Secrets;
use crate::state::Store;
use crate::telemetry::Telemetry;
use crate::turns::CallerPlaces;

/// How long the first answer about tools waits for files that are being written as the host starts.
const SETTLING_AT_START: Duration = Duration::from_millis(500);

/// How long it waits for the first scan at all; a component without a manifest of its own is compiled in it.
const FIRST_SCAN: Duration = Duration::from_secs(15);

/// How often it is looked for guests that wait for an answer in vain.
const TIDYING: Duration = Duration::from_secs(60);

/// One running host.
pub struct Host {
    /// Itself, for guests that call other tools.
    me: Weak<Self>,
    pub(crate) config: Config,
    pub(crate) sandbox: Arc<Sandbox>,
    started_at: Instant,
    pub(crate) grants: Arc<GrantStore>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) audit: Audit,
    /// For what clients keep for the host.
    pub(crate) seal: Arc<Seal>,
    /// Guests that wait for an answer which their client brings with another request.
    pub(crate) parked: Parked,
    /// Folders that no mount may reach.
    forbidden: Arc<Forbidden>,
    catalog: ArcSwap<Catalog>,
    /// The generation of the current catalog.
    definitions: watch::Sender<Generation>,
    /// How often each caller may call, all tools together.
    pub(crate) limiter: Option<Limiter>,
    /// How many calls of each caller run at once.
    pub(crate) places: Option<Arc<CallerPlaces>>,
    /// What the user put around all calls.
    pub(crate) middleware: Option<Arc<Middleware>>,
    /// Where spans of calls go, if the user wants them anywhere.
    pub(crate) telemetry: Option<Arc<Telemetry>>,
    /// What outlives the host.
    pub(crate) store: Store,
    /// This host, for others that find what it has begun.
    pub(crate) owner: Arc<Owner>,
    /// Results that are too large to be passed on at once.
    pub(crate) results: Arc<Results>,
    /// Answers that are kept for the same question.
    pub(crate) answers: Arc<Answers>,
    /// What guests say that they changed.
    pub(crate) changes: Changes,
    /// Files behind resources, watched for subscribers.
    pub(crate) file_changes: FileChanges,
    /// What is being developed, for whoever tells clients.
    developing: watch::Sender<Vec<DevNote>>,
    scanned: watch::Sender<bool>,
    /// Cancelled when the plugin folders are to be looked at for the first time.
    pub(crate) asked: CancellationToken,
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
        let changes = Changes::default();
        let owner = Arc::new(Owner::new(&config.state));
        let results = Arc::new(Results::new(&config.state, owner.clone()));
        let answers = Answers::new(&config.state);
        let hearing = answers.clone();
        changes.before_all(move |change| {
            if let What::Updated(uri) = &change.what {
                hearing.invalidate(&change.plugin, &[uri.to_string()]);
            }
        });
        let store = Store::new(&config.state);
        let seal = Arc::new(Seal::new(&config.state, store.clone()));
        let sandbox = Sandbox::new(
            &config.cache,
            CompilerProgram {
                path: config.compiler_program.clone(),
                quick: config.quick_code,
            },
            store.clone(),
            seal.clone(),
            changes.clone(),
            &config.stand_ins,
        );
        let telemetry = config
            .telemetry
            .as_ref()
            .map(Telemetry::start)
            .transpose()?;
        let grants = match &config.policy {
            Some(policy) => GrantStore::policy(policy, &config.state),
            None => GrantStore::in_folder(&config.settings, &config.state),
        };
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            secrets: Arc::new(Secrets::open(&config)),
            audit: Audit::start(&config),
            seal,
            parked: Parked::default(),
            forbidden: Arc::new(Forbidden::of(&config)),
            limiter: config.rate.map(Limiter::new),
            places: config
                .concurrency
                .map(|most| Arc::new(CallerPlaces::new(most))),
            middleware: Middleware::of(&config, me),
            telemetry: telemetry.map(Arc::new),
            config,
            sandbox: Arc::new(sandbox),
            grants: Arc::new(grants),
            started_at: Instant::now(),
            catalog: ArcSwap::default(),
            definitions: watch::Sender::default(),
            answers,
            results,
            owner,
            store,
            file_changes: FileChanges::new(changes.clone()),
            changes,
            developing: watch::Sender::default(),
            scanned: watch::Sender::new(false),
            asked: CancellationToken::new(),
            closing: CancellationToken::new(),
        }))
    }

    /// Loads the folders, as soon as that holds nobody up, and goes on watching them until [`close`](Self::close).
    pub fn watch(self: &Arc<Self>) {
        tokio::spawn(crate::watch::keep_up(self.clone()));
        let host = self.clone();
        tokio::spawn(async move {
            let tidy = async {
                loop {
                    tokio::time::sleep(TIDYING).await;
                    host.parked.sweep();
                    host.results.sweep();
                }
            };
            tokio::select! {
                () = host.closing.cancelled() => {}
                () = host.sandbox.keep_memory_low() => {}
                () = tidy => {}
            }
        });
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
        self.swap(inventory.catalog(&self.authority()));
        self.scanned.send_replace(true);
    }

    pub(crate) fn me(&self) -> Weak<Self> {
        self.me.clone()
    }

    /// The grants of this moment.
    pub(crate) fn authority(&self) -> Authority {
        Authority::new(&self.grants, self.forbidden.clone())
    }

    /// Puts a plugin's version on record, without anybody waiting for the disk.
    pub(crate) fn pin(&self, plugin: &Arc<Plugin>) {
        if !plugin.claims_pin() {
            return;
        }
        let (store, plugin) = (self.grants.clone(), plugin.clone());
        drop(tokio::task::spawn_blocking(move || pin(&store, &plugin)));
    }

    /// Ends every call and the watching.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Waits a moment for what is still to be told and written down.
    pub(crate) async fn finish(&self) {
        const ENDING: Duration = Duration::from_secs(1);
        if let Some(middleware) = &self.middleware {
            middleware.finish().await;
        }
        if let Some(telemetry) = self.telemetry.clone() {
            let _ = tokio::task::spawn_blocking(move || telemetry.finish()).await;
        }
        if !self.audit.flush(ENDING) {
            tracing::warn!("the last lines of the audit log may be missing");
        }
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// The catalog once the folders were looked at for the first time, so that the first list is complete.
    pub(crate) async fn scanned_catalog(&self) -> Arc<Catalog> {
        self.asked.cancel();
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
        tracing::info!(
            plugins = catalog.plugins.len(),
            tools = catalog.tool_count(),
            problems = catalog.problems.len(),
            "the catalog has changed"
        );
        catalog.count_changes(&before);
        let generation = catalog.generation;
        if before.developing != catalog.developing {
            self.developing.send_replace(catalog.developing.clone());
        }
        self.catalog.store(Arc::new(catalog));
        if generation != before.generation {
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

    /// Tells the catalog's generation each time what clients see has changed.
    pub(crate) fn definitions(&self) -> watch::Receiver<Generation> {
        self.definitions.subscribe()
    }

    /// Tells what is being developed each time that changes.
    pub(crate) fn developing(&self) -> watch::Receiver<Vec<DevNote>> {
        self.developing.subscribe()
    }

    pub(crate) fn is_scanned(&self) -> bool {
        *self.scanned.borrow()
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// What the user runs in a terminal to allow what a plugin asks for.
    pub(crate) fn grant_command(&self, plugin: &Plugin) -> String {
        let name = &plugin.info.name;
        if self.config.has_own_folders() {
            return format!("toolbay grant {name}");
        }
        let folder = crate::text::escape(&plugin.folder.display().to_string());
        format!(
            "toolbay grant {name} --dir '{}'",
            folder.replace('\'', "'\\''")
        )
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
