//! Sends whatever request it is told to send, so that a test can see which ones go out.

use std::collections::BTreeMap;

use toolbay_sdk::http::Request;
use toolbay_sdk::prelude::*;

/// What came back.
#[data]
struct Reply {
    status: u16,
    url: String,
    headers: BTreeMap<String, String>,
    text: String,
}

/// Sends a request and returns its answer.
#[tool]
fn send(
    /** The method */
    method: &str,
    /** The address */
    url: &str,
    /** Headers by name */
    headers: Option<BTreeMap<String, String>>,
    /** How many redirects to follow */
    #[default(5)]
    redirects: u32,
) -> Result<Reply, ToolError> {
    let mut request = Request::new(method, url).redirects(redirects);
    for (name, value) in headers.unwrap_or_default() {
        request = request.header(name, value);
    }
    let response = request.send()?;
    let status = response.status();
    let url = response.url();
    let headers = response
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let text = response.text()?;
    Ok(Reply {
        status,
        url,
        headers,
        text,
    })
}

plugin!(send);
