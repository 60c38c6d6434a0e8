//! From a tree of values to checked types. Every key is taken by hand, since serde would lose either the place of an unknown key or the
//! list of known ones once tables are flattened. What the values have to keep is in `check`.

use indexmap::IndexMap;
use serde_json::Value;

use crate::check::{
    at, check_allow, check_lines, check_manifest, check_mounts, check_texts, check_tool_settings,
};
use crate::error::{ManifestError, Place, shorten};
use crate::fields::{Fields, missing, wrong_type};
use crate::manifest::{MANIFEST_VERSION, Manifest, PluginInfo, Tool};
use crate::permissions::{Access, Mount, PermissionRequest, Secret};
use crate::rules;
use crate::settings::ToolSettings;
use crate::source::{SourceManifest, SourcePlugin, SourceTool};
use crate::units::{ByteSize, TimeSpan};

const MANIFEST_KEYS: &[&str] = &["manifest-version", "plugin", "mounts", "tools"];
const PLUGIN_KEYS: &[&str] = &[
    "name",
    "version",
    "description",
    "title",
    "authors",
    "license",
    "homepage",
    "allow",
];
const MOUNT_KEYS: &[&str] = &["access", "reason"];
const SECRET_KEYS: &[&str] = &["host", "header", "format"];
/// The keys of a tool in a manifest; those of a `[tools.NAME]` in `plugin.toml` are all but the first three.
const TOOL_KEYS: &[&str] = &[
    "description",
    "input-schema",
    "output-schema",
    "title",
    "read-only",
    "destructive",
    "idempotent",
    "timeout",
    "memory",
    "output",
    "max-result",
    "concurrency",
    "allow",
    "reasons",
    "network",
    "tcp",
    "mounts",
    "env",
    "secrets",
    "kv",
    "calls",
    "elicit",
    "sample",
];
/// The keys with which a tool asks for something; each may have a reason.
const PERMISSION_KEYS: &[&str] = TOOL_KEYS.split_at(14).1;
const FROM_CODE_AND_SETTABLE: (&[&str], &[&str]) = TOOL_KEYS.split_at(3);
/// What only the code can say about a tool.
const CODE_KEYS: &[&str] = FROM_CODE_AND_SETTABLE.0;
/// What `plugin.toml` can say about a tool.
const SOURCE_TOOL_KEYS: &[&str] = FROM_CODE_AND_SETTABLE.1;
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
        allow: source.allow,
    };
    let mounts = root.map("mounts", "mount", mount)?;
    let tools = root.map("tools", "tool", tool)?;
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        plugin,
        mounts,
        tools,
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
    let tools = root.map("tools", "tool", source_tool)?;
    check_mounts(&place, &mounts)?;
    for (name, tool) in &tools {
        check_tool_settings(
            &place,
            &plugin.name,
            name,
            &tool.title,
            &tool.settings,
            &mounts,
        )?;
    }
    Ok(SourceManifest {
        plugin,
        mounts,
        tools,
    })
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
        allow: allow(&mut fields)?,
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

fn tool(place: &Place, value: Value) -> Result<Tool, ManifestError> {
    let mut fields = Fields::new(place, "tool", value, TOOL_KEYS)?;
    let description = fields.text("description")?;
    let input_schema = fields.take("input-schema");
    let output_schema = fields.take("output-schema");
    let SourceTool { title, settings } = tool_settings(&mut fields)?;
    Ok(Tool {
        title,
        description: description.ok_or_else(|| missing(place, "description", None))?,
        input_schema: input_schema.ok_or_else(|| {
            missing(
                place,
                "input-schema",
                Some("write {\"type\": \"object\"} for a tool without arguments"),
            )
        })?,
        output_schema,
        settings,
    })
}

