//! The SDK's types with a format, beside the check of that format here: what a type holds is taken, and where more is taken it is known what.

use proptest::prelude::*;
use toolbay_sdk::{Date, DateTime, Email, Url};

use super::*;

/// Whether a text is of this format.
fn host(format: &str, text: &str) -> bool {
    let schema = Schema::compile(&json!({"type": "string", "format": format})).unwrap();
    schema.faults(&json!(text)).is_empty()
}

/// Texts that are nearly of the form, and some that are.
fn nearly(form: &'static str) -> impl Strategy<Value = String> {
    let changed = (form, any::<prop::sample::Index>(), any::<char>()).prop_map(
        |(text, place, char): (String, prop::sample::Index, char)| {
            let mut chars: Vec<char> = text.chars().collect();
            if !chars.is_empty() {
                let place = place.index(chars.len());
                chars[place] = char;
            }
            chars.into_iter().collect()
        },
    );
    prop_oneof![4 => form, 1 => changed, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dates_are_the_same(text in nearly("[0-9]{4}-[01][0-9]-[0-3][0-9]")) {
        let here = text.parse::<Date>();
        prop_assert_eq!(here.is_ok(), host("date", &text));
        if let Ok(date) = here {
            prop_assert_eq!(date.to_string(), text);
        }
    }

    #[test]
    fn times_are_the_same(text in nearly("[0-9]{4}-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])")) {
        let here = text.parse::<DateTime>();
        prop_assert_eq!(here.is_ok(), host("date-time", &text));
        if let Ok(time) = here {
            let written = time.to_string();
            prop_assert!(host("date-time", &written), "{}", written);
            prop_assert_eq!(written.parse::<DateTime>().unwrap(), time);
        }
    }

    /// The host takes more: quoted local parts, addresses in brackets. It alone decodes internationalised names.
    #[test]
    fn the_host_takes_each_address(text in nearly("[a-z0-9.+'!-]{1,10}@[a-z0-9-]{1,8}(\\.[a-z0-9-]{1,6}){0,3}")) {
        let encoded = |label: &str| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        if let Ok(email) = text.parse::<Email>()
            && !email.domain().split('.').any(encoded)
        {
            prop_assert!(host("email", &text), "{}", text);
        }
    }

    #[test]
    fn ordinary_addresses_of_the_hosts_are_taken(text in nearly("[a-z]{1,8}(\\.[a-z]{1,8})?@[a-z]{1,8}(\\.[a-z]{1,8}){0,3}")) {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'@' | b'-'));
        if plain && host("email", &text) {
            prop_assert!(text.parse::<Email>().is_ok(), "{}", text);
        }
    }

    #[test]
    fn the_host_takes_each_url_and_browsers_see_the_same_host(
        text in nearly("https?://[a-zA-Z0-9.-]{1,12}(:[0-9]{1,5})?(/[a-zA-Z0-9._~%\\[\\]|ä -]{0,8}){0,3}(\\?[a-z=&\\[\\]{}^'\"]{0,8})?(#[a-z\\[]{0,4})?"),
    ) {
        let Ok(here) = text.parse::<Url>() else { return Ok(()) };
        prop_assert!(host("uri", here.as_str()), "{}", here);
        let again: Url = here.as_str().parse().unwrap();
        prop_assert_eq!(&again, &here);
        // Numbers are names here, and never looked up; browsers take them for addresses, or for none at all.
        if let Ok(theirs) = url::Url::parse(here.as_str())
            && !matches!(theirs.host(), Some(url::Host::Ipv4(_)))
        {
            prop_assert_eq!(theirs.host_str(), Some(here.host()));
            prop_assert_eq!(theirs.port_or_known_default(), Some(here.port()));
            prop_assert_eq!(theirs.scheme(), here.scheme());
        }
    }
}
