//! From a tree of values to checked types. Every key is taken by hand, since serde would lose either the place of an unknown key or the
//! list of known ones once tables are flattened. The rules for single values are in `rules`.

use std::str::FromStr;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::error::{ManifestError, Place, shorten};
use crate::manifest::{MANIFEST_VERSION, Manifest, PluginInfo, Tool};
use crate::permissions::{Access, Mount, PermissionRequest, Secret};
use crate::rules::{self, Broken, MAX_DESCRIPTION_CHARS, MAX_FIELD_CHARS, MAX_TOOLS};
use crate::settings::{MAX_CONCURRENCY, MAX_MEMORY, MAX_TIMEOUT, MIN_MEMORY, ToolSettings};
use crate::source::{SourceManifest, SourcePlugin, SourceTool};
use crate::units::{ByteSize, TimeSpan, UnitError};

const MANIFEST_KEYS: &[&str] = &["manifest-version", "plugin", "mounts", "tools"];
const PLUGIN_KEYS: &[&str] = &[
    "name",
    "version",
    "description",
    "title",
    "authors",
    "license",
    "homepage",
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
    let fields = Fields::new(&place, "the manifest", value, known)?;
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
        let problem = format!("`{key}` does not belong into plugin.toml");
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
        permissions: PermissionRequest {
            network: fields
                .parsed_list("network", "write [\"GET https://api.example.com/v1/*\"]")?,
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
        },
    };
    Ok(SourceTool { title, settings })
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

