//! Tools, resources and prompts, each as a whole manifest has it and as `plugin.toml` does, which leaves out what the code says.

use serde_json::Value;

use super::presentation::{annotations, icons};
use super::services::ToolServices;
use super::settings::{Effects, keys, settings};
use crate::error::{ManifestError, Place, shorten};
use crate::fields::{Fields, missing};
use crate::manifest::Tool;
use crate::prompt::{Prompt, PromptArgument};
use crate::resource::{Resource, Watch};
use crate::source::{SourcePrompt, SourceResource, SourceTool};
use crate::uri_template::UriTemplate;

/// The keys of a tool in a manifest. Those of a `[tools.NAME]` in `plugin.toml` are all but the first three, which only the code can say; so it is below too.
const TOOL_KEYS: &[&str] = keys!(
    "description",
    "input-schema",
    "output-schema",
    "title",
    "icons",
    "read-only",
    "destructive",
    "idempotent",
    "invalidates",
    "idempotency",
    "task",
    "health",
    "internal"
);
const TOOL_SPLIT: (&[&str], &[&str]) = TOOL_KEYS.split_at(3);
const RESOURCE_KEYS: &[&str] = keys!(
    "uri",
    "description",
    "lists",
    "completes",
    "title",
    "icons",
    "mime-type",
    "size",
    "annotations",
    "watch"
);
const RESOURCE_SPLIT: (&[&str], &[&str]) = RESOURCE_KEYS.split_at(4);
const PROMPT_KEYS: &[&str] = keys!("description", "arguments", "completes", "title", "icons");
const PROMPT_SPLIT: (&[&str], &[&str]) = PROMPT_KEYS.split_at(3);
const WATCH_KEYS: &[&str] = &["mount", "path"];
const ARGUMENT_KEYS: &[&str] = &["name", "title", "description", "required"];

pub(super) fn tool(place: &Place, value: Value) -> Result<Tool, ManifestError> {
    let mut fields = Fields::new(place, "tool", value, TOOL_KEYS)?;
    let description = fields.text("description")?;
    let input_schema = fields.take("input-schema");
    let output_schema = fields.take("output-schema");
    let source = tool_fields(&mut fields)?;
    Ok(Tool {
        title: source.title,
        description: description.ok_or_else(|| missing(place, "description", None))?,
        input_schema: input_schema.ok_or_else(|| {
            missing(
                place,
                "input-schema",
                Some("write {\"type\": \"object\"} for a tool without arguments"),
            )
        })?,
        output_schema,
        icons: source.icons,
        settings: source.settings,
    })
}

pub(super) fn source_tool(place: &Place, value: Value) -> Result<SourceTool, ManifestError> {
    let hint = "it comes from the code: the function's doc comment and types";
    refuse_from_code(place, &value, TOOL_SPLIT.0, hint)?;
    tool_fields(&mut Fields::new(place, "tool", value, TOOL_SPLIT.1)?)
}

fn tool_fields(fields: &mut Fields) -> Result<SourceTool, ManifestError> {
    let title = fields.text("title")?;
    let icons = icons(fields)?;
    let effects = Effects::of_tool(fields)?;
    let services = ToolServices::of_tool(fields)?;
    Ok(SourceTool {
        title,
        icons,
        settings: settings(fields, effects, services)?,
    })
}

pub(super) fn resource(place: &Place, value: Value) -> Result<Resource, ManifestError> {
    let mut fields = Fields::new(place, "resource", value, RESOURCE_KEYS)?;
    let Some(uri) = fields.text("uri")? else {
        return Err(fields.missing("uri", Some("write where it is: \"notes://note/{+path}\"")));
    };
    let uri = UriTemplate::parse(&uri)
        .map_err(|broken| ManifestError::value(place, broken.problem, broken.hint))?;
    let description = fields.text("description")?;
    let lists = fields.flag("lists")?.unwrap_or_default();
    let completes = fields.texts("completes")?.unwrap_or_default();
    let source = resource_fields(&mut fields)?;
    Ok(Resource {
        title: source.title,
        description: description.ok_or_else(|| missing(place, "description", None))?,
        uri,
        mime_type: source.mime_type,
        size: source.size,
        icons: source.icons,
        annotations: source.annotations,
        lists,
        completes,
        watch: source.watch,
        settings: source.settings,
    })
}

