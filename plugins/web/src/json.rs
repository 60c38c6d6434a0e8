//! Picks a value out of a JSON document by a JSON pointer (RFC 6901). What is wrong with a pointer is said with what is there instead.

use toolbay_sdk::prelude::*;
use toolbay_sdk::serde_json::Value;

use crate::get::Fetched;

/// The largest value that is returned, in bytes of JSON.
const MAX_VALUE_BYTES: usize = 100_000;

/// How many keys an error names, and how many characters these may have together.
const MAX_KEYS: usize = 40;
const MAX_KEY_CHARS: usize = 1000;

/// The value that was selected.
#[data]
pub struct Selected {
    /// The address that the document came from, after redirects
    pub url: String,
    /// The pointer to the value
    pub pointer: String,
    /// The value
    pub value: Value,
}

pub(crate) fn select(fetched: &Fetched, pointer: &str) -> Result<Selected, ToolError> {
    let document = document(fetched)?;
    let value = find(&document, pointer)?;
    let size = serde_json::to_string(value)?.len();
    if size > MAX_VALUE_BYTES {
        return Err(ToolError::limit_exceeded(format!(
            "the value at {} has {size} bytes, and at most {MAX_VALUE_BYTES} are returned; it is {}; select a part of it with `pointer`",
            place(pointer),
            described(value)
        )));
    }
    Ok(Selected {
        url: fetched.url.clone(),
        pointer: pointer.to_owned(),
        value: value.clone(),
    })
}

fn document(fetched: &Fetched) -> Result<Value, ToolError> {
    let json = fetched
        .bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&fetched.bytes);
    serde_json::from_slice(json).map_err(|error| {
        let hint = match crate::decode::media_type(&fetched.content_type).as_str() {
            "" => "it does not say what it is".to_owned(),
            media_type => format!("it says that it is `{}`", media_type.escape_debug()),
        };
        ToolError::network(format!(
            "{} did not answer with JSON ({hint}): {error}; `fetch` reads other documents",
            fetched.url
        ))
    })
}

/// The value at a pointer.
fn find<'a>(document: &'a Value, pointer: &str) -> Result<&'a Value, ToolError> {
    if pointer.is_empty() {
        return Ok(document);
    }
    let Some(steps) = pointer.strip_prefix('/') else {
        return Err(ToolError::validation(format!(
            "`pointer` is `{said}`, and a JSON pointer begins with `/`, as `/{said}`",
            said = pointer.escape_debug()
        )));
    };
    let (mut value, mut reached) = (document, 0);
    for step in steps.split('/') {
        // `~0` last, or `~01` would become `/`.
        let key = step.replace("~1", "/").replace("~0", "~");
        let next = match value {
            Value::Object(object) => object.get(&key),
            Value::Array(array) => index(&key).and_then(|index| array.get(index)),
            _ => None,
        };
        let Some(next) = next else {
            return Err(missing(
                value,
                pointer.get(..reached).unwrap_or_default(),
                &key,
            ));
        };
        value = next;
        reached += 1 + step.len();
    }
    Ok(value)
}

/// An index has no sign and no zeros before it.
fn index(key: &str) -> Option<usize> {
    let is_index =
        key == "0" || (!key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit()));
    key.parse().ok().filter(|_| is_index)
}

fn missing(value: &Value, reached: &str, key: &str) -> ToolError {
    let nearest = match value {
        Value::Object(object) => object
            .keys()
            .map(|known| {
                (
                    strsim::jaro_winkler(&known.to_lowercase(), &key.to_lowercase()),
                    known,
                )
            })
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, known)| format!("; did you mean `{}`?", known.escape_debug())),
        _ => None,
    };
    ToolError::not_found(format!(
        "there is no `{}` at {}, which is {}{}",
        key.escape_debug(),
        place(reached),
        described(value),
        nearest.unwrap_or_default()
    ))
}

fn place(pointer: &str) -> String {
    match pointer {
        "" => "the top".to_owned(),
        _ => format!("`{}`", pointer.escape_debug()),
    }
}

