//! Prompts: messages that a person chooses, filled in with arguments. Owns their wire form in the manifest.

use serde::Serialize;

use crate::presentation::Icon;
use crate::resource::without_effects;
use crate::settings::ToolSettings;

/// One prompt.
///
/// ```
/// let manifest = toolbay_manifest::Manifest::from_json(r#"{
///     "manifest-version": 1,
///     "plugin": {"name": "notes", "version": "0.1.0", "description": "Keeps notes."},
///     "prompts": {"summarise": {"description": "Asks for a summary.", "arguments": [{"name": "style", "required": true}]}}
/// }"#)?;
/// assert!(manifest.prompts["summarise"].arguments[0].required);
/// # Ok::<(), toolbay_manifest::ManifestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Prompt {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for: what a person reads to choose it.
    pub description: String,
    /// Icons that a client may show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// What it is filled in with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<PromptArgument>,
    /// The arguments for which the guest proposes values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub completes: Vec<String>,
    /// Its limits and permissions. It is always read-only.
    #[serde(flatten, serialize_with = "without_effects")]
    pub settings: ToolSettings,
}

/// One argument of a prompt. Its value is always a text.
///
/// ```
/// let argument = toolbay_manifest::PromptArgument { name: "style".into(), required: true, ..Default::default() };
/// assert_eq!(serde_json::to_string(&argument).unwrap(), r#"{"name":"style","required":true}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PromptArgument {
    /// Its name: a letter, then letters, digits, `_` and `-`.
    pub name: String,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What to write there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it has to be there.
    pub required: bool,
}