fn source_tool(place: &Place, value: Value) -> Result<SourceTool, ManifestError> {
    let from_code = |key: &&&str| value.get(**key).is_some();
    if let Some(key) = CODE_KEYS.iter().find(from_code) {
        let problem = format!("`{key}` does not belong in plugin.toml");
        return Err(ManifestError::value(
            place,
            problem,
            "it comes from the code: the function's doc comment and types",
        ));
    }
    let mut fields = Fields::new(place, "tool", value, SOURCE_TOOL_KEYS)?;
    tool_settings(&mut fields)
}

fn tool_settings(fields: &mut Fields) -> Result<SourceTool, ManifestError> {
    let title = fields.text("title")?;
    let settings = ToolSettings {
        read_only: fields.flag("read-only")?,
        destructive: fields.flag("destructive")?,
        idempotent: fields.flag("idempotent")?,
        timeout: fields.unit::<TimeSpan>("timeout")?,
        memory: fields.unit::<ByteSize>("memory")?,
        output: fields.unit::<ByteSize>("output")?,
        max_result: fields.unit::<ByteSize>("max-result")?,
        concurrency: fields.count("concurrency")?,
        allow: allow(fields)?,
        reasons: fields.map("reasons", "reason", |place, value| match value {
            Value::String(text) => Ok(text),
            other => Err(wrong_type(place, "reasons", "a text", &other)),
        })?,
        permissions: permission_request(fields)?,
    };
    Ok(SourceTool { title, settings })
}

/// What `toolbay check` need not report. The codes are not looked up here: which there are is for whoever checks, and a host runs plugins that were
/// made for a newer one's lints too.
fn allow(fields: &mut Fields) -> Result<IndexMap<String, String>, ManifestError> {
    fields.map("allow", "allow", |place, value| match value {
        Value::String(reason) => Ok(reason),
        other => Err(wrong_type(place, "allow", "a text", &other)),
    })
}

/// The permissions of a table that may have nothing else left in it.
fn permission_request(fields: &mut Fields) -> Result<PermissionRequest, ManifestError> {
    Ok(PermissionRequest {
        network: fields.parsed_list("network", "write [\"GET https://api.example.com/v1/*\"]")?,
        tcp: fields.parsed_list("tcp", "write [\"db.internal:5432\"]")?,
        mounts: fields.map("mounts", "mount", |place, value| match value {
            Value::String(text) => parse_access(place, "access", &text),
            other => Err(wrong_type(
                place,
                "access",
                "\"read\" or \"read-write\"",
                &other,
            )),
        })?,
        env: fields.texts("env")?.unwrap_or_default(),
        secrets: fields.map("secrets", "secret", secret)?,
        kv: fields.flag("kv")?.unwrap_or_default(),
        calls: fields.texts("calls")?.unwrap_or_default(),
        elicit: fields.flag("elicit")?.unwrap_or_default(),
        sample: fields.flag("sample")?.unwrap_or_default(),
    })
}

/// Permissions by themselves, as grants hold them.
pub(crate) fn permissions(value: Value) -> Result<PermissionRequest, ManifestError> {
    let mut fields = Fields::new(&Place::manifest(), "permissions", value, PERMISSION_KEYS)?;
    permission_request(&mut fields)
}

pub(crate) fn is_permission_key(key: &str) -> bool {
    PERMISSION_KEYS.contains(&key)
}

pub(crate) fn permission_keys() -> &'static [&'static str] {
    PERMISSION_KEYS
}

fn secret(place: &Place, value: Value) -> Result<Secret, ManifestError> {
    let mut fields = Fields::new(place, "secret", value, SECRET_KEYS)?;
    let Some(host) = fields.text("host")? else {
        return Err(fields.missing(
            "host",
            Some("write `host = \"api.example.com\"`: the one host it is sent to"),
        ));
    };
    let Some(header) = fields.text("header")? else {
        return Err(fields.missing("header", Some("write `header = \"Authorization\"`")));
    };
    Ok(Secret {
        host,
        header,
        format: fields.text("format")?,
    })
}
