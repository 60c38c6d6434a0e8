//! A plugin's resources as the host sees them: `read` and `list` find the resource; what a function returns becomes what was read.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::bindings::resources;
use super::bindings::toolbay::plugin::types;
use super::completion::Completer;
use super::output::ToolFailure;
use super::plugin::Plugin;
use crate::error::ToolError;
use crate::resource::{Json, ResourceEntry, ResourcePage, ResourcePart};

/// What `#[resource]` makes of a function.
pub trait Resource {
    const ENTRY: ResourceItem;
}

/// A resource as a value, so that a plugin can list resources of different types.
pub struct ResourceItem {
    pub name: &'static str,
    pub title: Option<&'static str>,
    pub description: &'static str,
    pub uri: &'static str,
    /// What is said, or what the type of the result says.
    pub mime_type: Option<&'static str>,
    pub size: Option<u64>,
    pub icons: &'static [&'static str],
    pub audience: &'static [&'static str],
    pub priority: Option<f64>,
    pub list: Option<List>,
    pub completers: &'static [(&'static str, Completer)],
    pub read: Read,
}

/// From the URI and the variables' JSON to what is there.
pub(super) type Read = fn(&str) -> Result<resources::ReadResult, ToolError>;
/// From a cursor to a page.
pub(super) type List = fn(Option<&str>) -> Result<ResourcePage, ToolError>;

impl<P: Plugin> resources::Guest for P {
    fn read(
        name: String,
        _uri: String,
        variables: types::Json,
    ) -> Result<resources::ReadResult, types::ToolError> {
        let outcome = match P::RESOURCES.iter().find(|resource| resource.name == name) {
            Some(resource) => (resource.read)(&variables),
            None => Err(unknown(&name)),
        };
        outcome.map_err(ToolError::into_wire)
    }

    fn list(
        name: String,
        cursor: Option<String>,
    ) -> Result<resources::ResourcePage, types::ToolError> {
        let resource = P::RESOURCES.iter().find(|resource| resource.name == name);
        let outcome = match resource.and_then(|resource| resource.list) {
            Some(list) => list(cursor.as_deref()),
            None => Err(unknown(&name)),
        };
        outcome
            .map(ResourcePage::into_wire)
            .map_err(ToolError::into_wire)
    }
}

fn unknown(name: &str) -> ToolError {
    ToolError::not_found(format!(
        "this plugin has no resource `{name}`, or no list of it"
    ))
}

/// The resource's part of the manifest, before its settings.
pub(super) fn describe(resource: &ResourceItem) -> Map<String, Value> {
    let mut entry = Map::new();
    let mut add = |key: &str, value: Option<Value>| {
        entry.extend(value.map(|value| (key.to_owned(), value)));
    };
    add("title", resource.title.map(Into::into));
    add("description", Some(resource.description.into()));
    add("uri", Some(resource.uri.into()));
    add("mime-type", resource.mime_type.map(Into::into));
    add("size", resource.size.map(Into::into));
    add("icons", super::plugin::icons(resource.icons));
    let mut annotations = Map::new();
    if !resource.audience.is_empty() {
        annotations.insert("audience".to_owned(), json!(resource.audience));
    }
    annotations.extend(
        resource
            .priority
            .map(|priority| ("priority".to_owned(), json!(priority))),
    );
    add(
        "annotations",
        (!annotations.is_empty()).then_some(Value::Object(annotations)),
    );
    add("lists", resource.list.map(|_| true.into()));
    add("completes", super::completion::names(resource.completers));
    entry
}

/// A type whose values can be what a resource holds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a resource holds",
    label = "a resource gives texts or bytes",
    note = "return `String`, `Vec<u8>`, `Json<T>`, `ResourcePart`, `Vec<ResourcePart>`, or a `Result` of one of these whose error becomes a `ToolError`"
)]
pub trait ReadOutput {
    /// The media type that goes without saying.
    const MIME_TYPE: Option<&'static str> = None;

    fn parts(self) -> Result<Vec<ResourcePart>, ToolError>;
}

/// What the function gave, as the host takes it.
pub fn read_result<T: ReadOutput>(output: T) -> Result<resources::ReadResult, ToolError> {
    let parts = output.parts()?;
    Ok(resources::ReadResult {
        contents: parts.into_iter().map(|part| part.0).collect(),
        meta: None,
    })
}

/// The media type of a resource whose function returns this, where nothing else is said.
pub const fn mime_type_of<T: ReadOutput>() -> Option<&'static str> {
    T::MIME_TYPE
}

impl ReadOutput for String {
    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        Ok(vec![ResourcePart::text(self)])
    }
}

impl ReadOutput for &str {
    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        Ok(vec![ResourcePart::text(self)])
    }
}

impl ReadOutput for Vec<u8> {
    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        Ok(vec![ResourcePart::bytes(self)])
    }
}

impl ReadOutput for &[u8] {
    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        Ok(vec![ResourcePart::bytes(self)])
    }
}

impl<T: Serialize> ReadOutput for Json<T> {
    const MIME_TYPE: Option<&'static str> = Some("application/json");

    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        let text = serde_json::to_string(&self.0).map_err(|error| {
            ToolError::internal(format!("the resource cannot be written as JSON: {error}"))
        })?;
        Ok(vec![ResourcePart::text(text)])
    }
}

impl ReadOutput for ResourcePart {
    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        Ok(vec![self])
    }
}

impl ReadOutput for Vec<ResourcePart> {
    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        Ok(self)
    }
}

impl<T: ReadOutput, E: ToolFailure> ReadOutput for Result<T, E> {
    const MIME_TYPE: Option<&'static str> = T::MIME_TYPE;

    fn parts(self) -> Result<Vec<ResourcePart>, ToolError> {
        self.map_err(E::into_tool_error)?.parts()
    }
}

/// A type whose values can be a list of resources.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a list of resources",
    label = "this is what the function behind `list = …` returns",
    note = "return `ResourcePage`, `Vec<ResourceEntry>`, or a `Result` of one of these whose error becomes a `ToolError`"
)]
pub trait ListOutput {
    fn page(self) -> Result<ResourcePage, ToolError>;
}

impl ListOutput for ResourcePage {
    fn page(self) -> Result<ResourcePage, ToolError> {
        Ok(self)
    }
}

impl ListOutput for Vec<ResourceEntry> {
    fn page(self) -> Result<ResourcePage, ToolError> {
        Ok(ResourcePage::new(self))
    }
}

impl<T: ListOutput, E: ToolFailure> ListOutput for Result<T, E> {
    fn page(self) -> Result<ResourcePage, ToolError> {
        self.map_err(E::into_tool_error)?.page()
    }
}
