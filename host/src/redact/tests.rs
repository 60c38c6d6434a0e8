//! Values in every spelling, whole and in chunks.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

fn check(values: &[&str], text: &str, expected: &str) {
    let redactor = Redactor::new(values.iter().copied());
    let redacted = redactor.redact_text(text);
    assert_eq!(redacted, expected);
    assert_eq!(redacted.len(), text.len());
}

#[test]
fn plain_values_are_covered_byte_for_byte() {
    check(
        &["tok-12345678"],
        "a tok-12345678 b tok-12345678",
        "a ************ b ************",
    );
    check(&["tok-12345678"], "tok-1234567", "tok-1234567");
    check(&["tok-12345678"], "tok-tok-12345678", "tok-************");
    // Values that overlap, repeat themselves, or hold one another.
    check(
        &["abcdefgh", "efghijkl"],
        "xabcdefghijklx",
        "x************x",
    );
    check(&["aaaaaaaa"], "aaaaaaaaaaab", "***********b");
    check(&["abcdefgh", "abcdefghijkl"], "abcdefghijk", "********ijk");
    check(&["žluťoučký"], "kůň žluťoučký!", "kůň *************!");
    check(&["short"], "short", "short");
    check(&[], "anything", "anything");
}

#[test]
fn encoded_values_are_covered_too() {
    let value = "p/ss w+rd\"é\u{1f511}";
    for text in [
        "p/ss w+rd\"é\u{1f511}",
        "p%2Fss%20w%2Brd%22%C3%A9%F0%9F%94%91",
        "p%2fss+w%2brd%22%c3%a9%f0%9f%94%91",
        "%70%2f%73%73%20%77%2b%72%64%22%c3%a9%f0%9f%94%91",
        "p\\/ss w+rd\\\"\\u00e9\\ud83d\\udd11",
        "p/ss w+rd\\u0022\\u00E9\\uD83D\\uDD11",
        "\\u0070/ss%20w+rd&quot;é\u{1f511}",
    ] {
        let cover = "*".repeat(text.len());
        check(&[value], &format!("<{text}>"), &format!("<{cover}>"));
    }
}

#[test]
fn base64_is_found_wherever_the_value_stands_in_it() {
    let value = "secret??>>~~token";
    let redactor = Redactor::new([value]);
    for before in ["", "u", "me:", "user:", "usern:"] {
        for after in ["", "x", "xy", "xyz"] {
            for engine in [&STANDARD, &URL_SAFE] {
                let encoded = engine.encode(format!("{before}{value}{after}"));
                let redacted = redactor.redact_text(&encoded).into_owned();
                // At most one digit on either side says something of the value and something of its neighbour.
                let covered = redacted.bytes().filter(|byte| *byte == COVER).count();
                assert!(covered + 2 >= (value.len() * 8) / 6, "{encoded} {redacted}");
                assert_eq!(redacted.len(), encoded.len());
            }
        }
    }
    let percent: String = utf8_percent_encode(&STANDARD.encode(value), NON_ALPHANUMERIC).collect();
    assert!(
        redactor.redact_text(&percent).starts_with("******"),
        "{percent}"
    );
}

#[test]
fn only_what_may_be_a_beginning_is_held_back() {
    let mut stream = RedactedStream::new(Arc::new(Redactor::new(["tok-12345678"])));
    assert_eq!(stream.push("hello tok-".into()), "hello ");
    assert_eq!(stream.push("12".into()), "");
    assert_eq!(stream.push("x tok-123456".into()), "tok-12x ");
    assert_eq!(stream.push("78 t".into()), "************ ");
    assert_eq!(stream.finish(), "t");
    assert_eq!(stream.finish(), "");
}

/// A chunk without anything to cover is given on as it is.
#[test]
fn clear_chunks_are_not_copied() {
    let mut stream = RedactedStream::new(Arc::new(Redactor::new(["tok-12345678"])));
    let chunk = Bytes::from("nothing in here.".repeat(100));
    assert_eq!(stream.push(chunk.clone()).as_ptr(), chunk.as_ptr());
}

