//! Resources: things that a client can read by their URI. Owns their wire form in the manifest, and which file stands behind a URI.

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::presentation::{ContentAnnotations, Icon};
use crate::settings::ToolSettings;
use crate::uri_template::UriTemplate;

/// One resource, or all that the template of its URI stands for.
///
/// ```
/// let manifest = toolbay_manifest::Manifest::from_json(r#"{
///     "manifest-version": 1,
///     "plugin": {"name": "notes", "version": "0.1.0", "description": "Keeps notes."},
///     "resources": {"note": {"description": "One note.", "uri": "notes://note/{+path}", "completes": ["path"]}}
/// }"#)?;
/// let note = &manifest.resources["note"];
/// assert!(note.uri.is_template());
/// assert!(note.settings.annotations().read_only);
/// # Ok::<(), toolbay_manifest::ManifestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Resource {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be read there.
    pub description: String,
    /// Where it is. The scheme is the plugin's name.
    pub uri: UriTemplate,
    /// The media type of what is read, where it is always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its size in bytes; only without a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Icons that a client may show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Hints for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<ContentAnnotations>,
    /// Whether the guest's `list` says which ones are there; only with a template.
    #[serde(skip_serializing_if = "is_false")]
    pub lists: bool,
    /// The variables of the template for which the guest proposes values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub completes: Vec<String>,
    /// The file behind a URI, whose changes subscribers hear of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Its limits and permissions. It is always read-only.
    #[serde(flatten, serialize_with = "without_effects")]
    pub settings: ToolSettings,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's `skip_serializing_if` passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// That it is read-only goes without saying, so it is not written.
pub(crate) fn without_effects<S: Serializer>(
    settings: &ToolSettings,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let written = ToolSettings {
        read_only: None,
        ..settings.clone()
    };
    written.serialize(serializer)
}

/// Which file of a mount stands behind a URI.
///
/// ```
/// use toolbay_manifest::Watch;
/// let watch = Watch { mount: "vault".into(), path: "{folder}/{name}.md".into() };
/// let variables = |folder: &str| [("folder", folder), ("name", "milk")].map(|(name, value)| (name.into(), value.into())).into_iter().collect();
/// assert_eq!(watch.file(&variables("lists")).as_deref(), Some("lists/milk.md"));
/// assert_eq!(watch.file(&variables("..")), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Watch {
    /// The mount's name.
    pub mount: String,
    /// The file's path in it; `{name}` stands for a variable of the URI.
    pub path: String,
}

impl Watch {
    /// The path in the mount for these variables; nothing where a variable is missing, or the path would leave the mount.
    pub fn file(&self, variables: &IndexMap<String, String>) -> Option<String> {
        let mut path = String::new();
        for part in watched_parts(&self.path) {
            match part {
                WatchedPart::Literal(text) => path.push_str(text),
                WatchedPart::Variable(name) => path.push_str(variables.get(name)?),
            }
        }
        is_inside(&path).then_some(path)
    }
}

pub(crate) enum WatchedPart<'a> {
    Literal(&'a str),
    Variable(&'a str),
}

/// The parts of a watched path. A brace that is never closed is taken as it stands; the rules refuse it.
pub(crate) fn watched_parts(path: &str) -> Vec<WatchedPart<'_>> {
    let mut parts = Vec::new();
    let mut rest = path;
    while let Some((before, inside)) = rest.split_once('{')
        && let Some((name, behind)) = inside.split_once('}')
    {
        parts.push(WatchedPart::Literal(before));
        parts.push(WatchedPart::Variable(name));
        rest = behind;
    }
    parts.push(WatchedPart::Literal(rest));
    parts
}

/// Whether a path is relative and stays below where it begins, on every system.
pub(crate) fn is_inside(path: &str) -> bool {
    let mut segments = path.split(['/', '\\']);
    // `C:` would be a drive.
    segments.all(|segment| !matches!(segment, "" | "." | ".."))
        && path.as_bytes().get(1) != Some(&b':')
        && !path.contains(char::is_control)
}
