//! What one line from the client is: the JSON-RPC envelope, read without looking into `params`.
//!
//! Everything here is a pure function of the line's bytes, so that it can be fuzzed. It must not know the transport's
//! state, descriptors or rmcp's service; of rmcp it takes only the type of a request id.

use std::borrow::Cow;
use std::fmt;

use rmcp::model::RequestId;
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::CallMethod;
use super::refusal::Refusal;

/// How much of an over-long line is searched for the request's id.
pub(super) const SEARCHED_PREFIX: usize = 64 * 1024;

/// One line, sorted by what must happen with it. `text` is the whole message.
#[derive(Debug)]
pub(crate) enum Parsed<'line> {
    /// Nothing but white space.
    Blank,
    /// A request that guests answer.
    Call {
        id: RequestId,
        method: CallMethod,
        params: Option<&'line RawValue>,
    },
    /// Any other request.
    Request {
        id: RequestId,
        method: Cow<'line, str>,
        params: Option<&'line RawValue>,
        text: &'line str,
    },
    Notification {
        method: Cow<'line, str>,
        params: Option<&'line RawValue>,
        text: &'line str,
    },
    /// A result or an error that answers a request of the host's.
    Response { text: &'line str },
    /// To be answered with this error.
    Refused(Refusal),
    /// Must not be answered; the text says why, for the log.
    Ignored(&'static str),
}

/// Reads the envelope of one line (without its newline).
pub(crate) fn parse_line(line: &[u8]) -> Parsed<'_> {
    let text = match str::from_utf8(line) {
        Ok(text) => text.trim_matches([' ', '\t', '\r', '\n']),
        Err(error) => {
            return Parsed::Refused(Refusal::parse_error(format!(
                "the line is not valid UTF-8 (at byte {})",
                error.valid_up_to()
            )));
        }
    };
    let first = text.as_bytes().first();
    if first == Some(&b'{') {
        let (fields, outcome) = Fields::read(text);
        return match outcome {
            Ok(()) => fields.classify(text),
            Err(error) => Parsed::Refused(Refusal::parse_error(format!(
                "the line is not valid JSON: {error}"
            ))),
        };
    }
    if first.is_none() {
        return Parsed::Blank;
    }
    Parsed::Refused(match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => Refusal::parse_error(format!("the line is not valid JSON: {error}")),
        Ok(_) if first == Some(&b'[') => Refusal::invalid_request(
            None,
            "batches are not part of MCP since 2025-06-18; send each message on a line of its own",
        ),
        Ok(_) => Refusal::invalid_request(None, "a message must be a JSON object"),
    })
}

/// What to answer to a line of more than `limit` bytes, of which `prefix` is the beginning. `None` for what is visibly
/// not a request: an answer with the id of a *response* would be taken for the answer to another request.
pub(crate) fn refuse_too_long(prefix: &[u8], limit: usize) -> Option<Refusal> {
    let searched = prefix.get(..SEARCHED_PREFIX).unwrap_or(prefix);
    // Cut at the last whole character; what comes before a bad one is still worth reading.
    let text = match str::from_utf8(searched) {
        Ok(text) => text,
        Err(error) => searched
            .get(..error.valid_up_to())
            .and_then(|valid| str::from_utf8(valid).ok())
            .unwrap_or(""),
    };
    let (fields, _cut_off) = Fields::read(text);
    if fields.method.is_none()
        && (fields.seen.contains(Key::Result) || fields.seen.contains(Key::Error))
    {
        return None;
    }
    // A value that ends where the prefix ends may go on behind it.
    let whole = |raw: &&RawValue| {
        raw.get().as_bytes().as_ptr_range().end < text.as_bytes().as_ptr_range().end
    };
    let id = match fields.duplicate {
        Some(Key::Id) => None,
        _ => fields.id.filter(whole).and_then(parse_id),
    };
    if id.is_none()
        && fields
            .method()
            .is_some_and(|method| method.starts_with("notifications/"))
    {
        return None;
    }
    Some(Refusal::invalid_request(
        id,
        format!(
            "the message is longer than the limit of {limit} bytes for one line and was skipped"
        ),
    ))
}

/// The id that a `notifications/cancelled` names.
pub(crate) fn cancelled_request(params: Option<&RawValue>) -> Option<RequestId> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CancelledParams<'line> {
        #[serde(borrow)]
        request_id: &'line RawValue,
    }
    // A derived deserializer would also take an array.
    let params = params
        .map(RawValue::get)
        .filter(|params| params.starts_with('{'))?;
    let params = serde_json::from_str::<CancelledParams<'_>>(params).ok()?;
    parse_id(params.request_id)
}

/// A string or an integer; an integer may be written as `1.0`, as JSON Schema has it.
fn parse_id(raw: &RawValue) -> Option<RequestId> {
    let text = raw.get();
    if let Ok(number) = text.parse::<i64>() {
        return Some(RequestId::Number(number));
    }
    serde_json::from_str(text).ok()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Key {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    Other,
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Key::Jsonrpc => "jsonrpc",
            Key::Id => "id",
            Key::Method => "method",
            Key::Params => "params",
            Key::Result => "result",
            Key::Error => "error",
            Key::Other => "other",
        }
    }
}

