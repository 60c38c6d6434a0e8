//! Whether a request or a connection may be made: the patterns of the manifest matched against requests, and addresses told apart by what
//! they are for. Decides only; the sandbox asks here before it does anything.

mod address;
mod cover;
mod refusal;

use std::fmt;
use std::net::IpAddr;

use http::{Method, Uri};
use ipnet::IpNet;
use toolbay_manifest::{HTTP_METHODS, Host, HostPattern, NetworkPattern, Scheme, path_fault};

pub(crate) use self::address::{address_allowed, is_public};
pub(crate) use self::cover::covers;
pub(crate) use self::refusal::Refusal;

/// The requests that a tool may make.
#[derive(Debug, Clone, Default)]
pub(crate) struct NetworkAccess {
    /// A request must match one of these.
    pub(crate) patterns: Vec<NetworkPattern>,
    /// Where the user narrowed the grant: the only hosts, as `host`, `host:port`, `*.host` or an address. Without a port an entry stands
    /// for every port; one that cannot be read stands for nothing.
    pub(crate) only_hosts: Option<Vec<String>>,
    /// Addresses that are not public and that the user allowed by naming them, such as `10.1.2.3/32`.
    pub(crate) addresses: Vec<IpNet>,
}

/// Where an allowed request goes. The connection is made from this and from nothing else, so that what was checked is what is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// Whether the host itself was named, in the manifest or by the user, and not only a pattern that it matches.
    pub(crate) named: bool,
}

impl fmt::Display for Target {
    /// `host:port`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl Target {
    /// The value of the header `Host`.
    pub(crate) fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            self.to_string()
        }
    }
}

impl NetworkAccess {
    /// Whether a request may be made, as far as can be told before its host's name is looked up. `read_only` lets only `GET` and `HEAD`
    /// pass, whatever the patterns say.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub(crate) fn check(
        &self,
        method: &Method,
        url: &Uri,
        read_only: bool,
    ) -> Result<Target, Refusal> {
        let request = Request::read(method, url)?;
        if read_only && !matches!(request.method, "GET" | "HEAD") {
            return Err(Refusal::ReadOnly {
                request: request.to_string(),
            });
        }
        let mut matching = self
            .patterns
            .iter()
            .filter(|pattern| request.matches(pattern))
            .peekable();
        if matching.peek().is_none() {
            return Err(Refusal::NotAsked {
                request: request.to_string(),
            });
        }
        let named = matching.any(|pattern| matches!(pattern.host(), HostPattern::Host(_)));
        let named_by_user = self.narrowed(&request)?;
        Ok(Target {
            named: named || named_by_user,
            scheme: request.scheme,
            host: request.host,
            port: request.port,
        })
    }

    /// Whether the request's connection may go to this address.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub(crate) fn check_address(&self, target: &Target, address: IpAddr) -> Result<(), Refusal> {
        if address_allowed(&target.host, target.named, &self.addresses, address) {
            Ok(())
        } else {
            Err(Refusal::Address {
                host: target.host.to_string(),
                address,
                what: address::special(address).unwrap_or("no public address"),
            })
        }
    }

    /// Whether the user's own list of hosts names this one; an error where there is a list and the host is not on it.
    fn narrowed(&self, request: &Request) -> Result<bool, Refusal> {
        let Some(hosts) = &self.only_hosts else {
            return Ok(false);
        };
        let mut matching = hosts
            .iter()
            .filter_map(|entry| HostPattern::with_port(entry).ok())
            .filter(|(host, port)| {
                host.matches(&request.host) && port.is_none_or(|port| port == request.port)
            })
            .peekable();
        if matching.peek().is_none() {
            return Err(Refusal::Narrowed {
                request: request.to_string(),
                host: request.host.to_string(),
            });
        }
        Ok(matching.any(|(host, _)| matches!(host, HostPattern::Host(_))))
    }
}

/// A request, taken apart and free of whatever could be read in two ways.
struct Request<'a> {
    method: &'a str,
    scheme: Scheme,
    host: Host,
    port: u16,
    /// Whether the port is the scheme's own.
    plain_port: bool,
    path: &'a str,
}

impl<'a> Request<'a> {
    fn read(method: &'a Method, url: &'a Uri) -> Result<Self, Refusal> {
        let refused = |why| Refusal::unclear(method, url, why);
        let method = HTTP_METHODS
            .into_iter()
            .find(|known| *known == method.as_str())
            .ok_or_else(|| refused("has a method that no permission allows"))?;
        let scheme = match url.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            _ => return Err(refused("is neither https nor http")),
        };
        let authority = url
            .authority()
            .ok_or_else(|| refused("has no host"))?
            .as_str();
        if authority.contains('@') {
            return Err(refused("has a user before its host"));
        }
        let (host, port) = Host::with_port(authority).map_err(refused)?;
        let path = url.path();
        if let Some(fault) = path_fault(path) {
            return Err(refused(fault));
        }
        let own_port = scheme.default_port();
        let port = port.unwrap_or(own_port);
        Ok(Self {
            method,
            scheme,
            host,
            port,
            plain_port: port == own_port,
            path,
        })
    }

    fn matches(&self, pattern: &NetworkPattern) -> bool {
        pattern.allows_method(self.method)
            && pattern.scheme() == self.scheme
            && pattern.port() == self.port
            && pattern.host().matches(&self.host)
            && pattern.path().matches(self.path)
    }
}

impl fmt::Display for Request<'_> {
    /// As a pattern that allows just this request. Its query may hold anything and is left out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {}://{}",
            self.method,
            self.scheme.as_str(),
            self.host
        )?;
        if !self.plain_port {
            write!(formatter, ":{}", self.port)?;
        }
        formatter.write_str(self.path)
    }
}

#[cfg(test)]
mod tests;
