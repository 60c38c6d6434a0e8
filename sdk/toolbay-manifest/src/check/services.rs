//! What the services have to keep that a table asks the host for: each only where it means something.

use indexmap::IndexMap;

use crate::error::{ManifestError, Place, shorten};
use crate::manifest::Tool;
use crate::rules::{self, MAX_FIELD_CHARS};
use crate::services::{
    Cache, Idempotency, MAX_CACHE_TTL, MAX_IDEMPOTENCY_TTL, MAX_RETRIES, Services,
};
use crate::settings::ToolSettings;
use crate::units::TimeSpan;

/// The least `ttl` of anything.
const MIN_TTL: TimeSpan = TimeSpan::from_millis(1_000);
/// Characters of a scope.
const MAX_SCOPE: usize = 64;

pub(super) fn check_services(
    place: &Place,
    settings: &ToolSettings,
    always_read_only: Option<&str>,
) -> Result<(), ManifestError> {
    let services = &settings.services;
    check_requires(place, services)?;
    let reads = settings.annotations().read_only;
    if let Some(cache) = services.cache {
        check_cache(place, cache, reads, always_read_only)?;
    }
    if let Some(key) = changing_key(services).filter(|_| reads) {
        return Err(ManifestError::value(
            place,
            format!("`{key}` is set for a tool that changes nothing"),
            format!(
                "remove `{key}`; where the tool does change something, write `read-only = false`"
            ),
        ));
    }
    if let Some(idempotency) = &services.idempotency {
        check_idempotency(place, idempotency)?;
    }
    if services.health && (!reads || services.task.is_some()) {
        return Err(ManifestError::value(
            place,
            "`health` is set for a tool that may change something, or that takes long",
            "write `read-only = true`, and no `task`: the host calls it each time somebody asks how things are",
        ));
    }
    match services.retry {
        Some(retry) if !(1..=MAX_RETRIES).contains(&retry.max) => Err(ManifestError::value(
            place,
            format!("`retry.max` is {}", retry.max),
            format!("write a number from 1 to {MAX_RETRIES}, or leave `retry` out"),
        )),
        Some(_) if settings.permissions.network.is_empty() => Err(ManifestError::value(
            place,
            "`retry` is set, but no `network` is asked for",
            "requests to servers are made again, and there are none: remove `retry`",
        )),
        _ => Ok(()),
    }
}

/// Checks what can only be seen beside the other tools and the schemas.
pub(super) fn check_beside(
    place: &Place,
    plugin: &str,
    tools: &IndexMap<String, Tool>,
    tool: &Tool,
) -> Result<(), ManifestError> {
    let services = &tool.settings.services;
    for pattern in &services.invalidates {
        check_invalidates(place, plugin, tools, pattern)?;
    }
    let required = tool
        .input_schema
        .get("required")
        .and_then(serde_json::Value::as_array);
    if services.health && required.is_some_and(|required| !required.is_empty()) {
        return Err(ManifestError::value(
            place,
            "`health` is set for a tool that cannot be called without arguments",
            "let it take none, or none that are required",
        ));
    }
    let Some(idempotency) = &services.idempotency else {
        return Ok(());
    };
    let name = idempotency.key.split('/').nth(1).unwrap_or_default();
    let name = name.replace("~1", "/").replace("~0", "~");
    if tool
        .input_schema
        .pointer("/properties")
        .is_some_and(|properties| properties.get(&name).is_some())
    {
        return Ok(());
    }
    Err(ManifestError::value(
        place,
        format!(
            "the idempotency key is at `{}`, but there is no argument `{}`",
            shorten(&idempotency.key),
            shorten(&name)
        ),
        "add it to the arguments: a text, and not required",
    ))
}

fn check_requires(place: &Place, services: &Services) -> Result<(), ManifestError> {
    let is_scope = |scope: &str| {
        (1..=MAX_SCOPE).contains(&scope.len())
            && scope
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte))
    };
    match services.requires.iter().find(|scope| !is_scope(scope)) {
        Some(scope) => Err(ManifestError::value(
            place,
            format!("`requires` has \"{}\", which is no scope", shorten(scope)),
            format!(
                "write letters, digits, `.`, `_`, `-`, `:` and `/`, at most {MAX_SCOPE}: \"admin:delete\""
            ),
        )),
        None => Ok(()),
    }
}

fn check_cache(
    place: &Place,
    cache: Cache,
    reads: bool,
    always_read_only: Option<&str>,
) -> Result<(), ManifestError> {
    if always_read_only == Some("prompt") {
        return Err(ManifestError::value(
            place,
            "`cache` does not belong to a prompt",
            "remove it: resources and read-only tools have caches",
        ));
    }
    if !reads {
        return Err(ManifestError::value(
            place,
            "`cache` is set for a tool that may change something",
            "write `read-only = true` too, or remove `cache`",
        ));
    }
    check_ttl(place, "cache.ttl", cache.ttl, MAX_CACHE_TTL)
}

fn changing_key(services: &Services) -> Option<&'static str> {
    if services.idempotency.is_some() {
        Some("idempotency")
    } else if services.invalidates.is_empty() {
        None
    } else {
        Some("invalidates")
    }
}

fn check_idempotency(place: &Place, idempotency: &Idempotency) -> Result<(), ManifestError> {
    let key = &idempotency.key;
    let escapes = key.split('~').skip(1);
    let is_pointer = key.starts_with('/')
        && key.len() > 1
        && key.len() <= MAX_FIELD_CHARS
        && escapes.into_iter().all(|rest| rest.starts_with(['0', '1']));
    if !is_pointer {
        return Err(ManifestError::value(
            place,
            format!(
                "`idempotency.key` is \"{}\", which is no JSON pointer to an argument",
                shorten(key)
            ),
            "write `/` and the argument's name: \"/idempotency_key\"",
        ));
    }
    check_ttl(
        place,
        "idempotency.ttl",
        idempotency.ttl,
        MAX_IDEMPOTENCY_TTL,
    )
}

fn check_ttl(place: &Place, key: &str, ttl: TimeSpan, most: TimeSpan) -> Result<(), ManifestError> {
    if (MIN_TTL..=most).contains(&ttl) {
        return Ok(());
    }
    let problem = format!("`{key}` is {ttl}");
    let hint = format!("write a time from {MIN_TTL} to {most}: \"60s\"");
    Err(ManifestError::value(place, problem, hint))
}

fn check_invalidates(
    place: &Place,
    plugin: &str,
    tools: &IndexMap<String, Tool>,
    pattern: &str,
) -> Result<(), ManifestError> {
    if pattern == "*" || tools.contains_key(pattern) {
        return Ok(());
    }
    let hint = match pattern.split_once(':') {
        Some((scheme, _)) if scheme == plugin && pattern.len() <= MAX_FIELD_CHARS => return Ok(()),
        Some((scheme, _)) => {
            format!(
                "it can be of this plugin's resources only: write `{plugin}:` in place of `{}:`",
                shorten(scheme)
            )
        }
        None => match rules::nearest(pattern, tools.keys().map(String::as_str)) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!(
                "write a URI such as \"{plugin}://*\", the name of a tool, or \"*\" for all that is kept"
            ),
        },
    };
    let problem = format!("`invalidates` has \"{}\"", shorten(pattern));
    Err(ManifestError::value(place, problem, hint))
}
