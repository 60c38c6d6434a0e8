//! The keys that tools, resources and prompts share: limits, reasons and permissions.

use indexmap::IndexMap;
use serde_json::Value;

use super::parse_access;
use super::services::{ToolServices, services};
use crate::error::{ManifestError, Place};
use crate::fields::{Fields, wrong_type};
use crate::permissions::{PermissionRequest, Secret};
use crate::settings::ToolSettings;
use crate::units::{ByteSize, TimeSpan};

/// The keys of a table that has some of its own before those that all share.
macro_rules! keys {
    ($($own:literal),*) => {
        &[
            $($own,)*
            "timeout", "memory", "output", "max-result", "concurrency", "allow", "reasons",
            "requires", "rate", "cache", "retry",
            "network", "tcp", "mounts", "env", "secrets", "kv", "calls", "elicit", "sample", "roots",
        ]
    };
}
pub(super) use keys;

const SHARED_KEYS: &[&str] = keys!();
/// The keys with which something is asked for; each may have a reason.
const PERMISSION_KEYS: &[&str] = SHARED_KEYS.split_at(11).1;
const SECRET_KEYS: &[&str] = &["host", "header", "format"];

/// What a tool may say and nothing else: what it changes.
#[derive(Default)]
pub(super) struct Effects {
    read_only: Option<bool>,
    destructive: Option<bool>,
    idempotent: Option<bool>,
}

impl Effects {
    /// Those of a resource or a prompt.
    pub(super) fn none() -> Self {
        Self {
            read_only: Some(true),
            ..Self::default()
        }
    }

    pub(super) fn of_tool(fields: &mut Fields) -> Result<Self, ManifestError> {
        Ok(Self {
            read_only: fields.flag("read-only")?,
            destructive: fields.flag("destructive")?,
            idempotent: fields.flag("idempotent")?,
        })
    }
}

pub(super) fn settings(
    fields: &mut Fields,
    effects: Effects,
    of_tool: ToolServices,
) -> Result<ToolSettings, ManifestError> {
    Ok(ToolSettings {
        services: services(fields, of_tool)?,
        read_only: effects.read_only,
        destructive: effects.destructive,
        idempotent: effects.idempotent,
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
    })
}

/// What `toolbay check` need not report. The codes are not looked up here: which there are is for whoever checks, and a host runs plugins that were
/// made for a newer one's lints too.
pub(super) fn allow(fields: &mut Fields) -> Result<IndexMap<String, String>, ManifestError> {
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
        roots: fields.flag("roots")?.unwrap_or_default(),
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
