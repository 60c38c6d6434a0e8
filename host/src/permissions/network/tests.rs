//! Requests against patterns: what passes, what is refused and with which words, and what holds for every request.

use proptest::prelude::*;

use super::*;

/// A request with an address that its host's name leads to.
pub(super) struct Attempt {
    method: Method,
    url: Uri,
    address: IpAddr,
}

/// Every combination of these, over both schemes. Names lead to a public address and to this machine.
pub(super) fn requests(methods: &[&str], hosts: &[&str], paths: &[&str]) -> Vec<Attempt> {
    let mut requests = Vec::new();
    for method in methods {
        for scheme in ["http", "https"] {
            for host in hosts {
                for path in paths {
                    let addresses = match host.parse() {
                        Ok(Host::Address(address)) => vec![address],
                        _ => vec!["8.8.8.8".parse().unwrap(), "127.0.0.1".parse().unwrap()],
                    };
                    requests.extend(addresses.into_iter().map(|address| Attempt {
                        method: method.parse().unwrap(),
                        url: format!("{scheme}://{host}{path}").parse().unwrap(),
                        address,
                    }));
                }
            }
        }
    }
    requests
}

pub(super) fn allows(pattern: &NetworkPattern, request: &Attempt) -> bool {
    let access = access(&[pattern.as_str()]);
    access
        .check(&request.method, &request.url, false)
        .is_ok_and(|target| access.check_address(&target, request.address).is_ok())
}

fn access(patterns: &[&str]) -> NetworkAccess {
    NetworkAccess {
        patterns: patterns
            .iter()
            .map(|pattern| pattern.parse().unwrap())
            .collect(),
        ..NetworkAccess::default()
    }
}

fn check(access: &NetworkAccess, request: &str, read_only: bool) -> Result<Target, Refusal> {
    let (method, url) = request.split_once(' ').unwrap();
    access.check(&method.parse().unwrap(), &url.parse().unwrap(), read_only)
}

/// The words and the remedy of a refusal.
fn refusal(access: &NetworkAccess, request: &str, read_only: bool) -> (String, Option<String>) {
    let denial = check(access, request, read_only)
        .unwrap_err()
        .denial("notes");
    (denial.what, denial.remedy)
}

