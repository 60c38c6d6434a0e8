//! A request while it is put together. What is wrong with it is kept until it is sent, so that one `?` is enough.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::exchange;
use super::response::Response;
use super::transport;
use super::url::Url;
use crate::error::ToolError;

/// How long a request may take where nothing else is said: 20 s. A tool that asks for `network` may take 30 s in all, so there is time left to say
/// which server was slow.
///
/// ```
/// assert_eq!(toolbay_sdk::http::DEFAULT_TIMEOUT.as_secs(), 20);
/// ```
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);
/// How many redirects are followed where nothing else is said.
///
/// ```
/// assert_eq!(toolbay_sdk::http::DEFAULT_REDIRECTS, 5);
/// ```
pub const DEFAULT_REDIRECTS: u32 = 5;
/// How many bytes an answer's body may have where nothing else is said: 8 MiB.
///
/// ```
/// assert_eq!(toolbay_sdk::http::DEFAULT_MAX_BODY, 8 * 1024 * 1024);
/// ```
pub const DEFAULT_MAX_BODY: u64 = 8 << 20;

/// A request: begun with [`http::get`](super::get) and its like, and sent with [`send`](Self::send).
///
/// ```no_run
/// use std::time::Duration;
/// use toolbay_sdk::http;
///
/// let response = http::get("https://api.example.com/v1/search")
///     .query("q", "shopping list")
///     .header("Accept", "application/json")
///     .timeout(Duration::from_secs(5))
///     .max_body(64 * 1024)
///     .send()?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    pub(super) method: String,
    /// Or the first thing that was wrong.
    pub(super) url: Result<Url, ToolError>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    pub(super) max_body: u64,
}

impl Request {
    /// A request with any method: a token such as `OPTIONS`, which is case-sensitive.
    ///
    /// ```no_run
    /// # use toolbay_sdk::http::Request;
    /// let response = Request::new("OPTIONS", "https://api.example.com/v1/notes").send()?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    pub fn new(method: impl Into<String>, url: impl AsRef<str>) -> Self {
        let method = method.into();
        let mut request = Self {
            url: Url::parse(url.as_ref()),
            headers: Vec::new(),
            body: None,
            timeout: DEFAULT_TIMEOUT,
            redirects: DEFAULT_REDIRECTS,
            max_body: DEFAULT_MAX_BODY,
            method,
        };
        if !is_token(&request.method) {
            let said = request.method.escape_debug().to_string();
            request.fail(|| ToolError::validation(format!("`{said}` is not an HTTP method")));
        }
        request
    }

    /// Adds a header; the same name may be given several times. `Host`, `Connection` and others that concern the connection are the host's.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        let is_value = |text: &str| !text.chars().any(|char| char.is_control() && char != '\t');
        if is_token(&name) && is_value(&value) {
            self.headers.push((name, value));
        } else {
            // The value may be a key, so it is not shown.
            let name = name.escape_debug().to_string();
            self.fail(|| {
                ToolError::validation(format!(
                    "the header `{name}` cannot be sent: a name has letters, digits and `-`, and a value no control characters"
                ))
            });
        }
        self
    }

    /// Adds `name=value` to the URL's query, encoding both. The value is whatever can be shown: a text, a number, a [`Date`](crate::Date).
    ///
    /// ```no_run
    /// # use toolbay_sdk::http;
    /// let weather = http::get("https://api.example.com/v1/weather").query("city", "São Paulo").query("days", 3).send()?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        if let Ok(url) = &mut self.url {
            url.add_query(name, &value.to_string());
        }
        self
    }

    /// Adds many pairs to the URL's query, as [`query`](Self::query) does one.
    ///
    /// ```no_run
    /// # use toolbay_sdk::http;
    /// let request = http::get("https://api.example.com/v1/search").queries([("q", "milk"), ("sort", "price")]);
    /// ```
    pub fn queries<N: AsRef<str>, V: fmt::Display>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in pairs {
            self = self.query(name.as_ref(), value);
        }
        self
    }

    /// Sends these bytes as the body. Say with a header what they are.
    ///
    /// ```no_run
    /// # use toolbay_sdk::http;
    /// let request = http::put("https://api.example.com/v1/notes/1").header("Content-Type", "text/markdown").body("# Milk");
    /// ```
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends a value as JSON, with the header that says so.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("Content-Type", "application/json").body(body),
            Err(error) => {
                self.fail(|| {
                    ToolError::internal(format!("the request cannot be written as JSON: {error}"))
                });
                self
            }
        }
    }

    /// Sends pairs of names and values as a form does, with the header that says so.
    ///
    /// ```no_run
    /// # use toolbay_sdk::http;
    /// let request = http::post("https://api.example.com/v1/search").form([("q", "milk"), ("sort", "price")]);
    /// ```
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut body = String::new();
        for (name, value) in fields {
            if !body.is_empty() {
                body.push('&');
            }
            super::url::encode_component(name, &mut body);
            body.push('=');
            super::url::encode_component(value, &mut body);
        }
        self.header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// How long everything together may take, from looking up the name to the last byte of the body, redirects included: 20 s unless set. The host's own
    /// limits hold besides.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many redirects are followed: 5 unless set. With 0 the redirect itself is the answer.
    ///
    /// Each is a request of its own, which the host checks like any other. 303 becomes a `GET`, and so do 301 and 302 after a `POST`. `Authorization` and
    /// `Cookie` are not passed on to another origin, and nothing leads from `https` to `http`.
    ///
    /// ```no_run
    /// # use toolbay_sdk::http;
    /// let response = http::get("https://example.com/short").redirects(0).send()?;
    /// let target = response.header("Location");
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    pub fn redirects(mut self, redirects: u32) -> Self {
        self.redirects = redirects;
        self
    }

    /// How many bytes the body of the answer may have: 8 MiB unless set. Reading more is an error.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sends it and waits for the head of the answer, following redirects; the body is read from the [`Response`].
    ///
    /// # Errors
    /// As the table of the [module](super) says. An answer such as 404 is none.
    pub fn send(self) -> Result<Response, ToolError> {
        exchange::follow(self, &mut transport::send)
    }

    /// Sends it, makes an error of a status of 400 or more, and reads the body as a value that was sent as JSON: [`send`](Self::send),
    /// [`error_for_status`](Response::error_for_status) and [`json`](Response::json) in one, asking for JSON in the header `Accept`.
    ///
    /// ```no_run
    /// use toolbay_sdk::{ToolError, data, http};
    ///
    /// #[data]
    /// struct Weather {
    ///     temperature: f64,
    /// }
    ///
    /// fn temperature(city: &str) -> Result<f64, ToolError> {
    ///     let weather: Weather = http::get("https://api.example.com/v1/weather").query("city", city).fetch_json()?;
    ///     Ok(weather.temperature)
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As those three.
    pub fn fetch_json<T: DeserializeOwned>(mut self) -> Result<T, ToolError> {
        if exchange::header(&self.headers, "accept").is_none() {
            self = self.header("Accept", "application/json");
        }
        self.send()?.error_for_status()?.json()
    }

    /// Sends it, makes an error of a status of 400 or more, and reads the body as text.
    ///
    /// ```no_run
    /// # use toolbay_sdk::http;
    /// let robots = http::get("https://example.com/robots.txt").fetch_text()?;
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send), [`error_for_status`](Response::error_for_status) and [`text`](Response::text).
    pub fn fetch_text(self) -> Result<String, ToolError> {
        self.send()?.error_for_status()?.text()
    }

    /// Keeps the first thing that is wrong.
    fn fail(&mut self, error: impl FnOnce() -> ToolError) {
        if self.url.is_ok() {
            self.url = Err(error());
        }
    }
}

