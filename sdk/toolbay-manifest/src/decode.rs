//! From a tree of values to checked types. Every key is taken by hand, since serde would lose either the place of an unknown key or the
//! list of known ones once tables are flattened. What the values have to keep is in `check`.

mod presentation;
mod primitives;
mod services;
mod settings;

use serde_json::Value;

use crate::check::{
    at, check_allow, check_concurrency, check_lines, check_manifest, check_source, check_texts,
};
use crate::error::{ManifestError, Place, shorten};
use crate::fields::{Fields, missing};
use crate::manifest::{MANIFEST_VERSION, Manifest, PluginInfo};
use crate::permissions::{Access, Mount};
use crate::rules;
use crate::source::{SourceManifest, SourcePlugin};

pub(crate) use self::settings::{is_permission_key, permission_keys, permissions};

const MANIFEST_KEYS: &[&str] = &[
    "manifest-version",
    "plugin",
    "mounts",
    "tools",
    "resources",
    "prompts",
];
const PLUGIN_KEYS: &[&str] = &[
    "name",
    "version",
    "description",
    "title",
    "authors",
    "license",
    "homepage",
    "rate",
    "concurrency",
    "allow",
];
const MOUNT_KEYS: &[&str] = &["access", "reason"];
const SOURCE_KEYS: &[&str] = MANIFEST_KEYS.split_at(1).1;

pub(crate) fn manifest(value: Value) -> Result<Manifest, ManifestError> {
    let (place, mut root) = root(value, MANIFEST_KEYS)?;
    match root.take("manifest-version") {
        Some(Value::Number(version)) if version.as_u64() == Some(MANIFEST_VERSION) => {}
        Some(other) => {
            let problem = format!(
                "manifest-version {} is not known",
                shorten(&other.to_string())
            );
            return Err(ManifestError::value(
                &place,
                problem,
                "this toolbay knows version 1; a newer toolbay may know this one",
            ));
        }
        None => return Err(root.missing("manifest-version", Some("write `manifest-version` = 1"))),
    }
    let source = root.required("plugin", None, source_plugin)?;
    let plugin = PluginInfo {
        name: source.name,
        version: source
            .version
            .ok_or_else(|| missing(&place, "version", None))?,
        description: source
            .description
            .ok_or_else(|| missing(&place, "description", None))?,
        title: source.title,
        authors: source.authors.unwrap_or_default(),
        license: source.license,
        homepage: source.homepage,
        rate: source.rate,
        concurrency: source.concurrency,
        allow: source.allow,
    };
    let mounts = root.map("mounts", "mount", mount)?;
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        plugin,
        mounts,
        tools: root.map("tools", "tool", primitives::tool)?,
        resources: root.map("resources", "resource", primitives::resource)?,
        prompts: root.map("prompts", "prompt", primitives::prompt)?,
    };
    check_manifest(&manifest)?;
    Ok(manifest)
}

pub(crate) fn source_manifest(value: Value) -> Result<SourceManifest, ManifestError> {
    let (place, mut root) = root(value, SOURCE_KEYS)?;
    let plugin = root.required(
        "plugin",
        Some("write `[plugin]` with `name = \"…\"` at the top"),
        source_plugin,
    )?;
    let mounts = root.map("mounts", "mount", mount)?;
    let source = SourceManifest {
        plugin,
        mounts,
        tools: root.map("tools", "tool", primitives::source_tool)?,
        resources: root.map("resources", "resource", primitives::source_resource)?,
        prompts: root.map("prompts", "prompt", primitives::source_prompt)?,
    };
    check_source(&place, &source)?;
    Ok(source)
}

fn root(value: Value, known: &'static [&'static str]) -> Result<(Place, Fields), ManifestError> {
    let named = value
        .get("plugin")
        .and_then(|plugin| plugin.get("name"))
        .and_then(Value::as_str);
    let place = named.map_or_else(Place::manifest, |name| Place::manifest().plugin(name));
    let fields = Fields::new(&place, "manifest", value, known)?;
    Ok((place, fields))
}

fn source_plugin(place: &Place, value: Value) -> Result<SourcePlugin, ManifestError> {
    let mut fields = Fields::new(place, "plugin", value, PLUGIN_KEYS)?;
    let Some(name) = fields.text("name")? else {
        return Err(fields.missing("name", Some("write `name = \"…\"` under [plugin]")));
    };
    rules::check_plugin_name(&name).map_err(at(place))?;
    let plugin = SourcePlugin {
        name,
        version: fields.text("version")?,
        description: fields.text("description")?,
        title: fields.text("title")?,
        authors: fields.texts("authors")?,
        license: fields.text("license")?,
        homepage: fields.text("homepage")?,
        rate: services::rate(&mut fields)?,
        concurrency: fields.count("concurrency")?,
        allow: settings::allow(&mut fields)?,
    };
    check_texts(
        place,
        &[
            ("version", plugin.version.as_deref()),
            ("title", plugin.title.as_deref()),
            ("license", plugin.license.as_deref()),
            ("homepage", plugin.homepage.as_deref()),
        ],
    )?;
    check_lines(place, "description", plugin.description.as_deref())?;
    check_allow(place, &plugin.allow)?;
    check_concurrency(place, plugin.concurrency)?;
    plugin
        .authors
        .iter()
        .flatten()
        .try_for_each(|author| check_texts(place, &[("authors", Some(author))]))?;
    Ok(plugin)
}

fn mount(place: &Place, value: Value) -> Result<Mount, ManifestError> {
    let mut fields = Fields::new(place, "mount", value, MOUNT_KEYS)?;
    let Some(access) = fields.text("access")? else {
        return Err(fields.missing(
            "access",
            Some("write `access = \"read\"` or `access = \"read-write\"`"),
        ));
    };
    Ok(Mount {
        access: parse_access(place, "access", &access)?,
        reason: fields.text("reason")?,
    })
}

fn parse_access(place: &Place, key: &str, text: &str) -> Result<Access, ManifestError> {
    text.parse().map_err(|()| {
        let problem = format!("`{key}` is \"{}\"", shorten(text));
        ManifestError::value(place, problem, "write \"read\" or \"read-write\"")
    })
}
