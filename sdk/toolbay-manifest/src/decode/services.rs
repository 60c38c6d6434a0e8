//! The keys with which a table asks the host to do something around its calls.

use std::str::FromStr;

use serde_json::Value;

use crate::error::{ManifestError, Place, shorten};
use crate::fields::{Fields, wrong_type};
use crate::services::{
    Cache, DEFAULT_CACHE_TTL, DEFAULT_IDEMPOTENCY_KEY, DEFAULT_IDEMPOTENCY_TTL, Idempotency, Rate,
    Retry, Services, TaskSupport,
};
use crate::units::TimeSpan;

const CACHE_KEYS: &[&str] = &["ttl"];
const IDEMPOTENCY_KEYS: &[&str] = &["key", "ttl"];
const RETRY_KEYS: &[&str] = &["max"];

/// What only a tool may ask for.
#[derive(Default)]
pub(super) struct ToolServices {
    invalidates: Vec<String>,
    idempotency: Option<Idempotency>,
    task: Option<TaskSupport>,
    health: bool,
    internal: bool,
}

impl ToolServices {
    pub(super) fn of_tool(fields: &mut Fields) -> Result<Self, ManifestError> {
        Ok(Self {
            invalidates: fields.texts("invalidates")?.unwrap_or_default(),
            idempotency: switched(fields, "idempotency", idempotency)?,
            task: parsed(fields, "task", "write \"optional\" or \"required\"")?,
            health: fields.flag("health")?.unwrap_or_default(),
            internal: fields.flag("internal")?.unwrap_or_default(),
        })
    }
}

pub(super) fn services(
    fields: &mut Fields,
    of_tool: ToolServices,
) -> Result<Services, ManifestError> {
    Ok(Services {
        requires: fields.texts("requires")?.unwrap_or_default(),
        rate: rate(fields)?,
        cache: switched(fields, "cache", cache)?,
        retry: fields.table("retry", retry)?,
        invalidates: of_tool.invalidates,
        idempotency: of_tool.idempotency,
        task: of_tool.task,
        health: of_tool.health,
        internal: of_tool.internal,
    })
}

pub(super) fn rate(fields: &mut Fields) -> Result<Option<Rate>, ManifestError> {
    let hint = "write a number and `/s`, `/m` or `/h`: \"30/m\"";
    parsed(fields, "rate", hint)
}

fn parsed<T: FromStr<Err = &'static str>>(
    fields: &mut Fields,
    key: &str,
    hint: &'static str,
) -> Result<Option<T>, ManifestError> {
    let place = fields.place().clone();
    let Some(text) = fields.text(key)? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|problem| {
        let problem = format!("`{key}` is \"{}\", {problem}", shorten(&text));
        ManifestError::value(&place, problem, hint)
    })
}

/// `true` stands for the table with nothing in it, and `false` for none.
fn switched<T>(
    fields: &mut Fields,
    key: &str,
    read: impl FnOnce(&Place, Value) -> Result<T, ManifestError>,
) -> Result<Option<T>, ManifestError> {
    let place = fields.place().clone();
    let table = match fields.take(key) {
        None | Some(Value::Bool(false)) => return Ok(None),
        Some(Value::Bool(true)) => Value::Object(serde_json::Map::new()),
        Some(table @ Value::Object(_)) => table,
        Some(other) => {
            return Err(wrong_type(&place, key, "true or a table", &other));
        }
    };
    read(&place.table(key.to_owned()), table).map(Some)
}

fn cache(place: &Place, value: Value) -> Result<Cache, ManifestError> {
    let mut fields = Fields::new(place, "cache", value, CACHE_KEYS)?;
    let ttl = fields.unit::<TimeSpan>("ttl")?;
    Ok(Cache {
        ttl: ttl.unwrap_or(DEFAULT_CACHE_TTL),
    })
}

fn idempotency(place: &Place, value: Value) -> Result<Idempotency, ManifestError> {
    let mut fields = Fields::new(place, "idempotency", value, IDEMPOTENCY_KEYS)?;
    let key = fields.text("key")?;
    let ttl = fields.unit::<TimeSpan>("ttl")?;
    Ok(Idempotency {
        key: key.unwrap_or_else(|| DEFAULT_IDEMPOTENCY_KEY.to_owned()),
        ttl: ttl.unwrap_or(DEFAULT_IDEMPOTENCY_TTL),
    })
}

fn retry(place: &Place, value: Value) -> Result<Retry, ManifestError> {
    let place = place.table("retry".to_owned());
    let mut fields = Fields::new(&place, "retry", value, RETRY_KEYS)?;
    match fields.count("max")? {
        Some(max) => Ok(Retry { max }),
        None => Err(fields.missing("max", Some("write `retry = { max = 2 }`"))),
    }
}
