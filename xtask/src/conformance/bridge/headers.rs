//! What HTTP itself asks of a server: where a request may come from, which era it is of, headers that repeat what the body says, and status codes.

use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, ORIGIN};
use serde_json::Value;

use super::routes::Era;

pub(super) const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const META_VERSION: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";

/// Whether the request names this machine as its host, and comes from no page of another: a name that an attacker makes resolve to this machine must
/// not reach a server on it.
pub(super) fn is_local(headers: &HeaderMap) -> bool {
    let host = text(headers, HOST.as_str()).unwrap_or_default();
    let origin = text(headers, ORIGIN.as_str()).map(|origin| {
        origin
            .split_once("://")
            .map_or(origin, |(_scheme, authority)| authority)
    });
    is_loopback(host) && origin.is_none_or(is_loopback)
}

fn is_loopback(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|digit| digit.is_ascii_digit()) => name,
        _ => authority,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name.to_ascii_lowercase().as_str())
}

/// The era of a message, as a server has to tell it: by the session, by the header, by the body.
pub(super) fn era(headers: &HeaderMap, message: &Value) -> Era {
    if headers.contains_key(SESSION) {
        return Era::Legacy;
    }
    let says_version = message.pointer(META_VERSION).is_some();
    match text(headers, VERSION) {
        Some(version) if LEGACY.contains(&version) => Era::Legacy,
        Some(_) => Era::Modern,
        None if says_version => Era::Modern,
        None => Era::Legacy,
    }
}

/// What is wrong with the headers of a modern message, each of which repeats a part of the body.
pub(super) fn mismatch(headers: &HeaderMap, message: &Value) -> Option<String> {
    let differs = |header: &str, body: &Value| {
        let sent = text(headers, header).map(str::trim);
        (sent != body.as_str()).then(|| {
            let sent = sent.map_or("is missing".to_owned(), |sent| format!("is {sent:?}"));
            format!("the header {header} {sent}, and the body says {body}")
        })
    };
    let method = message.get("method")?;
    let name = match method.as_str()? {
        "tools/call" | "prompts/get" => message.pointer("/params/name"),
        "resources/read" => message.pointer("/params/uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => message.pointer("/params/taskId"),
        _ => None,
    };
    let version = message.pointer(META_VERSION);
    version
        .and_then(|version| differs(VERSION, version))
        .or_else(|| differs("mcp-method", method))
        .or_else(|| name.and_then(|name| differs("mcp-name", name)))
}

/// The status that a modern answer goes out with.
pub(super) fn status(answer: &Value) -> StatusCode {
    match answer.pointer("/error/code").and_then(Value::as_i64) {
        Some(-32601) => StatusCode::NOT_FOUND,
        Some(-32700 | -32600 | -32602 | -32022..=-32020) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn only_this_machine_is_local() {
        for (host, origin, expected) in [
            ("127.0.0.1:80", None, true),
            ("localhost", Some("http://localhost:80"), true),
            ("[::1]:80", Some("http://[::1]"), true),
            ("evil.example.com", None, false),
            ("127.0.0.1:80", Some("http://evil.example.com"), false),
            ("127.0.0.1.example.com:80", None, false),
        ] {
            let mut pairs = vec![("host", host)];
            pairs.extend(origin.map(|origin| ("origin", origin)));
            assert_eq!(is_local(&headers(&pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn headers_repeat_the_body() {
        let body = json!({"id": 1, "method": "tools/call",
            "params": {"name": "a", "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}});
        let found = |version, method, name| {
            let pairs = [
                (VERSION, version),
                ("mcp-method", method),
                ("mcp-name", name),
            ];
            mismatch(&headers(&pairs), &body)
        };
        assert_eq!(found("2026-07-28", "tools/call", " a "), None);
        assert_eq!(
            found("2026-07-28", "tools/call", "b").as_deref(),
            Some(r#"the header mcp-name is "b", and the body says "a""#)
        );
        assert!(found("2026-07-28", "TOOLS/CALL", "a").is_some());
        assert!(found("v9", "tools/call", "a").is_some());
        assert!(mismatch(&headers(&[(VERSION, "2026-07-28")]), &body).is_some());
    }

    #[test]
    fn the_era_is_told_by_session_header_and_body() {
        let modern =
            json!({"params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}});
        let bare = json!({"method": "initialize"});
        for (pairs, body, expected) in [
            (&[][..], &bare, Era::Legacy),
            (&[], &modern, Era::Modern),
            (&[(VERSION, "2025-11-25")], &bare, Era::Legacy),
            (&[(VERSION, "2026-07-28")], &bare, Era::Modern),
            (&[(VERSION, "v999.0.0")], &bare, Era::Modern),
            (
                &[(SESSION, "1"), (VERSION, "2026-07-28")],
                &bare,
                Era::Legacy,
            ),
        ] {
            assert_eq!(era(&headers(pairs), body), expected, "{pairs:?}");
        }
    }
}
