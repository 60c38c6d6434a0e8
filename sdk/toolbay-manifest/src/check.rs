//! What a decoded manifest has to keep: the rules of `rules`, each at its place, and those that concern more than one key. Knows
//! neither JSON nor TOML, so a manifest put together from code is checked by the same.

mod presentation;
mod primitives;
mod services;
mod settings;

use indexmap::IndexMap;

use self::primitives::Owner;
pub(crate) use self::settings::{check_allow, check_concurrency};
use crate::error::{ManifestError, Place, shorten};
use crate::manifest::{Manifest, PluginInfo};
use crate::permissions::Mount;
use crate::rules::{
    self, Broken, MAX_DESCRIPTION_CHARS, MAX_FIELD_CHARS, MAX_PROMPTS, MAX_RESOURCES, MAX_TOOLS,
};
use crate::source::SourceManifest;

/// Checks what can only be seen in the whole, or comes from somewhere else than a text.
pub(crate) fn check_manifest(manifest: &Manifest) -> Result<(), ManifestError> {
    let place = Place::manifest().plugin(&manifest.plugin.name);
    check_plugin(&place, &manifest.plugin)?;
    check_mounts(&place, &manifest.mounts)?;
    for (count, what, most) in [
        (manifest.tools.len(), "tools", MAX_TOOLS),
        (manifest.resources.len(), "resources", MAX_RESOURCES),
        (manifest.prompts.len(), "prompts", MAX_PROMPTS),
    ] {
        if count > most {
            let problem = format!("there are {count} {what}; at most {most} are allowed");
            return Err(ManifestError::value(&place, problem, "split the plugin"));
        }
    }
    let plugin = Owner {
        place: &place,
        name: &manifest.plugin.name,
        mounts: &manifest.mounts,
    };
    let (tools, resources, prompts) = (&manifest.tools, &manifest.resources, &manifest.prompts);
    tools
        .iter()
        .try_for_each(|(name, tool)| plugin.check_tool(name, tool, tools))?;
    resources
        .iter()
        .try_for_each(|(name, resource)| plugin.check_resource(name, resource))?;
    plugin.check_uris(resources)?;
    prompts
        .iter()
        .try_for_each(|(name, prompt)| plugin.check_prompt(name, prompt))?;
    if tools.is_empty() && resources.is_empty() && prompts.is_empty() {
        let problem = "the plugin offers nothing";
        let hint = "add a tool, a resource or a prompt";
        return Err(ManifestError::value(&place, problem, hint));
    }
    let bytes = manifest.to_json().len();
    if bytes > rules::MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLarge {
            bytes,
            limit: rules::MAX_MANIFEST_BYTES,
        });
    }
    Ok(())
}

/// Checks a `plugin.toml`, as far as that goes without the code.
pub(crate) fn check_source(place: &Place, source: &SourceManifest) -> Result<(), ManifestError> {
    check_mounts(place, &source.mounts)?;
    let plugin = Owner {
        place,
        name: &source.plugin.name,
        mounts: &source.mounts,
    };
    let (tools, resources, prompts) = (&source.tools, &source.resources, &source.prompts);
    tools
        .iter()
        .try_for_each(|(name, tool)| plugin.check_source_tool(name, tool))?;
    resources
        .iter()
        .try_for_each(|(name, resource)| plugin.check_source_resource(name, resource))?;
    prompts
        .iter()
        .try_for_each(|(name, prompt)| plugin.check_source_prompt(name, prompt))
}

pub(crate) fn check_plugin(place: &Place, plugin: &PluginInfo) -> Result<(), ManifestError> {
    rules::check_plugin_name(&plugin.name).map_err(at(place))?;
    check_texts(
        place,
        &[
            ("version", Some(&plugin.version)),
            ("title", plugin.title.as_deref()),
            ("license", plugin.license.as_deref()),
            ("homepage", plugin.homepage.as_deref()),
        ],
    )?;
    plugin
        .authors
        .iter()
        .try_for_each(|author| check_texts(place, &[("authors", Some(author))]))?;
    check_allow(place, &plugin.allow)?;
    check_concurrency(place, plugin.concurrency)?;
    check_lines(place, "description", Some(&plugin.description))
}

pub(crate) fn check_mounts(
    place: &Place,
    mounts: &IndexMap<String, Mount>,
) -> Result<(), ManifestError> {
    for (name, mount) in mounts {
        let place = place.table(format!("mount `{}`", shorten(name)));
        if !rules::is_name(name, b'-') || name.len() > 32 {
            let problem = format!("`{}` is not a mount name", shorten(name));
            return Err(ManifestError::value(
                &place,
                problem,
                "write lower-case letters, digits and `-`: `vault`",
            ));
        }
        check_texts(&place, &[("reason", mount.reason.as_deref())])?;
    }
    Ok(())
}

pub(crate) fn check_texts(
    place: &Place,
    texts: &[(&str, Option<&str>)],
) -> Result<(), ManifestError> {
    texts.iter().try_for_each(|(key, text)| match text {
        Some(text) => rules::check_text(text, MAX_FIELD_CHARS, false).map_err(at_key(place, key)),
        None => Ok(()),
    })
}

pub(crate) fn check_lines(
    place: &Place,
    key: &str,
    text: Option<&str>,
) -> Result<(), ManifestError> {
    text.map_or(Ok(()), |text| {
        rules::check_text(text, MAX_DESCRIPTION_CHARS, true).map_err(at_key(place, key))
    })
}

pub(crate) fn at(place: &Place) -> impl Fn(Broken) -> ManifestError {
    |broken| ManifestError::value(place, broken.problem, broken.hint)
}

fn at_key(place: &Place, key: &str) -> impl Fn(Broken) -> ManifestError {
    move |broken| ManifestError::value(place, format!("`{key}`: {}", broken.problem), broken.hint)
}
