//! What an author writes: `plugin.toml`, which has no schemas, since those come from the code. Owns how the two are put together.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::error::{ManifestError, Place};
use crate::manifest::{MANIFEST_VERSION, Manifest, PluginInfo, Tool};
use crate::permissions::Mount;
use crate::presentation::{ContentAnnotations, Icon};
use crate::prompt::{Prompt, PromptArgument};
use crate::resource::{Resource, Watch, without_effects};
use crate::services::Rate;
use crate::settings::ToolSettings;
use crate::uri_template::UriTemplate;
use crate::{check, decode, rules, syntax};

/// A checked `plugin.toml`.
///
/// ```
/// use toolbay_manifest::{Definitions, PackageInfo, SourceManifest, ToolDefinition};
///
/// let source = SourceManifest::from_toml(r#"
///     [plugin]
///     name = "notes"
///     [tools.search]
///     timeout = "5s"
/// "#)?;
/// let package = PackageInfo { version: "0.1.0".into(), description: "Keeps notes.".into(), ..PackageInfo::default() };
/// let search = ToolDefinition {
///     name: "search".into(),
///     title: None,
///     description: "Searches the notes for a word and returns their titles.".into(),
///     input_schema: serde_json::json!({"type": "object"}),
///     output_schema: None,
///     icons: Vec::new(),
/// };
/// let manifest = source.into_manifest(&package, Definitions { tools: vec![search], ..Definitions::default() })?;
/// assert_eq!(manifest.plugin.version, "0.1.0");
/// # Ok::<(), toolbay_manifest::ManifestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SourceManifest {
    /// Who the plugin is.
    pub plugin: SourcePlugin,
    /// The folders that its tools may ask for, by name.
    pub mounts: IndexMap<String, Mount>,
    /// What is set for its tools, by name.
    pub tools: IndexMap<String, SourceTool>,
    /// What is set for its resources, by name.
    pub resources: IndexMap<String, SourceResource>,
    /// What is set for its prompts, by name.
    pub prompts: IndexMap<String, SourcePrompt>,
}

/// The `[plugin]` table. What is not there comes from the package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourcePlugin {
    /// The plugin's identity.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// A name for people.
    pub title: Option<String>,
    /// Who wrote it.
    pub authors: Option<Vec<String>>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// A page about it.
    pub homepage: Option<String>,
    /// How often anything of it may be called, all together.
    pub rate: Option<Rate>,
    /// How many calls of it run at once, all together.
    pub concurrency: Option<u32>,
    /// Findings of `toolbay check` that its author wants, by the lint's code, each with the reason.
    pub allow: IndexMap<String, String>,
}

/// One `[tools.NAME]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceTool {
    /// A name for people, instead of the one in the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Icons, instead of those in the code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Everything else.
    #[serde(flatten)]
    pub settings: ToolSettings,
}

/// One `[resources.NAME]` table. What it says comes in place of what the code says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceResource {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Icons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Hints for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<ContentAnnotations>,
    /// The media type of what is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The file behind a URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Everything else.
    #[serde(flatten, serialize_with = "without_effects")]
    pub settings: ToolSettings,
}

/// One `[prompts.NAME]` table. What it says comes in place of what the code says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourcePrompt {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Icons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Everything else.
    #[serde(flatten, serialize_with = "without_effects")]
    pub settings: ToolSettings,
}

/// What the author's `Cargo.toml` says; an empty text stands for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageInfo {
    /// The package's version.
    pub version: String,
    /// Its description.
    pub description: String,
    /// Its authors.
    pub authors: Vec<String>,
    /// Its licence.
    pub license: String,
    /// Its homepage.
    pub homepage: String,
}

/// What the code says about one tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// The tool's name.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it does, what it takes, what it gives back.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// The JSON Schema of its structured result.
    pub output_schema: Option<Value>,
    /// Icons that a client may show.
    pub icons: Vec<Icon>,
}

/// What the code says about one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceDefinition {
    /// The resource's name.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What is to be read there.
    pub description: String,
    /// Where it is.
    pub uri: UriTemplate,
    /// The media type of what is read.
    pub mime_type: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// Icons that a client may show.
    pub icons: Vec<Icon>,
    /// Hints for clients.
    pub annotations: Option<ContentAnnotations>,
    /// Whether the code says which ones are there.
    pub lists: bool,
    /// The variables for which the code proposes values.
    pub completes: Vec<String>,
}

/// What the code says about one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptDefinition {
    /// The prompt's name.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: String,
    /// Icons that a client may show.
    pub icons: Vec<Icon>,
    /// What it is filled in with.
    pub arguments: Vec<PromptArgument>,
    /// The arguments for which the code proposes values.
    pub completes: Vec<String>,
}

/// What the code says about everything that a plugin offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions {
    /// Its tools.
    pub tools: Vec<ToolDefinition>,
    /// Its resources.
    pub resources: Vec<ResourceDefinition>,
    /// Its prompts.
    pub prompts: Vec<PromptDefinition>,
}

impl SourceManifest {
    /// Reads and checks a `plugin.toml`, as far as that goes without the code.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and a hint.
    pub fn from_toml(text: &str) -> Result<Self, ManifestError> {
        decode::source_manifest(syntax::toml(text)?)
    }

