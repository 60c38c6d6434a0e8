//! From bytes to text: what kind of document it is, and in which encoding.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use toolbay_sdk::ToolError;

use crate::get::Fetched;

/// Where a page says its own encoding it does so within these bytes, as the HTML standard asks.
const PRESCANNED: usize = 1024;

/// What is made of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page, to become Markdown.
    Html,
    /// Text, to be passed on as it is.
    Text,
}

/// The media type without its parameters, in lower case.
pub(crate) fn media_type(content_type: &str) -> String {
    let (media_type, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    media_type.trim().to_ascii_lowercase()
}

/// What kind of document it is, and its text.
///
/// # Errors
/// `validation_error` for what is not text.
pub(crate) fn text(fetched: &Fetched) -> Result<(Kind, String), ToolError> {
    let media_type = media_type(&fetched.content_type);
    let kind = match kind(&media_type) {
        Some(kind) => kind,
        // Servers that know nothing of a file often say so with this type.
        None if matches!(
            media_type.as_str(),
            "" | "application/octet-stream" | "unknown/unknown"
        ) =>
        {
            sniff(&fetched.bytes).ok_or_else(|| {
                not_text(&fetched.url, "sent bytes of a kind that it does not name")
            })?
        }
        None => {
            let said = format!("is of type `{}`", media_type.escape_debug());
            return Err(not_text(&fetched.url, &said));
        }
    };
    let encoding = encoding(&fetched.content_type, &fetched.bytes);
    let (text, _, _) = encoding.decode(&fetched.bytes);
    Ok((kind, text.into_owned()))
}

fn not_text(url: &str, why: &str) -> ToolError {
    ToolError::validation(format!(
        "{url} {why}, which cannot be read as text; HTML, plain text, Markdown, JSON and XML can"
    ))
}

fn kind(media_type: &str) -> Option<Kind> {
    match media_type {
        "text/html" | "application/xhtml+xml" => Some(Kind::Html),
        "application/json"
        | "application/xml"
        | "application/javascript"
        | "application/ecmascript"
        | "application/yaml"
        | "application/x-yaml"
        | "application/toml"
        | "application/jsonl"
        | "application/x-ndjson"
        | "application/x-sh"
        | "application/sql"
        | "application/graphql" => Some(Kind::Text),
        _ if media_type.starts_with("text/") => Some(Kind::Text),
        _ if media_type.ends_with("+json") || media_type.ends_with("+xml") => Some(Kind::Text),
        _ => None,
    }
}

/// What it seems to be where nobody says.
fn sniff(bytes: &[u8]) -> Option<Kind> {
    let has_utf_16_mark = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if bytes.contains(&0) && !has_utf_16_mark {
        return None;
    }
    let beginning: String = bytes
        .iter()
        .take(PRESCANNED)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let is_page = ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| beginning.contains(tag));
    Some(if is_page { Kind::Html } else { Kind::Text })
}

/// As browsers find it: a byte order mark, then the header, then what the document says itself; and at last what it looks like.
fn encoding(content_type: &str, bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    let beginning: String = bytes
        .iter()
        .take(PRESCANNED)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let is_xml = beginning.trim_start().starts_with("<?xml");
    label(&content_type.to_ascii_lowercase(), "charset")
        .or_else(|| {
            let inner = label(&beginning, "charset")
                .or_else(|| is_xml.then(|| label(&beginning, "encoding")).flatten())?;
            // Who can read the declaration byte by byte has no document in UTF-16.
            Some(if inner == UTF_16LE || inner == UTF_16BE {
                UTF_8
            } else {
                inner
            })
        })
        .unwrap_or_else(|| match std::str::from_utf8(bytes) {
            Ok(_) => UTF_8,
            Err(_) => WINDOWS_1252,
        })
}

/// The encoding named in the first `NAME=LABEL`, with quotes or without.
fn label(text: &str, name: &str) -> Option<&'static Encoding> {
    text.match_indices(name).find_map(|(at, _)| {
        let rest = text
            .get(at + name.len()..)?
            .trim_start()
            .strip_prefix('=')?
            .trim_start();
        let rest = rest.trim_start_matches(['"', '\'']);
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '>' | '/' | '?'))
            .unwrap_or(rest.len());
        Encoding::for_label(rest.get(..end)?.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, bytes: &[u8]) -> Result<(Kind, String), String> {
        let fetched = Fetched {
            url: "https://x.test/a".to_owned(),
            content_type: content_type.to_owned(),
            bytes: bytes.to_vec(),
        };
        text(&fetched).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn the_encoding_is_found_as_browsers_find_it() {
        let cases: [(&str, &[u8], &str); 10] = [
            ("text/plain; charset=ISO-8859-1", b"K\xf6ln \x80", "Köln €"),
            ("text/plain; charset=\"utf-8\"", "Köln".as_bytes(), "Köln"),
            ("text/plain", "Köln".as_bytes(), "Köln"),
            ("text/plain", b"K\xf6ln", "Köln"),
            ("text/plain; charset=utf-8", b"\xff\xfeK\0\xf6\0", "Kö"),
            (
                "text/html",
                b"<meta charset=shift_jis>\x93\xfa\x96{",
                "<meta charset=shift_jis>日本",
            ),
            (
                "text/html",
                b"<META http-equiv=content-type content='text/html; charset = \"koi8-r\"'>\xd0",
                "<META http-equiv=content-type content='text/html; charset = \"koi8-r\"'>п",
            ),
            (
                "text/html",
                b"<meta charset=utf-16>a",
                "<meta charset=utf-16>a",
            ),
            (
                "application/xml",
                b"<?xml version='1.0' encoding='windows-1251'?>\xc0",
                "<?xml version='1.0' encoding='windows-1251'?>А",
            ),
            ("text/plain; charset=nonsense", b"\xef\xbb\xbfa", "a"),
        ];
        for (content_type, bytes, expected) in cases {
            assert_eq!(
                read(content_type, bytes).unwrap().1,
                expected,
                "{content_type}"
            );
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let said = [
            read("application/pdf", b"%PDF"),
            read("image/png", b"\x89PNG"),
            read("", b"\x89PNG\0"),
        ]
        .map(Result::unwrap_err);
        insta::assert_snapshot!(said.join("\n"), @r"
        https://x.test/a is of type `application/pdf`, which cannot be read as text; HTML, plain text, Markdown, JSON and XML can
        https://x.test/a is of type `image/png`, which cannot be read as text; HTML, plain text, Markdown, JSON and XML can
        https://x.test/a sent bytes of a kind that it does not name, which cannot be read as text; HTML, plain text, Markdown, JSON and XML can
        ");
    }

    #[test]
    fn kinds_are_told_apart() {
        for (content_type, bytes, expected) in [
            ("text/html; charset=utf-8", "x", Kind::Html),
            ("Application/XHTML+XML", "x", Kind::Html),
            ("text/markdown", "<html>", Kind::Text),
            ("application/ld+json", "{}", Kind::Text),
            ("image/svg+xml", "<svg>", Kind::Text),
            ("", "\n<!DOCTYPE HTML>", Kind::Html),
            ("application/octet-stream", "hello", Kind::Text),
        ] {
            assert_eq!(
                read(content_type, bytes.as_bytes()).unwrap().0,
                expected,
                "{content_type}"
            );
        }
    }
}
