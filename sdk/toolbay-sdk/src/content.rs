//! The blocks that a result is made of. Owns how they are built; each is MCP's own type underneath.

use serde::Serialize;

use crate::__private::bindings::toolbay::plugin::types;
use crate::result::object_text;

/// The person or the model: whom a block is meant for, or who speaks.
///
/// ```
/// assert_eq!(toolbay_sdk::Role::Assistant.as_str(), "assistant");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// As the protocol spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    pub(crate) fn into_wire(self) -> types::Role {
        match self {
            Self::User => types::Role::User,
            Self::Assistant => types::Role::Assistant,
        }
    }
}

/// Annotations that say nothing yet.
pub(crate) fn no_annotations() -> types::Annotations {
    types::Annotations {
        audience: Vec::new(),
        priority: None,
        last_modified: None,
        meta: None,
    }
}

/// One block of a [`ToolResult`](crate::ToolResult): text, an image, a sound, a link to a resource, or a resource itself.
///
/// ```
/// use toolbay_sdk::{Content, Role, ToolResult};
///
/// let chart = Content::image([0x89, 0x50], "image/png").audience([Role::User]).priority(0.5);
/// let result = ToolResult::new()
///     .text("Here is the chart.")
///     .content(chart)
///     .content(Content::audio(*b"RIFF", "audio/wav").last_modified("2026-11-22T09:30:00Z"))
///     .content(Content::embedded_text("note://shopping", "milk").mime_type("text/markdown"))
///     .content(Content::embedded_blob("file://logo", [1, 2, 3]))
///     .content(Content::text("Made by hand.").meta([("source", "me")].into_iter().collect::<std::collections::BTreeMap<_, _>>()));
/// assert_eq!(result.texts().collect::<Vec<_>>(), ["Here is the chart.", "Made by hand."]);
/// assert_eq!(Content::from("milk").as_text(), Some("milk"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Content(pub(crate) types::Content);

impl Content {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(types::Content::Text(types::TextContent {
            text: text.into(),
            annotations: None,
            meta: None,
        }))
    }

    /// An image: its bytes as they are, and its media type, for example `image/png`.
    pub fn image(data: impl Into<Vec<u8>>, mime_type: impl Into<String>) -> Self {
        let (data, mime_type) = (data.into(), mime_type.into());
        Self(types::Content::Image(types::ImageContent {
            data,
            mime_type,
            annotations: None,
            meta: None,
        }))
    }

    /// A sound: its bytes as they are, and its media type, for example `audio/wav`.
    pub fn audio(data: impl Into<Vec<u8>>, mime_type: impl Into<String>) -> Self {
        let (data, mime_type) = (data.into(), mime_type.into());
        Self(types::Content::Audio(types::AudioContent {
            data,
            mime_type,
            annotations: None,
            meta: None,
        }))
    }

    /// A resource that is text, carried inside the result.
    pub fn embedded_text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self::embedded(uri.into(), types::ResourceBody::Text(text.into()))
    }

    /// A resource that is bytes, carried inside the result.
    pub fn embedded_blob(uri: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self::embedded(uri.into(), types::ResourceBody::Blob(data.into()))
    }

    fn embedded(uri: String, body: types::ResourceBody) -> Self {
        let resource = types::EmbeddedResource {
            uri,
            mime_type: None,
            body,
            annotations: None,
            meta: None,
        };
        Self(types::Content::EmbeddedResource(resource))
    }

    /// Says the media type of an embedded resource or a link; an image and a sound have theirs, and text needs none.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        match &mut self.0 {
            types::Content::EmbeddedResource(resource) => {
                resource.mime_type = Some(mime_type.into())
            }
            types::Content::ResourceLink(link) => link.mime_type = Some(mime_type.into()),
            types::Content::Image(image) => image.mime_type = mime_type.into(),
            types::Content::Audio(audio) => audio.mime_type = mime_type.into(),
            types::Content::Text(_) => {}
        }
        self
    }

    /// Says whom the block is meant for.
    #[must_use]
    pub fn audience(mut self, audience: impl IntoIterator<Item = Role>) -> Self {
        self.annotations().audience = audience.into_iter().map(Role::into_wire).collect();
        self
    }

    /// Says how important the block is, from 0.0 (entirely optional) to 1.0 (effectively required); anything else is brought into that range.
    #[must_use]
    pub fn priority(mut self, priority: f64) -> Self {
        self.annotations().priority = Some(priority.clamp(0.0, 1.0));
        self
    }

    /// Says when what the block shows was last changed: an ISO 8601 timestamp with an offset, such as `2026-11-22T09:30:00Z`.
    #[must_use]
    pub fn last_modified(mut self, timestamp: impl Into<String>) -> Self {
        self.annotations().last_modified = Some(timestamp.into());
        self
    }

    /// Adds a value that serializes to a JSON object, to become the `_meta` of the block.
    #[must_use]
    pub fn meta(mut self, meta: impl Serialize) -> Self {
        let meta = object_text(&meta, "meta").ok();
        match &mut self.0 {
            types::Content::Text(text) => text.meta = meta,
            types::Content::Image(image) => image.meta = meta,
            types::Content::Audio(audio) => audio.meta = meta,
            types::Content::ResourceLink(link) => link.meta = meta,
            types::Content::EmbeddedResource(resource) => resource.meta = meta,
        }
        self
    }

    /// The text, if the block is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.0 {
            types::Content::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    fn annotations(&mut self) -> &mut types::Annotations {
        let annotations = match &mut self.0 {
            types::Content::Text(text) => &mut text.annotations,
            types::Content::Image(image) => &mut image.annotations,
            types::Content::Audio(audio) => &mut audio.annotations,
            types::Content::ResourceLink(link) => &mut link.annotations,
            types::Content::EmbeddedResource(resource) => &mut resource.annotations,
        };
        annotations.get_or_insert_with(no_annotations)
    }
}

