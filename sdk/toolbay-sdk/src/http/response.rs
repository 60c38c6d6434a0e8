//! The answer to a request, and the ways to read its body.

use std::io::{Cursor, Read};

use serde::de::DeserializeOwned;

use super::body::Body;
use super::exchange::header;
use super::url::Url;
use super::{request, status};
use crate::error::ToolError;

/// How much of what a server says about an error is shown.
const EXCERPT_CHARS: usize = 200;

/// The answer to a request: its head has arrived, its body is read by [`text`](Self::text), [`json`](Self::json), [`bytes`](Self::bytes) or
/// [`reader`](Self::reader).
///
/// ```no_run
/// # use toolbay_sdk::http;
/// let response = http::get("https://example.com/logo").send()?;
/// if response.is_success() {
///     let names: Vec<_> = response.headers().map(|(name, _)| name).collect();
///     println!("{} sent {names:?}", response.url());
///     let logo = response.bytes()?;
/// }
/// let mut page = http::get("https://example.com/large").send()?.reader();
/// std::io::copy(&mut page, &mut std::io::sink())?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
#[derive(Debug)]
pub struct Response {
    method: String,
    url: Url,
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Response {
    /// An answer made by hand, for tests of code that reads one.
    ///
    /// ```
    /// use toolbay_sdk::{ToolError, http::Response, serde_json::Value};
    ///
    /// fn name(response: Response) -> Result<String, ToolError> {
    ///     let person: Value = response.error_for_status()?.json()?;
    ///     Ok(person["name"].to_string())
    /// }
    ///
    /// let answer = |status, body| Response::new("https://api.example.com/people/1", status, [("Content-Type", "application/json")], body);
    /// assert_eq!(name(answer(200, r#"{"name": "Ada"}"#)?)?, r#""Ada""#);
    /// assert_eq!(name(answer(404, "{}")?).unwrap_err().code().as_str(), "not_found");
    /// # Ok::<(), ToolError>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` if the URL is none that could be requested.
    pub fn new<'a>(
        url: &str,
        status: u16,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: impl Into<Vec<u8>>,
    ) -> Result<Self, ToolError> {
        let url = Url::parse(url)?;
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let whose = format!("GET {}", url.for_errors());
        let source = Box::new(Cursor::new(body.into()));
        let body = Body::new(source, request::DEFAULT_MAX_BODY, &headers, whose);
        Ok(Self::received("GET".to_owned(), url, status, headers, body))
    }

    pub(super) fn received(
        method: String,
        url: Url,
        status: u16,
        headers: Vec<(String, String)>,
        body: Body,
    ) -> Self {
        Self {
            method,
            url,
            status,
            headers,
            body,
        }
    }

    /// The status, such as 200.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is one of success: 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The URL that answered: the last one, where there were redirects.
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// The first header of this name, in whatever case. Bytes that are not UTF-8 are shown as `�`.
    ///
    /// ```
    /// # let response = toolbay_sdk::http::Response::new("https://x.test/", 200, [("Content-Type", "text/plain")], "")?;
    /// assert_eq!(response.header("content-type"), Some("text/plain"));
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// All headers in the order in which they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Makes an error of a status of 400 or more, with what the server says about it, and passes any other answer on.
    ///
    /// # Errors
    /// - 404, 410: `not_found`
    /// - 401, 402, 403, 407, 451: `permission_denied`
    /// - 408, 504: `timeout`
    /// - 409, 412, 423: `conflict`
    /// - 413, 414, 431: `limit_exceeded`
    /// - 429: `rate_limited`
    /// - 400, 405, 406, 411, 415, 422: `validation_error`
    /// - 425, 500, 502, 503, 507 and above: `unavailable`
    /// - any other: `network_error`
    ///
    /// A `Retry-After` header, in seconds or as a date, becomes the error's [waiting time](ToolError::retry_after).
    pub fn error_for_status(mut self) -> Result<Self, ToolError> {
        if self.status < 400 {
            return Ok(self);
        }
        let excerpt = self.excerpt();
        let whose = format!("{} {}", self.method, self.url.for_errors());
        match status::error(&whose, self.status, self.header("retry-after"), &excerpt) {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// The body as text. It is read as UTF-8, whatever the server says; a byte order mark is left out and bytes that are not UTF-8 become `�`.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and `network_error` if the server compressed the body, which it was not asked to.
    pub fn text(mut self) -> Result<String, ToolError> {
        self.refuse_compressed()?;
        let bytes = self.body.read_all()?;
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        })
    }

    /// The body as a value that was sent as JSON.
    ///
    /// # Errors
    /// As [`text`](Self::text), and `network_error` if it is not the JSON that was expected.
    pub fn json<T: DeserializeOwned>(mut self) -> Result<T, ToolError> {
        self.refuse_compressed()?;
        let bytes = self.body.read_all()?;
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        serde_json::from_slice(json).map_err(|error| {
            ToolError::network(format!(
                "{} did not answer with the JSON that was expected: {error}",
                self.body.whose()
            ))
        })
    }

