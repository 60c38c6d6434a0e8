//! The URLs that can be requested. Owns how one is read, written in the form that goes over the wire, and how a reference is resolved
//! against it (RFC 3986). Knows nothing of what may be reached: that is the host's.

use std::fmt;
use std::net::Ipv6Addr;

use super::punycode;
use crate::error::ToolError;

/// The longest URL that is read, in bytes; servers refuse longer ones anyway.
const MAX_URL_BYTES: usize = 8 * 1024;

/// The characters of an address that an error shows.
const SHOWN_CHARS: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An absolute `http` or `https` URL, taken apart. All of it is ASCII: what was not is percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    scheme: Scheme,
    /// In lower case; an IPv6 address is in brackets.
    host: String,
    /// Nothing where it is the scheme's own.
    port: Option<u16>,
    /// Begins with `/` and has no `.` or `..` in it.
    path: String,
    query: Option<String>,
    fragment: Option<String>,
}

impl Url {
    /// # Errors
    /// A `validation_error` that says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, ToolError> {
        let text = text.trim();
        Self::parse_parts(text).map_err(|problem| {
            ToolError::validation(format!("`{}` cannot be requested: {problem}", shown(text)))
        })
    }

    fn parse_parts(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_URL_BYTES {
            return Err("it is longer than 8 KiB");
        }
        if text.chars().any(char::is_control) {
            return Err("there is a control character in it");
        }
        let (scheme, rest) = text.split_once("://").ok_or(NO_SCHEME)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(NO_SCHEME),
        };
        let (authority, rest) =
            rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        let (host, port) = host_and_port(authority)?;
        let (rest, fragment) = split_before(rest, '#');
        let (path, query) = split_before(rest, '?');
        if path.contains('\\') {
            return Err("there is a `\\` in its path; paths have `/` between their parts");
        }
        Ok(Self {
            scheme,
            host,
            port: port.filter(|port| *port != scheme.default_port()),
            path: without_dots(&encode(path)),
            query: query.map(encode),
            fragment: fragment.map(encode),
        })
    }

    /// The URL that a reference found at this one means: in a `Location` header or a link.
    ///
    /// # Errors
    /// A `validation_error` where the result is no URL that can be requested.
    pub(crate) fn join(&self, reference: &str) -> Result<Self, ToolError> {
        let reference = reference.trim();
        if has_scheme(reference) {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme.as_str()));
        }
        let (rest, fragment) = split_before(reference, '#');
        let (path, query) = split_before(rest, '?');
        let joined = match (path, query) {
            ("", None) => self.path_and_query(),
            ("", Some(query)) => format!("{}?{query}", self.path),
            (path, query) => {
                let folder = match path.strip_prefix('/') {
                    Some(_) => "",
                    None => self.path.rsplit_once('/').map_or("", |(folder, _)| folder),
                };
                let between = if path.starts_with('/') { "" } else { "/" };
                let query = query.map(|query| format!("?{query}")).unwrap_or_default();
                format!("{folder}{between}{path}{query}")
            }
        };
        let fragment = fragment
            .map(|fragment| format!("#{fragment}"))
            .unwrap_or_default();
        Self::parse(&format!("{}{joined}{fragment}", self.origin()))
    }

    /// Adds `name=value` to the query, both percent-encoded.
    pub(super) fn add_query(&mut self, name: &str, value: &str) {
        let query = self.query.get_or_insert_default();
        if !query.is_empty() {
            query.push('&');
        }
        encode_component(name, query);
        query.push('=');
        encode_component(value, query);
    }

    /// Takes the fragment of the URL that redirected here, unless this one has its own (RFC 9110, section 10.2.2).
    pub(super) fn inherit_fragment(&mut self, from: &Self) {
        if self.fragment.is_none() {
            self.fragment.clone_from(&from.fragment);
        }
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.default_port())
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Percent-encodes the brackets outside the host, which servers take as they are and RFC 3986 does not.
    pub(crate) fn encode_brackets(&mut self) {
        let parts = [
            Some(&mut self.path),
            self.query.as_mut(),
            self.fragment.as_mut(),
        ];
        for part in parts.into_iter().flatten() {
            if part.contains(['[', ']']) {
                *part = part.replace('[', "%5B").replace(']', "%5D");
            }
        }
    }

    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    pub(super) fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    pub(super) fn same_origin(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }

    /// The URL as errors name it: without the query, in which there may be a key, and cut where it is long.
    pub(super) fn for_errors(&self) -> String {
        shown(&format!("{}{}", self.origin(), self.path)).to_owned()
    }

    fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.origin(), self.path_and_query())?;
        match &self.fragment {
            Some(fragment) => write!(formatter, "#{fragment}"),
            None => Ok(()),
        }
    }
}

const NO_SCHEME: &str = "it does not begin with `https://` or `http://`";

