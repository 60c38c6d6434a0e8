//! A loaded plugin and what it offers: immutable but for what is filled in at first use. Core types, which know nothing of MCP or wasmtime.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;
use tokio::sync::OnceCell;
use toolbay_manifest::{
    Annotations, Icon, Manifest, Mount, PermissionRequest, PluginInfo, Services, ToolSettings,
};

pub(crate) use self::kind::{Kind, PromptFacts, ResourceFacts};
use crate::breaker::Breaker;
use crate::call::REPLAY;
use crate::config::MAX_COMPONENT;
use crate::digest::Digest;
use crate::discover::Candidate;
use crate::files::read_up_to;
use crate::metrics::ToolMetrics;
use crate::permissions;
use crate::rate::Limiter;
use crate::sandbox::{CompileError, Label, MAX_MEMORY, PrepareError, Prepared, Sandbox};
use crate::schema::{Schema, SchemaError, client_safe};
use crate::turns::Turns;

mod kind;

/// One component and its manifest.
pub(crate) struct Plugin {
    pub(crate) path: PathBuf,
    /// The folder that it lies in, without links.
    pub(crate) folder: PathBuf,
    pub(crate) downloaded: bool,
    /// The folder's name: with the plugin's, whose state its tools reach.
    pub(crate) scope: Arc<str>,
    pub(crate) digest: Digest,
    pub(crate) info: PluginInfo,
    /// The folders that its tools may ask for.
    pub(crate) mounts: IndexMap<String, Mount>,
    /// Everything that it offers: its tools, then its resources, then its prompts.
    pub(crate) tools: Vec<Arc<Tool>>,
    /// How often anything of it may be called.
    pub(crate) limiter: Option<Limiter>,
    /// How many calls of it run at once, all together; those of its tools are counted beside.
    pub(crate) turns: Option<Turns>,
    /// Whether it keeps crashing.
    pub(crate) breaker: Breaker,
    /// Whether its version is being put on record.
    pin_claimed: AtomicBool,
    /// The component's bytes, kept from loading until its code is in the cache.
    bytes: Mutex<Option<Arc<[u8]>>>,
    /// The runnable component, made at first use. A component that is at fault stays refused.
    prepared: OnceCell<Result<Arc<Prepared>, PrepareError>>,
}

/// One tool, with everything that its calls need looked up beforehand; or a resource or a prompt, which the host runs, bounds and grants in
/// the same way.
pub(crate) struct Tool {
    pub(crate) kind: Kind,
    /// The name that clients use: `{plugin}_{tool}`, for a prompt likewise; a resource's URI or template.
    pub(crate) full_name: String,
    pub(crate) label: Label,
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    pub(crate) icons: Vec<Icon>,
    pub(crate) annotations: Annotations,
    /// Schemas as clients see them.
    pub(crate) advertised_input: Value,
    pub(crate) advertised_output: Option<Value>,
    pub(crate) limits: ToolLimits,
    /// What it asks for beyond computing.
    pub(crate) requested: PermissionRequest,
    /// Why, by the permission's key.
    pub(crate) reasons: IndexMap<String, String>,
    pub(crate) turns: Turns,
    /// How often it may be called.
    pub(crate) limiter: Option<Limiter>,
    /// What its calls came to.
    pub(crate) metrics: ToolMetrics,
    /// What the host does around its calls.
    pub(crate) services: Services,
    input_schema: Value,
    output_schema: Option<Value>,
    input: OnceLock<Result<Schema, SchemaError>>,
    output: OnceLock<Result<Schema, SchemaError>>,
}

/// The limits of one tool's calls, defaults filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToolLimits {
    pub(crate) timeout: Duration,
    /// Bytes.
    pub(crate) memory: usize,
    /// The largest answer that goes to the client whole, in bytes.
    pub(crate) output: usize,
    /// The largest result taken from the guest, in bytes.
    pub(crate) max_result: usize,
}

/// Why a plugin cannot be run at the moment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReady {
    #[error(transparent)]
    Component(PrepareError),
    /// The file is not the one that was listed.
    #[error("its file was changed or removed a moment ago")]
    Changed,
}