/// What a value is, with its keys.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("{value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(items) => match items.len() {
            0 => "an empty array".to_owned(),
            1 => "an array with the one index 0".to_owned(),
            length => format!("an array with the indices 0 to {}", length - 1),
        },
        Value::Object(object) if object.is_empty() => "an empty object".to_owned(),
        Value::Object(object) => {
            let mut keys = String::new();
            let mut named = 0;
            for key in object.keys().take(MAX_KEYS) {
                let key = format!("`{}`", key.escape_debug());
                if named > 0 && keys.chars().count() + key.chars().count() > MAX_KEY_CHARS {
                    break;
                }
                keys.push_str(if named > 0 { ", " } else { "" });
                keys.extend(key.chars().take(MAX_KEY_CHARS));
                named += 1;
            }
            let more = match object.len() - named {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("an object with the keys {keys}{more}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(bytes: &[u8]) -> Fetched {
        Fetched {
            url: "https://x.test/a".to_owned(),
            content_type: "text/html".to_owned(),
            bytes: bytes.to_vec(),
        }
    }

    fn selected(json: &str, pointer: &str) -> String {
        match select(&fetched(json.as_bytes()), pointer) {
            Ok(selected) => selected.value.to_string(),
            Err(error) => format!("{}: {}", error.code(), error.message()),
        }
    }

    /// The examples of RFC 6901, section 5.
    #[test]
    fn pointers_select_as_the_rfc_says() {
        let json = r#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}"#;
        for (pointer, expected) in [
            ("/foo", r#"["bar","baz"]"#),
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ] {
            assert_eq!(selected(json, pointer), expected, "{pointer}");
        }
        assert!(selected(json, "").starts_with(r#"{"foo":["bar","baz"],"":0"#));
    }

    #[test]
    fn a_pointer_that_leads_nowhere_is_told_what_is_there() {
        let json =
            r#"{"items": [{"id": 1, "full_name": "a"}], "count": 1, "empty": {}, "none": []}"#;
        let pointers = [
            "items",
            "/item",
            "/items/1",
            "/items/00",
            "/items/-",
            "/items/0/fullname",
            "/count/x",
            "/empty/x",
            "/none/0",
            "/items/0/id/2",
        ];
        let said = pointers.map(|pointer| selected(json, pointer));
        insta::assert_snapshot!(said.join("\n"), @r"
        validation_error: `pointer` is `items`, and a JSON pointer begins with `/`, as `/items`
        not_found: there is no `item` at the top, which is an object with the keys `items`, `count`, `empty`, `none`; did you mean `items`?
        not_found: there is no `1` at `/items`, which is an array with the one index 0
        not_found: there is no `00` at `/items`, which is an array with the one index 0
        not_found: there is no `-` at `/items`, which is an array with the one index 0
        not_found: there is no `fullname` at `/items/0`, which is an object with the keys `id`, `full_name`; did you mean `full_name`?
        not_found: there is no `x` at `/count`, which is the number 1
        not_found: there is no `x` at `/empty`, which is an empty object
        not_found: there is no `0` at `/none`, which is an empty array
        not_found: there is no `2` at `/items/0/id`, which is the number 1
        ");
    }

    #[test]
    fn a_value_that_is_too_large_is_described() {
        let long = format!(
            r#"{{"data": {{"text": "{}", "id": 1}}}}"#,
            "x".repeat(MAX_VALUE_BYTES)
        );
        insta::assert_snapshot!(selected(&long, "/data"), @"limit_exceeded: the value at `/data` has 100018 bytes, and at most 100000 are returned; it is an object with the keys `text`, `id`; select a part of it with `pointer`");
        assert_eq!(selected(&long, "/data/id"), "1");
        let keys: Vec<String> = (0..100).map(|key| format!(r#""key{key}": 1"#)).collect();
        let said = selected(&format!("{{{}}}", keys.join(",")), "/x");
        assert!(said.ends_with("`key39` and 60 more"), "{said}");
    }

    #[test]
    fn numbers_and_the_order_of_keys_stay() {
        assert_eq!(
            selected(
                r#"{"b": 18446744073709551615, "a": -9223372036854775808}"#,
                ""
            ),
            r#"{"b":18446744073709551615,"a":-9223372036854775808}"#
        );
    }

    #[test]
    fn what_is_not_json_says_what_it_is() {
        insta::assert_snapshot!(select(&fetched(b"<html>"), "").err().unwrap(), @"https://x.test/a did not answer with JSON (it says that it is `text/html`): expected value at line 1 column 1; `fetch` reads other documents");
        assert_eq!(
            select(&fetched(b"\xef\xbb\xbf[1]"), "/0")
                .ok()
                .unwrap()
                .value,
            json!(1)
        );
    }
}
