//! What single tools, resources and prompts have to keep, in a whole manifest and in `plugin.toml`.

use indexmap::IndexMap;

use super::presentation::{check_annotations, check_icons, check_mime_type};
use super::services::check_beside;
use super::settings::check_settings;
use super::{at, at_key, check_lines, check_texts};
use crate::error::{ManifestError, Place, shorten};
use crate::manifest::Tool;
use crate::permissions::Mount;
use crate::presentation::{ContentAnnotations, Icon};
use crate::prompt::Prompt;
use crate::resource::{Resource, Watch, WatchedPart, is_inside, watched_parts};
use crate::rules::{self, MAX_PROMPT_ARGUMENTS};
use crate::settings::ToolSettings;
use crate::source::{SourcePrompt, SourceResource, SourceTool};

/// The plugin whose tools, resources and prompts are checked.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) place: &'a Place,
    pub(super) name: &'a str,
    pub(super) mounts: &'a IndexMap<String, Mount>,
}

/// What of a resource stands in `plugin.toml` as well as in the manifest.
struct ResourceSettings<'a> {
    title: Option<&'a str>,
    icons: &'a [Icon],
    annotations: Option<&'a ContentAnnotations>,
    mime_type: Option<&'a str>,
    watch: Option<&'a Watch>,
    settings: &'a ToolSettings,
}

impl Owner<'_> {
    pub(super) fn check_tool(
        self,
        name: &str,
        tool: &Tool,
        tools: &IndexMap<String, Tool>,
    ) -> Result<(), ManifestError> {
        self.check_tool_settings(name, tool.title.as_deref(), &tool.icons, &tool.settings)?;
        let place = self.place.clone().tool(name);
        check_lines(&place, "description", Some(&tool.description))?;
        rules::check_schema(&tool.input_schema, true).map_err(at_key(&place, "input-schema"))?;
        if let Some(schema) = &tool.output_schema {
            rules::check_schema(schema, true).map_err(at_key(&place, "output-schema"))?;
        }
        check_beside(&place, self.name, tools, tool)
    }

    pub(super) fn check_source_tool(
        self,
        name: &str,
        tool: &SourceTool,
    ) -> Result<(), ManifestError> {
        self.check_tool_settings(name, tool.title.as_deref(), &tool.icons, &tool.settings)
    }

    fn check_tool_settings(
        self,
        name: &str,
        title: Option<&str>,
        icons: &[Icon],
        settings: &ToolSettings,
    ) -> Result<(), ManifestError> {
        let place = self.place.clone().tool(name);
        rules::check_tool_name(name).map_err(at(&place))?;
        rules::check_full_name("tool", self.name, name).map_err(at(&place))?;
        check_texts(&place, &[("title", title)])?;
        check_icons(&place, icons)?;
        check_settings(&place, settings, self.mounts, None)
    }

    pub(super) fn check_resource(
        self,
        name: &str,
        resource: &Resource,
    ) -> Result<(), ManifestError> {
        let place = self.place.clone().resource(name);
        self.check_resource_settings(
            name,
            &ResourceSettings {
                title: resource.title.as_deref(),
                icons: &resource.icons,
                annotations: resource.annotations.as_ref(),
                mime_type: resource.mime_type.as_deref(),
                watch: resource.watch.as_ref(),
                settings: &resource.settings,
            },
        )?;
        check_lines(&place, "description", Some(&resource.description))?;
        let uri = &resource.uri;
        if uri.scheme() != self.name {
            let problem = format!("`{uri}` does not begin with the plugin's name");
            let hint = format!("write `{}:` in place of `{}:`", self.name, uri.scheme());
            return Err(ManifestError::value(&place, problem, hint));
        }
        if resource.lists && !uri.is_template() {
            let problem = format!("`lists` is true, but `{uri}` is one resource");
            let hint = "remove `lists`, or put a variable into the URI: `{+path}`";
            return Err(ManifestError::value(&place, problem, hint));
        }
        if resource.size.is_some() && uri.is_template() {
            let problem = format!("`size` is set, but `{uri}` stands for many resources");
            let hint = "remove `size`: each entry of the list may have its own";
            return Err(ManifestError::value(&place, problem, hint));
        }
        let variables: Vec<&str> = uri.variables().collect();
        check_completes(&place, &resource.completes, &variables, "variable")?;
        match &resource.watch {
            Some(watch) => check_watched_variables(&place, watch, &variables),
            None => Ok(()),
        }
    }

    pub(super) fn check_source_resource(
        self,
        name: &str,
        resource: &SourceResource,
    ) -> Result<(), ManifestError> {
        self.check_resource_settings(
            name,
            &ResourceSettings {
                title: resource.title.as_deref(),
                icons: &resource.icons,
                annotations: resource.annotations.as_ref(),
                mime_type: resource.mime_type.as_deref(),
                watch: resource.watch.as_ref(),
                settings: &resource.settings,
            },
        )
    }

    fn check_resource_settings(
        self,
        name: &str,
        resource: &ResourceSettings<'_>,
    ) -> Result<(), ManifestError> {
        let place = self.place.clone().resource(name);
        rules::check_resource_name(name).map_err(at(&place))?;
        check_texts(&place, &[("title", resource.title)])?;
        check_icons(&place, resource.icons)?;
        check_mime_type(&place, resource.mime_type)?;
        if let Some(annotations) = resource.annotations {
            check_annotations(&place, annotations)?;
        }
        check_settings(&place, resource.settings, self.mounts, Some("resource"))?;
        match resource.watch {
            Some(watch) => check_watch(&place, watch, resource.settings),
            None => Ok(()),
        }
    }

    /// Two resources of one URI: the second could never be read.
    pub(super) fn check_uris(
        self,
        resources: &IndexMap<String, Resource>,
    ) -> Result<(), ManifestError> {
        for (index, (name, resource)) in resources.iter().enumerate() {
            let mut earlier = resources.iter().take(index);
            if let Some((other, _)) = earlier.find(|(_, other)| other.uri == resource.uri) {
                let place = self.place.clone().resource(name);
                let problem = format!("`{}` is the URI of `{other}` too", resource.uri);
                let hint = "give each resource a URI of its own";
                return Err(ManifestError::value(&place, problem, hint));
            }
        }
        Ok(())
    }

    pub(super) fn check_prompt(self, name: &str, prompt: &Prompt) -> Result<(), ManifestError> {
        let place = self.place.clone().prompt(name);
        self.check_prompt_settings(
            name,
            prompt.title.as_deref(),
            &prompt.icons,
            &prompt.settings,
        )?;
        check_lines(&place, "description", Some(&prompt.description))?;
        let arguments = &prompt.arguments;
        if arguments.len() > MAX_PROMPT_ARGUMENTS {
            let problem = format!(
                "there are {} arguments; at most {MAX_PROMPT_ARGUMENTS} are allowed",
                arguments.len()
            );
            return Err(ManifestError::value(&place, problem, "leave some out"));
        }
        for (index, argument) in arguments.iter().enumerate() {
            let place = place.table(format!("argument `{}`", shorten(&argument.name)));
            rules::check_argument_name(&argument.name).map_err(at(&place))?;
            check_texts(&place, &[("title", argument.title.as_deref())])?;
            check_lines(&place, "description", argument.description.as_deref())?;
            let mut earlier = arguments.iter().take(index);
            if earlier.any(|other| other.name == argument.name) {
                let problem = "there is more than one argument of this name";
                return Err(ManifestError::value(&place, problem, "rename one of them"));
            }
        }
        let names: Vec<&str> = arguments
            .iter()
            .map(|argument| argument.name.as_str())
            .collect();
        check_completes(&place, &prompt.completes, &names, "argument")
    }

    pub(super) fn check_source_prompt(
        self,
        name: &str,
        prompt: &SourcePrompt,
    ) -> Result<(), ManifestError> {
        self.check_prompt_settings(
            name,
            prompt.title.as_deref(),
            &prompt.icons,
            &prompt.settings,
        )
    }

    fn check_prompt_settings(
        self,
        name: &str,
        title: Option<&str>,
        icons: &[Icon],
        settings: &ToolSettings,
    ) -> Result<(), ManifestError> {
        let place = self.place.clone().prompt(name);
        rules::check_prompt_name(name).map_err(at(&place))?;
        rules::check_full_name("prompt", self.name, name).map_err(at(&place))?;
        check_texts(&place, &[("title", title)])?;
        check_icons(&place, icons)?;
        check_settings(&place, settings, self.mounts, Some("prompt"))
    }
}

