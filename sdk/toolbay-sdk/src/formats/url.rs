//! Addresses on the web.

use std::fmt;
use std::str::FromStr;

use crate::error::ToolError;
use crate::http::url::{Scheme, Url as Parts};

/// An absolute `http` or `https` URL in the one form that goes over the wire: scheme and host in lower case, a host's name in ASCII, the scheme's own port
/// left out, `.` and `..` resolved, and percent-encoded what has to be. It is read as browsers read it (the WHATWG's URL standard), except that a
/// user's name (`user@host`), a `\` in a path and control characters are refused, where different programs would see different hosts.
///
/// The requests of [`http`](crate::http) take it as it is. It says nothing of what may be reached: that is the host's to check.
///
/// ```
/// use toolbay_sdk::{ToolError, Url};
///
/// let url: Url = "HTTPS://Example.com:443/a/../b?q=milk&honey#top".parse()?;
/// assert_eq!(url.as_str(), "https://example.com/b?q=milk&honey#top");
/// assert_eq!((url.scheme(), url.host(), url.port()), ("https", "example.com", 443));
/// assert_eq!((url.path(), url.query()), ("/b", Some("q=milk&honey")));
/// assert_eq!(url.join("c?d")?.as_str(), "https://example.com/c?d");
/// assert!("mailto:ada@example.com".parse::<Url>().is_err());
/// # Ok::<(), ToolError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    text: String,
    parts: Parts,
}

impl Url {
    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        self.parts.scheme().as_str()
    }

    /// The host's name or address, in lower case; an IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        self.parts.host()
    }

    /// The port, or the scheme's own where none is named.
    pub fn port(&self) -> u16 {
        self.parts.port()
    }

    /// The path, which begins with `/`.
    pub fn path(&self) -> &str {
        self.parts.path()
    }

    /// The query, without the `?`.
    pub fn query(&self) -> Option<&str> {
        self.parts.query()
    }

    /// The URL that a reference found at this one means, as a link on a page does.
    ///
    /// # Errors
    /// `validation_error` if that is no URL that could be requested.
    pub fn join(&self, reference: &str) -> Result<Self, ToolError> {
        Ok(self.parts.join(reference)?.into())
    }

    /// Whether connections to it are encrypted.
    ///
    /// ```
    /// # use toolbay_sdk::Url;
    /// let url: Url = "http://example.com/".parse()?;
    /// assert!(!url.is_secure());
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    pub fn is_secure(&self) -> bool {
        self.parts.scheme() == Scheme::Https
    }
}

impl From<Parts> for Url {
    fn from(mut parts: Parts) -> Self {
        parts.encode_brackets();
        Self {
            text: parts.to_string(),
            parts,
        }
    }
}

impl FromStr for Url {
    type Err = ToolError;

    /// # Errors
    /// `validation_error` that says what is wrong with the text.
    fn from_str(text: &str) -> Result<Self, ToolError> {
        Ok(Parts::parse(text)?.into())
    }
}

impl AsRef<str> for Url {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
