//! Whether one pattern allows everything that another one does, so that requested ⊆ granted can be told without a request.

use toolbay_manifest::{HTTP_METHODS, Host, HostPattern, NetworkPattern};

/// Whether every request that `asked` allows is one that `granted` allows, to every address that `asked` lets it reach.
///
/// `*` and `*.example.com` name no address and not `localhost`, so they cover no pattern that does: what such a pattern reaches is
/// this machine or its network.
pub(crate) fn covers(granted: &NetworkPattern, asked: &NetworkPattern) -> bool {
    granted.scheme() == asked.scheme()
        && granted.port() == asked.port()
        && covers_hosts(granted.host(), asked.host())
        && granted.path().covers(asked.path())
        && HTTP_METHODS
            .iter()
            .filter(|method| asked.allows_method(method))
            .all(|method| granted.allows_method(method))
}

fn covers_hosts(granted: &HostPattern, asked: &HostPattern) -> bool {
    match (granted, asked) {
        (HostPattern::Any, HostPattern::Host(host)) => !names_address(host),
        (HostPattern::Any, HostPattern::Any | HostPattern::Below(_)) => true,
        (HostPattern::Below(_), HostPattern::Host(host)) => {
            !names_address(host) && granted.matches(host)
        }
        (HostPattern::Below(parent), HostPattern::Below(own)) => {
            parent == own || granted.matches(&Host::Name(own.clone()))
        }
        (HostPattern::Host(own), HostPattern::Host(host)) => own == host,
        (HostPattern::Below(_), HostPattern::Any)
        | (HostPattern::Host(_), HostPattern::Any | HostPattern::Below(_)) => false,
    }
}

/// Whether naming this host allows an address that is not public.
fn names_address(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost",
        Host::Address(address) => !super::is_public(*address),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{allows, requests};
    use super::*;

    #[test]
    fn examples() {
        for (granted, asked, expected) in [
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "GET https://A.example.:443/v1", true),
            ("GET https://a.example", "https://a.example", false),
            (
                "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS https://a.example",
                "https://a.example",
                true,
            ),
            ("GET,HEAD https://a.example", "HEAD https://a.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example:8443", false),
            ("https://*.example", "https://a.example", true),
            ("https://*.example", "https://*.a.example", true),
            ("https://*.a.example", "https://*.example", false),
            ("https://*.example", "https://example", false),
            ("https://*", "https://*.example", true),
            ("https://*.example", "https://*", false),
            ("https://*", "https://8.8.8.8", true),
            ("https://*", "https://10.0.0.1", false),
            ("https://*", "https://[::ffff:8.8.8.8]", false),
            ("https://*", "https://localhost", false),
            ("https://localhost", "https://localhost", true),
            ("https://a.example/v1/*", "https://a.example/v1/notes", true),
            ("https://a.example/v1/*", "https://a.example/v1*", false),
            ("https://a.example/v1*", "https://a.example/v1/*", true),
            ("https://a.example/v1*", "https://a.example/v10", false),
            ("https://a.example/*", "https://a.example", true),
            ("https://a.example/", "https://a.example/*", false),
        ] {
            let (granted, asked) = (granted.parse().unwrap(), asked.parse().unwrap());
            assert_eq!(covers(&granted, &asked), expected, "{granted} {asked}");
        }
    }

    /// Over a small world of requests, one pattern covers another exactly where it allows all that the other one does.
    #[test]
    fn covering_is_allowing_as_much() {
        let mut patterns = Vec::new();
        for methods in [
            "",
            "GET ",
            "GET,POST ",
            "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS ",
        ] {
            for host in [
                "*",
                "*.e",
                "*.a.e",
                "a.e",
                "b.a.e",
                "localhost",
                "10.0.0.1",
                "8.8.8.8",
            ] {
                for path in ["", "/", "/*", "/v", "/v*", "/v/*", "/v/w", "/v/w*"] {
                    for start in ["https://", "http://"] {
                        let text = format!("{methods}{start}{host}{path}");
                        patterns.push(text.parse::<NetworkPattern>().unwrap());
                    }
                }
            }
        }
        let requests = requests(
            &["GET", "HEAD", "POST", "DELETE"],
            &[
                "a.e",
                "b.a.e",
                "c.b.a.e",
                "z.e",
                "e",
                "z",
                "localhost",
                "10.0.0.1",
                "8.8.8.8",
            ],
            &[
                "/", "/v", "/v/", "/v/w", "/v/w/", "/v/wx", "/v/w/x", "/vx", "/x",
            ],
        );
        let allowed: Vec<Vec<bool>> = patterns
            .iter()
            .map(|pattern| {
                requests
                    .iter()
                    .map(|request| allows(pattern, request))
                    .collect()
            })
            .collect();
        for (granted, by_granted) in patterns.iter().zip(&allowed) {
            for (asked, by_asked) in patterns.iter().zip(&allowed) {
                let within = by_asked
                    .iter()
                    .zip(by_granted)
                    .all(|(asked, granted)| granted >= asked);
                assert_eq!(covers(granted, asked), within, "{granted} {asked}");
            }
        }
    }
}
