//! Which paths a pattern stands for, and which paths no pattern ever stands for because servers disagree about what they mean.

/// How often a path may be percent-encoded over itself. Servers decode once, some twice; nobody needs more.
const MAX_DECODINGS: usize = 4;

/// The paths that a pattern stands for. Paths are compared as they are sent, byte for byte; a query is no part of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// No path in the pattern: every path.
    Every,
    /// This path alone.
    Exact(String),
    /// Whole segments. `/v1/*` stands for what begins with `/v1/`, `/v1*` for that and for `/v1` itself, and neither for `/v10`.
    Prefix(String),
}

impl PathPattern {
    /// Reads the part of a pattern that follows the host.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Ok(Self::Every);
        }
        let prefix = text.strip_suffix('*');
        let path = prefix.unwrap_or(text);
        if !path.bytes().all(is_plain) || path.contains(['?', '#', '*']) {
            return Err("has a path with more than letters, digits, `/` and one `*` at its end");
        }
        if path_fault(path).is_some() {
            return Err("has a path with `.`, `..`, `%2f` or `%5c`, which is never matched");
        }
        Ok(match prefix {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Exact(path.to_owned()),
        })
    }

    /// Whether the path is one of them. Those that [`path_fault`] finds fault with are to be refused before.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Exact(own) => own == path,
            Self::Prefix(prefix) => is_within(path, prefix),
        }
    }

    /// Whether it stands for every path that the other one stands for.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Every, _) => true,
            // Every path begins with a slash.
            (Self::Prefix(prefix), _) if prefix == "/" => true,
            (Self::Exact(own), Self::Exact(path)) => own == path,
            (Self::Prefix(prefix), Self::Exact(path) | Self::Prefix(path)) => {
                is_within(path, prefix)
            }
            (Self::Exact(_) | Self::Prefix(_), Self::Every) | (Self::Exact(_), Self::Prefix(_)) => {
                false
            }
        }
    }
}

/// Whether the path begins with the prefix and goes on with whole segments.
fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

/// Why a path is matched by no pattern, as the end of a sentence: a server might take it for another path than it looks like.
///
/// Refused are, however often they are percent-encoded: segments that are `.` or `..` (also before a `;`, and beside spaces), an encoded
/// slash, and backslashes; further `%` without two digits, more than four layers of encoding, and whatever is not plain ASCII.
///
/// ```
/// use toolbay_manifest::path_fault;
///
/// assert_eq!(path_fault("/v1/notes/caf%C3%A9"), None);
/// assert!(path_fault("/v1/%2e%2E/admin").is_some());
/// assert!(path_fault("/v1/a%252Fb").is_some());
/// ```
pub fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("has a path that does not begin with `/`");
    }
    if !path.bytes().all(is_plain) {
        return Some("has a path with characters that are not plain ASCII");
    }
    if has_loose_percent(path.as_bytes()) {
        return Some("has a path with `%` that is not followed by two hexadecimal digits");
    }
    let slashes = count_slashes(path.as_bytes());
    let mut layer = path.as_bytes().to_vec();
    for _ in 0..=MAX_DECODINGS {
        if let Some(fault) = layer_fault(&layer, slashes) {
            return Some(fault);
        }
        match decode(&layer) {
            Some(decoded) => layer = decoded,
            None => return None,
        }
    }
    Some("has a path that is percent-encoded too often")
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// What is wrong with a path after it was decoded some number of times.
fn layer_fault(layer: &[u8], slashes: usize) -> Option<&'static str> {
    // The shortest ways to write `/`, `\` and `.` in longer forms of UTF-8 than are allowed (RFC 3629, section 10).
    const OVERLONG: [&[u8]; 9] = [
        b"\xc0\xae",
        b"\xc0\xaf",
        b"\xc1\x9c",
        b"\xe0\x80\xae",
        b"\xe0\x80\xaf",
        b"\xe0\x81\x9c",
        b"\xf0\x80\x80\xae",
        b"\xf0\x80\x80\xaf",
        b"\xf0\x80\x81\x9c",
    ];
    if layer.contains(&b'\\') {
        return Some("has a path with a backslash");
    }
    if count_slashes(layer) != slashes {
        return Some("has a path with an encoded `/`");
    }
    if layer.split(|byte| *byte == b'/').any(is_dots) {
        return Some("has a path with a segment `.` or `..`");
    }
    let overlong = |form: &&[u8]| layer.windows(form.len()).any(|window| window == *form);
    // Text in ASCII, which is nearly every path, has none of them.
    if !layer.is_ascii() && OVERLONG.iter().any(overlong) {
        return Some("has a path with a forbidden form of UTF-8");
    }
    None
}

