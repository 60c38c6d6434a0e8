//! The immutable snapshot of everything loaded. A reload makes a new one and swaps it in; calls finish on the one they began with.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::dev::DevNote;
use crate::digest::Digest;
use crate::permissions::authority::Authority;
use crate::permissions::decide::{Decision, Held};
use crate::permissions::definition;
use crate::plugin::{Kind, Plugin, Tool};
use toolbay_manifest::Annotations;

/// What is loaded at one moment.
#[derive(Default)]
pub(crate) struct Catalog {
    /// In the order of their files.
    pub(crate) plugins: Vec<Arc<Plugin>>,
    /// For each plugin, what is decided about each of its tools.
    decisions: Vec<Vec<Arc<Decision>>>,
    pub(crate) problems: Vec<PluginProblem>,
    /// What works, and should not stay as it is.
    pub(crate) warnings: Vec<String>,
    /// Plugins that somebody is working on at this moment.
    pub(crate) developing: Vec<DevNote>,
    tools: HashMap<String, (usize, usize)>,
    prompts: HashMap<String, (usize, usize)>,
    /// Each changes exactly when what clients see of that kind does.
    definitions: Definitions,
    /// Counts those changes since the host started.
    pub(crate) generation: Generation,
    /// The revision of the grants that the decisions were made with.
    grants: u64,
}

/// The digests of what clients see, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Definitions {
    tools: String,
    resources: String,
    prompts: String,
}

/// How often what clients see has changed, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Generation {
    pub(crate) tools: u64,
    pub(crate) resources: u64,
    pub(crate) prompts: u64,
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

/// A tool, the plugin that it belongs to and what is decided about it, taken out of the catalog for one call.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) tool: Arc<Tool>,
    pub(crate) decision: Arc<Decision>,
}

/// A tool in its place in the catalog.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) plugin: &'a Arc<Plugin>,
    pub(crate) tool: &'a Arc<Tool>,
    pub(crate) decision: &'a Arc<Decision>,
}

impl Listed<'_> {
    /// The same, to be kept.
    pub(crate) fn found(self) -> Found {
        Found {
            plugin: self.plugin.clone(),
            tool: self.tool.clone(),
            decision: self.decision.clone(),
        }
    }

    /// Why it does not run, if it does not.
    pub(crate) fn held(&self) -> Option<&Held> {
        match &**self.decision {
            Decision::Held(held) => Some(held),
            Decision::Allowed(_) => None,
        }
    }

    /// What a model may read of it: its own description, or the host's words where nobody has seen what it says of itself.
    pub(crate) fn description(&self) -> Cow<'_, str> {
        match self.held() {
            Some(held) if held.hides_definition() => Cow::Owned(format!(
                "Not available: the tool {}. Its description is withheld until the user has looked at it with `toolbay grant {}`.",
                held.clause(),
                self.plugin.info.name
            )),
            _ => Cow::Borrowed(&self.tool.description),
        }
    }

    /// Whether what it says of itself is withheld.
    pub(crate) fn is_withheld(&self) -> bool {
        self.held().is_some_and(Held::hides_definition)
    }
}

impl Catalog {
    /// `plugins` in the order that decides a clash: the earlier one has the name, the later becomes a problem.
    pub(crate) fn new(
        plugins: Vec<Arc<Plugin>>,
        mut problems: Vec<PluginProblem>,
        warnings: Vec<String>,
        authority: &Authority,
    ) -> Self {
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
        let decide = |plugin: &Arc<Plugin>| {
            let tools = plugin.tools.iter();
            tools
                .map(|tool| Arc::new(authority.decide(plugin, tool)))
                .collect()
        };
        let decisions = served.iter().map(decide).collect();
        let (mut tools, mut prompts) = (HashMap::new(), HashMap::new());
        for (plugin_index, plugin) in served.iter().enumerate() {
            for (tool_index, tool) in plugin.tools.iter().enumerate() {
                let place = (plugin_index, tool_index);
                match tool.kind {
                    Kind::Tool => tools.insert(tool.full_name.clone(), place),
                    Kind::Prompt(_) => prompts.insert(tool.full_name.clone(), place),
                    // These are found by their plugin, whose name every one of its URIs begins with.
                    Kind::Resource(_) => None,
                };
            }
        }
        let mut catalog = Self {
            plugins: served,
            decisions,
            problems,
            warnings,
            developing: Vec::new(),
            tools,
            prompts,
            definitions: Definitions::default(),
            generation: Generation::default(),
            grants: authority.revision(),
        };
        catalog.definitions = catalog.digests_of_definitions();
        catalog
    }

    /// The tool of this full name.
    pub(crate) fn find(&self, full_name: &str) -> Option<Found> {
        self.at(*self.tools.get(full_name)?)
    }

    /// The prompt of this full name.
    pub(crate) fn find_prompt(&self, full_name: &str) -> Option<Found> {
        self.at(*self.prompts.get(full_name)?)
    }

