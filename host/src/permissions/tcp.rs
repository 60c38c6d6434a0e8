//! Which connections over TCP a tool may make, and so which names it may look up. Decides only; resolves and connects nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use toolbay_manifest::{Host, HostPattern, TcpAddress};

use super::access::ToolAccess;
use super::network::{Refusal, address_allowed};

/// What the addresses of this machine itself are called.
const LOCALHOST: &str = "localhost";

/// An address that a look-up gave, and the name that was looked up.
pub(crate) type Found = (Host, IpAddr);

/// What a guest wants looked up: a name, or an address, which in a look-up stands without brackets too.
///
/// # Errors
///
/// Why it is neither, as the end of a sentence.
pub(crate) fn wanted(text: &str) -> Result<Host, &'static str> {
    match text.parse() {
        Ok(address) => Ok(Host::Address(address)),
        Err(_) => text.parse(),
    }
}

/// The addresses of this machine itself, where the name stands for them. They are not asked of anybody.
pub(crate) fn own_addresses(host: &Host) -> Option<[IpAddr; 2]> {
    matches!(host, Host::Name(name) if name == LOCALHOST).then_some([
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ])
}

/// Whether the tool may look up a name: one that an entry names.
pub(crate) fn may_look_up(access: &ToolAccess, host: &Host) -> bool {
    entries(access).any(|entry| entry.host_pattern().matches(host))
}

/// Whether an address may be used that a name was found to have: it is public, or somebody named it.
///
/// # Errors
///
/// Why not.
pub(crate) fn check_address(
    access: &ToolAccess,
    host: &Host,
    address: IpAddr,
) -> Result<(), Refusal> {
    let named = entries(access)
        .any(|entry| matches!(entry.host_pattern(), HostPattern::Host(own) if own == host));
    if address_allowed(host, named, &access.network.addresses, address) {
        return Ok(());
    }
    Err(Refusal::Address {
        host: host.to_string(),
        address,
        what: "no public address",
    })
}

/// The entry that allows a connection, as `host:port`. `found` is what look-ups of this call gave.
pub(crate) fn connection(access: &ToolAccess, found: &[Found], to: SocketAddr) -> Option<String> {
    let address = to.ip().to_canonical();
    entries(access)
        .filter(|entry| entry.port() == to.port())
        .find_map(|entry| {
            let pattern = entry.host_pattern();
            let is_literal = matches!(
                pattern,
                HostPattern::Host(Host::Address(own)) if own.to_canonical() == address
            );
            if is_literal {
                return Some(entry.to_string());
            }
            found
                .iter()
                .find(|(host, at)| *at == address && pattern.matches(host))
                .map(|(host, _)| format!("{host}:{}", entry.port()))
        })
}