fn check_completes(
    place: &Place,
    completes: &[String],
    known: &[&str],
    what: &str,
) -> Result<(), ManifestError> {
    for (index, name) in completes.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let problem = format!("`completes` has `{}`, which is no {what}", shorten(name));
            let hint = match rules::nearest(name, known.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("name one {what} or more, or leave `completes` out"),
            };
            return Err(ManifestError::value(place, problem, hint));
        }
        if completes.iter().take(index).any(|earlier| earlier == name) {
            let problem = format!("`completes` has `{name}` twice");
            return Err(ManifestError::value(place, problem, "remove one of them"));
        }
    }
    Ok(())
}

/// The host watches nothing that the resource could not read.
fn check_watch(place: &Place, watch: &Watch, settings: &ToolSettings) -> Result<(), ManifestError> {
    let place = &place.table("watch".to_owned());
    if !settings.permissions.mounts.contains_key(&watch.mount) {
        let mount = shorten(&watch.mount);
        let problem = format!("the resource does not ask for the mount `{mount}`");
        let hint = format!("write `mounts = {{ {mount} = \"read\" }}` for the resource");
        return Err(ManifestError::value(place, problem, hint));
    }
    check_texts(place, &[("path", Some(&watch.path))])?;
    let mut shape = String::new();
    for part in watched_parts(&watch.path) {
        match part {
            WatchedPart::Literal(text) if text.contains(['{', '}']) => {
                let problem = format!("`path` is \"{}\"", shorten(&watch.path));
                let hint = "write each variable in braces: \"{folder}/{name}.md\"";
                return Err(ManifestError::value(place, problem, hint));
            }
            WatchedPart::Literal(text) => shape.push_str(text),
            WatchedPart::Variable(_) => shape.push('x'),
        }
    }
    if !is_inside(&shape) {
        let problem = format!("`path` is \"{}\"", shorten(&watch.path));
        let hint = "write a path from the mount on, without `.` and `..`: \"{path}\"";
        return Err(ManifestError::value(place, problem, hint));
    }
    Ok(())
}

fn check_watched_variables(
    place: &Place,
    watch: &Watch,
    variables: &[&str],
) -> Result<(), ManifestError> {
    let unknown = watched_parts(&watch.path)
        .into_iter()
        .find_map(|part| match part {
            WatchedPart::Variable(name) if !variables.contains(&name) => Some(name),
            _ => None,
        });
    let Some(name) = unknown else { return Ok(()) };
    let problem = format!(
        "`path` has `{{{}}}`, which is no variable of the URI",
        shorten(name)
    );
    let hint = match rules::nearest(name, variables.iter().copied()) {
        Some(nearest) => format!("did you mean `{{{nearest}}}`?"),
        None => "write a variable of the URI, or a file's name alone".to_owned(),
    };
    Err(ManifestError::value(
        &place.table("watch".to_owned()),
        problem,
        hint,
    ))
}
