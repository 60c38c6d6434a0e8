//! What the settings have to keep that tools, resources and prompts share: limits, reasons, permissions, and that what is read-only cannot write.

use indexmap::IndexMap;

use super::check_texts;
use super::services::check_services;
use crate::decode;
use crate::error::{ManifestError, Place, shorten};
use crate::permissions::{Mount, PermissionRequest, Secret};
use crate::rules::{self, MAX_FIELD_CHARS};
use crate::settings::{MAX_CONCURRENCY, MAX_MEMORY, MAX_TIMEOUT, MIN_MEMORY, ToolSettings};
use crate::units::ByteSize;

/// `always_read_only` is the word for what has the settings, where that goes without saying.
pub(super) fn check_settings(
    place: &Place,
    settings: &ToolSettings,
    mounts: &IndexMap<String, Mount>,
    always_read_only: Option<&str>,
) -> Result<(), ManifestError> {
    check_allow(place, &settings.allow)?;
    check_limits(place, settings)?;
    check_reasons(place, settings)?;
    check_permissions(place, &settings.permissions, mounts)?;
    check_services(place, settings, always_read_only)?;
    check_effects(place, settings, always_read_only)
}

/// A lint's code is as short and plain as a name, so that nothing else is carried in it.
pub(crate) fn check_allow(
    place: &Place,
    allow: &IndexMap<String, String>,
) -> Result<(), ManifestError> {
    for (code, reason) in allow {
        if !rules::is_name(code, b'-') || code.len() > 64 {
            let problem = format!("`allow` has `{}`, which is no lint", shorten(code));
            return Err(ManifestError::value(
                place,
                problem,
                "write the code that `toolbay check` prints: `missing-bounds`",
            ));
        }
        if reason.trim().is_empty() {
            return Err(ManifestError::value(
                place,
                format!("`allow` gives no reason for `{code}`"),
                format!("say why it is right here: allow = {{ {code} = \"…\" }}"),
            ));
        }
        check_texts(place, &[("allow", Some(reason))])?;
    }
    Ok(())
}

fn check_reasons(place: &Place, settings: &ToolSettings) -> Result<(), ManifestError> {
    for (key, reason) in &settings.reasons {
        if !decode::is_permission_key(key) {
            let nearest = rules::nearest(key, decode::permission_keys().iter().copied());
            return Err(ManifestError::UnknownKey {
                place: place.table("reasons".to_owned()),
                key: shorten(key),
                nearest,
                known: decode::permission_keys(),
            });
        }
        check_texts(place, &[("reasons", Some(reason))])?;
    }
    Ok(())
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
    check_concurrency(place, settings.concurrency)
}

pub(crate) fn check_concurrency(
    place: &Place,
    concurrency: Option<u32>,
) -> Result<(), ManifestError> {
    let fits = |count: u32| (1..=MAX_CONCURRENCY).contains(&(count as usize));
    match concurrency {
        Some(concurrency) if !fits(concurrency) => Err(ManifestError::value(
            place,
            format!("`concurrency` is {concurrency}"),
            "write a number from 1 to 1000",
        )),
        _ => Ok(()),
    }
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

fn check_effects(
    place: &Place,
    settings: &ToolSettings,
    always_read_only: Option<&str>,
) -> Result<(), ManifestError> {
    if settings.read_only != Some(true) {
        return Ok(());
    }
    // The host lets a read-only tool read the plugin's state and not write it, so `kv` is no contradiction.
    let but_for_kv = PermissionRequest {
        kv: false,
        ..settings.permissions.clone()
    };
    if let Some(writing) = but_for_kv.first_writing() {
        let ask = "ask only for GET and HEAD, \"read\" mounts, and no tcp";
        let (problem, hint) = match always_read_only {
            Some(what) => (
                format!("a {what} changes nothing, but `{writing}` allows changes"),
                ask.to_owned(),
            ),
            None => (
                format!("`read-only` is true, but `{writing}` allows changes"),
                format!("remove `read-only = true`, or {ask}"),
            ),
        };
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
