//! The manifest as the host reads it: identity, mounts, tools with their schemas, resources and prompts. Owns the wire form; how it is decoded and
//! checked is in `decode`.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::ManifestError;
use crate::permissions::Mount;
use crate::presentation::Icon;
use crate::prompt::Prompt;
use crate::resource::Resource;
use crate::services::Rate;
use crate::settings::ToolSettings;
use crate::{decode, syntax};

/// The version of the manifest's form that this crate reads and writes.
pub const MANIFEST_VERSION: u64 = 1;

/// A whole manifest that keeps every rule: there is no other way to get one than to have it checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Manifest {
    /// Always [`MANIFEST_VERSION`].
    pub(crate) manifest_version: u64,
    /// Who the plugin is.
    pub plugin: PluginInfo,
    /// The folders that its tools may ask for, by name, in the author's order.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub mounts: IndexMap<String, Mount>,
    /// Its tools, by name, in the author's order.
    pub tools: IndexMap<String, Tool>,
    /// Its resources, by name, in the author's order: a URI that fits several belongs to the first.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub resources: IndexMap<String, Resource>,
    /// Its prompts, by name, in the author's order.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub prompts: IndexMap<String, Prompt>,
}

/// Who a plugin is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginInfo {
    /// The plugin's identity: `[a-z][a-z0-9-]{0,31}`.
    pub name: String,
    /// Its version, as the author counts.
    pub version: String,
    /// What it is for, in a sentence or a few.
    pub description: String,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// An SPDX expression such as `MIT OR Apache-2.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// A page about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// How often anything of it may be called, all together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How many calls of it run at once, all together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Findings of `toolbay check` that its author wants anywhere in it, by the lint's code, each with the reason. Nothing else reads it.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub allow: IndexMap<String, String>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tool {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, what it takes, what it gives back: what a model reads to choose it.
    pub description: String,
    /// The JSON Schema (2020-12) of its arguments: an object at the root.
    pub input_schema: Value,
    /// The JSON Schema (2020-12) of its structured result, if it promises one: an object at the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Icons that a client may show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Its effects, limits and permissions.
    #[serde(flatten)]
    pub settings: ToolSettings,
}

impl Manifest {
    /// Reads and checks the JSON that a component carries or its `describe` returns.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and a hint.
    pub fn from_json(text: &str) -> Result<Self, ManifestError> {
        decode::manifest(syntax::json(text)?)
    }

    /// Reads and checks the TOML beside a component that carries no manifest: the same keys as in JSON.
    ///
    /// ```
    /// let manifest = toolbay_manifest::Manifest::from_toml(r#"
    ///     manifest-version = 1
    ///     [plugin]
    ///     name = "greeter"
    ///     version = "1.0.0"
    ///     description = "Greets."
    ///     [tools.greet]
    ///     description = "Greets a person by name and returns the greeting."
    ///     input-schema = { type = "object", properties = { name = { type = "string" } } }
    /// "#)?;
    /// assert_eq!(manifest.plugin.name, "greeter");
    /// # Ok::<(), toolbay_manifest::ManifestError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and a hint.
    pub fn from_toml(text: &str) -> Result<Self, ManifestError> {
        decode::manifest(syntax::toml(text)?)
    }

    /// The manifest as compact JSON text, from which [`from_json`](Self::from_json) reads the same again.
    pub fn to_json(&self) -> String {
        // Nothing in here can fail: every key is a string, and no value has a fallible form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        decode::manifest(value).map_err(|error| {
            let hint = error
                .hint()
                .map(|hint| format!(" (hint: {hint})"))
                .unwrap_or_default();
            serde::de::Error::custom(format_args!("{error}{hint}"))
        })
    }
}