pub(super) fn source_resource(
    place: &Place,
    value: Value,
) -> Result<SourceResource, ManifestError> {
    let hint =
        "it comes from the code: the function's doc comment and what `#[resource(…)]` is given";
    refuse_from_code(place, &value, RESOURCE_SPLIT.0, hint)?;
    refuse_effects(place, &value, "resource")?;
    resource_fields(&mut Fields::new(
        place,
        "resource",
        value,
        RESOURCE_SPLIT.1,
    )?)
}

fn resource_fields(fields: &mut Fields) -> Result<SourceResource, ManifestError> {
    Ok(SourceResource {
        title: fields.text("title")?,
        icons: icons(fields)?,
        annotations: annotations(fields)?,
        mime_type: fields.text("mime-type")?,
        size: fields.size("size")?,
        watch: fields.table("watch", watch)?,
        settings: settings(fields, Effects::none(), ToolServices::default())?,
    })
}

fn watch(place: &Place, value: Value) -> Result<Watch, ManifestError> {
    let place = &place.table("watch".to_owned());
    let mut fields = Fields::new(place, "watch", value, WATCH_KEYS)?;
    let Some(mount) = fields.text("mount")? else {
        return Err(fields.missing(
            "mount",
            Some("write the name of a mount: `mount = \"vault\"`"),
        ));
    };
    let Some(path) = fields.text("path")? else {
        return Err(fields.missing(
            "path",
            Some("write the file's path in the mount: `path = \"{path}\"`"),
        ));
    };
    Ok(Watch { mount, path })
}

pub(super) fn prompt(place: &Place, value: Value) -> Result<Prompt, ManifestError> {
    let mut fields = Fields::new(place, "prompt", value, PROMPT_KEYS)?;
    let description = fields.text("description")?;
    let arguments = fields.tables("arguments", "argument", argument)?;
    let completes = fields.texts("completes")?.unwrap_or_default();
    let source = prompt_fields(&mut fields)?;
    Ok(Prompt {
        title: source.title,
        description: description.ok_or_else(|| missing(place, "description", None))?,
        icons: source.icons,
        arguments,
        completes,
        settings: source.settings,
    })
}

pub(super) fn source_prompt(place: &Place, value: Value) -> Result<SourcePrompt, ManifestError> {
    let hint = "it comes from the code: the function's doc comment and parameters";
    refuse_from_code(place, &value, PROMPT_SPLIT.0, hint)?;
    refuse_effects(place, &value, "prompt")?;
    prompt_fields(&mut Fields::new(place, "prompt", value, PROMPT_SPLIT.1)?)
}

fn prompt_fields(fields: &mut Fields) -> Result<SourcePrompt, ManifestError> {
    Ok(SourcePrompt {
        title: fields.text("title")?,
        icons: icons(fields)?,
        settings: settings(fields, Effects::none(), ToolServices::default())?,
    })
}

fn argument(place: &Place, value: Value) -> Result<PromptArgument, ManifestError> {
    let mut fields = Fields::new(place, "argument", value, ARGUMENT_KEYS)?;
    let Some(name) = fields.text("name")? else {
        return Err(fields.missing("name", Some("write `\"name\": \"style\"`")));
    };
    let place = &place.table(format!("`{}`", shorten(&name)));
    let mut fields = fields.at(place);
    Ok(PromptArgument {
        name,
        title: fields.text("title")?,
        description: fields.text("description")?,
        required: fields.flag("required")?.unwrap_or_default(),
    })
}

fn refuse_from_code(
    place: &Place,
    value: &Value,
    code_keys: &[&str],
    hint: &str,
) -> Result<(), ManifestError> {
    match code_keys.iter().find(|key| value.get(**key).is_some()) {
        Some(key) => {
            let problem = format!("`{key}` does not belong in plugin.toml");
            Err(ManifestError::value(place, problem, hint))
        }
        None => Ok(()),
    }
}

fn refuse_effects(place: &Place, value: &Value, what: &str) -> Result<(), ManifestError> {
    let said = ["read-only", "destructive", "idempotent"]
        .into_iter()
        .find(|key| value.get(key).is_some());
    match said {
        Some(key) => Err(ManifestError::value(
            place,
            format!("`{key}` does not belong to a {what}"),
            format!("remove it: a {what} is always read-only"),
        )),
        None => Ok(()),
    }
}