impl Plugin {
    /// `bytes` are given where they were just read; otherwise the file is read when its code is first needed and not in the cache.
    pub(crate) fn new(
        candidate: &Candidate,
        digest: Digest,
        manifest: &Manifest,
        bytes: Option<Arc<[u8]>>,
    ) -> Self {
        let plugin = &manifest.plugin.name;
        let tools = manifest.tools.iter();
        let tools = tools.map(|(name, tool)| Tool::new(plugin, name, tool));
        let resources = manifest.resources.iter();
        let resources = resources.map(|(name, resource)| Tool::resource(plugin, name, resource));
        let prompts = manifest.prompts.iter();
        let prompts = prompts.map(|(name, prompt)| Tool::prompt(plugin, name, prompt));
        let tools = tools
            .chain(resources)
            .chain(prompts)
            .map(Arc::new)
            .collect();
        Self {
            path: candidate.path.clone(),
            folder: candidate.folder.clone(),
            downloaded: candidate.downloaded,
            scope: candidate.folder.to_string_lossy().into(),
            digest,
            info: manifest.plugin.clone(),
            mounts: manifest.mounts.clone(),
            tools,
            limiter: manifest.plugin.rate.map(Limiter::new),
            turns: manifest
                .plugin
                .concurrency
                .map(|most| Turns::new(most as usize)),
            breaker: Breaker::default(),
            pin_claimed: AtomicBool::new(false),
            bytes: Mutex::new(bytes),
            prepared: OnceCell::new(),
        }
    }

    /// Whether the caller is the first to put this version on record.
    pub(crate) fn claims_pin(&self) -> bool {
        !self.pin_claimed.swap(true, Ordering::Relaxed)
    }

    /// The runnable component, if it is one already.
    pub(crate) fn is_prepared(&self) -> Option<&Arc<Prepared>> {
        self.prepared.get()?.as_ref().ok()
    }

    /// The runnable component, compiled first if need be.
    pub(crate) async fn prepared(&self, sandbox: &Sandbox) -> Result<&Arc<Prepared>, NotReady> {
        if let Some(prepared) = self.is_prepared() {
            return Ok(prepared);
        }
        let outcome = self.prepared.get_or_try_init(|| async {
            let bytes = self.bytes(sandbox).await?;
            let prepared = sandbox.prepare(&self.digest, &bytes).await;
            self.forget_bytes();
            match prepared {
                // These say something about the machine at this moment, not about the component.
                Err(PrepareError::Compile(
                    error @ (CompileError::Host(_) | CompileError::Limit(_)),
                )) => Err(NotReady::Component(error.into())),
                Err(error @ PrepareError::Sandbox(_)) => Err(NotReady::Component(error)),
                outcome => Ok(outcome),
            }
        });
        match outcome.await? {
            Ok(prepared) => Ok(prepared),
            Err(error) => Err(NotReady::Component(error.clone())),
        }
    }

    /// Makes the plugin runnable before its first call, unless its code is in the cache already: there it is only if it was runnable before.
    pub(crate) async fn prepare_ahead(&self, sandbox: &Sandbox) -> Result<(), NotReady> {
        if self.prepared.initialized() || sandbox.is_compiled(&self.digest) {
            self.forget_bytes();
            return Ok(());
        }
        self.prepared(sandbox).await.map(drop)
    }

    /// The bytes that the digest is of; none are needed where the cache has the code that was compiled from them.
    async fn bytes(&self, sandbox: &Sandbox) -> Result<Arc<[u8]>, NotReady> {
        if let Some(bytes) = self
            .bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
        {
            return Ok(bytes);
        }
        if sandbox.is_compiled(&self.digest) {
            return Ok(Arc::default());
        }
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read_up_to(&path, MAX_COMPONENT)).await;
        match read {
            Ok(Ok(bytes)) if Digest::of(&bytes) == self.digest => Ok(bytes.into()),
            _ => Err(NotReady::Changed),
        }
    }

    fn forget_bytes(&self) {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The output schema as clients see it: with what the host adds to a repeated call's result.
fn advertised_output(schema: &Value, settings: &ToolSettings) -> Value {
    let mut schema = client_safe(schema);
    if settings.services.idempotency.is_some()
        && let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut)
    {
        let marker = serde_json::json!({
            "type": "boolean",
            "description": "Whether this is the result of an earlier call with the same idempotency key, and nothing was done this time",
        });
        properties.entry(REPLAY).or_insert(marker);
    }
    schema
}

