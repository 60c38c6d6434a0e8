//! What a plugin asks for. Owns how each permission is written; decides nothing: what is granted, and whether a request matches, is the
//! host's.

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

/// How a folder may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Only looked at: `read`.
    Read,
    /// Looked at and changed: `read-write`.
    ReadWrite,
}

impl FromStr for Access {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "read" => Ok(Self::Read),
            "read-write" => Ok(Self::ReadWrite),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::ReadWrite => "read-write",
        })
    }
}

/// A folder asked for by its purpose. The user binds a real folder to it when granting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// The most that any tool of the plugin may do in it.
    pub access: Access,
    /// Why the plugin wants it, shown when granting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One entry of `network`: `[METHOD[,METHOD]] scheme://host[:port][/path-prefix*]`. Without a method it stands for every method.
///
/// Only the shape is checked here. How a request is matched against it is the host's.
///
/// ```
/// use toolbay_manifest::NetworkPattern;
///
/// let pattern: NetworkPattern = "GET,HEAD https://*.example.com/v1/*".parse().unwrap();
/// assert_eq!(pattern.methods(), ["GET", "HEAD"]);
/// assert_eq!(pattern.url(), "https://*.example.com/v1/*");
/// assert!(!pattern.writes());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPattern {
    text: String,
    methods: Vec<String>,
    url_start: usize,
}

impl NetworkPattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The methods in capitals; none stands for every method.
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The part that names scheme, host, port and path.
    pub fn url(&self) -> &str {
        self.text.get(self.url_start..).unwrap_or_default()
    }

    /// Whether it allows a request that may change something: any method but `GET` and `HEAD`.
    pub fn writes(&self) -> bool {
        self.methods.is_empty()
            || self
                .methods
                .iter()
                .any(|method| method != "GET" && method != "HEAD")
    }
}

impl FromStr for NetworkPattern {
    type Err = &'static str;

    /// # Errors
    /// What is wrong with the pattern, as the end of a sentence.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        const KNOWN_METHODS: [&str; 7] =
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let (methods, url_start) = match text.split_once(' ') {
            None => (Vec::new(), 0),
            Some((methods, _)) => (
                methods.split(',').map(str::to_owned).collect(),
                methods.len() + 1,
            ),
        };
        if methods
            .iter()
            .any(|method| !KNOWN_METHODS.contains(&method.as_str()))
        {
            return Err("has a method other than GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS");
        }
        let url = text.get(url_start..).unwrap_or_default();
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"))
            .ok_or("does not begin with `https://` or `http://` after the methods")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        check_host_and_port(authority, false)?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'?' | b'#');
        let prefix = path.strip_suffix('*').unwrap_or(path);
        if !prefix.bytes().all(plain) || prefix.contains('*') {
            return Err("has a path with more than letters, digits, `/` and one `*` at its end");
        }
        let lower = prefix.to_ascii_lowercase();
        if lower
            .split('/')
            .any(|segment| matches!(segment.replace("%2e", ".").as_str(), "." | ".."))
            || lower.contains("%2f")
            || lower.contains("%5c")
        {
            return Err("has a path with `.`, `..`, `%2f` or `%5c`, which is never matched");
        }
        Ok(Self {
            text: text.to_owned(),
            methods,
            url_start,
        })
    }
}

impl fmt::Display for NetworkPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for NetworkPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// One entry of `tcp`: `host:port`.
///
/// ```
/// let address: toolbay_manifest::TcpAddress = "db.internal:5432".parse().unwrap();
/// assert_eq!((address.host(), address.port()), ("db.internal", 5432));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpAddress {
    host: String,
    port: u16,
}

impl TcpAddress {
    /// The host's name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for TcpAddress {
    type Err = &'static str;

    /// # Errors
    /// What is wrong with the address, as the end of a sentence.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (host, port) = check_host_and_port(text, true)?;
        Ok(Self {
            host: host.to_owned(),
            port: port.ok_or("has no port")?,
        })
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl Serialize for TcpAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Splits `host[:port]`, where the host may be `*.example.com` or an IPv6 address in brackets.
fn check_host_and_port(text: &str, port_needed: bool) -> Result<(&str, Option<u16>), &'static str> {
    let after_brackets = text.rfind(']').unwrap_or(0);
    let colon = text
        .get(after_brackets..)
        .and_then(|rest| rest.find(':'))
        .map(|colon| colon + after_brackets);
    let (host, port) = match colon {
        None => (text, None),
        Some(colon) => (text.get(..colon).unwrap_or_default(), text.get(colon + 1..)),
    };
    let port = match port {
        None if port_needed => return Err("has no port"),
        None => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            match digits.parse::<u16>() {
                Ok(port) if port != 0 => Some(port),
                _ => return Err("has a port that is not between 1 and 65535"),
            }
        }
        Some(_) => return Err("has a port that is not a number"),
    };
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_ipv6 = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = !name.is_empty()
        && name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
    // A bare `*` stands for every host, over HTTP alone: which address a request goes to is still checked.
    if is_ipv6 || is_name || (host == "*" && !port_needed) {
        Ok((host, port))
    } else {
        Err("has no valid host name or address")
    }
}

