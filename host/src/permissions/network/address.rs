//! Which addresses are public: every other one leads to this machine, its network, its cloud's services, or nowhere. Knows nothing of
//! names, and of who asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use toolbay_manifest::Host;

/// What is not for the public, with the document that says so, after the registries of special-purpose addresses at IANA. A few blocks
/// in it are reachable from everywhere in theory (anycast addresses for relays); no server is behind them.
const SPECIAL_V4: [(Ipv4Net, &str); 18] = [
    (v4(0, 0, 0, 0, 8), "an address of this machine"), // RFC 791, section 3.2
    (v4(10, 0, 0, 0, 8), "a private address"),         // RFC 1918
    (
        v4(100, 64, 0, 0, 10),
        "an address within a provider's network",
    ), // RFC 6598; 100.100.100.200 is a cloud's metadata
    (v4(127, 0, 0, 0, 8), "an address of this machine"), // RFC 1122, section 3.2.1.3
    (
        v4(168, 63, 129, 16, 32),
        "an address of a cloud's own services",
    ), // Azure's host service, on a public number
    (v4(169, 254, 0, 0, 16), "a link-local address"), // RFC 3927; 169.254.169.254 is the clouds' metadata
    (v4(172, 16, 0, 0, 12), "a private address"),     // RFC 1918
    (v4(192, 0, 0, 0, 24), "an address reserved for protocols"), // RFC 6890
    (v4(192, 0, 2, 0, 24), "an address for documentation"), // RFC 5737
    (v4(192, 88, 99, 0, 24), "the address of a former relay"), // RFC 7526
    (v4(192, 168, 0, 0, 16), "a private address"),    // RFC 1918
    (v4(198, 18, 0, 0, 15), "an address for benchmarks"), // RFC 2544
    (v4(198, 51, 100, 0, 24), "an address for documentation"), // RFC 5737
    (v4(203, 0, 113, 0, 24), "an address for documentation"), // RFC 5737
    (v4(224, 0, 0, 0, 4), "the address of a group"),  // RFC 5771
    (v4(233, 252, 0, 0, 24), "an address for documentation"), // RFC 6676
    (
        v4(255, 255, 255, 255, 32),
        "the address of everybody on the network",
    ), // RFC 919
    (v4(240, 0, 0, 0, 4), "a reserved address"),      // RFC 1112, section 4
];

/// The same for IPv6. What is in no row and not within [`GLOBAL_V6`] has not been assigned to anybody.
const SPECIAL_V6: [(Ipv6Net, &str); 18] = [
    (v6([0, 0, 0, 0], 128), "an address of this machine"), // RFC 4291, section 2.5.2: unspecified
    (v6_loopback(), "an address of this machine"),         // RFC 4291, section 2.5.3
    (v6([0, 0, 0, 0], 96), "an IPv4 address in disguise"), // RFC 4291, section 2.5.5.1
    (v6_mapped(), "an IPv4 address in disguise"),          // RFC 4291, section 2.5.5.2
    (v6_translated(), "an IPv4 address in disguise"),      // RFC 2765, section 2.1
    (v6([0x64, 0xff9b, 1, 0], 48), "an IPv4 address in disguise"), // RFC 8215
    (v6([0x100, 0, 0, 0], 64), "a black hole"),            // RFC 6666
    (v6([0x100, 0, 0, 1], 64), "a black hole"),            // RFC 9780
    (v6([0x2001, 0, 0, 0], 32), "an IPv4 address in disguise"), // RFC 4380: Teredo
    (
        v6([0x2001, 0, 0, 0], 23),
        "an address reserved for protocols",
    ), // RFC 2928; benchmarks (RFC 5180) and ORCHIDs (RFC 7343) are in it
    (
        v6([0x2001, 0xdb8, 0, 0], 32),
        "an address for documentation",
    ), // RFC 3849
    (v6([0x2002, 0, 0, 0], 16), "an IPv4 address in disguise"), // RFC 3056: 6to4
    (v6([0x3fff, 0, 0, 0], 20), "an address for documentation"), // RFC 9637
    (
        v6([0x5f00, 0, 0, 0], 16),
        "an address reserved for protocols",
    ), // RFC 9602
    (v6([0xfc00, 0, 0, 0], 7), "a private address"), // RFC 4193; fd00:ec2::254 is a cloud's metadata
    (v6([0xfe80, 0, 0, 0], 10), "a link-local address"), // RFC 4291, section 2.5.6
    (v6([0xfec0, 0, 0, 0], 10), "a private address"), // RFC 3879
    (v6([0xff00, 0, 0, 0], 8), "the address of a group"), // RFC 4291, section 2.7
];

