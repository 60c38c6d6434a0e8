//! What a resource gives when it is read, and which resources there are. Owns how both are built; how plain values become one is in `__private::resource`.

use serde::Serialize;

use crate::__private::bindings::resources;
use crate::__private::bindings::toolbay::plugin::types;
use crate::content::{Icon, Role, no_annotations};
use crate::result::object_text;

/// One part of what a resource holds, for a resource that has several, or whose media type is not always the same.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// All notes of one day.
/// #[resource("notes://day/{day}")]
/// fn day(day: Date) -> Vec<ResourcePart> {
///     vec![
///         ResourcePart::text("# Shopping").uri(format!("notes://day/{day}/shopping.md")).mime_type("text/markdown"),
///         ResourcePart::bytes([0x89, 0x50]).uri(format!("notes://day/{day}/photo.png")).mime_type("image/png")
///             .meta(json!({"example.com/camera": "old"})),
///     ]
/// }
/// # fn main() {
/// assert_eq!(day("2026-11-26".parse().unwrap())[0].as_text(), Some("# Shopping"));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResourcePart(pub(crate) types::ResourceContents);

impl ResourcePart {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(types::ResourceBody::Text(text.into()))
    }

    /// Bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(types::ResourceBody::Blob(bytes.into()))
    }

    fn new(body: types::ResourceBody) -> Self {
        Self(types::ResourceContents {
            uri: None,
            mime_type: None,
            body,
            meta: None,
        })
    }

    /// Says where this part is by itself; else it has the URI that was read.
    #[must_use]
    pub fn uri(mut self, uri: impl Into<String>) -> Self {
        self.0.uri = Some(uri.into());
        self
    }

    /// Says its media type; else it has the one that the resource declares.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.0.mime_type = Some(mime_type.into());
        self
    }

    /// Adds a value that serializes to a JSON object, to become the `_meta` of the part.
    #[must_use]
    pub fn meta(mut self, meta: impl Serialize) -> Self {
        self.0.meta = object_text(&meta, "meta").ok();
        self
    }

    /// The text, if the part is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.0.body {
            types::ResourceBody::Text(text) => Some(text),
            types::ResourceBody::Blob(_) => None,
        }
    }
}

/// A value that is read as its JSON text. The resource's media type is `application/json` unless it declares another.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// The plugin's settings.
/// #[resource("notes://settings")]
/// fn settings() -> Json<serde_json::Value> {
///     Json(json!({"folder": "Notes"}))
/// }
/// # fn main() {
/// assert_eq!(settings().0["folder"], "Notes");
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// One of the resources that a template stands for and that are there at this moment.
///
/// ```
/// use toolbay_sdk::{Icon, ResourceEntry, Role, serde_json::json};
///
/// let entry = ResourceEntry::new("notes://note/shopping.md", "shopping")
///     .title("Shopping")
///     .description("What to buy this week")
///     .mime_type("text/markdown")
///     .size(120)
///     .icon(Icon::new("https://example.com/note.png"))
///     .audience([Role::User])
///     .priority(0.5)
///     .last_modified("2026-11-22T09:30:00Z")
///     .meta(json!({"example.com/colour": "red"}));
/// assert_eq!(entry.as_uri(), "notes://note/shopping.md");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceEntry(pub(crate) resources::ResourceEntry);

impl ResourceEntry {
    /// The resource at this URI, which fits the template, with a name for programs.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self(resources::ResourceEntry {
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

    /// What is to be read there.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.0.description = Some(description.into());
        self
    }

    /// Its media type, where it is another than the one that the template declares.
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

    /// Says whom it is meant for.
    #[must_use]
    pub fn audience(mut self, audience: impl IntoIterator<Item = Role>) -> Self {
        self.annotations().audience = audience.into_iter().map(Role::into_wire).collect();
        self
    }

    /// Says how important it is, from 0.0 (entirely optional) to 1.0 (effectively required); anything else is brought into that range.
    #[must_use]
    pub fn priority(mut self, priority: f64) -> Self {
        self.annotations().priority = Some(priority.clamp(0.0, 1.0));
        self
    }

    /// Says when it was last changed: an ISO 8601 timestamp with an offset, such as `2026-11-22T09:30:00Z`.
    #[must_use]
    pub fn last_modified(mut self, timestamp: impl Into<String>) -> Self {
        self.annotations().last_modified = Some(timestamp.into());
        self
    }

    /// Adds a value that serializes to a JSON object, to become the `_meta` of the entry.
    #[must_use]
    pub fn meta(mut self, meta: impl Serialize) -> Self {
        self.0.meta = object_text(&meta, "meta").ok();
        self
    }

    /// Where it is.
    pub fn as_uri(&self) -> &str {
        &self.0.uri
    }

    fn annotations(&mut self) -> &mut types::Annotations {
        self.0.annotations.get_or_insert_with(no_annotations)
    }
}

/// Some of the resources that are there, and where to go on. A list that is never long is a `Vec<ResourceEntry>` instead.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// One page of a book.
/// #[resource("book://page/{number}", list = pages)]
/// fn page(number: u32) -> String {
///     format!("This is page {number}.")
/// }
///
/// /// The pages, a hundred at a time; the cursor is the number of the first one.
/// fn pages(cursor: Option<&str>) -> Result<ResourcePage, ToolError> {
///     let first: u32 = cursor.unwrap_or("1").parse()?;
///     let entries = (first..first + 100).map(|number| ResourceEntry::new(format!("book://page/{number}"), number.to_string()));
///     let page = ResourcePage::new(entries);
///     Ok(if first < 901 { page.next((first + 100).to_string()) } else { page })
/// }
/// # fn main() {
/// assert_eq!(pages(None).unwrap().next_cursor(), Some("101"));
/// assert_eq!(pages(Some("901")).unwrap().entries().len(), 100);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResourcePage {
    entries: Vec<ResourceEntry>,
    next: Option<String>,
}

impl ResourcePage {
    /// The last page, with these entries.
    pub fn new(entries: impl IntoIterator<Item = ResourceEntry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            next: None,
        }
    }

    /// Says that there are more: what the list is asked for next.
    #[must_use]
    pub fn next(mut self, cursor: impl Into<String>) -> Self {
        self.next = Some(cursor.into());
        self
    }

    /// The entries.
    pub fn entries(&self) -> &[ResourceEntry] {
        &self.entries
    }

    /// What the list is asked for next, if there are more.
    pub fn next_cursor(&self) -> Option<&str> {
        self.next.as_deref()
    }

    pub(crate) fn into_wire(self) -> resources::ResourcePage {
        resources::ResourcePage {
            entries: self.entries.into_iter().map(|entry| entry.0).collect(),
            next: self.next,
        }
    }
}
