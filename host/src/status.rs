//! The built-in tool `toolbay_status`: what the host is, what it serves, and what the user should do about the rest.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::catalog::Catalog;
use crate::dev::{DevNote, moment};
use crate::health::{self, Health};
use crate::host::Host;
use crate::plugin::{Plugin, Tool};
use crate::principal::Principal;
use crate::schema::client_safe;

/// The tool's name. Plugins cannot have it: the plugin name `toolbay` is reserved.
pub(crate) const STATUS_TOOL: &str = "toolbay_status";

pub(crate) const STATUS_TITLE: &str = "Toolbay status";

pub(crate) const STATUS_DESCRIPTION: &str = "Reports the state of the Toolbay host: whether it is healthy, which plugins and tools are loaded, which plugin files \
     are broken and why, which tools wait for the user's permission, and which tools came or went since this client listed them. Takes no \
     arguments. Use it when a tool is missing, refused or behaves unexpectedly, and tell the user what it says to do.";

/// The second name that the user gave the tool, unless a plugin has a tool of that name.
pub(crate) fn alias<'a>(host: &'a Host, catalog: &Catalog) -> Option<&'a str> {
    let alias = host.config.status_alias.as_deref()?;
    catalog.find(alias).is_none().then_some(alias)
}

/// Whether a call is for the built-in tool. Whose its second name is can be told only once the folders were looked at.
pub(crate) async fn is_status(host: &Host, target: &str) -> bool {
    if target == STATUS_TOOL {
        return true;
    }
    if host.config.status_alias.as_deref() != Some(target) {
        return false;
    }
    let catalog = Box::pin(host.scanned_catalog()).await;
    alias(host, &catalog).is_some()
}

