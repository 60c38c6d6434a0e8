//! A network permission and a request: never a panic, and what passes goes where the pattern says, for this parser and for browsers'.
//! The input is lines: method, URL, pattern, pattern.
#![no_main]
#![allow(dead_code, unused_imports, reason = "the files under test have more than is used here")]

use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;
use toolbay_manifest::{Host, HostPattern, NetworkPattern, PathPattern, path_fault};

use permissions::network::{NetworkAccess, Refusal, covers, is_public};

#[path = "../../src/permissions"]
mod permissions {
    pub(crate) mod network;
    pub(crate) mod usage;
}
#[path = "../../src/text.rs"]
mod text;

fuzz_target!(|input: &str| {
    let mut lines = input.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (method, url) = (next(), next());
    let patterns: Vec<NetworkPattern> = [next(), next()].iter().filter_map(|text| text.parse().ok()).collect();
    for pattern in &patterns {
        assert_eq!(pattern.to_string().parse().as_ref(), Ok(pattern));
        assert!(covers(pattern, pattern));
    }
    let (Ok(method), Ok(parsed)) = (method.parse::<Method>(), url.parse::<Uri>()) else {
        return;
    };
    let allows = |pattern: &NetworkPattern| {
        let access = NetworkAccess {
            patterns: vec![pattern.clone()],
            ..NetworkAccess::default()
        };
        access.check(&method, &parsed, false)
    };
    let results: Vec<_> = patterns.iter().map(allows).collect();
    for (pattern, result) in patterns.iter().zip(&results) {
        match result {
            Ok(target) => check_target(pattern, &method, url, &parsed, target),
            Err(refusal) => check_refusal(&method, &parsed, refusal),
        }
    }
    if let ([first, second], [by_first, by_second]) = (patterns.as_slice(), results.as_slice())
        && covers(first, second)
        && by_second.is_ok()
    {
        assert!(by_first.is_ok(), "{first} covers {second}");
    }
});

fn check_target(pattern: &NetworkPattern, method: &Method, text: &str, url: &Uri, target: &permissions::network::Target) {
    assert!(pattern.allows_method(method.as_str()));
    // Where the library would connect to.
    let host = url.host().expect("what passes has a host");
    assert_eq!(host.strip_suffix('.').unwrap_or(host).parse().as_ref(), Ok(&target.host));
    assert_eq!(url.port_u16().unwrap_or(target.scheme.default_port()), target.port);
    // Where a browser would.
    let browser = match url::Url::parse(text) {
        Ok(browser) => browser,
        // Only a browser looks at what a label in Punycode stands for; for DNS it is a name like others.
        Err(url::ParseError::IdnaError) if host.to_ascii_lowercase().contains("xn--") => return,
        Err(error) => panic!("what passes is a URL for everybody: {error}"),
    };
    let browser_host = browser.host_str().expect("what passes has a host");
    assert_eq!(browser_host.strip_suffix('.').unwrap_or(browser_host).parse().as_ref(), Ok(&target.host));
    assert_eq!(browser.port_or_known_default(), Some(target.port));
    assert_eq!(browser.scheme(), target.scheme.as_str());
    assert!(browser.username().is_empty() && browser.password().is_none());
    // The path is the same for both, but for characters that a browser encodes.
    assert_eq!(browser.path().split('/').count(), url.path().split('/').count());
    assert_eq!(path_fault(url.path()), None);
    if let PathPattern::Prefix(prefix) = pattern.path() {
        assert!(url.path().starts_with(prefix.as_str()));
    }
    let name = target.host.to_string();
    match pattern.host() {
        HostPattern::Below(parent) => assert!(name.ends_with(&format!(".{parent}")) && !target.named),
        HostPattern::Host(host) => assert_eq!(host, &target.host),
        HostPattern::Any => assert!(!target.named),
    }
    // No pattern leads to an address that nobody named.
    let access = NetworkAccess::default();
    for address in ["127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1"] {
        let address = address.parse().expect("it is an address");
        assert!(!is_public(address));
        let named = target.named && (target.host == Host::Address(address) || name == "localhost" && address.is_loopback());
        assert_eq!(access.check_address(target, address).is_ok(), named);
    }
}

fn check_refusal(method: &Method, url: &Uri, refusal: &Refusal) {
    let denial = refusal.denial("plugin");
    assert!(!denial.what.contains(char::is_control));
    // The line that is given allows the request.
    if let (Refusal::NotAsked { .. }, Some(line)) = (refusal, &denial.remedy) {
        let list = line.strip_prefix("network = ").expect("it is a line for `network`");
        let [pattern]: [String; 1] = serde_json::from_str(list).expect("it is a list of one text");
        let access = NetworkAccess {
            patterns: vec![pattern.parse().expect("it is a pattern")],
            ..NetworkAccess::default()
        };
        assert!(access.check(method, url, false).is_ok(), "{line}");
    }
}
