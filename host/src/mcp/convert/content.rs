//! Blocks of content, and what a resource holds, as they are written into a line.

use serde::Serialize;
use serde_json::Value;

use crate::sandbox::types;

#[derive(Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub(super) enum WireContent<'a> {
    Text {
        text: &'a str,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    Image {
        data: Base64<'a>,
        mime_type: &'a str,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    Audio {
        data: Base64<'a>,
        mime_type: &'a str,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    ResourceLink {
        uri: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        mime_type: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        icons: Vec<WireIcon<'a>>,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
    Resource {
        resource: WireResource<'a>,
        #[serde(flatten)]
        common: WireCommon<'a>,
    },
}

#[derive(Serialize, Default)]
pub(super) struct WireCommon<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<WireAnnotations<'a>>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAnnotations<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audience: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireIcon<'a> {
    src: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sizes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireResource<'a> {
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<Base64<'a>>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

/// Bytes that are written as base64 text.
pub(super) struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(self.0))
    }
}

impl<'a> WireContent<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text {
            text,
            common: WireCommon::default(),
        }
    }
}

impl<'a> From<&'a types::Content> for WireContent<'a> {
    fn from(content: &'a types::Content) -> Self {
        match content {
            types::Content::Text(text) => Self::Text {
                text: &text.text,
                common: common(text.annotations.as_ref(), text.meta.as_deref()),
            },
            types::Content::Image(image) => Self::Image {
                data: Base64(&image.data),
                mime_type: &image.mime_type,
                common: common(image.annotations.as_ref(), image.meta.as_deref()),
            },
            types::Content::Audio(audio) => Self::Audio {
                data: Base64(&audio.data),
                mime_type: &audio.mime_type,
                common: common(audio.annotations.as_ref(), audio.meta.as_deref()),
            },
            types::Content::ResourceLink(link) => Self::ResourceLink {
                uri: &link.uri,
                name: &link.name,
                title: link.title.as_deref(),
                description: link.description.as_deref(),
                mime_type: link.mime_type.as_deref(),
                size: link.size,
                icons: link.icons.iter().map(icon).collect(),
                common: common(link.annotations.as_ref(), link.meta.as_deref()),
            },
            types::Content::EmbeddedResource(resource) => Self::Resource {
                resource: embedded(resource),
                common: common(resource.annotations.as_ref(), resource.meta.as_deref()),
            },
        }
    }
}

fn embedded(resource: &types::EmbeddedResource) -> WireResource<'_> {
    contents(
        &resource.uri,
        resource.mime_type.as_deref(),
        &resource.body,
        None,
    )
}

/// What a resource holds.
pub(super) fn contents<'a>(
    uri: &'a str,
    mime_type: Option<&'a str>,
    body: &'a types::ResourceBody,
    meta: Option<&str>,
) -> WireResource<'a> {
    let (text, blob) = match body {
        types::ResourceBody::Text(text) => (Some(text.as_str()), None),
        types::ResourceBody::Blob(blob) => (None, Some(Base64(blob))),
    };
    WireResource {
        uri,
        mime_type,
        text,
        blob,
        meta: meta.and_then(|meta| serde_json::from_str(meta).ok()),
    }
}

pub(super) fn icon(icon: &types::Icon) -> WireIcon<'_> {
    WireIcon {
        src: &icon.src,
        mime_type: icon.mime_type.as_deref(),
        sizes: &icon.sizes,
        theme: icon
            .theme
            .as_deref()
            .filter(|theme| matches!(*theme, "light" | "dark")),
    }
}

pub(super) fn role(role: types::Role) -> &'static str {
    match role {
        types::Role::User => "user",
        types::Role::Assistant => "assistant",
    }
}

pub(super) fn common<'a>(
    annotations: Option<&'a types::Annotations>,
    meta: Option<&str>,
) -> WireCommon<'a> {
    let annotations = annotations.map(|annotations| WireAnnotations {
        audience: annotations.audience.iter().copied().map(role).collect(),
        priority: annotations.priority,
        last_modified: annotations.last_modified.as_deref(),
    });
    WireCommon {
        annotations,
        meta: meta.and_then(|meta| serde_json::from_str(meta).ok()),
    }
}