/// Checks what can only be seen in the whole, or comes from somewhere else than a text.
pub(crate) fn check_manifest(manifest: &Manifest) -> Result<(), ManifestError> {
    let place = Place::manifest().plugin(&manifest.plugin.name);
    check_plugin(&place, &manifest.plugin)?;
    check_mounts(&place, &manifest.mounts)?;
    if manifest.tools.len() > MAX_TOOLS {
        let problem = format!(
            "there are {} tools; at most {MAX_TOOLS} are allowed",
            manifest.tools.len()
        );
        return Err(ManifestError::value(&place, problem, "split the plugin"));
    }
    for (name, tool) in &manifest.tools {
        check_tool_settings(
            &place,
            &manifest.plugin.name,
            name,
            &tool.title,
            &tool.settings,
            &manifest.mounts,
        )?;
        let place = place.clone().tool(name);
        check_lines(&place, "description", Some(&tool.description))?;
        rules::check_schema(&tool.input_schema, true).map_err(at_key(&place, "input-schema"))?;
        if let Some(schema) = &tool.output_schema {
            rules::check_schema(schema, true).map_err(at_key(&place, "output-schema"))?;
        }
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
    check_lines(place, "description", Some(&plugin.description))
}

fn check_mounts(place: &Place, mounts: &IndexMap<String, Mount>) -> Result<(), ManifestError> {
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

fn check_tool_settings(
    place: &Place,
    plugin: &str,
    name: &str,
    title: &Option<String>,
    settings: &ToolSettings,
    mounts: &IndexMap<String, Mount>,
) -> Result<(), ManifestError> {
    let place = place.clone().tool(name);
    rules::check_tool_name(name).map_err(at(&place))?;
    rules::check_full_name(plugin, name).map_err(at(&place))?;
    check_texts(&place, &[("title", title.as_deref())])?;
    check_limits(&place, settings)?;
    check_permissions(&place, &settings.permissions, mounts)?;
    check_effects(&place, settings)
}

fn check_limits(place: &Place, settings: &ToolSettings) -> Result<(), ManifestError> {
    let timeout = settings.timeout();
    if timeout.is_zero() || timeout > MAX_TIMEOUT {
        let written = settings
            .timeout
            .map(|span| span.to_string())
            .unwrap_or_default();
        return Err(ManifestError::value(
            place,
            format!("`timeout` is {written}"),
            "write a time from 1ms to 1h: \"30s\"",
        ));
    }
    let memory = settings.memory();
    if !(MIN_MEMORY..=MAX_MEMORY).contains(&memory) {
        let problem = format!("`memory` is {}", ByteSize::from_bytes(memory));
        return Err(ManifestError::value(
            place,
            problem,
            "write a size from 64KiB to 4GiB: \"128MiB\"",
        ));
    }
    let (output, max_result) = (settings.output(), settings.max_result());
    if output == 0 || max_result > MAX_MEMORY {
        let problem = format!(
            "`output` is {} and `max-result` is {}",
            ByteSize::from_bytes(output),
            ByteSize::from_bytes(max_result)
        );
        return Err(ManifestError::value(
            place,
            problem,
            "write sizes from 1 byte to 4GiB",
        ));
    }
    if output > max_result {
        let problem = format!(
            "`output` ({}) is more than `max-result` ({})",
            ByteSize::from_bytes(output),
            ByteSize::from_bytes(max_result)
        );
        return Err(ManifestError::value(
            place,
            problem,
            "`max-result` is the whole and `output` a page of it",
        ));
    }
    let concurrency = settings.concurrency();
    if !(1..=MAX_CONCURRENCY).contains(&concurrency) {
        return Err(ManifestError::value(
            place,
            format!("`concurrency` is {concurrency}"),
            "write a number from 1 to 1000",
        ));
    }
    Ok(())
}

fn check_permissions(
    place: &Place,
    asked: &PermissionRequest,
    mounts: &IndexMap<String, Mount>,
) -> Result<(), ManifestError> {
    for (name, access) in &asked.mounts {
        let Some(mount) = mounts.get(name) else {
            let problem = format!("the mount `{}` is not declared", shorten(name));
            let hint = match rules::nearest(name, mounts.keys().map(String::as_str)) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!(
                    "declare it: [mounts.{}] with `access = \"{access}\"`",
                    shorten(name)
                ),
            };
            return Err(ManifestError::value(place, problem, hint));
        };
        if *access > mount.access {
            let problem = format!(
                "asks for `{access}` on the mount `{name}`, which is declared with `{}`",
                mount.access
            );
            return Err(ManifestError::value(
                place,
                problem,
                format!("write `access = \"{access}\"` under [mounts.{name}]"),
            ));
        }
    }
    let is_variable = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    if let Some(name) = asked
        .env
        .iter()
        .find(|name| name.is_empty() || name.len() > MAX_FIELD_CHARS || !is_variable(name))
    {
        let problem = format!("`env` has \"{}\"", shorten(name));
        return Err(ManifestError::value(
            place,
            problem,
            "write names of environment variables: [\"API_REGION\"]",
        ));
    }
    let is_tool = |name: &str| {
        name.len() <= rules::MAX_NAME_CHARS && rules::is_name(&name.replace('_', "-"), b'-')
    };
    if let Some(name) = asked.calls.iter().find(|name| !is_tool(name)) {
        let problem = format!("`calls` has \"{}\"", shorten(name));
        return Err(ManifestError::value(
            place,
            problem,
            "write names of tools: [\"check_stock\"]",
        ));
    }
    asked
        .secrets
        .iter()
        .try_for_each(|(name, secret)| check_secret(place, name, secret))
}

fn check_secret(place: &Place, name: &str, secret: &Secret) -> Result<(), ManifestError> {
    let place = place.table(format!("secret `{}`", shorten(name)));
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if !rules::is_name(&name.replace('_', "-"), b'-') || name.len() > 64 {
        let problem = format!("`{}` is not a secret's name", shorten(name));
        return Err(ManifestError::value(
            &place,
            problem,
            "write lower-case letters, digits, `-` and `_`: `api-token`",
        ));
    }
    if !secret.host.split('.').all(is_token) || secret.host.len() > MAX_FIELD_CHARS {
        let problem = format!("`host` is \"{}\"", shorten(&secret.host));
        return Err(ManifestError::value(
            &place,
            problem,
            "write one host name without scheme, port and path: \"api.example.com\"",
        ));
    }
    if !is_token(&secret.header) || secret.header.len() > MAX_FIELD_CHARS {
        let problem = format!("`header` is \"{}\"", shorten(&secret.header));
        return Err(ManifestError::value(
            &place,
            problem,
            "write the name of a header: \"Authorization\"",
        ));
    }
    if let Some(format) = &secret.format {
        check_texts(&place, &[("format", Some(format))])?;
        if format.matches("{}").count() != 1 || !format.is_ascii() {
            let problem = format!("`format` is \"{}\"", shorten(format));
            return Err(ManifestError::value(
                &place,
                problem,
                "write `{}` once, for the secret: \"Bearer {}\"",
            ));
        }
    }
    Ok(())
}

fn check_effects(place: &Place, settings: &ToolSettings) -> Result<(), ManifestError> {
    if settings.read_only != Some(true) {
        return Ok(());
    }
    if let Some(writing) = settings.permissions.first_writing() {
        let problem = format!("`read-only` is true, but `{writing}` allows changes");
        let hint = "remove `read-only = true`, or ask only for GET and HEAD, \"read\" mounts, and neither tcp nor kv";
        return Err(ManifestError::value(place, problem, hint));
    }
    if settings.destructive == Some(true) {
        let problem = "`read-only` and `destructive` are both true";
        return Err(ManifestError::value(
            place,
            problem,
            "a tool that changes nothing destroys nothing: remove one of them",
        ));
    }
    Ok(())
}

fn check_texts(place: &Place, texts: &[(&str, Option<&str>)]) -> Result<(), ManifestError> {
    texts.iter().try_for_each(|(key, text)| match text {
        Some(text) => rules::check_text(text, MAX_FIELD_CHARS, false).map_err(at_key(place, key)),
        None => Ok(()),
    })
}

fn check_lines(place: &Place, key: &str, text: Option<&str>) -> Result<(), ManifestError> {
    text.map_or(Ok(()), |text| {
        rules::check_text(text, MAX_DESCRIPTION_CHARS, true).map_err(at_key(place, key))
    })
}

fn at(place: &Place) -> impl Fn(Broken) -> ManifestError {
    |broken| ManifestError::value(place, broken.problem, broken.hint)
}

fn at_key(place: &Place, key: &str) -> impl Fn(Broken) -> ManifestError {
    move |broken| ManifestError::value(place, format!("`{key}`: {}", broken.problem), broken.hint)
}

fn missing(place: &Place, key: &'static str, hint: Option<&'static str>) -> ManifestError {
    ManifestError::MissingKey {
        place: place.clone(),
        key,
        hint,
    }
}

fn unknown_key(place: &Place, key: &str, known: &'static [&'static str]) -> ManifestError {
    let nearest = rules::nearest(key, known.iter().copied());
    ManifestError::UnknownKey {
        place: place.clone(),
        key: shorten(key),
        nearest,
        known,
    }
}