    /// The bytes of the body.
    ///
    /// # Errors
    /// `limit_exceeded` beyond [`Request::max_body`](super::Request::max_body), `timeout` beyond [`Request::timeout`](super::Request::timeout),
    /// `network_error` if the connection breaks.
    pub fn bytes(mut self) -> Result<Vec<u8>, ToolError> {
        self.body.read_all()
    }

    /// The body, to be read as it arrives.
    pub fn reader(self) -> Body {
        self.body
    }

    fn refuse_compressed(&self) -> Result<(), ToolError> {
        match self.header("content-encoding").map(str::trim) {
            None | Some("") => Ok(()),
            Some(encoding) if encoding.eq_ignore_ascii_case("identity") => Ok(()),
            Some(encoding) => Err(ToolError::network(format!(
                "{} answered with a body compressed as `{}`, though it was asked for a plain one",
                self.body.whose(),
                encoding.escape_debug()
            ))),
        }
    }

    /// The beginning of what the server says about an error, on one line; nothing where that is a page for browsers.
    fn excerpt(&mut self) -> String {
        let kind = self
            .header("content-type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_readable = kind.starts_with("text/plain") || kind.contains("json");
        let mut bytes = Vec::new();
        let most = u64::try_from(4 * EXCERPT_CHARS).unwrap_or(0);
        // The status says enough, whatever happens to the rest.
        if !is_readable || (&mut self.body).take(most).read_to_end(&mut bytes).is_err() {
            return String::new();
        }
        let text = String::from_utf8_lossy(&bytes);
        let mut words = text
            .split(|char: char| char.is_whitespace() || char.is_control())
            .filter(|word| !word.is_empty());
        let mut excerpt = words.next().unwrap_or_default().to_owned();
        for word in words {
            excerpt.push(' ');
            excerpt.push_str(word);
        }
        if let Some((end, _)) = excerpt.char_indices().nth(EXCERPT_CHARS) {
            excerpt.truncate(end);
            excerpt.push('…');
        }
        excerpt
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response {
        Response::new(
            "https://x.test/a?key=secret",
            status,
            headers.iter().copied(),
            body,
        )
        .unwrap()
    }

    #[test]
    fn a_status_becomes_an_error_with_what_the_server_says() {
        let said = |status, headers: &[_], body: &str| {
            let error = response(status, headers, body.as_bytes())
                .error_for_status()
                .unwrap_err();
            format!("{}: {}", error.code(), error.message())
        };
        let json = [("content-type", "application/problem+json; charset=utf-8")];
        let html = [("content-type", "text/html")];
        let lines = [
            said(404, &html, "<h1>Nothing here</h1>"),
            said(422, &json, "{\n  \"error\": \"no such city\"\n}"),
            said(500, &[("content-type", "text/plain")], &"long ".repeat(100)),
            said(429, &[], ""),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        not_found: GET https://x.test/a answered 404 Not Found
        validation_error: GET https://x.test/a answered 422 Unprocessable Content: { "error": "no such city" }
        unavailable: GET https://x.test/a answered 500 Internal Server Error: long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long …
        rate_limited: GET https://x.test/a answered 429 Too Many Requests
        "#);
        assert_eq!(
            response(302, &[], b"").error_for_status().unwrap().status(),
            302
        );
    }

    #[test]
    fn a_server_can_say_how_long_to_wait() {
        let error = response(503, &[("Retry-After", "7")], b"")
            .error_for_status()
            .unwrap_err();
        let expected =
            ToolError::unavailable("GET https://x.test/a answered 503 Service Unavailable")
                .retry_after(Duration::from_secs(7));
        assert_eq!(error, expected);
    }

    #[test]
    fn bodies_are_read_as_text_and_json() {
        assert_eq!(
            response(200, &[], b"\xef\xbb\xbfa\xffb").text().unwrap(),
            "a\u{fffd}b"
        );
        assert_eq!(
            response(200, &[], b"\xef\xbb\xbf[1]")
                .json::<Vec<u8>>()
                .unwrap(),
            [1]
        );
        assert_eq!(response(200, &[], b"\xff").bytes().unwrap(), [0xff]);
        let said = [
            response(200, &[], b"<html>").json::<u8>().unwrap_err(),
            response(200, &[("content-encoding", "gzip")], b"")
                .text()
                .unwrap_err(),
        ];
        insta::assert_snapshot!(said.map(|error| error.to_string()).join("\n"), @r"
        GET https://x.test/a did not answer with the JSON that was expected: expected value at line 1 column 1
        GET https://x.test/a answered with a body compressed as `gzip`, though it was asked for a plain one
        ");
    }

    #[test]
    fn errors_keep_their_code_through_other_readers() {
        let mut response = response(200, &[("content-length", "99999999")], b"x");
        let mut text = String::new();
        let error = std::io::BufReader::new(&mut response.body)
            .read_to_string(&mut text)
            .unwrap_err();
        assert_eq!(
            ToolError::from(error).code(),
            crate::ErrorCode::LimitExceeded
        );
    }
}