fn values() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![
        "[ab]{8,12}",
        "[a-c%2+/= \"\\\\]{8,14}",
        "\\PC{8,16}",
        "[A-Za-z0-9_-]{20,40}"
    ];
    prop::collection::vec(value, 1..3)
}

/// One way to encode a text.
fn encode(way: usize, text: &str) -> String {
    match way {
        0 => text.to_owned(),
        1 => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        2 => text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        3 => utf8_percent_encode(text, NON_ALPHANUMERIC)
            .to_string()
            .replace("%20", "+"),
        4 => {
            let quoted = serde_json::to_string(text).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        }
        5 => text
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04X}"))
            .collect(),
        6 => STANDARD.encode(text),
        _ => URL_SAFE_NO_PAD.encode(text),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn chunks_give_the_same_as_the_whole(
        values in values(),
        pieces in prop::collection::vec((0usize..8, any::<bool>(), "[ab%\\\\u+ ]{0,6}"), 0..6),
        cuts in prop::collection::vec(1usize..9, 0..40),
    ) {
        let text: String = pieces
            .iter()
            .map(|(way, cut, filler)| {
                let encoded = encode(*way, &values[way % values.len()]);
                let end = if *cut { encoded.len() / 2 } else { encoded.len() };
                let end = (0..=end).rev().find(|end| encoded.is_char_boundary(*end)).unwrap();
                format!("{filler}{}", &encoded[..end])
            })
            .collect();
        let redactor = Arc::new(Redactor::new(values.iter().map(String::as_str)));
        let whole = redactor.redact_text(&text).into_owned();
        prop_assert_eq!(whole.len(), text.len());

        let mut stream = RedactedStream::new(redactor);
        let mut chunked = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts {
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            chunked.extend(stream.push(Bytes::copy_from_slice(chunk)));
            rest = after;
        }
        chunked.extend(stream.push(Bytes::copy_from_slice(rest)));
        chunked.extend(stream.finish());
        prop_assert_eq!(String::from_utf8(chunked), Ok(whole));
    }

    #[test]
    fn no_encoded_form_survives(values in values(), way in 0usize..6, before in "\\PC{0,8}", after in "\\PC{0,8}") {
        let redactor = Redactor::new(values.iter().map(String::as_str));
        for value in &values {
            let encoded = encode(way, value);
            let redacted = redactor.redact_text(&format!("{before}{encoded}{after}")).into_owned();
            let at = before.len()..before.len() + encoded.len();
            prop_assert!(redacted.as_bytes()[at].iter().all(|byte| *byte == COVER), "{} {}", encoded, redacted);
        }
    }

    /// Of the Base64 of any text with the value in it, no digit stays that the value alone determines.
    #[test]
    fn no_base64_survives(values in values(), before in "\\PC{0,8}", after in "\\PC{0,8}", way in 6usize..8) {
        let redactor = Redactor::new(values.iter().map(String::as_str));
        for value in &values {
            let encoded = encode(way, &format!("{before}{value}{after}"));
            let redacted = redactor.redact_text(&encoded).into_owned();
            let digits = (before.len() * 8).div_ceil(6)..(before.len() + value.len()) * 8 / 6;
            prop_assert!(redacted.as_bytes()[digits].iter().all(|byte| *byte == COVER), "{} {}", encoded, redacted);
        }
    }

    #[test]
    fn other_text_stays_as_it_is(values in prop::collection::vec("[a-m]{8,12}", 1..3), text in "[n-z0-9%+/ ]{0,64}") {
        let redactor = Redactor::new(values.iter().map(String::as_str));
        prop_assert!(matches!(redactor.redact_text(&text), Cow::Borrowed(_)));
    }
}
