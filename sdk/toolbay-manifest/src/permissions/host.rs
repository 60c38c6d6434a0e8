//! How hosts are written and compared: names, addresses, and patterns that stand for several names. Knows nothing of requests, and of
//! which addresses may be reached.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name that DNS can carry (RFC 1035, section 2.3.4), without the dot at its end.
const MAX_NAME: usize = 253;
/// The longest label of a name, from the same section.
const MAX_LABEL: usize = 63;

/// The host of a request or a connection, in the one spelling in which hosts are compared.
///
/// Names are in lower case and without the dot at their end. An address has one spelling only: what some resolvers also take for one
/// (`127.1`, `0x7f.1`, `2130706433`, `[fe80::1%eth0]`) is no host at all. Neither is a name that is percent-encoded or not ASCII.
///
/// ```
/// use toolbay_manifest::Host;
///
/// assert_eq!("API.example.com.".parse(), Ok(Host::Name("api.example.com".into())));
/// assert_eq!("[::1]".parse::<Host>().unwrap().to_string(), "[::1]");
/// assert!("2130706433".parse::<Host>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name.
    Name(String),
    /// An address. IPv6 is written in brackets.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = &'static str;

    /// # Errors
    /// What is wrong with the host, as the end of a sentence.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if let Some(rest) = text.strip_prefix('[') {
            let address = rest
                .strip_suffix(']')
                .and_then(|address| address.parse::<Ipv6Addr>().ok());
            return address
                .map(|address| Self::Address(address.into()))
                .ok_or("has no valid IPv6 address between its brackets");
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        name(text).map(Self::Name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(formatter),
            Self::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

impl Host {
    /// Reads `host[:port]`.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn with_port(text: &str) -> Result<(Self, Option<u16>), &'static str> {
        let (host, port) = split_port(text)?;
        Ok((host.parse()?, port))
    }
}

/// The hosts that a pattern stands for.
///
/// ```
/// use toolbay_manifest::{Host, HostPattern};
///
/// let pattern: HostPattern = "*.example.com".parse().unwrap();
/// assert!(pattern.matches(&Host::Name("a.b.example.com".into())));
/// assert!(!pattern.matches(&Host::Name("example.com".into())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// `*`: any host. It names none, so it stands for public addresses only.
    Any,
    /// `*.example.com`: every name below this one at any depth, and not the name itself.
    Below(String),
    /// One host.
    Host(Host),
}

impl HostPattern {
    /// Whether the host is one of them.
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Host(own), host) => own == host,
            (Self::Below(parent), Host::Name(name)) => is_below(name, parent),
            (Self::Below(_), Host::Address(_)) => false,
        }
    }

    /// Reads `host[:port]`, where the host may be a pattern.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn with_port(text: &str) -> Result<(Self, Option<u16>), &'static str> {
        let (host, port) = split_port(text)?;
        Ok((host.parse()?, port))
    }
}

impl FromStr for HostPattern {
    type Err = &'static str;

    /// # Errors
    /// What is wrong with the pattern, as the end of a sentence.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("*.") {
            _ if text == "*" => Ok(Self::Any),
            Some(parent) => name(parent).map(Self::Below),
            None => text.parse().map(Self::Host),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("*"),
            Self::Below(parent) => write!(formatter, "*.{parent}"),
            Self::Host(host) => host.fmt(formatter),
        }
    }
}

/// Whether the name is below the other one, at any depth.
fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|rest| !rest.is_empty())
}

/// The name in the spelling that is compared.
fn name(text: &str) -> Result<String, &'static str> {
    const NOT_A_NAME: &str = "has no valid host name or address";
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if text.len() > MAX_NAME || !text.split('.').all(is_label) {
        return Err(NOT_A_NAME);
    }
    let name = text.to_ascii_lowercase();
    // Many resolvers take such names for IPv4 addresses. No public name ends in a number (RFC 3696, section 2).
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex_digits = last.strip_prefix("0x");
    if last.bytes().all(|byte| byte.is_ascii_digit())
        || hex_digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err("has a number for a host: an address is four decimal numbers, like 192.0.2.1");
    }
    Ok(name)
}

