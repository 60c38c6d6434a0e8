//! What stands in for the world in a plugin's tests: a clock that stands still, servers on this machine in place of the real ones. Given by hidden options of
//! `toolbay serve` and by nothing else, no file and no variable; what a tool may do is decided as ever, before any of it comes into play.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Uri;
use toolbay_manifest::{Host, Scheme};

/// Everything that stands in; nothing unless this is a test.
#[derive(Debug, Clone, Default)]
pub struct StandIns {
    /// What guests take for the time, since 1970.
    pub clock: Option<Duration>,
    /// Servers of the test's own, the first that fits taking a request.
    pub servers: Vec<StandIn>,
}

/// A server on this machine that is spoken to in plain text in place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// For whom; nothing for everybody.
    origin: Option<(Scheme, Host, u16)>,
    pub(crate) address: SocketAddr,
}

impl StandIn {
    pub(crate) fn stands_for(&self, scheme: Scheme, host: &Host, port: u16) -> bool {
        let Some(origin) = &self.origin else {
            return true;
        };
        (&origin.0, &origin.1, origin.2) == (&scheme, host, port)
    }
}

impl FromStr for StandIn {
    type Err = String;

    /// `https://api.example.com=http://127.0.0.1:8080`, or `*=…` for every origin.
    fn from_str(text: &str) -> Result<Self, String> {
        let (origin, server) = text
            .split_once('=')
            .ok_or("write it as https://api.example.com=http://127.0.0.1:8080")?;
        let address: SocketAddr = server
            .strip_prefix("http://")
            .and_then(|address| address.parse().ok())
            .ok_or("after `=` there is http:// with an address and a port")?;
        if !address.ip().is_loopback() {
            return Err("only a server on this machine can stand in: 127.0.0.1 or [::1]".into());
        }
        let origin = match origin {
            "*" => None,
            origin => Some(parse_origin(origin).ok_or(
                "before `=` there is an origin alone, such as https://api.example.com:8443, or `*`",
            )?),
        };
        Ok(Self { origin, address })
    }
}

fn parse_origin(text: &str) -> Option<(Scheme, Host, u16)> {
    let url: Uri = text.parse().ok()?;
    let scheme = match url.scheme_str()? {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return None,
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return None;
    }
    let (host, port) = Host::with_port(url.authority()?.as_str()).ok()?;
    Some((scheme, host, port.unwrap_or(scheme.default_port())))
}

/// The time since 1970 of a text such as `2026-01-01T12:00:00Z` (RFC 3339).
pub(crate) fn parse_clock(text: &str) -> Result<Duration, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "write it as 2026-01-01T12:00:00Z".to_owned())?
        .with_timezone(&Utc);
    let seconds = u64::try_from(time.timestamp()).map_err(|_| "it is before 1970".to_owned())?;
    Ok(Duration::new(seconds, time.timestamp_subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_stands_in_for_one_origin_or_for_all() {
        let stand_in: StandIn = "https://API.example.com=http://127.0.0.1:8080"
            .parse()
            .unwrap();
        let host = |name: &str| name.parse::<Host>().unwrap();
        assert!(stand_in.stands_for(Scheme::Https, &host("api.example.com"), 443));
        for (scheme, name, port) in [
            (Scheme::Http, "api.example.com", 443),
            (Scheme::Https, "example.com", 443),
            (Scheme::Https, "api.example.com", 8443),
        ] {
            assert!(!stand_in.stands_for(scheme, &host(name), port));
        }
        let all: StandIn = "*=http://[::1]:8080".parse().unwrap();
        assert!(all.stands_for(Scheme::Http, &host("x.test"), 1));
    }

    #[test]
    fn only_this_machine_can_stand_in() {
        let said = [
            "https://api.example.com",
            "https://api.example.com=http://8.8.8.8:80",
            "https://api.example.com=http://10.0.0.1:80",
            "https://api.example.com=http://localhost:80",
            "https://api.example.com=https://127.0.0.1:80",
            "https://api.example.com/v1=http://127.0.0.1:80",
            "ftp://api.example.com=http://127.0.0.1:80",
            "https://user@api.example.com=http://127.0.0.1:80",
        ]
        .map(|text| text.parse::<StandIn>().unwrap_err());
        insta::assert_snapshot!(said.join("\n"), @"
        write it as https://api.example.com=http://127.0.0.1:8080
        only a server on this machine can stand in: 127.0.0.1 or [::1]
        only a server on this machine can stand in: 127.0.0.1 or [::1]
        after `=` there is http:// with an address and a port
        after `=` there is http:// with an address and a port
        before `=` there is an origin alone, such as https://api.example.com:8443, or `*`
        before `=` there is an origin alone, such as https://api.example.com:8443, or `*`
        before `=` there is an origin alone, such as https://api.example.com:8443, or `*`
        ");
    }

    #[test]
    fn clocks_are_read() {
        assert_eq!(
            parse_clock("2026-01-01T13:00:00.5+01:00"),
            Ok(Duration::new(1_767_268_800, 500_000_000))
        );
        assert!(parse_clock("1969-12-31T23:59:59Z").is_err());
        assert!(parse_clock("noon").is_err());
    }
}