/// Whether the segment is `.` or `..`. Some servers cut off what follows a `;`, others spaces and control characters.
fn is_dots(segment: &[u8]) -> bool {
    let name = segment.split(|byte| *byte == b';').next();
    let mut visible = name.unwrap_or_default().iter().filter(|byte| **byte > b' ');
    matches!(
        (visible.next(), visible.next(), visible.next()),
        (Some(b'.'), None | Some(b'.'), None)
    )
}

fn count_slashes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'/').count()
}

fn has_loose_percent(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .enumerate()
        .any(|(place, byte)| *byte == b'%' && bytes.get(place..).and_then(encoded_byte).is_none())
}

/// The text with each `%XX` replaced by its byte; nothing where there is none.
fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut any = false;
    while let [first, after @ ..] = rest {
        if let Some(byte) = encoded_byte(rest) {
            decoded.push(byte);
            rest = after.get(2..).unwrap_or_default();
            any = true;
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    any.then_some(decoded)
}

/// The byte that `%XX` at the start of the text stands for.
fn encoded_byte(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_segments() {
        for (pattern, path, expected) in [
            ("", "/", true),
            ("", "/anything/at/all", true),
            ("/", "/", true),
            ("/", "/a", false),
            ("/*", "/", true),
            ("/*", "/a/b", true),
            ("/v1", "/v1", true),
            ("/v1", "/v1/", false),
            ("/v1/*", "/v1/", true),
            ("/v1/*", "/v1/notes/1", true),
            ("/v1/*", "/v1", false),
            ("/v1/*", "/v10", false),
            ("/v1*", "/v1", true),
            ("/v1*", "/v1/notes", true),
            ("/v1*", "/v10", false),
            ("/v1*", "/V1", false),
            ("/v1/*", "//v1/", false),
        ] {
            assert_eq!(
                PathPattern::parse(pattern).unwrap().matches(path),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn paths_that_servers_disagree_about() {
        for path in [
            "",
            "v1",
            "*",
            "/..",
            "/.",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/%2e",
            "/%2E%2e/a",
            "/.%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a\\b",
            "/..\\a",
            "/a%252fb",
            "/a%25252Fb",
            "/%252e%252e/a",
            "/a%255cb",
            "/%25%32%65%25%32%65/a",
            "/..;/a",
            "/..;x=1/a",
            "/%2e%2e%3b/a",
            "/..%20/a",
            "/%00../a",
            "/%c0%ae%c0%ae/a",
            "/a%c0%afb",
            "/a%e0%80%afb",
            "/%",
            "/%2",
            "/%zz",
            "/%u002f",
            "/a b",
            "/caf\u{e9}",
            "/%2525252525",
            "/a\u{7f}",
        ] {
            assert!(path_fault(path).is_some(), "{path}");
        }
        for path in [
            "/",
            "/a",
            "/a/",
            "//a",
            "/...",
            "/.well-known/x",
            "/a..b",
            "/a;v=1/b",
            "/caf%C3%A9",
            "/100%25",
            "/a%20b",
            "/%E9",
            "/a:b@c",
            "/~user/*",
            "/a%253Fb",
            "/a%7Cb",
        ] {
            assert_eq!(path_fault(path), None, "{path}");
        }
    }

    /// A path that has nothing to decode, or anything that decoding could make of it.
    fn paths() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a", "v1", "/", ".", "..", ";", "%", "2", "5", "e", "f", "c", "%2e", "%2F", "%25",
            "%5c", "\\", "%20",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        /// However often a server decodes the path, it has the same segments, none of which leads up.
        #[test]
        fn a_path_without_fault_has_one_meaning(path in paths()) {
            if path_fault(&path).is_none() {
                let mut layer = path.clone().into_bytes();
                let segments = layer.split(|byte| *byte == b'/').count();
                while let Some(decoded) = decode(&layer) {
                    layer = decoded;
                    prop_assert_eq!(layer.split(|byte| *byte == b'/').count(), segments);
                    prop_assert!(layer.split(|byte| *byte == b'/').all(|segment| segment != b".." && segment != b"."));
                    prop_assert!(!layer.contains(&b'\\'));
                }
            }
        }
    }
}
