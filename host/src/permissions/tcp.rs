//! Which connections over TCP a tool may make, and so which names it may look up. Decides only; resolves and connects nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use toolbay_manifest::TcpAddress;

use super::access::ToolAccess;

/// What the addresses of this machine itself are called.
const LOCALHOST: &str = "localhost";

/// A name as it is compared: lower case, without a dot at its end. Nothing where it is no name of a host.
pub(crate) fn host_name(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (name.len() <= 253 && name.split('.').all(is_label)).then(|| name.to_ascii_lowercase())
}

/// An address written as one, with or without the brackets of IPv6.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(address) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
    .map(|address: IpAddr| address.to_canonical())
}

/// The addresses of this machine itself, where the name stands for them. They are not asked of anybody.
pub(crate) fn own_addresses(name: &str) -> Option<[IpAddr; 2]> {
    (name == LOCALHOST).then_some([
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ])
}

/// Whether the tool may look up a name: one that an entry names.
pub(crate) fn may_look_up(access: &ToolAccess, name: &str) -> bool {
    entries(access).any(|entry| names(entry, name))
}

/// Whether an address may be used that a name was found to have: it is public, or the user named it.
pub(crate) fn may_be_at(access: &ToolAccess, name: &str, address: IpAddr) -> bool {
    let address = address.to_canonical();
    let named = || {
        access
            .network
            .addresses
            .iter()
            .any(|network| network.contains(&address))
    };
    let own = || own_addresses(name).is_some_and(|own| own.contains(&address));
    is_public(address) || own() || named()
}

/// Whether a connection may be made. `found` are the addresses that look-ups of this call gave, each with its name.
pub(crate) fn may_connect(
    access: &ToolAccess,
    found: &[(String, IpAddr)],
    to: SocketAddr,
) -> Option<String> {
    let address = to.ip().to_canonical();
    entries(access)
        .filter(|entry| entry.port() == to.port())
        .find_map(|entry| {
            if literal(entry.host()) == Some(address) {
                return Some(entry.to_string());
            }
            found
                .iter()
                .find(|(name, at)| *at == address && names(entry, name))
                .map(|(name, _)| format!("{name}:{}", entry.port()))
        })
}

/// What the tool may connect to. A tool that may change nothing has no TCP, since nobody can see what goes over it.
fn entries(access: &ToolAccess) -> impl Iterator<Item = &TcpAddress> {
    access.tcp.iter().filter(|_| !access.read_only)
}

/// Whether an entry names this host. `*.example.com` names everything below `example.com`, and not itself.
fn names(entry: &TcpAddress, name: &str) -> bool {
    let host = entry.host();
    match host.strip_prefix('*') {
        Some(domain) => name
            .len()
            .checked_sub(domain.len())
            .and_then(|start| name.split_at_checked(start))
            .is_some_and(|(below, end)| !below.is_empty() && end.eq_ignore_ascii_case(domain)),
        None => host
            .strip_suffix('.')
            .unwrap_or(host)
            .eq_ignore_ascii_case(name),
    }
}