/// Splits `host[:port]`; colons between brackets belong to the host.
pub(super) fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let brackets_end = text.rfind(']').unwrap_or(0);
    let (in_brackets, rest) = text.split_at(brackets_end);
    let Some(colon) = rest.find(':') else {
        return Ok((text, None));
    };
    let (host, port) = text.split_at(in_brackets.len() + colon);
    let digits = port.strip_prefix(':').unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("has a port that is not a number");
    }
    match digits.parse::<u16>() {
        Ok(port) if port != 0 => Ok((host, Some(port))),
        _ => Err("has a port that is not between 1 and 65535"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_have_one_spelling() {
        for (text, expected) in [
            ("Example.COM", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("localhost", Some("localhost")),
            ("_dmarc.my-host", Some("_dmarc.my-host")),
            ("10gbe-switch", Some("10gbe-switch")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("[::1]", Some("[::1]")),
            ("[0:0:0:0:0:0:0:1]", Some("[::1]")),
            ("[::FFFF:127.0.0.1]", Some("[::ffff:127.0.0.1]")),
            // Spellings of 127.0.0.1 that some resolvers understand.
            ("2130706433", None),
            ("0x7f000001", None),
            ("0x7f.1", None),
            ("0X7F.1", None),
            ("0177.0.0.1", None),
            ("127.1", None),
            ("127.0.0.1.", None),
            ("127.0.0.01", None),
            ("127.0.0.0x1", None),
            ("0x", None),
            ("a.1", None),
            ("1.2.3.4.5", None),
            // IPv6 without brackets, with a zone, and with only one bracket.
            ("::1", None),
            ("[fe80::1%25eth0]", None),
            ("[fe80::1%eth0]", None),
            ("[::1", None),
            ("::1]", None),
            ("[127.0.0.1]", None),
            ("[]", None),
            // No names.
            ("", None),
            (".", None),
            ("a..b", None),
            (".a", None),
            ("a..", None),
            ("exa%6dple.com", None),
            ("bücher.example", None),
            ("exa mple", None),
            ("user@example.com", None),
            ("example.com\\.evil.example", None),
            ("*", None),
        ] {
            let host = text.parse::<Host>().ok().map(|host| host.to_string());
            assert_eq!(host.as_deref(), expected, "{text}");
        }
        assert!("a".repeat(63).parse::<Host>().is_ok());
        assert!("a".repeat(64).parse::<Host>().is_err());
        assert!("a.".repeat(126).parse::<Host>().is_ok());
        assert!("ab.".repeat(90).parse::<Host>().is_err());
    }

    #[test]
    fn patterns_stand_for_hosts() {
        for (pattern, host, expected) in [
            ("example.com", "EXAMPLE.com.", true),
            ("example.com", "www.example.com", false),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "a.b.EXAMPLE.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*.example.com", "www.example.com.evil.example", false),
            ("*", "example.com", true),
            ("*", "[::1]", true),
            ("[::1]", "[0::1]", true),
            ("127.0.0.1", "[::ffff:127.0.0.1]", false),
        ] {
            let host = host.parse().unwrap();
            let pattern: HostPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(&host), expected, "{pattern} {host}");
        }
        for text in [
            "*.",
            "*.*",
            "*.*.com",
            "a.*",
            "*.127.0.0.1",
            "*.[::1]",
            "**",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn ports() {
        for (text, expected) in [
            ("a", Some(("a", None))),
            ("a:80", Some(("a", Some(80)))),
            ("[::1]:80", Some(("[::1]", Some(80)))),
            ("[::1]", Some(("[::1]", None))),
            ("a:", None),
            ("a:0", None),
            ("a:65536", None),
            ("a:+80", None),
            ("a:80:80", None),
        ] {
            assert_eq!(split_port(text).ok(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "\\PC{0,30}|[a-zA-Z0-9._:*\\[\\]%@-]{0,20}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.to_string().parse::<Host>(), Ok(host));
            }
            if let Ok(pattern) = text.parse::<HostPattern>() {
                prop_assert_eq!(pattern.to_string().parse::<HostPattern>(), Ok(pattern));
            }
            let _ = HostPattern::with_port(&text);
        }
    }
}
