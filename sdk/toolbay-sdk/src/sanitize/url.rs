//! Parts of a URL (RFC 3986), chosen by somebody else.

use crate::error::ToolError;

/// A text as one segment of a URL's path, whatever is in it: a `/` in it is a part of the name and not the end of it.
///
/// ```
/// use toolbay_sdk::sanitize::url_segment;
///
/// assert_eq!(url_segment("a b/c?d#e")?, "a%20b%2Fc%3Fd%23e");
/// assert!(url_segment("..").is_err());
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// `validation_error` where it is empty, `.` or `..`, which no spelling keeps from being taken for a way up.
pub fn url_segment(text: &str) -> Result<String, ToolError> {
    if matches!(text, "" | "." | "..") {
        return Err(ToolError::validation(format!(
            "`{text}` cannot be a part of an address; give a name"
        )));
    }
    Ok(encoded(text))
}

/// A text as a value in a URL's query.
///
/// ```
/// use toolbay_sdk::sanitize::url_query_value;
/// assert_eq!(url_query_value("a&b=c d"), "a%26b%3Dc%20d");
/// ```
pub fn url_query_value(text: &str) -> String {
    encoded(text)
}

/// An address below one of the program's own: the base, and one segment for each text. The scheme, the host and what the base's path begins with stay as they are, whatever the texts are.
///
/// ```
/// use toolbay_sdk::sanitize::url_below;
///
/// let url = url_below("https://api.example.com/v1/notes", ["2026/11", "shopping?"])?;
/// assert_eq!(url, "https://api.example.com/v1/notes/2026%2F11/shopping%3F");
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// As [`url_segment`].
pub fn url_below<'a>(
    base: &'static str,
    segments: impl IntoIterator<Item = &'a str>,
) -> Result<String, ToolError> {
    let mut url = base.trim_end_matches('/').to_owned();
    for segment in segments {
        url.push('/');
        url += &url_segment(segment)?;
    }
    Ok(url)
}

/// All but the characters that RFC 3986 calls unreserved.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    const BASE: &str = "https://api.example.com:8443/v1/notes";

    /// What another reader of URLs makes of it: the segments behind the base, decoded.
    fn read(url: &str) -> Vec<String> {
        let parsed = Url::parse(url).unwrap();
        assert_eq!(parsed.host_str(), Some("api.example.com"));
        assert_eq!((parsed.scheme(), parsed.port()), ("https", Some(8443)));
        assert!(
            parsed.username().is_empty() && parsed.query().is_none() && parsed.fragment().is_none()
        );
        let segments: Vec<&str> = parsed.path_segments().unwrap().collect();
        assert_eq!(segments[..2], ["v1", "notes"]);
        let decoded = segments[2..].iter().map(|segment| {
            let bytes = percent_encoding(segment);
            String::from_utf8(bytes).unwrap()
        });
        decoded.collect()
    }

    fn percent_encoding(segment: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = segment.as_bytes();
        while let Some((first, behind)) = rest.split_first() {
            if *first == b'%' {
                let digits = std::str::from_utf8(&behind[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &behind[2..];
            } else {
                bytes.push(*first);
                rest = behind;
            }
        }
        bytes
    }

    #[test]
    fn attacks_stay_names() {
        let attacks = [
            "../../admin",
            "..%2f..%2fadmin",
            "%2e%2e",
            "//evil.example",
            "@evil.example",
            ":80",
            "?a=b",
            "#x",
            "\\evil",
            "a\r\nHost: evil",
            "a b",
            ";x",
            "...",
            ".a",
            "é",
            "\u{ff0e}\u{ff0e}",
            "\u{2215}",
            "\0",
            "http://evil.example/",
        ];
        for attack in attacks {
            assert_eq!(
                read(&url_below(BASE, [attack]).unwrap()),
                [attack],
                "{attack:?}"
            );
        }
        for way_up in ["", ".", ".."] {
            assert!(url_below(BASE, ["a", way_up]).is_err());
        }
    }

    proptest! {
        #[test]
        fn the_base_stays_and_every_text_comes_back(texts in prop::collection::vec("\\PC{1,12}|[./\\\\%?#@:&=+ \r\n\t]{3,12}", 1..5)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !matches!(*text, "." | "..")).collect();
            let url = url_below(BASE, texts.iter().copied()).unwrap();
            prop_assert_eq!(read(&url), texts.clone());
            let query = Url::parse(&format!("{BASE}?q={}", url_query_value(&texts.concat()))).unwrap();
            let pairs: Vec<(String, String)> = query.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, [("q".to_owned(), texts.concat())]);
        }
    }
}
