//! Why a request or a connection is refused, in words, and the line that would allow it.

use std::net::IpAddr;

use http::{Method, Uri};
use toolbay_manifest::NetworkPattern;

use crate::permissions::usage::Denial;
use crate::text::{escape, shorten};

/// How much of a request is shown.
const MAX_SHOWN: usize = 300;

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It could be read in more than one way, or is of a kind that nobody can allow.
    Unclear { request: String, why: &'static str },
    /// The manifest does not ask for it.
    NotAsked { request: String },
    /// It may change something, and the tool is said to change nothing.
    ReadOnly { request: String },
    /// The user granted some hosts, and this is none of them.
    Narrowed { request: String, host: String },
    /// The host's address is not public, and nobody named it.
    Address {
        host: String,
        address: IpAddr,
        what: &'static str,
    },
}

impl Refusal {
    pub(super) fn unclear(method: &Method, url: &Uri, why: &'static str) -> Self {
        let scheme = url.scheme_str().unwrap_or_default();
        // What stands before an `@` may be a password.
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let user = if host.len() < authority.len() {
            "…@"
        } else {
            ""
        };
        Self::Unclear {
            request: format!("{method} {scheme}://{user}{host}{}", url.path()),
            why,
        }
    }

    /// As it is noted for the call. `plugin` is the name in the command that the user would run.
    pub(crate) fn denial(&self, plugin: &str) -> Denial {
        let (what, remedy) = match self {
            Self::Unclear { request, why } => (format!("{} {why}", shown(request)), None),
            Self::NotAsked { request } => (
                format!("{} is not among its network permissions", shown(request)),
                Some(line(request)),
            ),
            Self::ReadOnly { request } => (
                format!(
                    "{} may change something, and the tool is read-only",
                    shown(request)
                ),
                Some("read-only = false".to_owned()),
            ),
            Self::Narrowed { request, host } => (
                format!(
                    "{} goes to a host that the user did not grant",
                    shown(request)
                ),
                Some(format!("toolbay grant {plugin} --hosts {host}")),
            ),
            Self::Address {
                host,
                address,
                what,
            } => (
                format!("{host} leads to {address}, which is {what}"),
                Some(format!("toolbay grant {plugin} --address {address}")),
            ),
        };
        Denial { what, remedy }
    }
}

fn shown(request: &str) -> String {
    shorten(&escape(request), MAX_SHOWN)
}

/// The line that asks for just this request, or for all of its host where the path cannot be written as a pattern.
fn line(request: &str) -> String {
    let pattern = if request.contains('*') || request.parse::<NetworkPattern>().is_err() {
        let path = request
            .match_indices('/')
            .nth(2)
            .map_or(request.len(), |(start, _)| start);
        request.get(..path).unwrap_or_default()
    } else {
        request
    };
    // Only quotes need an escape in TOML: backslashes and control characters were refused before.
    format!("network = [\"{}\"]", pattern.replace('"', "\\\""))
}
