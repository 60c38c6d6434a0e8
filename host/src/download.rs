//! One file fetched over https for the user, who named its address: bounded in size and time, redirected only to https.

use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, LOCATION};
use hyper::{Request, Response};
use url::{Host, Url};

use crate::outbound;
use crate::terminal::Progress;
use crate::text::{bytes, escape, shorten};

/// How long all of it may take.
const ALL: Duration = Duration::from_secs(300);

const MAX_REDIRECTS: usize = 5;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct DownloadError {
    pub(crate) problem: String,
    pub(crate) hint: &'static str,
}

impl DownloadError {
    fn new(problem: impl Into<String>, hint: &'static str) -> Self {
        Self {
            problem: problem.into(),
            hint,
        }
    }
}

const CHECK_ADDRESS: &str = "check the address, in a browser for one";
const CHECK_NETWORK: &str = "check the address and the network; proxies are not used: download the file yourself and add it from the disk";

/// Checks an address as it was typed.
///
/// # Errors
///
/// Where it is none that is fetched from.
pub(crate) fn parse(text: &str) -> Result<Url, DownloadError> {
    let url = Url::parse(text)
        .map_err(|error| DownloadError::new(format!("it is no address: {error}"), CHECK_ADDRESS))?;
    check(&url)?;
    Ok(url)
}

fn check(url: &Url) -> Result<(), DownloadError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(DownloadError::new(
            "an address with a user or a password in it is not fetched",
            "download the file yourself and add it from the disk",
        ));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        _ => Err(DownloadError::new(
            format!("only https is fetched, and {} is not", shown(url)),
            "use the file's https address, or download it yourself and add it from the disk",
        )),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn shown(url: &Url) -> String {
    shorten(&escape(url.as_str()), 200)
}

/// Fetches the file, at most `limit` bytes.
///
/// # Errors
///
/// Where it cannot be had.
pub(crate) async fn fetch(url: &Url, limit: u64) -> Result<Vec<u8>, DownloadError> {
    tokio::time::timeout(ALL, follow(url, limit))
        .await
        .unwrap_or_else(|_| {
            Err(DownloadError::new(
                format!("it was not complete after {} s", ALL.as_secs()),
                CHECK_NETWORK,
            ))
        })
}

async fn follow(url: &Url, limit: u64) -> Result<Vec<u8>, DownloadError> {
    let mut url = url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = request(&url).await?;
        let status = response.status();
        if status.is_success() {
            return body(response, &url, limit).await;
        }
        let location = response
            .headers()
            .get(LOCATION)
            .filter(|_| status.is_redirection());
        let Some(location) = location.and_then(|location| location.to_str().ok()) else {
            return Err(DownloadError::new(
                format!("{} answered {status}", shown(&url)),
                CHECK_ADDRESS,
            ));
        };
        let next = url.join(location).map_err(|_| {
            DownloadError::new(
                format!("{} redirects to what is no address", shown(&url)),
                CHECK_ADDRESS,
            )
        })?;
        check(&next)?;
        if url.scheme() == "https" && next.scheme() != "https" {
            return Err(DownloadError::new(
                format!(
                    "{} redirects to {}, which is not https",
                    shown(&url),
                    shown(&next)
                ),
                CHECK_ADDRESS,
            ));
        }
        url = next;
    }
    Err(DownloadError::new(
        format!("it is redirected more than {MAX_REDIRECTS} times"),
        CHECK_ADDRESS,
    ))
}

async fn request(url: &Url) -> Result<Response<Incoming>, DownloadError> {
    let unreachable = |error: &dyn std::fmt::Display| {
        DownloadError::new(
            format!("{} cannot be reached: {error}", shown(url)),
            CHECK_NETWORK,
        )
    };
    let request = Request::get(url.path())
        .header(ACCEPT, "application/wasm, application/octet-stream, */*")
        .body(Empty::<Bytes>::new())
        .map_err(|error| unreachable(&error))?;
    outbound::send(url, request)
        .await
        .map_err(|error| unreachable(&error))
}

async fn body(
    response: Response<Incoming>,
    url: &Url,
    limit: u64,
) -> Result<Vec<u8>, DownloadError> {
    let too_large = || {
        DownloadError::new(
            format!(
                "{} is larger than a component may be, {}",
                shown(url),
                bytes(limit)
            ),
            "check that the address is a component's",
        )
    };
    let told = response
        .headers()
        .get(hyper::header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|told| told > limit) {
        return Err(too_large());
    }
    let mut progress = Progress::new(&shown(url));
    let mut body = response.into_body();
    let mut content = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            DownloadError::new(
                format!(
                    "{} broke off after {}: {error}",
                    shown(url),
                    bytes(content.len() as u64)
                ),
                CHECK_NETWORK,
            )
        })?;
        if let Ok(data) = frame.into_data() {
            content.extend_from_slice(&data);
            if content.len() as u64 > limit {
                return Err(too_large());
            }
            progress.show(content.len() as u64, told);
        }
    }
    Ok(content)
}
