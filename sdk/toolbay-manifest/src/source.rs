//! What an author writes: `plugin.toml`, which has no schemas, since those come from the code. Owns how the two are put together.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::error::{ManifestError, Place};
use crate::manifest::{MANIFEST_VERSION, Manifest, PluginInfo, Tool};
use crate::permissions::Mount;
use crate::settings::ToolSettings;
use crate::{check, decode, rules, syntax};

/// A checked `plugin.toml`.
///
/// ```
/// use toolbay_manifest::{PackageInfo, SourceManifest, ToolDefinition};
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
/// };
/// let manifest = source.into_manifest(&package, vec![search])?;
/// assert_eq!(manifest.plugin.version, "0.1.0");
/// # Ok::<(), toolbay_manifest::ManifestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceManifest {
    /// Who the plugin is.
    pub plugin: SourcePlugin,
    /// The folders that its tools may ask for, by name.
    pub mounts: IndexMap<String, Mount>,
    /// What is set for its tools, by name.
    pub tools: IndexMap<String, SourceTool>,
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
    /// Findings of `toolbay check` that its author wants, by the lint's code, each with the reason.
    pub allow: IndexMap<String, String>,
}

/// One `[tools.NAME]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceTool {
    /// A name for people, instead of the one in the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Everything else.
    #[serde(flatten)]
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
    /// A table for a tool that the code does not have, a tool that the code has twice, or whatever a whole manifest may not have.
    pub fn into_manifest(
        self,
        package: &PackageInfo,
        definitions: Vec<ToolDefinition>,
    ) -> Result<Manifest, ManifestError> {
        let plugin = self.plugin_info(package)?;
        let place = Place::manifest().plugin(&plugin.name);
        let unknown = self
            .tools
            .keys()
            .find(|name| !definitions.iter().any(|tool| tool.name == **name));
        if let Some(name) = unknown {
            let known = definitions.iter().map(|tool| tool.name.as_str());
            let nearest = rules::nearest(name, known).map(str::to_owned);
            return Err(ManifestError::UnknownTool {
                place: place.tool(name),
                nearest,
            });
        }
        let mut tools = IndexMap::with_capacity(definitions.len());
        for definition in definitions {
            let SourceTool { title, settings } = self
                .tools
                .get(&definition.name)
                .cloned()
                .unwrap_or_default();
            let tool = Tool {
                title: title.or(definition.title),
                description: definition.description,
                input_schema: definition.input_schema,
                output_schema: definition.output_schema,
                settings,
            };
            if tools.insert(definition.name.clone(), tool).is_some() {
                let problem = "there is more than one tool of this name";
                return Err(ManifestError::value(
                    &place.tool(&definition.name),
                    problem,
                    "rename one of them",
                ));
            }
        }
        let manifest = Manifest {
            manifest_version: MANIFEST_VERSION,
            plugin,
            mounts: self.mounts,
            tools,
        };
        check::check_manifest(&manifest)?;
        Ok(manifest)
    }
}