/// Whether an address is one of the open internet, where nobody is more at home than anybody else.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(first == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        // Shared by a provider's customers, among them the metadata services of some clouds.
        || (first == 100 && (64..128).contains(&second))
        // Protocol assignments, benchmarks, and the former relays between IPv4 and IPv6.
        || (first, second, third) == (192, 0, 0)
        || (first == 198 && (18..20).contains(&second))
        || (first, second, third) == (192, 88, 99)
        // Reserved, with the broadcast address at its end.
        || first >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, ..] = segments;
    // What is public lies in 2000::/3, and in there these are not: documentation, benchmarks, and ways to write an IPv4 address.
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        && first != 0x2002
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toolbay_manifest::TcpAddress;

    use super::*;

    fn access(tcp: &[&str]) -> ToolAccess {
        ToolAccess {
            tcp: tcp.iter().map(|entry| entry.parse().unwrap()).collect(),
            ..ToolAccess::default()
        }
    }

    fn found(name: &str, address: &str) -> (String, IpAddr) {
        (name.to_owned(), address.parse().unwrap())
    }

    #[test]
    fn names_of_hosts() {
        for (name, host) in [
            ("Example.COM", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("a_b-c", Some("a_b-c")),
            ("2130706433", Some("2130706433")),
            ("0x7f.1", Some("0x7f.1")),
            ("", None),
            (".", None),
            ("a..b", None),
            ("a b", None),
            ("a\0b", None),
            ("münchen.example", None),
            ("[::1]", None),
            ("a/b", None),
            ("a:1", None),
            ("*.example.com", None),
        ] {
            assert_eq!(host_name(name).as_deref(), host, "{name}");
        }
    }

    #[test]
    fn names_that_may_be_looked_up() {
        let granted = access(&["db.internal:5432", "*.Example.com:25", "10.0.0.1:1"]);
        for (name, may) in [
            ("db.internal", true),
            ("xdb.internal", false),
            ("db.internal.evil.example", false),
            ("mail.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            ("evilexample.com", false),
            ("10.0.0.2", false),
            ("localhost", false),
        ] {
            assert_eq!(may_look_up(&granted, name), may, "{name}");
        }
        let read_only = ToolAccess {
            read_only: true,
            ..granted
        };
        assert!(!may_look_up(&read_only, "db.internal"));
        assert!(!may_look_up(&access(&[]), "db.internal"));
    }

    #[test]
    fn addresses_that_are_not_public_must_be_named() {
        let mut granted = access(&["db.internal:5432", "localhost:5432"]);
        let at = |granted: &ToolAccess, name: &str, address: &str| {
            may_be_at(granted, name, address.parse().unwrap())
        };
        assert!(at(&granted, "db.internal", "93.184.215.14"));
        assert!(!at(&granted, "db.internal", "10.1.2.3"));
        assert!(!at(&granted, "db.internal", "127.0.0.1"));
        assert!(!at(&granted, "db.internal", "::ffff:127.0.0.1"));
        assert!(at(&granted, "localhost", "127.0.0.1"));
        assert!(at(&granted, "localhost", "::1"));
        assert!(!at(&granted, "localhost", "127.0.0.2"));
        granted.network.addresses = vec!["10.1.0.0/16".parse().unwrap()];
        assert!(at(&granted, "db.internal", "10.1.2.3"));
        assert!(at(&granted, "db.internal", "::ffff:10.1.2.3"));
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
            assert_eq!(may_connect(&granted, &found, to).as_deref(), entry, "{to}");
        }
        let read_only = ToolAccess {
            read_only: true,
            ..granted
        };
        assert_eq!(
            may_connect(&read_only, &found, "127.0.0.1:80".parse().unwrap()),
            None
        );
    }

    #[test]
    fn public_addresses() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.100.100.200", false),
            ("100.128.0.1", true),
            ("127.0.0.1", false),
            ("127.255.255.255", false),
            ("169.254.169.254", false),
            ("172.15.0.1", true),
            ("172.16.0.1", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::7f00:1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_names_stay_names(name in "\\PC{0,20}|([a-z0-9*.\\-]{0,8}\\.){0,3}") {
            let granted = access(&["*.example.com:1", "db:2"]);
            if let Some(host) = host_name(&name) {
                prop_assert_eq!(host_name(&host), Some(host.clone()));
                let _ = may_look_up(&granted, &host);
            }
            let _ = literal(&name);
        }

        // A wildcard names exactly what ends in its domain after a dot.
        #[test]
        fn wildcards_match_whole_labels(below in "[a-z.]{0,6}", domain in "(example|evilexample|ample)\\.com") {
            let entry: TcpAddress = "*.example.com:1".parse().unwrap();
            let name = format!("{below}{domain}");
            let expected = name.strip_suffix(".example.com").is_some_and(|below| !below.is_empty());
            prop_assert_eq!(names(&entry, &name), expected);
        }

        #[test]
        fn mapped_addresses_are_judged_as_what_they_map(address: u32) {
            let address = Ipv4Addr::from(address);
            prop_assert_eq!(is_public(IpAddr::V4(address)), is_public(IpAddr::V6(address.to_ipv6_mapped())));
        }
    }
}