impl From<ResourceLink> for Content {
    fn from(link: ResourceLink) -> Self {
        Self(types::Content::ResourceLink(link.0))
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// A pointer to a resource that the client can read later.
///
/// ```
/// use toolbay_sdk::{ResourceLink, ToolResult};
///
/// let link = ResourceLink::new("note://shopping", "shopping").title("Shopping list").mime_type("text/markdown").size(120)
///     .description("What to buy this week");
/// let result = ToolResult::new().content(link);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceLink(types::ResourceLink);

impl ResourceLink {
    /// A link to this URI (RFC 3986), with a name for programs.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self(types::ResourceLink {
            uri: uri.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            icons: Vec::new(),
            annotations: None,
            meta: None,
        })
    }

    /// A name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = Some(title.into());
        self
    }

    /// What is to be found there.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.0.description = Some(description.into());
        self
    }

    /// Its media type.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.0.mime_type = Some(mime_type.into());
        self
    }

    /// Its size in bytes, before any encoding.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        self.0.size = Some(bytes);
        self
    }

    /// Adds an icon.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.0.icons.push(icon.0);
        self
    }
}

/// The background that an icon is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IconTheme {
    /// A light background.
    Light,
    /// A dark background.
    Dark,
}

/// An icon that a client may show beside a link.
///
/// ```
/// use toolbay_sdk::{Icon, IconTheme};
/// let icon = Icon::new("https://example.com/note.svg").mime_type("image/svg+xml").size("any").theme(IconTheme::Dark);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Icon(pub(crate) types::Icon);

impl Icon {
    /// The icon at this `https:` URL or in this `data:` URI.
    pub fn new(src: impl Into<String>) -> Self {
        Self(types::Icon {
            src: src.into(),
            mime_type: None,
            sizes: Vec::new(),
            theme: None,
            meta: None,
        })
    }

    /// Its media type, for example `image/png`.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.0.mime_type = Some(mime_type.into());
        self
    }

    /// Adds a size that it has, such as `48x48`, or `any` for a scalable one.
    #[must_use]
    pub fn size(mut self, size: impl Into<String>) -> Self {
        self.0.sizes.push(size.into());
        self
    }

    /// Says which background it is made for.
    #[must_use]
    pub fn theme(mut self, theme: IconTheme) -> Self {
        let theme = match theme {
            IconTheme::Light => "light",
            IconTheme::Dark => "dark",
        };
        self.0.theme = Some(theme.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ToolResult;

    #[test]
    fn every_block_takes_every_hint() {
        let blocks = [
            Content::text("a"),
            Content::image([1], "image/png"),
            Content::audio([2], "audio/wav"),
            Content::embedded_text("note://a", "b").mime_type("text/plain"),
            Content::embedded_blob("note://b", [3]),
            ResourceLink::new("note://c", "c")
                .icon(Icon::new("data:,").theme(IconTheme::Light))
                .into(),
        ];
        for block in blocks {
            let block = block
                .audience([Role::User, Role::Assistant])
                .priority(7.0)
                .last_modified("2026-11-22T09:30:00Z");
            let mut block = block.meta(json!({"k": true}));
            let annotations = block.annotations();
            assert_eq!(
                annotations.audience,
                [types::Role::User, types::Role::Assistant]
            );
            assert_eq!(annotations.priority, Some(1.0));
            assert_eq!(
                annotations.last_modified.as_deref(),
                Some("2026-11-22T09:30:00Z")
            );
        }
    }

    #[test]
    fn only_text_is_text() {
        let result = ToolResult::new()
            .content("a")
            .content(Content::image([1], "image/png"))
            .content(String::from("b"));
        assert_eq!(result.texts().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(Content::audio([1], "audio/wav").as_text(), None);
    }
}