/// What the tool may connect to. A tool that may change nothing has no TCP, since nobody can see what goes over it.
fn entries(access: &ToolAccess) -> impl Iterator<Item = &TcpAddress> {
    access.tcp.iter().filter(|_| !access.read_only)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn access(tcp: &[&str]) -> ToolAccess {
        ToolAccess {
            tcp: tcp.iter().map(|entry| entry.parse().unwrap()).collect(),
            ..ToolAccess::default()
        }
    }

    fn found(name: &str, address: &str) -> Found {
        (name.parse().unwrap(), address.parse().unwrap())
    }

    #[test]
    fn what_can_be_looked_up() {
        for (text, host) in [
            ("Example.COM.", Some("example.com")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("::1", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("2130706433", None),
            ("0x7f.1", None),
            ("", None),
            ("a b", None),
            ("a\0b", None),
            ("münchen.example", None),
            ("a:1", None),
            ("*.example.com", None),
        ] {
            let wanted = wanted(text).ok().map(|host| host.to_string());
            assert_eq!(wanted.as_deref(), host, "{text}");
        }
    }

    #[test]
    fn names_that_may_be_looked_up() {
        let granted = access(&["db.internal:5432", "*.Example.com:25", "10.0.0.1:1"]);
        let may = |access: &ToolAccess, name: &str| may_look_up(access, &name.parse().unwrap());
        for (name, expected) in [
            ("db.internal", true),
            ("xdb.internal", false),
            ("db.internal.evil.example", false),
            ("mail.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            ("evilexample.com", false),
            ("localhost", false),
        ] {
            assert_eq!(may(&granted, name), expected, "{name}");
        }
        let read_only = ToolAccess {
            read_only: true,
            ..granted
        };
        assert!(!may(&read_only, "db.internal"));
        assert!(!may(&access(&[]), "db.internal"));
    }

    #[test]
    fn addresses_that_are_not_public_must_be_named() {
        let mut granted = access(&["db.internal:5432", "localhost:5432", "*.example.com:1"]);
        let at = |granted: &ToolAccess, name: &str, address: &str| {
            check_address(granted, &name.parse().unwrap(), address.parse().unwrap()).is_ok()
        };
        assert!(at(&granted, "db.internal", "93.184.215.14"));
        assert!(!at(&granted, "db.internal", "10.1.2.3"));
        assert!(!at(&granted, "db.internal", "127.0.0.1"));
        assert!(!at(&granted, "db.example.com", "169.254.169.254"));
        assert!(at(&granted, "localhost", "127.0.0.1"));
        assert!(at(&granted, "localhost", "::1"));
        assert!(!at(&granted, "localhost", "10.1.2.3"));
        granted.network.addresses = vec!["10.1.0.0/16".parse().unwrap()];
        assert!(at(&granted, "db.internal", "10.1.2.3"));
        assert!(!at(&granted, "db.internal", "10.2.2.3"));
    }

    #[test]
    fn connections() {
        let granted = access(&[
            "db.internal:5432",
            "*.example.com:25",
            "127.0.0.1:80",
            "[::1]:80",
        ]);
        let found = [
            found("db.internal", "192.0.2.1"),
            found("mail.example.com", "192.0.2.2"),
        ];
        for (to, entry) in [
            ("192.0.2.1:5432", Some("db.internal:5432")),
            ("[::ffff:192.0.2.1]:5432", Some("db.internal:5432")),
            ("192.0.2.1:25", None),
            ("192.0.2.2:25", Some("mail.example.com:25")),
            ("192.0.2.3:5432", None),
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("127.0.0.1:81", None),
            ("[::1]:80", Some("[::1]:80")),
            ("[::ffff:127.0.0.1]:80", Some("127.0.0.1:80")),
            ("0.0.0.0:80", None),
        ] {
            let to: SocketAddr = to.parse().unwrap();
            assert_eq!(connection(&granted, &found, to).as_deref(), entry, "{to}");
        }
        let read_only = ToolAccess {
            read_only: true,
            ..granted
        };
        let to = "127.0.0.1:80".parse().unwrap();
        assert_eq!(connection(&read_only, &found, to), None);
    }

    proptest! {
        /// Whatever was looked up and whatever is granted, a connection that is let through goes to a port and a host of one entry.
        #[test]
        fn connections_are_of_an_entry(
            entry in "(a|b|\\*\\.a|127\\.0\\.0\\.1|127\\.0\\.0\\.2):[1-3]",
            looked_up in prop::collection::vec(("(a|b|x\\.a|y\\.b)", 1..4_u8), 0..4),
            last in 1..4_u8,
            port in 1..4_u16,
        ) {
            let granted = access(&[&entry]);
            let found: Vec<Found> = looked_up
                .iter()
                .map(|(name, last)| found(name, &format!("127.0.0.{last}")))
                .collect();
            let address = IpAddr::from([127, 0, 0, last]);
            let allowed = connection(&granted, &found, SocketAddr::new(address, port)).is_some();
            let (host, granted_port) = entry.rsplit_once(':').unwrap();
            let is_host = match host.strip_prefix("*.") {
                Some(parent) => looked_up.iter().any(|(name, at)| *at == last && name.ends_with(&format!(".{parent}"))),
                None => host == address.to_string() || looked_up.iter().any(|(name, at)| *at == last && name == host),
            };
            prop_assert_eq!(allowed, is_host && granted_port == port.to_string());
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,20}|([a-z0-9*.:\\[\\]\\-]{0,8}\\.?){0,3}") {
            if let Ok(host) = wanted(&text) {
                let _ = may_look_up(&access(&["*.example.com:1", "db:2"]), &host);
            }
        }
    }
}