#[test]
fn a_request_matches_in_every_part() {
    let access = access(&[
        "GET,HEAD https://api.example.com/v1/*",
        "POST http://localhost:8080/notes",
        "https://*.example.org",
        "PUT https://[2001:db8::1]:8443/*",
    ]);
    for (request, expected) in [
        ("GET https://api.example.com/v1/notes", true),
        ("GET https://API.example.com:443/v1/notes?q=/../x%2f", true),
        ("GET https://api.example.com./v1/", true),
        ("HEAD https://api.example.com/v1/a%20b", true),
        ("POST https://api.example.com/v1/notes", false),
        ("GET http://api.example.com/v1/notes", false),
        ("GET https://api.example.com:8443/v1/notes", false),
        ("GET https://api.example.com/v10/notes", false),
        ("GET https://api.example.com/v1", false),
        ("GET https://example.com/v1/notes", false),
        ("GET https://api.example.com.evil.example/v1/notes", false),
        ("POST http://localhost:8080/notes", true),
        ("POST http://localhost:8080/notes/", false),
        ("POST http://localhost/notes", false),
        ("POST http://127.0.0.1:8080/notes", false),
        ("DELETE https://a.b.example.org/anything", true),
        ("DELETE https://example.org/anything", false),
        ("DELETE https://evilexample.org/anything", false),
        ("PUT https://[2001:DB8:0::1]:8443/x", true),
        ("PUT https://[2001:db8::1]/x", false),
    ] {
        assert_eq!(
            check(&access, request, false).is_ok(),
            expected,
            "{request}"
        );
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_whatever_is_allowed() {
    let access = access(&["https://*", "http://*"]);
    for request in [
        "GET https://good.example@evil.example/",
        "GET https://user:password@good.example/",
        "GET https://good.example/a/../b",
        "GET https://good.example/a/%2e%2E/b",
        "GET https://good.example/a%2Fb",
        "GET https://good.example/a%252fb",
        "GET https://good.example/a\\b",
        "GET https://good.example/a%5Cb",
        "GET https://good.example/..;/b",
        "GET http://2130706433/",
        "GET http://0x7f.1/",
        "GET http://0177.0.0.1/",
        "GET http://127.1/",
        "GET http://[fe80::1%25eth0]/",
        "GET https://good.example:0/",
        "GET https://good.example:99999/",
        "GET https://good.example:/",
        "GET ftp://good.example/",
        "GET /only/a/path",
        "CONNECT https://good.example/",
        "TRACE https://good.example/",
        "PROPFIND https://good.example/",
        "get https://good.example/",
    ] {
        let (method, url) = request.split_once(' ').unwrap();
        // Some of them are no URL for the library either, which is just as well.
        if let Ok(url) = url.parse() {
            let refused = access.check(&method.parse().unwrap(), &url, false);
            assert!(
                matches!(refused, Err(Refusal::Unclear { .. })),
                "{request} {refused:?}"
            );
        }
    }
}

#[test]
fn a_read_only_tool_looks_only() {
    let access = access(&["https://api.example.com"]);
    for (request, expected) in [
        ("GET https://api.example.com/", true),
        ("HEAD https://api.example.com/", true),
        ("POST https://api.example.com/", false),
        ("OPTIONS https://api.example.com/", false),
    ] {
        assert_eq!(check(&access, request, true).is_ok(), expected, "{request}");
    }
}

#[test]
fn a_grant_may_be_narrowed_to_hosts() {
    let mut access = access(&["https://*", "http://*:8080"]);
    let hosts = [
        "api.example.com",
        "*.example.org:8080",
        "10.1.2.3",
        "[::1]:443",
        "not a host",
    ];
    access.only_hosts = Some(hosts.map(str::to_owned).to_vec());
    for (request, expected, named) in [
        ("GET https://API.example.com/", true, true),
        ("GET http://api.example.com:8080/", true, true),
        ("GET https://example.com/", false, false),
        ("GET http://a.example.org:8080/", true, false),
        ("GET https://a.example.org/", false, false),
        ("GET https://10.1.2.3/", true, true),
        ("GET https://[::1]/", true, true),
        ("GET http://[::1]:8080/", false, false),
    ] {
        let target = check(&access, request, false);
        assert_eq!(
            target.as_ref().is_ok_and(|target| target.named),
            named,
            "{request}"
        );
        assert_eq!(target.is_ok(), expected, "{request}");
    }
    access.only_hosts = Some(Vec::new());
    assert!(check(&access, "GET https://api.example.com/", false).is_err());
}

#[test]
fn a_pattern_never_names_an_address() {
    let access = access(&[
        "https://*",
        "http://*.internal",
        "http://localhost",
        "http://10.0.0.1",
    ]);
    for (request, address, expected) in [
        ("GET https://example.com/", "8.8.8.8", true),
        ("GET https://example.com/", "127.0.0.1", false),
        ("GET https://example.com/", "169.254.169.254", false),
        ("GET https://example.com/", "::ffff:127.0.0.1", false),
        ("GET https://localhost/", "127.0.0.1", false),
        ("GET https://127.0.0.1/", "127.0.0.1", false),
        ("GET https://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1", false),
        ("GET http://db.internal/", "10.0.0.1", false),
        ("GET http://localhost/", "127.0.0.1", true),
        ("GET http://localhost/", "10.0.0.1", false),
        ("GET http://10.0.0.1/", "10.0.0.1", true),
    ] {
        let target = check(&access, request, false).unwrap();
        let allowed = access
            .check_address(&target, address.parse().unwrap())
            .is_ok();
        assert_eq!(allowed, expected, "{request} {address}");
    }
}

#[test]
fn a_refusal_names_the_line_to_add() {
    let mut access = access(&["GET https://api.example.com/v1/*"]);
    let shown = |(what, remedy): (String, Option<String>)| {
        format!("{what}\n  {}", remedy.unwrap_or_else(|| "(nothing)".into()))
    };
    let mut lines = vec![
        shown(refusal(
            &access,
            "POST https://API.example.com/v1/notes?token=abc",
            false,
        )),
        shown(refusal(&access, "GET http://localhost:8080", false)),
        shown(refusal(&access, "GET https://api.example.com/a*b/c", false)),
        shown(refusal(
            &access,
            "GET https://api.example.com/\"quoted\"",
            false,
        )),
        shown(refusal(
            &access,
            "DELETE https://api.example.com/v1/notes",
            true,
        )),
        shown(refusal(
            &access,
            "GET https://me:secret@evil.example/",
            false,
        )),
        shown(refusal(&access, "TRACE https://api.example.com/", false)),
        shown(refusal(
            &access,
            "GET https://api.example.com/v1/%2e%2e/admin",
            false,
        )),
    ];
    access.only_hosts = Some(vec!["other.example".to_owned()]);
    lines.push(shown(refusal(
        &access,
        "GET https://api.example.com/v1/notes",
        false,
    )));
    access.only_hosts = None;
    let target = check(&access, "GET https://api.example.com/v1/notes", false).unwrap();
    for address in [
        "127.0.0.1",
        "169.254.169.254",
        "fd00::1",
        "10.1.2.3",
        "1::1",
    ] {
        let denial = access
            .check_address(&target, address.parse().unwrap())
            .unwrap_err()
            .denial("notes");
        lines.push(shown((denial.what, denial.remedy)));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    POST https://api.example.com/v1/notes is not among its network permissions
      network = ["POST https://api.example.com/v1/notes"]
    GET http://localhost:8080/ is not among its network permissions
      network = ["GET http://localhost:8080/"]
    GET https://api.example.com/a*b/c is not among its network permissions
      network = ["GET https://api.example.com"]
    GET https://api.example.com/"quoted" is not among its network permissions
      network = ["GET https://api.example.com/\"quoted\""]
    DELETE https://api.example.com/v1/notes may change something, and the tool is read-only
      read-only = false
    GET https://…@evil.example/ has a user before its host
      (nothing)
    TRACE https://api.example.com/ has a method that no permission allows
      (nothing)
    GET https://api.example.com/v1/%2e%2e/admin has a path with a segment `.` or `..`
      (nothing)
    GET https://api.example.com/v1/notes goes to a host that the user did not grant
      toolbay grant notes --hosts api.example.com
    api.example.com leads to 127.0.0.1, which is an address of this machine
      toolbay grant notes --address 127.0.0.1
    api.example.com leads to 169.254.169.254, which is a link-local address
      toolbay grant notes --address 169.254.169.254
    api.example.com leads to fd00::1, which is a private address
      toolbay grant notes --address fd00::1
    api.example.com leads to 10.1.2.3, which is a private address
      toolbay grant notes --address 10.1.2.3
    api.example.com leads to 1::1, which is an address of nobody yet
      toolbay grant notes --address 1::1
    "#);
}

/// A URL made of pieces that have led other checkers astray.
fn urls() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "example.com",
        "evil.example",
        "api.",
        ".",
        "@",
        ":",
        "443",
        "80",
        "/",
        "\\",
        "?",
        "#",
        "%2f",
        "%2e",
        "..",
        "[",
        "]",
        "::1",
        "127.0.0.1",
        "localhost",
        "%40",
        "a",
        "v1",
        "*",
        "xn--",
        "%00",
        ";",
    ]);
    (
        prop::sample::select(vec!["https://", "http://", "https:/", "HTTPS://"]),
        prop::collection::vec(pieces, 1..8),
    )
        .prop_map(|(scheme, pieces)| format!("{scheme}{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// The target is what the library itself reads out of the URL, so nothing is checked that is not reached.
    #[test]
    fn what_is_checked_is_what_is_reached(url in urls()) {
        let everything = access(&["https://*", "http://*"]);
        if let Ok(url) = url.parse::<Uri>()
            && let Ok(target) = everything.check(&Method::GET, &url, false)
        {
            let host = url.host().unwrap();
            prop_assert_eq!(host.trim_end_matches('.').parse::<Host>(), Ok(target.host.clone()));
            prop_assert_eq!(url.port_u16().unwrap_or(target.scheme.default_port()), target.port);
            prop_assert_eq!(url.scheme_str(), Some(target.scheme.as_str()));
            // The spelling that goes out means the same again.
            let again: Uri = format!("{}://{}/", target.scheme.as_str(), target.authority()).parse().unwrap();
            prop_assert_eq!(everything.check(&Method::GET, &again, false), Ok(target));
        }
    }

    #[test]
    fn a_pattern_keeps_requests_below_its_host_and_path(url in urls()) {
        let access = access(&["GET https://*.example.com/v1/*", "GET http://*.example.com/v1/*"]);
        if let Ok(url) = url.parse::<Uri>()
            && access.check(&Method::GET, &url, false).is_ok()
        {
            prop_assert!(url.host().unwrap().trim_end_matches('.').ends_with(".example.com"));
            prop_assert!(url.path().starts_with("/v1/"));
            prop_assert!(!url.path().contains(".."));
        }
    }

    /// The line that a refusal gives is one that a manifest may have, and it allows the request.
    #[test]
    fn the_remedy_is_one(url in urls(), method in prop::sample::select(HTTP_METHODS.to_vec())) {
        let method: Method = method.parse().unwrap();
        if let Ok(url) = url.parse::<Uri>()
            && let Err(refusal @ Refusal::NotAsked { .. }) = NetworkAccess::default().check(&method, &url, false)
        {
            let line = refusal.denial("notes").remedy.unwrap();
            let table: toml::Table = line.parse().unwrap();
            let pattern = table["network"][0].as_str().unwrap();
            prop_assert!(access(&[pattern]).check(&method, &url, false).is_ok(), "{} {}", url, line);
        }
    }
}