fn wrong_type(place: &Place, key: &str, expected: &'static str, found: &Value) -> ManifestError {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    };
    ManifestError::WrongType {
        place: place.clone(),
        key: shorten(key),
        expected,
        found,
    }
}

/// One table, whose keys are all known, being taken apart. A key set to JSON's `null` counts as not there.
struct Fields {
    place: Place,
    table: Map<String, Value>,
}

impl Fields {
    fn new(
        place: &Place,
        name: &str,
        value: Value,
        known: &'static [&'static str],
    ) -> Result<Self, ManifestError> {
        let Value::Object(mut table) = value else {
            return Err(wrong_type(place, name, "a table", &value));
        };
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(unknown_key(place, key, known));
        }
        table.retain(|_, value| !value.is_null());
        Ok(Self {
            place: place.clone(),
            table,
        })
    }

    fn missing(&self, key: &'static str, hint: Option<&'static str>) -> ManifestError {
        missing(&self.place, key, hint)
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.table.shift_remove(key)
    }

    fn required<T>(
        &mut self,
        key: &'static str,
        hint: Option<&'static str>,
        read: impl FnOnce(&Place, Value) -> Result<T, ManifestError>,
    ) -> Result<T, ManifestError> {
        match self.take(key) {
            Some(value) => read(&self.place, value),
            None => Err(self.missing(key, hint)),
        }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, ManifestError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(&self.place, key, "a text", &other)),
        }
    }

    fn flag(&mut self, key: &str) -> Result<Option<bool>, ManifestError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(&self.place, key, "true or false", &other)),
        }
    }

    fn count(&mut self, key: &str) -> Result<Option<u32>, ManifestError> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        count
            .map(Some)
            .ok_or_else(|| wrong_type(&self.place, key, "a whole number from 1 to 1000", &value))
    }

    fn unit<T: FromStr<Err = UnitError>>(&mut self, key: &str) -> Result<Option<T>, ManifestError> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|error: UnitError| ManifestError::Value {
                place: self.place.clone(),
                problem: format!("`{key}` is \"{}\": {error}", shorten(&text)),
                hint: None,
            })
    }

    fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, ManifestError> {
        let items = match self.take(key) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(wrong_type(&self.place, key, "a list of texts", &other)),
        };
        let text = |item| match item {
            Value::String(text) => Ok(text),
            other => Err(wrong_type(&self.place, key, "a list of texts", &other)),
        };
        items
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn parsed_list<T: FromStr<Err = &'static str>>(
        &mut self,
        key: &str,
        hint: &str,
    ) -> Result<Vec<T>, ManifestError> {
        let parse = |text: String| {
            text.parse().map_err(|problem| {
                ManifestError::value(
                    &self.place,
                    format!("`{key}` has \"{}\", which {problem}", shorten(&text)),
                    hint,
                )
            })
        };
        let texts = match self.table.shift_remove(key) {
            None => return Ok(Vec::new()),
            Some(value) => Fields {
                place: self.place.clone(),
                table: Map::from_iter([(key.to_owned(), value)]),
            }
            .texts(key)?,
        };
        texts.unwrap_or_default().into_iter().map(parse).collect()
    }

    fn map<T>(
        &mut self,
        key: &str,
        what: &str,
        read: impl Fn(&Place, Value) -> Result<T, ManifestError>,
    ) -> Result<IndexMap<String, T>, ManifestError> {
        let table = match self.take(key) {
            None => return Ok(IndexMap::new()),
            Some(Value::Object(table)) => table,
            Some(other) => return Err(wrong_type(&self.place, key, "a table", &other)),
        };
        let mut entries = IndexMap::with_capacity(table.len());
        for (name, value) in table {
            let entry = read(
                &self.place.table(format!("{what} `{}`", shorten(&name))),
                value,
            )?;
            entries.insert(name, entry);
        }
        Ok(entries)
    }
}
