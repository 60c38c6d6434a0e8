//! What a client can do with something that a plugin offers, and what is particular to each kind.

use toolbay_manifest::{ContentAnnotations, PromptArgument, UriTemplate, Watch};

/// What kind of thing it is.
pub(crate) enum Kind {
    Tool,
    Resource(Box<ResourceFacts>),
    Prompt(Box<PromptFacts>),
}

/// What is particular to a resource.
pub(crate) struct ResourceFacts {
    /// Its name in the manifest, which the guest knows it by.
    pub(crate) name: String,
    pub(crate) uri: UriTemplate,
    pub(crate) mime_type: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) annotations: Option<ContentAnnotations>,
    /// Whether the guest lists what a template has.
    pub(crate) lists: bool,
    /// The template's variables that the guest completes.
    pub(crate) completes: Vec<String>,
    pub(crate) watch: Option<Watch>,
}

/// What is particular to a prompt.
pub(crate) struct PromptFacts {
    /// Its name in the manifest, which the guest knows it by.
    pub(crate) name: String,
    pub(crate) arguments: Vec<PromptArgument>,
    /// The arguments that the guest completes.
    pub(crate) completes: Vec<String>,
}

impl Kind {
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource(_) => "resource",
            Self::Prompt(_) => "prompt",
        }
    }
}

impl ResourceFacts {
    pub(super) fn new(name: &str, resource: &toolbay_manifest::Resource) -> Self {
        Self {
            name: name.to_owned(),
            uri: resource.uri.clone(),
            mime_type: resource.mime_type.clone(),
            size: resource.size,
            annotations: resource.annotations.clone(),
            lists: resource.lists,
            completes: resource.completes.clone(),
            watch: resource.watch.clone(),
        }
    }
}

impl PromptFacts {
    pub(super) fn new(name: &str, prompt: &toolbay_manifest::Prompt) -> Self {
        Self {
            name: name.to_owned(),
            arguments: prompt.arguments.clone(),
            completes: prompt.completes.clone(),
        }
    }
}
