//! Which names a server answers to. A page on the web can have its own name lead to this machine (DNS rebinding) and then let a browser send requests; they
//! carry the page's name in `Host` and `Origin`, which is how they are told from requests of clients.

use std::net::IpAddr;

use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderValue, header};

/// The names of this machine, whatever it listens on.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The names that were given for this server, and its port.
#[derive(Debug)]
pub(super) struct Rules {
    port: u16,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    host: String,
    /// Any where none was given.
    port: Option<u16>,
}

impl Rules {
    /// `names` are ones that [`check_name`] has passed.
    pub(super) fn new(port: u16, names: &[String]) -> Self {
        let names = names
            .iter()
            .filter_map(|name| Authority::try_from(name.as_str()).ok())
            .map(|name| Name {
                host: host_of(&name),
                port: name.port_u16(),
            })
            .collect();
        Self { port, names }
    }

    /// Looks at a request that came to this address of the machine.
    ///
    /// # Errors
    ///
    /// What it must not say.
    pub(super) fn check(
        &self,
        target: &Uri,
        headers: &HeaderMap,
        address: IpAddr,
    ) -> Result<(), &'static str> {
        let host = only(headers, header::HOST)
            .and_then(authority)
            .ok_or("there must be one valid Host header")?;
        let named = target.authority().into_iter().chain([&host]);
        if !named.into_iter().all(|host| self.is_own(host, address)) {
            return Err(
                "the Host header names another server; hint: `--http-host NAME` allows a name",
            );
        }
        if !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let is_allowed = only(headers, header::ORIGIN)
            .and_then(|origin| Uri::try_from(origin).ok())
            .is_some_and(|origin| self.allows_origin(&origin, &host, address));
        if is_allowed {
            Ok(())
        } else {
            Err("the Origin header names another site; hint: `--http-host NAME` allows a name")
        }
    }

    fn is_own(&self, authority: &Authority, address: IpAddr) -> bool {
        let host = host_of(authority);
        self.is_this_machine(&host, address)
            || self.names.iter().any(|name| {
                name.host == host && (name.port.is_none() || name.port == authority.port_u16())
            })
    }

    fn is_this_machine(&self, host: &str, address: IpAddr) -> bool {
        LOOPBACK.contains(&host)
            || host
                .parse::<IpAddr>()
                .is_ok_and(|named| named.to_canonical() == address.to_canonical())
    }

    /// A page of this server's own, or of a name that was given. Other pages of this machine are as foreign as any.
    fn allows_origin(&self, origin: &Uri, host: &Authority, address: IpAddr) -> bool {
        let (Some(scheme), Some(site)) = (origin.scheme_str(), origin.authority()) else {
            return false;
        };
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return false,
        };
        let name = host_of(site);
        if self.names.iter().any(|own| own.host == name) {
            return true;
        }
        let port = site.port_u16().unwrap_or(default);
        let of_host = host.port_u16().unwrap_or(default);
        self.is_this_machine(&name, address) && (port == of_host || port == self.port)
    }
}

/// The one value of a header.
fn only(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str)?.ok()?;
    values.next().is_none().then_some(value)
}

fn authority(text: &str) -> Option<Authority> {
    let authority = Authority::try_from(text).ok()?;
    // Who calls is no part of a name.
    (!text.contains('@')).then_some(authority)
}

/// In lower case, an address without its brackets.
fn host_of(authority: &Authority) -> String {
    authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_ascii_lowercase()
}

/// Whether this can be a name of the server's: `tools.example.com`, `tools.example.com:8443`.
///
/// # Errors
///
/// What would be one.
pub(crate) fn check_name(name: &str) -> Result<String, String> {
    match authority(name) {
        Some(authority) if !authority.host().is_empty() && !name.contains('*') => {
            Ok(name.to_owned())
        }
        _ => Err("a name is a host with or without a port: `tools.example.com`, `tools.example.com:8443`".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn check(host: &[&str], origin: &[&str]) -> bool {
        let rules = Rules::new(
            8080,
            &["tools.example.com".into(), "only.example.com:8443".into()],
        );
        let mut headers = HeaderMap::new();
        for value in host {
            headers.append(header::HOST, value.parse().unwrap());
        }
        for value in origin {
            headers.append(header::ORIGIN, value.parse().unwrap());
        }
        let own = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        rules
            .check(&Uri::from_static("/mcp"), &headers, own)
            .is_ok()
    }

    #[test]
    fn names_of_this_machine_and_given_ones_are_answered() {
        for host in [
            "localhost",
            "localhost:8080",
            "LOCALHOST:9000",
            "127.0.0.1:8080",
            "[::1]:8080",
            "192.0.2.7:8080",
            "tools.example.com",
            "Tools.Example.com:443",
            "only.example.com:8443",
        ] {
            assert!(check(&[host], &[]), "{host}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for host in [
            "evil.example.com",
            "localhost.evil.example.com",
            "evil-localhost",
            "localhost@evil.example.com",
            "user@localhost",
            "127.0.0.2",
            "192.0.2.8",
            "only.example.com",
            "only.example.com:443",
            "0.0.0.0:8080",
            "",
        ] {
            assert!(!check(&[host], &[]), "{host}");
        }
        assert!(!check(&[], &[]), "none");
        assert!(!check(&["localhost", "evil.example.com"], &[]), "two");
        assert!(!check(&["localhost", "localhost"], &[]), "twice");
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        for origin in [
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://localhost:9000",
            "https://tools.example.com",
            "https://tools.example.com:8443",
        ] {
            assert!(check(&["localhost:9000"], &[origin]), "{origin}");
        }
        for origin in [
            "http://evil.example.com",
            "https://localhost.evil.example.com:8080",
            "http://localhost:3000",
            "http://localhost",
            "null",
            "",
            "file://",
            "chrome-extension://abcdef",
        ] {
            assert!(!check(&["localhost:9000"], &[origin]), "{origin}");
        }
        let (own, other) = ("http://localhost:8080", "http://evil.example.com");
        assert!(!check(&["localhost:8080"], &[own, other]));
    }

    #[test]
    fn the_target_of_a_request_is_looked_at_as_well() {
        let rules = Rules::new(8080, &[]);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
        let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let target = Uri::from_static("http://evil.example.com/mcp");
        assert!(rules.check(&target, &headers, own).is_err());
        let target = Uri::from_static("http://localhost:8080/mcp");
        assert!(rules.check(&target, &headers, own).is_ok());
    }

    #[test]
    fn names_that_can_be_given() {
        for good in [
            "tools.example.com",
            "tools.example.com:8443",
            "[2001:db8::1]:80",
        ] {
            check_name(good).unwrap();
        }
        for bad in [
            "",
            "*",
            "*.example.com",
            "https://tools.example.com",
            "a b",
            "me@host",
        ] {
            check_name(bad).unwrap_err();
        }
    }
}
