//! How the entries of `network` and `tcp` are written.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::host::HostPattern;
use super::path::PathPattern;

/// Every method that a pattern can name, and that a pattern without methods stands for.
pub const HTTP_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Readable by everybody on the way.
    Http,
    /// Encrypted, and the server's name checked.
    Https,
}

impl Scheme {
    /// The scheme as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where none is written: 80 or 443.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// One entry of `network`: `[METHOD[,METHOD]] scheme://host[:port][/path-prefix*]`. Without a method it stands for every method of
/// [`HTTP_METHODS`], without a port for the scheme's own, without a path for every path.
///
/// The host is a name, an address (IPv6 in brackets), `*.example.com` for every name below `example.com`, or `*` for any public host.
/// How a request is matched against the parts, and which addresses a name may lead to, is the host's.
///
/// ```
/// use toolbay_manifest::{NetworkPattern, PathPattern, Scheme};
///
/// let pattern: NetworkPattern = "GET,HEAD https://*.example.com/v1/*".parse().unwrap();
/// assert_eq!(pattern.methods(), ["GET", "HEAD"]);
/// assert_eq!(pattern.url(), "https://*.example.com/v1/*");
/// assert_eq!((pattern.scheme(), pattern.port()), (Scheme::Https, 443));
/// assert_eq!(pattern.host().to_string(), "*.example.com");
/// assert_eq!(pattern.path(), &PathPattern::Prefix("/v1/".into()));
/// assert!(!pattern.writes());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPattern {
    text: String,
    methods: Vec<String>,
    url_start: usize,
    scheme: Scheme,
    host: HostPattern,
    port: u16,
    path: PathPattern,
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

    /// Whether the method is one of them. Methods are compared as they are sent, so `get` is none.
    pub fn allows_method(&self, method: &str) -> bool {
        if self.methods.is_empty() {
            HTTP_METHODS.contains(&method)
        } else {
            self.methods.iter().any(|own| own == method)
        }
    }

    /// The part that names scheme, host, port and path.
    pub fn url(&self) -> &str {
        self.text.get(self.url_start..).unwrap_or_default()
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The hosts.
    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    /// The port, which is the scheme's own where none is written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The paths.
    pub fn path(&self) -> &PathPattern {
        &self.path
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
        let (methods, url_start) = match text.split_once(' ') {
            None => (Vec::new(), 0),
            Some((methods, _)) => (
                methods.split(',').map(str::to_owned).collect(),
                methods.len() + 1,
            ),
        };
        if methods
            .iter()
            .any(|method| !HTTP_METHODS.contains(&method.as_str()))
        {
            return Err("has a method other than GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS");
        }
        let url = text.get(url_start..).unwrap_or_default();
        let (scheme, rest) = if let Some(rest) = url.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else {
            return Err("does not begin with `https://` or `http://` after the methods");
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = HostPattern::with_port(authority)?;
        Ok(Self {
            text: text.to_owned(),
            methods,
            url_start,
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
            path: PathPattern::parse(path)?,
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

/// One entry of `tcp`: `host:port`, where the host may be `*.example.com`.
///
/// ```
/// let address: toolbay_manifest::TcpAddress = "db.internal:5432".parse().unwrap();
/// assert_eq!((address.host(), address.port()), ("db.internal", 5432));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpAddress {
    host: String,
    pattern: HostPattern,
    port: u16,
}

impl TcpAddress {
    /// The host's name or address as it was written.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The hosts that it stands for.
    pub fn host_pattern(&self) -> &HostPattern {
        &self.pattern
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
        let (host, port) = super::host::split_port(text)?;
        let port = port.ok_or("has no port")?;
        let pattern: HostPattern = host.parse()?;
        // Over HTTP a server has a name of its own to be checked against; any port of any machine is more than anybody could judge.
        if pattern == HostPattern::Any {
            return Err("has no valid host name or address");
        }
        Ok(Self {
            host: host.to_owned(),
            pattern,
            port,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn network_patterns() {
        for (text, accepted) in [
            ("https://api.example.com", true),
            ("https://api.example.com/v1/*", true),
            ("https://api.example.com/v1*", true),
            ("http://localhost:8080/", true),
            ("GET https://*.example.com/*", true),
            ("GET,HEAD,POST https://[::1]:8080/v1/notes", true),
            ("GET,HEAD https://*", true),
            ("GET https://*:8443/feed", true),
            ("get https://example.com", false),
            ("GET, HEAD https://example.com", false),
            ("CONNECT https://example.com", false),
            ("TRACE https://example.com", false),
            ("https://user@example.com", false),
            ("https://", false),
            ("https:///path", false),
            ("HTTPS://example.com", false),
            ("ftp://example.com", false),
            ("https://example.com:0", false),
            ("https://example.com:70000", false),
            ("https://example.com:", false),
            ("https://2130706433", false),
            ("https://0x7f.1", false),
            ("https://[fe80::1%25eth0]", false),
            ("https://example.com/a/../b", false),
            ("https://example.com/a/%2E%2e/b", false),
            ("https://example.com/a%2Fb", false),
            ("https://example.com/a%252Fb", false),
            ("https://example.com/*/b", false),
            ("https://*.*.com/", false),
            ("https://example.com/a?b", false),
            ("https://example.com/a#b", false),
            ("https://example.com?a", false),
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
            ("*.db.internal:5432", true),
            ("*:5432", false),
            ("db", false),
            ("db:", false),
            (":1", false),
            ("db:x", false),
            ("d b:1", false),
            ("127.1:1", false),
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
