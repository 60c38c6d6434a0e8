//! What a test's own servers are asked, and what they answer.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A request as it arrived at a test's own server.
///
/// ```no_run
/// # use toolbay_sdk::testing::{self, Request, Response};
/// # use toolbay_sdk::serde_json::{Value, json};
/// testing::plugin().http("https://api.example.com", |request: Request| {
///     assert_eq!(request.header("Content-Type"), Some("application/json"));
///     assert_eq!(request.query("dry-run"), None);
///     println!("{}", request.text());
///     let sent: Value = request.json();
///     match (request.method.as_str(), request.path()) {
///         ("POST", "/v1/notes") => Response::json(json!({"id": 1, "text": sent["text"]})).with_status(201),
///         _ => Response::status(404),
///     }
/// });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The method: `GET`.
    pub method: String,
    /// The whole URL, as the plugin asked for it.
    pub url: String,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The URL's path, without the query: `/v1/notes`.
    pub fn path(&self) -> &str {
        let after_scheme = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..));
        let path = path.unwrap_or("/");
        path.split_once('?').map_or(path, |(path, _)| path)
    }

    /// The first value of a name in the URL's query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.url.split_once('?')?;
        let mut pairs = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let (_, value) = pairs.find(|(own, _)| decode(own) == name)?;
        Some(decode(value))
    }

    /// The first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as a value that was sent as JSON.
    ///
    /// # Panics
    /// Where it is another, which fails the test.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!(
                "the body is not the JSON that was expected: {error}: {}",
                self.text()
            ),
        }
    }
}

/// The percent-encoded text of a query, where `+` may stand for a space.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = (byte == b'%').then(|| {
            let mut ahead = rest.clone();
            let digits = [ahead.next()?, ahead.next()?];
            let byte = u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
            Some((byte, ahead))
        });
        match (escaped.flatten(), byte) {
            (Some((byte, ahead)), _) => {
                bytes.push(byte);
                rest = ahead;
            }
            (None, b'+') => bytes.push(b' '),
            (None, byte) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer of a test's own server.
///
/// ```
/// use std::time::Duration;
/// use toolbay_sdk::{serde_json::json, testing::Response};
///
/// let sunny = Response::json(json!({"sky": "clear"}));
/// let busy = Response::status(429).with_header("Retry-After", "5");
/// let logo = Response::bytes("image/png", *b"\x89PNG");
/// let page = Response::html("<h1>Hello</h1>").with_status(203);
/// let slow = Response::text("at last").after(Duration::from_secs(2));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) delay: Duration,
}

impl Response {
    /// An answer with nothing in it but a status, such as 404.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            delay: Duration::ZERO,
        }
    }

    /// 200 with bytes of this media type.
    pub fn bytes(media_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let answer = Self::status(200).with_header("Content-Type", media_type);
        Self {
            body: body.into(),
            ..answer
        }
    }

    /// 200 with a value as JSON.
    ///
    /// # Panics
    /// Where it cannot be written as JSON.
    #[track_caller]
    pub fn json(value: impl Serialize) -> Self {
        match serde_json::to_vec(&value) {
            Ok(body) => Self::bytes("application/json", body),
            Err(error) => panic!("the answer cannot be written as JSON: {error}"),
        }
    }

    /// 200 with a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::bytes("text/plain; charset=utf-8", text.into())
    }

    /// 200 with a page.
    pub fn html(page: impl Into<String>) -> Self {
        Self::bytes("text/html; charset=utf-8", page.into())
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with a header more.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same, so much later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let request = |url: &str| Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), "a/b".to_owned())],
            body: Vec::new(),
        };
        let asked = request("https://x.test/a/b?q=milk%20%26+honey&%C3%BC=1&e&p=%zz%4");
        assert_eq!(asked.path(), "/a/b");
        for (name, value) in [
            ("q", Some("milk & honey")),
            ("ü", Some("1")),
            ("e", Some("")),
            ("p", Some("%zz%4")),
            ("x", None),
        ] {
            assert_eq!(asked.query(name).as_deref(), value, "{name}");
        }
        assert_eq!(request("https://x.test").path(), "/");
        assert_eq!(asked.header("Accept"), Some("a/b"));
    }
}