    /// The `[plugin]` table, filled up from the package and checked.
    ///
    /// # Errors
    /// A version or a description that is in neither, or breaks a rule.
    pub fn plugin_info(&self, package: &PackageInfo) -> Result<PluginInfo, ManifestError> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let plugin = self.plugin.clone();
        let info = PluginInfo {
            name: plugin.name,
            version: plugin.version.unwrap_or_else(|| package.version.clone()),
            description: plugin
                .description
                .unwrap_or_else(|| package.description.clone()),
            title: plugin.title,
            authors: plugin.authors.unwrap_or_else(|| package.authors.clone()),
            license: plugin.license.or_else(|| given(&package.license)),
            homepage: plugin.homepage.or_else(|| given(&package.homepage)),
            rate: plugin.rate,
            concurrency: plugin.concurrency,
            allow: plugin.allow,
        };
        let place = Place::manifest().plugin(&info.name);
        if info.description.trim().is_empty() {
            const HINT: &str = "write `description = \"…\"` under [package] in Cargo.toml or under [plugin] in plugin.toml";
            return Err(ManifestError::MissingKey {
                place,
                key: "description",
                hint: Some(HINT),
            });
        }
        check::check_plugin(&place, &info)?;
        Ok(info)
    }

    /// Puts this, the package and the code together.
    ///
    /// # Errors
    /// A table for something that the code does not have, something that the code has twice, or whatever a whole manifest may not have.
    pub fn into_manifest(
        mut self,
        package: &PackageInfo,
        definitions: Definitions,
    ) -> Result<Manifest, ManifestError> {
        let plugin = self.plugin_info(package)?;
        let place = Place::manifest().plugin(&plugin.name);
        let tools = definitions.tools.into_iter().map(|definition| {
            let source = self.tools.shift_remove(&definition.name);
            (definition.name.clone(), tool(definition, source))
        });
        let tools = unique(tools, "tool", |name| place.clone().tool(name))?;
        let resources = definitions.resources.into_iter().map(|definition| {
            let source = self.resources.shift_remove(&definition.name);
            (definition.name.clone(), resource(definition, source))
        });
        let resources = unique(resources, "resource", |name| place.clone().resource(name))?;
        let prompts = definitions.prompts.into_iter().map(|definition| {
            let source = self.prompts.shift_remove(&definition.name);
            (definition.name.clone(), prompt(definition, source))
        });
        let prompts = unique(prompts, "prompt", |name| place.clone().prompt(name))?;

        // What is left was asked for by nobody.
        refuse_left(&self.tools, &tools, "tool", |name| place.clone().tool(name))?;
        refuse_left(&self.resources, &resources, "resource", |name| {
            place.clone().resource(name)
        })?;
        refuse_left(&self.prompts, &prompts, "prompt", |name| {
            place.clone().prompt(name)
        })?;
        let manifest = Manifest {
            manifest_version: MANIFEST_VERSION,
            plugin,
            mounts: self.mounts,
            tools,
            resources,
            prompts,
        };
        check::check_manifest(&manifest)?;
        Ok(manifest)
    }
}

fn tool(definition: ToolDefinition, source: Option<SourceTool>) -> Tool {
    let source = source.unwrap_or_default();
    Tool {
        title: source.title.or(definition.title),
        description: definition.description,
        input_schema: definition.input_schema,
        output_schema: definition.output_schema,
        icons: either(source.icons, definition.icons),
        settings: source.settings,
    }
}

fn resource(definition: ResourceDefinition, source: Option<SourceResource>) -> Resource {
    let source = source.unwrap_or_default();
    Resource {
        title: source.title.or(definition.title),
        description: definition.description,
        uri: definition.uri,
        mime_type: source.mime_type.or(definition.mime_type),
        size: source.size.or(definition.size),
        icons: either(source.icons, definition.icons),
        annotations: source.annotations.or(definition.annotations),
        lists: definition.lists,
        completes: definition.completes,
        watch: source.watch,
        settings: always_read_only(source.settings),
    }
}

fn prompt(definition: PromptDefinition, source: Option<SourcePrompt>) -> Prompt {
    let source = source.unwrap_or_default();
    Prompt {
        title: source.title.or(definition.title),
        description: definition.description,
        icons: either(source.icons, definition.icons),
        arguments: definition.arguments,
        completes: definition.completes,
        settings: always_read_only(source.settings),
    }
}

fn either(said: Vec<Icon>, of_code: Vec<Icon>) -> Vec<Icon> {
    if said.is_empty() { of_code } else { said }
}

fn always_read_only(settings: ToolSettings) -> ToolSettings {
    ToolSettings {
        read_only: Some(true),
        ..settings
    }
}

fn unique<T>(
    named: impl Iterator<Item = (String, T)>,
    what: &str,
    place: impl Fn(&str) -> Place,
) -> Result<IndexMap<String, T>, ManifestError> {
    let mut all = IndexMap::new();
    for (name, one) in named {
        if all.insert(name.clone(), one).is_some() {
            let problem = format!("there is more than one {what} of this name");
            return Err(ManifestError::value(
                &place(&name),
                problem,
                "rename one of them",
            ));
        }
    }
    Ok(all)
}

fn refuse_left<S, T>(
    left: &IndexMap<String, S>,
    known: &IndexMap<String, T>,
    what: &'static str,
    place: impl Fn(&str) -> Place,
) -> Result<(), ManifestError> {
    match left.keys().next() {
        None => Ok(()),
        Some(name) => Err(ManifestError::NotInCode {
            place: place(name),
            what,
            nearest: rules::nearest(name, known.keys().map(String::as_str)).map(str::to_owned),
        }),
    }
}
