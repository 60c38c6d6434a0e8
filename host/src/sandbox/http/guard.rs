//! What is done to every request and response on the way: the permission asked for, secrets added, and what came back looked at before the
//! guest sees it.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderName, HeaderValue, Request, header, response};
use http_body::Body;
use hyper::body::Incoming;
use toolbay_manifest::{Host, Scheme};
use wasmtime_wasi_http::{DEFAULT_FORBIDDEN_HEADERS, Error, WasiBody};
use zeroize::Zeroizing;

use super::dial::NoConnection;
use super::{MAX_BODY, MAX_REQUESTS, MAX_RESPONSE_HEAD, Requests};
use crate::permissions::network::Target;
use crate::permissions::reach::SecretValue;
use crate::permissions::usage::Denial;
use crate::redact::Redactor;

/// Headers that say how a message is framed or encoded. A secret in one of them would change what the request means.
const FRAMING_HEADERS: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::ACCEPT_ENCODING,
    header::EXPECT,
    header::TE,
    header::TRAILER,
];

impl Requests {
    /// Whether the request may be made at all; a refusal is noted.
    pub(super) fn admit(&self, request: &Request<WasiBody>) -> Result<Target, Error> {
        if self.made.fetch_add(1, Ordering::Relaxed) >= MAX_REQUESTS {
            return Err(Error::ConnectionLimitReached);
        }
        let access = &self.reach.access;
        access
            .network
            .check(request.method(), request.uri(), access.read_only)
            .map_err(|refusal| {
                self.reach.usage.denied(refusal.denial(&self.plugin));
                Error::HttpRequestDenied
            })
    }

    /// The error for the guest; a refusal is noted.
    pub(super) fn note(&self, why: NoConnection) -> Error {
        match why {
            NoConnection::Failed(error) => error,
            NoConnection::Refused(refusal) => {
                self.reach.usage.denied(refusal.denial(&self.plugin));
                Error::DestinationIpProhibited
            }
        }
    }

    /// Adds the secrets that belong to the target's host, in place of the guest's own headers of these names. Tells whether it added any.
    pub(super) fn add_secrets(
        &self,
        target: &Target,
        peer: IpAddr,
        headers: &mut HeaderMap,
    ) -> Result<bool, Error> {
        let mut added = false;
        for secret in self.reach.secrets.iter() {
            if !belongs(secret, target) {
                continue;
            }
            let Some(name) = usable_name(&secret.header) else {
                self.withheld(
                    secret,
                    "its header is none that a secret can be sent in",
                    None,
                );
                continue;
            };
            // Over http everybody on the way could read it; the way to this machine itself has nobody on it.
            if target.scheme == Scheme::Http && !peer.is_loopback() {
                let remedy = format!("network = [\"https://{}\"]", target.host);
                self.withheld(secret, "the request is not encrypted", Some(remedy));
                continue;
            }
            let text = Zeroizing::new(secret.format.replace("{}", &secret.value));
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                tracing::warn!(plugin = %self.plugin, secret = %secret.name, "the secret has characters that no header can have");
                Error::ConfigurationError
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
            self.reach.usage.secret(&secret.name);
            added = true;
        }
        if added {
            // In a compressed response the secret could not be found.
            headers.insert(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static("identity"),
            );
        }
        Ok(added)
    }

    fn withheld(&self, secret: &SecretValue, why: &str, remedy: Option<String>) {
        self.reach.usage.denied(Denial {
            what: format!(
                "secret `{}` is not sent to {}: {why}",
                secret.name, secret.host
            ),
            remedy,
        });
    }
}

/// Whether the secret is for this host. A secret's host without a port stands for every port that may be reached on it.
fn belongs(secret: &SecretValue, target: &Target) -> bool {
    Host::with_port(&secret.host).is_ok_and(|(host, port)| {
        host == target.host && port.is_none_or(|port| port == target.port)
    })
}

fn usable_name(header: &str) -> Option<HeaderName> {
    let name: HeaderName = header.parse().ok()?;
    let taken = DEFAULT_FORBIDDEN_HEADERS.contains(&name) || FRAMING_HEADERS.contains(&name);
    (!taken).then_some(name)
}

/// Whether the response may be given to the guest.
pub(super) fn check_response(
    head: &response::Parts,
    body: &Incoming,
    with_secret: bool,
) -> Result<(), Error> {
    let coding = |name: HeaderName, plain: &str| {
        let values = head.headers.get_all(name);
        values
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .find(|value| !value.trim().eq_ignore_ascii_case(plain))
            .map(|value| value.into_owned())
    };
    if let Some(coding) = coding(header::TRANSFER_ENCODING, "chunked") {
        return Err(Error::HttpResponseTransferCoding(Some(coding)));
    }
    if with_secret && let Some(coding) = coding(header::CONTENT_ENCODING, "identity") {
        return Err(Error::HttpResponseContentCoding(Some(coding)));
    }
    // The connection reads ahead, so what it has taken may be a little more.
    let size: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    if size > MAX_RESPONSE_HEAD {
        return Err(Error::HttpResponseHeaderSectionSize(
            u32::try_from(size).ok(),
        ));
    }
    // What the server says is too much need not be read.
    match body.size_hint().lower() {
        size if size > MAX_BODY => Err(Error::HttpResponseBodySize(Some(size))),
        _ => Ok(()),
    }
}

/// Covers secrets in headers or trailers.
pub(super) fn redact_headers(redactor: &Redactor, headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        if let std::borrow::Cow::Owned(covered) = redactor.redact_bytes(value.as_bytes()) {
            // A cover is as good in a header as what was there before.
            *value =
                HeaderValue::from_bytes(&covered).unwrap_or_else(|_| HeaderValue::from_static("*"));
        }
    }
}
