//! Text from outside, made safe to show: in a log, on a terminal, in a sentence for a model.

/// Escapes what a terminal or a log would act on or hide: control characters, and the ones that change direction or have no width.
#[must_use]
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) && character != '\t' {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Like [`escape`], for text of several lines.
#[must_use]
pub(crate) fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// JSON text with every such character in its strings as a `\\uXXXX` escape. Between its strings JSON has none but line breaks.
#[must_use]
pub(crate) fn escape_json(json: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_hidden(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// The text, cut after `limit` characters with a mark that it was cut.
#[must_use]
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A description's first sentence, on one line and of bounded length.
pub(crate) fn first_sentence(description: &str) -> String {
    let words = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = words
        .split_once(". ")
        .map_or(words.as_str(), |(first, _)| first);
    shorten(sentence.trim_end_matches('.'), 100)
}

/// The known word nearest to a mistyped one, if one is near enough to be what was meant.
#[must_use]
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().max(word.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A number of bytes for people: `64 MiB`, `1.5 KiB`.
#[must_use]
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit = UNITS.get(unit).unwrap_or(&"bytes");
    // A round number is given as it is; for others one decimal is as exact as a reader needs.
    if value.fract() == 0.0 {
        format!("{value} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// A span of time for people: `10 s`, `1.5 s`, `250 ms`.
#[must_use]
pub(crate) fn duration(span: std::time::Duration) -> String {
    if span.as_millis() < 1000 {
        format!("{} ms", span.as_millis())
    } else if span.subsec_millis() == 0 {
        format!("{} s", span.as_secs())
    } else {
        format!("{:.1} s", span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_would_act_or_hide() {
        assert_eq!(escape("a\x1b[2J\u{202e}b\tc"), "a\\u{1b}[2J\\u{202e}b\tc");
        assert_eq!(escape_lines("a\nb\r"), "a\nb\\u{d}");
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let value = serde_json::json!({"a": "\u{9b}31m\u{202e}\u{e0041}\u{7f}"});
        let escaped = escape_json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(
            escaped,
            "{\n  \"a\": \"\\u009b31m\\u202e\\udb40\\udc41\\u007f\"\n}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
    }

    #[test]
    fn shortens_by_characters() {
        assert_eq!(shorten("žluťoučký", 3), "žlu…");
        assert_eq!(shorten("abc", 3), "abc");
    }

    #[test]
    fn finds_the_nearest() {
        assert_eq!(
            nearest("jq_qurey", ["jq_query", "clock_now"]),
            Some("jq_query")
        );
        assert_eq!(nearest("weather", ["jq_query", "clock_now"]), None);
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes(1500), "1.5 KiB");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(123_456_789), "117.7 MiB");
    }
}