impl Tool {
    fn new(plugin: &str, name: &str, tool: &toolbay_manifest::Tool) -> Self {
        Self {
            title: tool.title.clone(),
            description: tool.description.clone(),
            icons: tool.icons.clone(),
            advertised_input: client_safe(&tool.input_schema),
            advertised_output: tool
                .output_schema
                .as_ref()
                .map(|schema| advertised_output(schema, &tool.settings)),
            input_schema: tool.input_schema.clone(),
            output_schema: tool.output_schema.clone(),
            ..Self::of(
                Kind::Tool,
                format!("{plugin}_{name}"),
                Label::new(plugin, name),
                &tool.settings,
            )
        }
    }

    fn resource(plugin: &str, name: &str, resource: &toolbay_manifest::Resource) -> Self {
        Self {
            title: resource.title.clone(),
            description: resource.description.clone(),
            icons: resource.icons.clone(),
            ..Self::of(
                Kind::Resource(Box::new(ResourceFacts::new(name, resource))),
                resource.uri.to_string(),
                Label::resource(plugin, name),
                &resource.settings,
            )
        }
    }

    fn prompt(plugin: &str, name: &str, prompt: &toolbay_manifest::Prompt) -> Self {
        Self {
            title: prompt.title.clone(),
            description: prompt.description.clone(),
            icons: prompt.icons.clone(),
            ..Self::of(
                Kind::Prompt(Box::new(PromptFacts::new(name, prompt))),
                format!("{plugin}_{name}"),
                Label::prompt(plugin, name),
                &prompt.settings,
            )
        }
    }

    fn of(kind: Kind, full_name: String, label: Label, settings: &ToolSettings) -> Self {
        let limits = ToolLimits {
            timeout: settings.timeout(),
            memory: usize::try_from(settings.memory())
                .unwrap_or(MAX_MEMORY)
                .min(MAX_MEMORY),
            output: usize::try_from(settings.output()).unwrap_or(usize::MAX),
            max_result: usize::try_from(settings.max_result()).unwrap_or(usize::MAX),
        };
        Self {
            kind,
            full_name,
            label,
            title: None,
            description: String::new(),
            icons: Vec::new(),
            annotations: settings.annotations(),
            advertised_input: Value::Null,
            advertised_output: None,
            limits,
            requested: settings.permissions().clone(),
            reasons: settings.reasons.clone(),
            turns: Turns::new(settings.concurrency()),
            limiter: settings.services.rate.map(Limiter::new),
            metrics: ToolMetrics::default(),
            services: settings.services.clone(),
            input_schema: Value::Bool(true),
            output_schema: None,
            input: OnceLock::new(),
            output: OnceLock::new(),
        }
    }

    /// What it is and is called, for sentences: "tool `notes_read`".
    pub(crate) fn named(&self) -> String {
        format!("{} `{}`", self.kind.noun(), self.full_name)
    }

    pub(crate) fn is_tool(&self) -> bool {
        matches!(self.kind, Kind::Tool)
    }

    pub(crate) fn as_resource(&self) -> Option<&ResourceFacts> {
        match &self.kind {
            Kind::Resource(facts) => Some(facts),
            _ => None,
        }
    }

    pub(crate) fn as_prompt(&self) -> Option<&PromptFacts> {
        match &self.kind {
            Kind::Prompt(facts) => Some(facts),
            _ => None,
        }
    }

    /// What it asks for, in words; empty for a pure tool.
    pub(crate) fn asks_for(&self) -> Vec<String> {
        permissions::in_words(&self.requested)
    }

    /// The input schema as the author has it.
    pub(crate) fn input_schema(&self) -> &Value {
        &self.input_schema
    }

    /// The output schema as the author has it.
    pub(crate) fn output_schema(&self) -> Option<&Value> {
        self.output_schema.as_ref()
    }

    /// The compiled input schema.
    pub(crate) fn input(&self) -> Result<&Schema, &SchemaError> {
        self.input
            .get_or_init(|| Schema::compile(&self.input_schema))
            .as_ref()
    }

    /// The compiled output schema, where the tool has one.
    pub(crate) fn output(&self) -> Result<Option<&Schema>, &SchemaError> {
        let Some(schema) = &self.output_schema else {
            return Ok(None);
        };
        self.output
            .get_or_init(|| Schema::compile(schema))
            .as_ref()
            .map(Some)
    }
}