/// A secret of the user's that the host puts into a request's header. The plugin never sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// The one host it is sent to.
    pub host: String,
    /// The header's name.
    pub header: String,
    /// The header's value, with `{}` for the secret; the secret alone if nothing else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Everything that one tool asks for. Nothing is the default of each.
///
/// ```
/// use toolbay_manifest::PermissionRequest;
///
/// let asked = PermissionRequest { kv: true, ..PermissionRequest::default() };
/// assert!(!asked.is_empty());
/// assert!(asked.writes());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PermissionRequest {
    /// Requests over HTTP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<NetworkPattern>,
    /// Connections over TCP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tcp: Vec<TcpAddress>,
    /// Folders that the manifest declares in its own `mounts`, by name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub mounts: IndexMap<String, Access>,
    /// Environment variables, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Secrets that the host adds to requests, by a name of the author's.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub secrets: IndexMap<String, Secret>,
    /// The plugin's own key-value state.
    #[serde(skip_serializing_if = "is_false")]
    pub kv: bool,
    /// Tools that it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// Questions to the user.
    #[serde(skip_serializing_if = "is_false")]
    pub elicit: bool,
    /// Questions to the client's model.
    #[serde(skip_serializing_if = "is_false")]
    pub sample: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's `skip_serializing_if` passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl PermissionRequest {
    /// Reads permissions by themselves, with the keys of a tool in a manifest and no others: what a grant holds.
    ///
    /// ```
    /// let granted = serde_json::json!({"network": ["GET https://example.com"], "kv": true});
    /// let granted = toolbay_manifest::PermissionRequest::from_json(granted)?;
    /// assert!(granted.kv);
    /// # Ok::<(), toolbay_manifest::ManifestError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and a hint.
    pub fn from_json(value: serde_json::Value) -> Result<Self, crate::ManifestError> {
        crate::decode::permissions(value)
    }

    /// Whether nothing is asked: such a tool works as soon as it is dropped in.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first permission with which something outside could be changed, as it is written in the manifest.
    pub(crate) fn first_writing(&self) -> Option<String> {
        let network = self
            .network
            .iter()
            .find(|pattern| pattern.writes())
            .map(|pattern| format!("network = [\"{pattern}\"]"));
        let mount = || {
            let (name, _) = self
                .mounts
                .iter()
                .find(|(_, access)| **access == Access::ReadWrite)?;
            Some(format!("mounts = {{ {name} = \"read-write\" }}"))
        };
        let tcp = || {
            self.tcp
                .first()
                .map(|address| format!("tcp = [\"{address}\"]"))
        };
        network
            .or_else(mount)
            .or_else(tcp)
            .or_else(|| self.kv.then(|| "kv = true".to_owned()))
    }

    /// Whether something outside could be changed: a network method other than `GET` and `HEAD`, any `tcp`, a mount that may be written, or `kv`.
    pub fn writes(&self) -> bool {
        self.first_writing().is_some()
    }

    /// Whether it reaches beyond this machine's own files and state: any `network` or `tcp`.
    pub fn reaches_network(&self) -> bool {
        !self.network.is_empty() || !self.tcp.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn network_patterns() {
        for (text, accepted) in [
            ("https://api.example.com", true),
            ("https://api.example.com/v1/*", true),
            ("http://localhost:8080/", true),
            ("GET https://*.example.com/*", true),
            ("GET,HEAD,POST https://[::1]:8080/v1/notes", true),
            ("get https://example.com", false),
            ("GET, HEAD https://example.com", false),
            ("CONNECT https://example.com", false),
            ("https://user@example.com", false),
            ("https://", false),
            ("https:///path", false),
            ("ftp://example.com", false),
            ("https://example.com:0", false),
            ("https://example.com:70000", false),
            ("https://example.com/a/../b", false),
            ("https://example.com/a/%2E%2e/b", false),
            ("https://example.com/a%2Fb", false),
            ("https://example.com/*/b", false),
            ("https://*.*.com/", false),
            ("https://*/", true),
            ("GET,HEAD https://*", true),
            ("https://**", false),
            ("https://example.com/a?b", false),
            ("", false),
            ("GET ", false),
        ] {
            assert_eq!(text.parse::<NetworkPattern>().is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn tcp_addresses() {
        for (text, accepted) in [
            ("db:5432", true),
            ("[::1]:25", true),
            ("*:25", false),
            ("db", false),
            ("db:", false),
            (":1", false),
            ("db:x", false),
            ("d b:1", false),
        ] {
            assert_eq!(text.parse::<TcpAddress>().is_ok(), accepted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}|(GET|POST)?(,| )?(https?://)?[a-z\\[\\]:.*@0-9]{0,12}(/[a-z%.*0-9]{0,6}){0,3}") {
            if let Ok(pattern) = text.parse::<NetworkPattern>() {
                prop_assert_eq!(pattern.to_string(), text.clone());
                prop_assert!(pattern.url().starts_with("http"));
            }
            let _ = text.parse::<TcpAddress>();
        }
    }
}
