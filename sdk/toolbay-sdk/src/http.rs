//! Requests over HTTP, for tools whose `plugin.toml` asks for `network`. Owns how a request is put together, sent, redirected and answered; which
//! ones may be made is the host's, which looks at each.
//!
//! ```no_run
//! use toolbay_sdk::{http, prelude::*};
//!
//! #[data]
//! struct Weather {
//!     temperature: f64,
//! }
//!
//! fn temperature(city: &str) -> Result<f64, ToolError> {
//!     let weather: Weather = http::get("https://api.example.com/v1/weather")
//!         .query("city", city)
//!         .fetch_json()?;
//!     Ok(weather.temperature)
//! }
//! ```
//!
//! with, in `plugin.toml`:
//!
//! ```toml
//! [tools.temperature]
//! network = ["GET https://api.example.com/v1/*"]
//! ```
//!
//! A call blocks until it is answered. Requests run only inside the sandbox: called natively, in an ordinary `cargo test`, each gives an error. So test a tool
//! that makes them with `toolbay_sdk::testing`, which runs it in the sandbox with servers of the test's own; or keep what it makes of an answer in a function
//! that takes a [`Response`], and hand it a [`Response::new`].
//!
//! # Errors
//! Whatever goes wrong is a [`ToolError`], so `?` is enough:
//!
//! | what happened | code |
//! |---|---|
//! | the URL or a header cannot be sent | `validation_error` |
//! | the host does not allow the request, or the address is not a public one | `permission_denied` |
//! | the name is not known, nobody answers, TLS fails, the answer is not HTTP or breaks off | `network_error` |
//! | it took longer than [`Request::timeout`] | `timeout` |
//! | the answer is larger than [`Request::max_body`] | `limit_exceeded` |
//!
//! An answer such as 404 is none of these: [`Response::error_for_status`] makes an error of it.

mod body;
mod date;
mod exchange;
mod punycode;
mod request;
mod response;
mod status;
#[cfg_attr(target_family = "wasm", path = "http/wasi.rs")]
#[cfg_attr(not(target_family = "wasm"), path = "http/native.rs")]
mod transport;
pub(crate) mod url;

pub use body::Body;
pub use request::{DEFAULT_MAX_BODY, DEFAULT_REDIRECTS, DEFAULT_TIMEOUT, Request};
pub use response::Response;

use crate::error::ToolError;

/// Begins a `GET` request.
///
/// ```no_run
/// # use toolbay_sdk::http;
/// let page = http::get("https://example.com/").send()?.error_for_status()?.text()?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
pub fn get(url: impl AsRef<str>) -> Request {
    Request::new("GET", url)
}

/// Begins a `HEAD` request: what `GET` would answer, without the body.
///
/// ```no_run
/// # use toolbay_sdk::http;
/// let is_there = http::head("https://example.com/logo.png").send()?.is_success();
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
pub fn head(url: impl AsRef<str>) -> Request {
    Request::new("HEAD", url)
}

/// Begins a `POST` request.
///
/// ```no_run
/// # use toolbay_sdk::{http, serde_json::json};
/// let answer = http::post("https://api.example.com/v1/notes").json(&json!({"text": "milk"})).send()?.error_for_status()?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
pub fn post(url: impl AsRef<str>) -> Request {
    Request::new("POST", url)
}

/// Begins a `PUT` request.
///
/// ```no_run
/// # use toolbay_sdk::http;
/// http::put("https://api.example.com/v1/notes/1").body("milk").send()?.error_for_status()?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
pub fn put(url: impl AsRef<str>) -> Request {
    Request::new("PUT", url)
}

/// Begins a `PATCH` request.
///
/// ```no_run
/// # use toolbay_sdk::{http, serde_json::json};
/// http::patch("https://api.example.com/v1/notes/1").json(&json!({"done": true})).send()?.error_for_status()?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
pub fn patch(url: impl AsRef<str>) -> Request {
    Request::new("PATCH", url)
}

/// Begins a `DELETE` request.
///
/// ```no_run
/// # use toolbay_sdk::http;
/// http::delete("https://api.example.com/v1/notes/1").send()?.error_for_status()?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
pub fn delete(url: impl AsRef<str>) -> Request {
    Request::new("DELETE", url)
}

/// The absolute URL that a reference found at `base` means, as a link on a page does (RFC 3986, section 5). It also works outside the sandbox.
///
/// ```
/// use toolbay_sdk::http;
///
/// assert_eq!(http::resolve("https://example.com/a/b?c", "../d#e")?, "https://example.com/d#e");
/// assert!(http::resolve("https://example.com/", "mailto:ada@example.com").is_err());
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// `validation_error` if either is no URL that could be requested.
pub fn resolve(base: &str, reference: &str) -> Result<String, ToolError> {
    Ok(url::Url::parse(base)?.join(reference)?.to_string())
}