    /// The resource that this URI is of, and the values of its template's variables.
    pub(crate) fn find_resource(&self, uri: &str) -> Option<(Found, IndexMap<String, String>)> {
        let (scheme, _) = uri.split_once(':')?;
        let of_plugin = |plugin: &Arc<Plugin>| plugin.info.name == scheme;
        let plugin_index = self.plugins.iter().position(of_plugin)?;
        let tools = self.plugins.get(plugin_index)?.tools.iter().enumerate();
        let mut resources = tools.filter_map(|(index, tool)| Some((index, tool.as_resource()?)));
        let (index, variables) =
            resources.find_map(|(index, resource)| Some((index, resource.uri.matches(uri)?)))?;
        Some((self.at((plugin_index, index))?, variables))
    }

    /// The resource that has this URI or, as it stands there, this template.
    pub(crate) fn find_template(&self, template: &str) -> Option<Found> {
        let resources = self.resources();
        let same = resources.filter(|listed| listed.tool.full_name == template);
        same.map(Listed::found).next()
    }

    fn at(&self, (plugin_index, tool): (usize, usize)) -> Option<Found> {
        let plugin = self.plugins.get(plugin_index)?;
        Some(Found {
            plugin: plugin.clone(),
            tool: plugin.tools.get(tool)?.clone(),
            decision: self.decisions.get(plugin_index)?.get(tool)?.clone(),
        })
    }

    /// All tools, in the order of [`offers`](Self::offers).
    pub(crate) fn tools(&self) -> impl Iterator<Item = Listed<'_>> {
        self.all_tools()
            .filter(|listed| !listed.tool.services.internal)
    }

    /// The same with those that only other tools can call.
    pub(crate) fn all_tools(&self) -> impl Iterator<Item = Listed<'_>> {
        self.offers().filter(|listed| listed.tool.is_tool())
    }

    /// All resources and templates, likewise.
    pub(crate) fn resources(&self) -> impl Iterator<Item = Listed<'_>> {
        self.offers()
            .filter(|listed| listed.tool.as_resource().is_some())
    }

    /// All prompts, likewise.
    pub(crate) fn prompts(&self) -> impl Iterator<Item = Listed<'_>> {
        self.offers()
            .filter(|listed| listed.tool.as_prompt().is_some())
    }

    /// Everything that plugins offer: the plugins in the order of their names, so that it does not depend on files', the tools of each in their author's order.
    pub(crate) fn offers(&self) -> impl Iterator<Item = Listed<'_>> {
        let mut plugins: Vec<_> = self.plugins.iter().zip(&self.decisions).collect();
        plugins.sort_by(|(one, _), (other, _)| one.info.name.cmp(&other.info.name));
        plugins
            .into_iter()
            .flat_map(|(plugin, decisions)| listed(plugin, decisions))
    }

    /// The plugins in the order of their files, with their tools.
    pub(crate) fn by_file(
        &self,
    ) -> impl Iterator<Item = (&Arc<Plugin>, impl Iterator<Item = Listed<'_>>)> {
        self.plugins
            .iter()
            .zip(&self.decisions)
            .map(|(plugin, decisions)| (plugin, listed(plugin, decisions)))
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
            && self.grants == other.grants
            && self.problems == other.problems
            && self.warnings == other.warnings
            && self.developing == other.developing
            && self
                .plugins
                .iter()
                .map(key)
                .eq(other.plugins.iter().map(key))
    }

    fn digests_of_definitions(&self) -> Definitions {
        let digest = |listed: &mut dyn Iterator<Item = Listed<'_>>| {
            let mut all: Vec<String> = listed.map(shown_definition).collect();
            all.sort();
            Digest::of(all.join("\n").as_bytes()).to_string()
        };
        Definitions {
            tools: digest(&mut self.tools()),
            resources: digest(&mut self.resources()),
            prompts: digest(&mut self.prompts()),
        }
    }

    /// Counts what has changed since the catalog before.
    pub(crate) fn count_changes(&mut self, before: &Self) {
        let (now, then) = (&self.definitions, &before.definitions);
        self.generation = Generation {
            tools: before.generation.tools + u64::from(now.tools != then.tools),
            resources: before.generation.resources + u64::from(now.resources != then.resources),
            prompts: before.generation.prompts + u64::from(now.prompts != then.prompts),
        };
    }
}

/// Everything that a client is told of it, as one text.
fn shown_definition(listed: Listed<'_>) -> String {
    let tool = listed.tool;
    let Annotations {
        read_only,
        destructive,
        idempotent,
        open_world,
    } = tool.annotations;
    let hints = [read_only, destructive, idempotent, open_world];
    if listed.is_withheld() {
        return serde_json::to_string(&(&tool.full_name, listed.description(), hints))
            .unwrap_or_default();
    }
    let parts = (
        &tool.full_name,
        definition::definition(tool),
        &tool.advertised_input,
        &tool.advertised_output,
        &tool.icons,
    );
    serde_json::to_string(&parts).unwrap_or_default()
}

fn listed<'a>(
    plugin: &'a Arc<Plugin>,
    decisions: &'a [Arc<Decision>],
) -> impl Iterator<Item = Listed<'a>> {
    plugin
        .tools
        .iter()
        .zip(decisions)
        .map(move |(tool, decision)| Listed {
            plugin,
            tool,
            decision,
        })
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