fn shown(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(SHOWN_CHARS)
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// Splits at the first separator, which belongs to neither part.
fn split_before(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Whether a reference begins with a scheme of its own (RFC 3986, section 3.1).
fn has_scheme(reference: &str) -> bool {
    let (scheme, rest) = split_before(reference, ':');
    rest.is_some()
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    if authority.contains('@') {
        return Err("there is a user name in it (`user@host`), which is never sent");
    }
    let colon = match authority.rfind(']') {
        Some(bracket) => authority
            .get(bracket..)
            .and_then(|rest| rest.find(':'))
            .map(|at| at + bracket),
        None => authority.find(':'),
    };
    let (host, port) = match colon {
        Some(colon) => (authority.get(..colon), authority.get(colon + 1..)),
        None => (Some(authority), None),
    };
    let host = host.unwrap_or_default().to_lowercase();
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(
            digits
                .parse()
                .map_err(|_| "its port is larger than 65535")?,
        ),
        Some(_) => return Err("its port is not a number"),
    };
    if let Some(address) = host.strip_prefix('[') {
        let address = address
            .strip_suffix(']')
            .and_then(|address| address.parse::<Ipv6Addr>().ok());
        let address = address.ok_or("what is in brackets is not an IPv6 address")?;
        return Ok((format!("[{address}]"), port));
    }
    let host = punycode::to_ascii(&host).ok_or(
        "its host has characters that have to be written in another way; write it in its ASCII form, which begins with `xn--`",
    )?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    match host.bytes().all(is_name) {
        true if host.is_empty() => Err("it names no host"),
        true => Ok((host, port)),
        false => Err("its host has characters that no host name has"),
    }
}

/// Percent-encodes what may not stand in a URL and leaves what is encoded already.
fn encode(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut encoded = String::with_capacity(text.len());
    for (at, byte) in bytes.iter().copied().enumerate() {
        let as_it_is = match byte {
            b'%' => is_hex(at + 1) && is_hex(at + 2),
            b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | b'\\' | b'#' => false,
            _ => byte.is_ascii_graphic(),
        };
        push_byte(&mut encoded, byte, as_it_is);
    }
    encoded
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
pub(super) fn encode_component(text: &str, into: &mut String) {
    for byte in text.bytes() {
        let as_it_is = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        push_byte(into, byte, as_it_is);
    }
}

fn push_byte(into: &mut String, byte: u8, as_it_is: bool) {
    use fmt::Write as _;
    if as_it_is {
        into.push(char::from(byte));
    } else {
        // Writing to a `String` cannot fail.
        let _ = write!(into, "%{byte:02X}");
    }
}

/// Resolves `.` and `..` (RFC 3986, section 5.2.4), also where their dots are percent-encoded, as browsers do. Begins with `/`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match Url::parse(text) {
            Ok(url) => url.to_string(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn urls_are_brought_into_the_form_of_the_wire() {
        for (text, expected) in [
            ("https://example.com", "https://example.com/"),
            (
                " HTTPS://Example.COM:443/A?b#c ",
                "https://example.com/A?b#c",
            ),
            ("https://Müller.test/", "https://xn--mller-kva.test/"),
            (
                "http://example.com:8080?q=1",
                "http://example.com:8080/?q=1",
            ),
            ("http://[::1]:80/", "http://[::1]/"),
            (
                "https://de.wikipedia.org/wiki/Köln",
                "https://de.wikipedia.org/wiki/K%C3%B6ln",
            ),
            (
                "https://x.test/a b/%41/%zz",
                "https://x.test/a%20b/%41/%25zz",
            ),
            ("https://x.test/a/./b/../c/..", "https://x.test/a/"),
            ("https://x.test/../%2E%2e/a", "https://x.test/a"),
            ("https://x.test//a///b/", "https://x.test//a///b/"),
            (
                "https://x.test/?q=a|b&r=ü",
                "https://x.test/?q=a%7Cb&r=%C3%BC",
            ),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        let cases = [
            "example.com/page",
            "ftp://example.com/",
            "https:///path",
            "https://good.test@evil.test/",
            "https://x.test:99999/",
            "https://x.test:8o/",
            "https://[::g]/",
            "https://[::1/",
            "https://☃.test/",
            "https://a b.test/",
            "https://x.test\\@evil.test/",
            "https://x.test/a\\b",
            "https://x.test/a\nb",
        ];
        let said: Vec<String> = cases.into_iter().map(parsed).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        `example.com/page` cannot be requested: it does not begin with `https://` or `http://`
        `ftp://example.com/` cannot be requested: it does not begin with `https://` or `http://`
        `https:///path` cannot be requested: it names no host
        `https://good.test@evil.test/` cannot be requested: there is a user name in it (`user@host`), which is never sent
        `https://x.test:99999/` cannot be requested: its port is larger than 65535
        `https://x.test:8o/` cannot be requested: its port is not a number
        `https://[::g]/` cannot be requested: what is in brackets is not an IPv6 address
        `https://[::1/` cannot be requested: its port is not a number
        `https://☃.test/` cannot be requested: its host has characters that have to be written in another way; write it in its ASCII form, which begins with `xn--`
        `https://a b.test/` cannot be requested: its host has characters that no host name has
        `https://x.test\@evil.test/` cannot be requested: there is a `\` in its path; paths have `/` between their parts
        `https://x.test/a\b` cannot be requested: there is a `\` in its path; paths have `/` between their parts
        `https://x.test/a
        b` cannot be requested: there is a control character in it
        ");
    }

    /// The examples of RFC 3986, section 5.4, as far as they are about `http`.
    #[test]
    fn references_are_resolved_as_the_rfc_says() {
        let base = Url::parse("http://a/b/c/d;p?q").unwrap();
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g#s", "http://a/b/c/g#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g#s/../x", "http://a/b/c/g#s/../x"),
            ("https://b/", "https://b/"),
        ] {
            assert_eq!(
                base.join(reference).unwrap().to_string(),
                expected,
                "{reference}"
            );
        }
        assert!(base.join("mailto:a@b.test").is_err());
        assert!(base.join("//user@g/").is_err());
    }

    #[test]
    fn errors_name_a_url_without_its_query() {
        let url = Url::parse("https://api.test/v1?key=secret").unwrap();
        assert_eq!(url.for_errors(), "https://api.test/v1");
    }
}
