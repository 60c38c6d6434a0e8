//! The immutable snapshot of everything loaded. A reload makes a new one and swaps it in; calls finish on the one they began with.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::digest::Digest;
use crate::plugin::{Plugin, Tool};
use toolbay_manifest::Annotations;

/// What is loaded at one moment.
#[derive(Default)]
pub(crate) struct Catalog {
    /// In the order of their files.
    pub(crate) plugins: Vec<Arc<Plugin>>,
    pub(crate) problems: Vec<PluginProblem>,
    tools: HashMap<String, (usize, usize)>,
    /// Changes exactly when the tools that clients see do.
    definitions: String,
    /// Counts those changes since the host started.
    pub(crate) generation: u64,
}

/// A file that is not served, or not in its newest version, and what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PluginProblem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: String,
    /// Whether an earlier version of the plugin is still served.
    pub serving_earlier: bool,
}

/// A tool and the plugin that it belongs to, taken out of the catalog for one call.
pub(crate) struct Found {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) tool: Arc<Tool>,
}

impl Catalog {
    /// `plugins` in the order that decides a clash: the earlier one has the name, the later becomes a problem.
    pub(crate) fn new(plugins: Vec<Arc<Plugin>>, mut problems: Vec<PluginProblem>) -> Self {
        let mut by_name: HashMap<String, PathBuf> = HashMap::new();
        let mut served = Vec::new();
        for plugin in plugins {
            if let Some(first) = by_name.get(&plugin.info.name) {
                problems.push(clash(&plugin, first));
            } else {
                by_name.insert(plugin.info.name.clone(), plugin.path.clone());
                served.push(plugin);
            }
        }
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        let mut tools = HashMap::new();
        for (plugin_index, plugin) in served.iter().enumerate() {
            for (tool_index, tool) in plugin.tools.iter().enumerate() {
                tools.insert(tool.full_name.clone(), (plugin_index, tool_index));
            }
        }
        let definitions = definitions(&served);
        Self {
            plugins: served,
            problems,
            tools,
            definitions,
            generation: 0,
        }
    }

    /// The tool of this full name.
    pub(crate) fn find(&self, full_name: &str) -> Option<Found> {
        let (plugin, tool) = self.tools.get(full_name)?;
        let plugin = self.plugins.get(*plugin)?;
        Some(Found {
            plugin: plugin.clone(),
            tool: plugin.tools.get(*tool)?.clone(),
        })
    }

    /// All tools: the plugins in the order of their names, so that it does not depend on files', the tools of each in their author's order.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &Arc<Tool>> {
        let mut plugins: Vec<&Arc<Plugin>> = self.plugins.iter().collect();
        plugins.sort_by(|one, other| one.info.name.cmp(&other.info.name));
        plugins.into_iter().flat_map(|plugin| &plugin.tools)
    }

    pub(crate) fn tool_count(&self) -> usize {
        self.tools.len()
    }

    /// Whether clients see the same tools in both.
    pub(crate) fn same_definitions(&self, other: &Self) -> bool {
        self.definitions == other.definitions
    }

    /// Whether both serve the same components with the same problems.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        let key = |plugin: &Arc<Plugin>| (plugin.path.clone(), plugin.digest.clone());
        self.same_definitions(other)
            && self.problems == other.problems
            && self
                .plugins
                .iter()
                .map(key)
                .eq(other.plugins.iter().map(key))
    }
}

fn clash(plugin: &Plugin, first: &std::path::Path) -> PluginProblem {
    let name = &plugin.info.name;
    PluginProblem {
        path: plugin.path.clone(),
        reason: format!("the plugin name `{name}` is taken by {}", first.display()),
        hint: "remove one of the two files, or give one plugin another name in its plugin.toml"
            .into(),
        serving_earlier: false,
    }
}

fn definitions(plugins: &[Arc<Plugin>]) -> String {
    let mut all: Vec<String> = Vec::new();
    for tool in plugins.iter().flat_map(|plugin| &plugin.tools) {
        let Annotations {
            read_only,
            destructive,
            idempotent,
            open_world,
        } = tool.annotations;
        let hints = [read_only, destructive, idempotent, open_world];
        let parts = (
            &tool.full_name,
            &tool.title,
            &tool.description,
            hints,
            &tool.advertised_input,
            &tool.advertised_output,
        );
        all.push(serde_json::to_string(&parts).unwrap_or_default());
    }
    all.sort();
    Digest::of(all.join("\n").as_bytes()).to_string()
}