/// All that is assigned to networks of the public (RFC 3587).
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

/// IPv4 as networks that have only IPv6 reach it (RFC 6052). It is as public as the address within.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], 96);

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(start: [u16; 4], length: u8) -> Ipv6Net {
    let [a, b, c, d] = start;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), length)
}

const fn v6_loopback() -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)
}

const fn v6_mapped() -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96)
}

const fn v6_translated() -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96)
}

/// Whether the address is one machine's on the public network.
pub(crate) fn is_public(address: IpAddr) -> bool {
    special(address).is_none()
}

/// What the address is where it is not public, as the end of a sentence that begins with it.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => SPECIAL_V4
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map(|(_, what)| *what),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            special(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) => SPECIAL_V6
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map(|(_, what)| *what)
            .or_else(|| (!GLOBAL_V6.contains(&address)).then_some("an address of nobody yet")),
    }
}

/// Whether a connection that was asked for with this host may go to this address.
///
/// Public addresses may be reached. Others only where somebody named them: `named` says that what was granted names this very host, as
/// an address or as `localhost`, and not with a pattern; `addresses` are the user's own.
pub(crate) fn address_allowed(
    host: &Host,
    named: bool,
    addresses: &[IpNet],
    address: IpAddr,
) -> bool {
    let is_named = match host {
        Host::Address(own) => *own == address,
        Host::Name(name) => name == "localhost" && address.is_loopback(),
    };
    is_public(address) || (named && is_named) || addresses.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:169.254.169.254",
            "::ffff:0:8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "100:0:0:1::1",
            "1::1",
            "2001::1",
            "2001:0:53aa:64c:0:0:0:1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn public_addresses() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffe::1",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_names_an_address() {
        let lan: IpNet = "10.1.2.0/24".parse().unwrap();
        for (host, named, addresses, address, expected) in [
            ("10.1.2.3", true, vec![], "10.1.2.3", true),
            ("10.1.2.3", false, vec![], "10.1.2.3", false),
            ("10.1.2.3", false, vec![lan], "10.1.2.3", true),
            ("10.1.3.3", false, vec![lan], "10.1.3.3", false),
            ("localhost", true, vec![], "127.0.0.1", true),
            ("localhost", true, vec![], "::1", true),
            ("localhost", true, vec![], "10.1.2.3", false),
            ("localhost", true, vec![], "::ffff:127.0.0.1", false),
            ("localhost", false, vec![], "127.0.0.1", false),
            ("app.localhost", true, vec![], "127.0.0.1", false),
            ("rebind.example", true, vec![], "127.0.0.1", false),
            ("rebind.example", true, vec![], "169.254.169.254", false),
            ("rebind.example", true, vec![lan], "10.1.2.9", true),
            ("rebind.example", true, vec![lan], "::ffff:10.1.2.9", false),
            ("api.example", false, vec![], "8.8.8.8", true),
            ("[::1]", true, vec![], "::1", true),
            ("[::1]", true, vec![], "127.0.0.1", false),
        ] {
            let host: Host = host.parse().unwrap();
            let address = address.parse().unwrap();
            assert_eq!(
                address_allowed(&host, named, &addresses, address),
                expected,
                "{host} {named} {addresses:?} {address}"
            );
        }
    }

    proptest! {
        /// What the standard library says of an address, as far as it can be asked, is never called public.
        #[test]
        fn agrees_with_the_standard_library(bits in any::<u32>(), wide in any::<u128>()) {
            let narrow = Ipv4Addr::from(bits);
            if narrow.is_private() || narrow.is_loopback() || narrow.is_link_local() || narrow.is_broadcast() || narrow.is_documentation()
                || narrow.is_multicast() || narrow.is_unspecified()
            {
                prop_assert!(!is_public(narrow.into()));
            }
            let wide = Ipv6Addr::from(wide);
            if wide.is_loopback() || wide.is_multicast() || wide.is_unspecified() || wide.is_unique_local() || wide.is_unicast_link_local() {
                prop_assert!(!is_public(wide.into()));
            }
            prop_assert!(!is_public(narrow.to_ipv6_mapped().into()));
            prop_assert!(!is_public(narrow.to_ipv6_compatible().into()));
        }
    }
}
