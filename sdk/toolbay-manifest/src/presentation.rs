//! What clients are told about how to show a tool, a resource or a prompt: icons, and hints about whom something is for. Owns their wire form; the rules
//! are in `check`.

use serde::Serialize;

/// An icon that a client may show.
///
/// ```
/// use toolbay_manifest::Icon;
/// let icon = Icon::new("https://example.com/note.svg");
/// assert_eq!(serde_json::to_string(&icon).unwrap(), r#"{"src":"https://example.com/note.svg"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Icon {
    /// An `https:` URL, or a `data:` URI with the image itself.
    pub src: String,
    /// Its media type, for example `image/png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Sizes such as `48x48`, or `any` for a scalable one; an empty list says nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<String>,
    /// The background that it is made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<IconTheme>,
}

impl Icon {
    /// An icon of which nothing is known but where it is.
    pub fn new(src: impl Into<String>) -> Self {
        Self {
            src: src.into(),
            mime_type: None,
            sizes: Vec::new(),
            theme: None,
        }
    }
}

/// The background that an icon is made for.
///
/// ```
/// assert_eq!(toolbay_manifest::IconTheme::Dark.as_str(), "dark");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IconTheme {
    /// A light background.
    Light,
    /// A dark background.
    Dark,
}

impl IconTheme {
    /// As the protocol spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Hints for a client about how to use a resource: MCP's `annotations`.
///
/// ```
/// use toolbay_manifest::{Audience, ContentAnnotations};
/// let annotations = ContentAnnotations { audience: vec![Audience::User], ..ContentAnnotations::default() };
/// assert_eq!(serde_json::to_string(&annotations).unwrap(), r#"{"audience":["user"]}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ContentAnnotations {
    /// Whom it is meant for; an empty list says nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<Audience>,
    /// From 0.0 (entirely optional) to 1.0 (effectively required).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<f64>,
    /// When it was last changed: an ISO 8601 timestamp with an offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// Whom something is meant for.
///
/// ```
/// assert_eq!(toolbay_manifest::Audience::Assistant.as_str(), "assistant");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Audience {
    /// As the protocol spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}