/// What the tool gives back.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    /// `healthy`; `degraded` where a plugin file is broken, a plugin keeps crashing or something that one depends on is not well; `unhealthy` where there are plugin files and none of them can be served; `starting` before the folders were looked at.
    status: String,
    /// Toolbay's version.
    version: String,
    /// Now, as an ISO 8601 timestamp in UTC.
    timestamp: String,
    /// How long the host has been running, in seconds.
    uptime_seconds: u64,
    /// The host's resident memory in mebibytes; null where the system does not tell.
    memory_mb: Option<f64>,
    /// How many answers were kept from an earlier call, and how many were not, of tools and resources that have a cache.
    cache: CacheStatus,
    /// The folders that plugins are loaded from.
    folders: Vec<String>,
    /// The plugins that are served.
    plugins: Vec<PluginStatus>,
    /// What plugins say of the things that they depend on: their tools with `health = true`, asked for this status.
    health: Vec<Health>,
    /// The files that are not served, or not in their newest version.
    problems: Vec<ProblemStatus>,
    /// What works and should not stay as it is.
    warnings: Vec<String>,
    /// Plugins that somebody is working on with `toolbay dev` at this moment.
    developing: Vec<DevelopedPlugin>,
    /// Tools that do not run until the user has granted what they ask for, or has looked at how they changed.
    waiting_for_grant: Vec<WaitingTool>,
    /// Tools that this client has not seen in a list yet.
    new_since_listed: Vec<String>,
    /// Tools that this client was shown and that are gone.
    gone_since_listed: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CacheStatus {
    hits: u64,
    misses: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PluginStatus {
    name: String,
    version: String,
    /// The first twelve digits of the component's SHA-256.
    digest: String,
    tools: Vec<String>,
    /// The URIs of its resources, and their templates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    prompts: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ProblemStatus {
    path: String,
    reason: String,
    hint: String,
    /// Whether an earlier version of the plugin is still served.
    serving_earlier: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct DevelopedPlugin {
    plugin: String,
    /// The folder of its sources.
    source: String,
    /// How old the build is that answers, in seconds; null where there is none yet.
    build_age_seconds: Option<u64>,
    /// The first error of what was saved since, which does not build; null where all is well.
    error: Option<String>,
    /// Since when, as an ISO 8601 timestamp in UTC.
    failing_since: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WaitingTool {
    tool: String,
    /// Why it does not run.
    reason: String,
    asks_for: Vec<String>,
    /// What the user can run in a terminal of their own to look at it and allow it.
    command: String,
}

/// The schema of [`Status`] as clients see it.
pub(crate) static STATUS_SCHEMA: LazyLock<Value> =
    LazyLock::new(|| client_safe(schemars::schema_for!(Status).as_value()));

/// Those of the catalog, and the plugins that keep crashing.
fn warnings(host: &Host, catalog: &Catalog) -> Vec<String> {
    let shadowed = match host.config.status_alias.as_deref() {
        Some(wanted) if alias(host, catalog).is_none() => Some(format!(
            "`status.alias` in toolbay.toml is `{wanted}`, which is the name of a plugin's tool; that one is called, and the alias is not used"
        )),
        _ => None,
    };
    let crashing = catalog.plugins.iter().filter_map(|plugin| match plugin.breaker.open_for() {
        0 => None,
        callers => Some(format!(
            "plugin `{}` keeps crashing and is not run for a while, for {callers} caller{}; it is tried again by itself, and at once when it is replaced",
            plugin.info.name,
            if callers == 1 { "" } else { "s" }
        )),
    });
    let around = host.middleware.as_ref();
    let around = around.map_or_else(Vec::new, |middleware| middleware.problems(catalog));
    catalog
        .warnings
        .iter()
        .cloned()
        .chain(around)
        .chain(shadowed)
        .chain(crashing)
        .collect()
}

impl Status {
    /// The state at this moment, as this caller gets to know it. `listed` are the tools that the client was shown, if it has asked for a list.
    pub(crate) async fn of(
        host: &Host,
        caller: &Principal,
        listed: Option<&BTreeSet<String>>,
    ) -> Self {
        let health = health::ask_all(host, caller).await;
        let catalog = host.catalog();
        let names: BTreeSet<String> = catalog
            .tools()
            .map(|listed| listed.tool.full_name.clone())
            .collect();
        let status = if !host.is_scanned() {
            "starting"
        } else if catalog.plugins.is_empty() && !catalog.problems.is_empty() {
            "unhealthy"
        } else if catalog.problems.is_empty()
            && health.iter().all(|health| health.is_well())
            && !catalog
                .plugins
                .iter()
                .any(|plugin| plugin.breaker.open_for() > 0)
        {
            "healthy"
        } else {
            "degraded"
        };
        let (hits, misses) = host.answers.counts();
        Self {
            status: status.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            timestamp: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            uptime_seconds: host.uptime().as_secs(),
            memory_mb: resident_memory_mb(),
            cache: CacheStatus { hits, misses },
            folders: host
                .folders()
                .iter()
                .map(|folder| folder.display().to_string())
                .collect(),
            plugins: catalog
                .plugins
                .iter()
                .map(|plugin| PluginStatus {
                    name: plugin.info.name.clone(),
                    version: plugin.info.version.clone(),
                    digest: plugin.digest.short().into(),
                    tools: names_of(plugin, |tool| tool.is_tool()),
                    resources: names_of(plugin, |tool| tool.as_resource().is_some()),
                    prompts: names_of(plugin, |tool| tool.as_prompt().is_some()),
                })
                .collect(),
            health,
            problems: catalog
                .problems
                .iter()
                .map(|problem| ProblemStatus {
                    path: problem.path.display().to_string(),
                    reason: problem.reason.clone(),
                    hint: problem.hint.clone(),
                    serving_earlier: problem.serving_earlier,
                })
                .collect(),
            warnings: warnings(host, &catalog),
            developing: catalog.developing.iter().map(developed).collect(),
            waiting_for_grant: catalog
                .offers()
                .filter_map(|listed| {
                    Some(WaitingTool {
                        tool: listed.tool.full_name.clone(),
                        reason: listed.held()?.clause(),
                        asks_for: listed.tool.asks_for(),
                        command: host.grant_command(listed.plugin),
                    })
                })
                .collect(),
            new_since_listed: listed
                .map(|listed| names.difference(listed).cloned().collect())
                .unwrap_or_default(),
            gone_since_listed: listed
                .map(|listed| listed.difference(&names).cloned().collect())
                .unwrap_or_default(),
        }
    }

    /// The whole status as text, for clients that pass on nothing else.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let memory = self
            .memory_mb
            .map(|memory| format!(", {memory} MiB"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "Toolbay {} is {} ({}, up {} s{memory}).",
            self.version, self.status, self.timestamp, self.uptime_seconds
        );
        let _ = writeln!(text, "Folders: {}", self.folders.join(", "));
        if self.plugins.is_empty() {
            let _ = writeln!(
                text,
                "No plugin is loaded: put a .wasm component into one of the folders."
            );
        }
        for plugin in &self.plugins {
            let _ = writeln!(
                text,
                "- {} {} ({}): {}",
                plugin.name,
                plugin.version,
                plugin.digest,
                [&plugin.tools[..], &plugin.resources, &plugin.prompts]
                    .concat()
                    .join(", ")
            );
        }
        for health in &self.health {
            let _ = writeln!(text, "{}", health.sentence());
        }
        for problem in &self.problems {
            let earlier = if problem.serving_earlier {
                " (an earlier version is still served)"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "Not served: {}: {}{earlier}\n  hint: {}",
                problem.path, problem.reason, problem.hint
            );
        }
        for developed in &self.developing {
            let _ = writeln!(text, "{}", developed.sentence());
        }
        for waiting in &self.waiting_for_grant {
            let _ = writeln!(
                text,
                "Waiting for the user: {} {}{}; to allow it, the user runs `{}` in a terminal",
                waiting.tool,
                waiting.reason,
                asked(&waiting.asks_for),
                waiting.command
            );
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "Warning: {warning}");
        }
        if !self.new_since_listed.is_empty() || !self.gone_since_listed.is_empty() {
            let _ = writeln!(
                text,
                "Since this client listed the tools: new {}; gone {}. If the client does not show that, ask the user to reconnect this MCP server (in most clients: its \
                 settings, or restarting the session).",
                listing(&self.new_since_listed),
                listing(&self.gone_since_listed)
            );
        }
        text
    }
}

fn names_of(plugin: &Plugin, is_one: impl Fn(&Tool) -> bool) -> Vec<String> {
    let offers = plugin.tools.iter().filter(|tool| is_one(tool));
    offers.map(|tool| tool.full_name.clone()).collect()
}

fn developed(note: &DevNote) -> DevelopedPlugin {
    DevelopedPlugin {
        plugin: note.plugin.clone(),
        source: note.source.display().to_string(),
        build_age_seconds: note.build_age(),
        error: note.failing.as_ref().map(|failing| failing.error.clone()),
        failing_since: note.failing.as_ref().map(|failing| moment(failing.since)),
    }
}

impl DevelopedPlugin {
    fn sentence(&self) -> String {
        let age = match self.build_age_seconds {
            Some(age) => format!("its build that answers is {age} s old"),
            None => "there is no good build of it yet".into(),
        };
        let error = match (&self.error, &self.failing_since) {
            (Some(error), Some(since)) => {
                format!("; what was saved since {since} does not build: {error}")
            }
            _ => String::new(),
        };
        format!(
            "In development: {} in {}: {age}{error}",
            self.plugin, self.source
        )
    }
}

fn asked(words: &[String]) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join("; "))
    }
}

fn listing(names: &[String]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

/// Linux says it in `/proc/self/statm`, in pages of which the second number is the resident set.
fn resident_memory_mb() -> Option<f64> {
    let bytes = resident_memory()? as f64;
    Some((bytes / f64::from(1 << 20) * 10.0).round() / 10.0)
}

/// The host's resident memory in bytes; nothing where the system does not tell.
pub(crate) fn resident_memory() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