/// A method or the name of a header (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'!' | b'#'
                        | b'$'
                        | b'%'
                        | b'&'
                        | b'\''
                        | b'*'
                        | b'+'
                        | b'-'
                        | b'.'
                        | b'^'
                        | b'_'
                        | b'`'
                        | b'|'
                        | b'~'
                )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(request: Request) -> String {
        request.url.unwrap_err().message().to_owned()
    }

    #[test]
    fn the_first_thing_that_is_wrong_is_kept_until_sending() {
        let url = "https://x.test/";
        let said = [
            wrong(Request::new("GET", "x.test").header("a b", "c")),
            wrong(Request::new("GE T", url)),
            wrong(Request::new("GET", url).header("X-Key", "secret\r\nHost: evil")),
            wrong(Request::new("GET", url).header("X Key", "secret")),
            wrong(Request::new("GET", url).json(&std::collections::BTreeMap::from([((), ())]))),
        ];
        insta::assert_snapshot!(said.join("\n"), @r"
        `x.test` cannot be requested: it does not begin with `https://` or `http://`
        `GE T` is not an HTTP method
        the header `X-Key` cannot be sent: a name has letters, digits and `-`, and a value no control characters
        the header `X Key` cannot be sent: a name has letters, digits and `-`, and a value no control characters
        the request cannot be written as JSON: key must be a string
        ");
    }

    #[test]
    fn queries_and_forms_are_encoded() {
        let request = Request::new("GET", "https://x.test/a?b=c#d")
            .query("q", "milk & honey")
            .query("ü", "1+1=2")
            .queries([("n", 2.5), ("m", -1.0)])
            .form([("a b", "c&d"), ("e", "")]);
        assert_eq!(
            request.url.unwrap().to_string(),
            "https://x.test/a?b=c&q=milk%20%26%20honey&%C3%BC=1%2B1%3D2&n=2.5&m=-1#d"
        );
        assert_eq!(request.body.as_deref(), Some(b"a%20b=c%26d&e=".as_slice()));
    }

    #[test]
    fn outside_the_sandbox_nothing_is_sent() {
        let error = Request::new("GET", "https://x.test/").send().unwrap_err();
        insta::assert_snapshot!(error.message(), @"GET https://x.test/ was not sent: requests run only inside the sandbox, in a component that the host runs");
        assert_eq!(error.code(), crate::ErrorCode::Unavailable);
    }
}
