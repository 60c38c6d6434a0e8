//! Gets bytes from the web: the only part of this plugin that needs the network.

use std::time::Duration;

use toolbay_sdk::ToolError;
use toolbay_sdk::http::{self, Response};

/// How long a server may take in all; the host ends a call after 30 s.
const TIMEOUT: Duration = Duration::from_secs(25);

/// The largest page that is read: 5 MiB.
const MAX_PAGE: u64 = 5 << 20;

/// The largest JSON document that is read: 8 MiB.
const MAX_JSON: u64 = 8 << 20;

/// What a server sent.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    /// The URL that it came from in the end.
    pub(crate) url: String,
    /// The header that says what it is; empty where there is none.
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn page(url: &str) -> Result<Fetched, ToolError> {
    get(
        url,
        "text/html, application/xhtml+xml, text/markdown, text/plain, application/json;q=0.9, */*;q=0.5",
        MAX_PAGE,
    )
}

pub(crate) fn json(url: &str) -> Result<Fetched, ToolError> {
    get(url, "application/json, */*;q=0.5", MAX_JSON)
}

fn get(url: &str, accept: &str, max_body: u64) -> Result<Fetched, ToolError> {
    let response = http::get(url)
        .header("Accept", accept)
        .header(
            "User-Agent",
            concat!("toolbay-web/", env!("CARGO_PKG_VERSION")),
        )
        .timeout(TIMEOUT)
        .max_body(max_body)
        .send()?;
    fetched(response)
}

/// Everything of an answer, unless it is an error.
pub(crate) fn fetched(response: Response) -> Result<Fetched, ToolError> {
    let response = response.error_for_status()?;
    let encoding = response
        .header("content-encoding")
        .unwrap_or_default()
        .trim();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(ToolError::network(format!(
            "{} was sent compressed as `{}`, though it was asked for plain; it cannot be read",
            response.url(),
            encoding.escape_debug()
        )));
    }
    Ok(Fetched {
        url: response.url(),
        content_type: response
            .header("content-type")
            .unwrap_or_default()
            .to_owned(),
        bytes: response.bytes()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_whole_or_is_an_error() {
        let answer = |status, headers: &[(&str, &str)]| {
            let response = Response::new(
                "https://x.test/a?b",
                status,
                headers.iter().copied(),
                "text",
            );
            fetched(response.unwrap())
        };
        let taken = answer(200, &[("Content-Type", "text/plain")]).unwrap();
        assert_eq!(
            (taken.url.as_str(), taken.content_type.as_str()),
            ("https://x.test/a?b", "text/plain")
        );
        assert_eq!(taken.bytes, b"text");
        let errors = [
            answer(404, &[]).unwrap_err().to_string(),
            answer(200, &[("Content-Encoding", "br")])
                .unwrap_err()
                .to_string(),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r"
        GET https://x.test/a answered 404 Not Found
        https://x.test/a?b was sent compressed as `br`, though it was asked for plain; it cannot be read
        ");
    }
}