#[derive(Default)]
struct KeySet(u8);

impl KeySet {
    fn contains(&self, key: Key) -> bool {
        self.0 & (1 << key as u8) != 0
    }

    /// Whether the key was new.
    fn insert(&mut self, key: Key) -> bool {
        let new = !self.contains(key);
        self.0 |= 1 << key as u8;
        new
    }
}

/// The top-level members, unread. They are filled in one by one, so that those before a fault are still there.
#[derive(Default)]
struct Fields<'line> {
    /// Keys that began, whether or not their value ended.
    seen: KeySet,
    duplicate: Option<Key>,
    jsonrpc: Option<&'line RawValue>,
    id: Option<&'line RawValue>,
    method: Option<&'line RawValue>,
    params: Option<&'line RawValue>,
}

impl<'line> Fields<'line> {
    fn read(text: &'line str) -> (Self, Result<(), serde_json::Error>) {
        let mut fields = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let outcome = FieldsSeed(&mut fields)
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end());
        (fields, outcome)
    }

    fn method(&self) -> Option<Cow<'line, str>> {
        self.method.and_then(string)
    }

    fn classify(self, text: &'line str) -> Parsed<'line> {
        let (has_result, has_error) = (
            self.seen.contains(Key::Result),
            self.seen.contains(Key::Error),
        );
        if self.method.is_none() && (has_result || has_error) {
            if self.fault().is_some() || (has_result && has_error) {
                return Parsed::Ignored("malformed response");
            }
            return Parsed::Response { text };
        }

        let id = self
            .id
            .filter(|_| self.duplicate != Some(Key::Id))
            .map(parse_id);
        let method = self.method();
        if let Some(fault) = self.fault() {
            if self.id.is_none()
                && method.is_some_and(|method| method.starts_with("notifications/"))
            {
                return Parsed::Ignored("malformed notification");
            }
            return Parsed::Refused(Refusal::invalid_request(id.flatten(), fault));
        }
        let call = method.as_deref().and_then(CallMethod::of);
        match (id, method) {
            (Some(None), _) => Parsed::Refused(Refusal::invalid_request(
                None,
                "`id` must be a string or an integer between -2^63 and 2^63 - 1",
            )),
            (id, None) => Parsed::Refused(Refusal::invalid_request(
                id.flatten(),
                "`method` must be a string",
            )),
            (id, Some(_)) if has_result || has_error => Parsed::Refused(Refusal::invalid_request(
                id.flatten(),
                "a message holds either `method` or one of `result` and `error`",
            )),
            (Some(Some(id)), Some(method)) => match call {
                Some(method) => Parsed::Call {
                    id,
                    method,
                    params: self.params,
                },
                None => Parsed::Request {
                    id,
                    method,
                    params: self.params,
                    text,
                },
            },
            (None, Some(_)) if call.is_some() => Parsed::Ignored("a call without an id"),
            (None, Some(method)) => Parsed::Notification {
                method,
                params: self.params,
                text,
            },
        }
    }

    /// What is wrong with the envelope as such.
    fn fault(&self) -> Option<Cow<'static, str>> {
        if let Some(key) = self.duplicate {
            return Some(format!("`{}` is there twice", key.name()).into());
        }
        match self.jsonrpc {
            None => Some("`jsonrpc` is missing; it must be \"2.0\"".into()),
            Some(raw)
                if raw.get() == r#""2.0""# || string(raw).is_some_and(|text| text == "2.0") =>
            {
                None
            }
            Some(_) => Some("`jsonrpc` must be \"2.0\"".into()),
        }
    }
}

/// The text of a JSON string, borrowed where nothing in it is escaped.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(raw.get())
        .ok()
        .map(Cow::Owned)
}

struct FieldsSeed<'fields, 'line>(&'fields mut Fields<'line>);

impl<'line> DeserializeSeed<'line> for FieldsSeed<'_, 'line> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'line>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'line> Visitor<'line> for FieldsSeed<'_, 'line> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<(), A::Error> {
        let fields = self.0;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if key != Key::Other && !fields.seen.insert(key) {
                fields.duplicate.get_or_insert(key);
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let slot = match key {
                Key::Jsonrpc => &mut fields.jsonrpc,
                Key::Id => &mut fields.id,
                Key::Method => &mut fields.method,
                Key::Params => &mut fields.params,
                Key::Result | Key::Error | Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *slot = Some(map.next_value::<&RawValue>()?);
        }
        Ok(())
    }
}

struct KeySeed;

impl<'line> DeserializeSeed<'line> for KeySeed {
    type Value = Key;

    fn deserialize<D: serde::Deserializer<'line>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "jsonrpc" => Key::Jsonrpc,
            "id" => Key::Id,
            "method" => Key::Method,
            "params" => Key::Params,
            "result" => Key::Result,
            "error" => Key::Error,
            _ => Key::Other,
        })
    }
}

#[cfg(test)]
mod tests;
