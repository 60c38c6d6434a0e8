//! JSON text in and out. Input is exactly JSON (jaq itself would take more), and so is output, whatever a filter makes.

use std::borrow::Cow;
use std::{fmt, iter};

use jaq_json::{Num, Val};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{QueryError, shorten};

/// How deep arrays and objects may be nested. Clients and hosts refuse more, and the parser's stack is small.
pub const MAX_DEPTH: usize = 100;

/// Reads all JSON values of a text, one after the other with white space between, as jq does.
pub(crate) fn parse_values(text: &str) -> Result<Vec<Val>, QueryError> {
    // jaq keeps every digit of a number but reads a superset of JSON at any depth; this pass says exactly what is wrong.
    let mut checker = serde_json::Deserializer::from_str(text);
    while checker.end().is_err() {
        Check { depth: 0 }
            .deserialize(&mut checker)
            .map_err(|error| not_json(text, &error))?;
    }
    let values = jaq_json::read::parse_many(text.as_bytes());
    values
        .map(|value| value.map_err(|error| QueryError::new(format!("input: {error}"))))
        .collect()
}

fn not_json(text: &str, error: &serde_json::Error) -> QueryError {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => text
            .match_indices('\n')
            .nth(line - 2)
            .map_or(0, |(at, _)| at + 1),
    };
    // serde_json counts bytes, and for what is missing at the end points at the last one.
    let at_end = usize::from(!error.is_eof());
    let mut offset = (line_start + error.column())
        .saturating_sub(at_end)
        .min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let problem = error.to_string();
    let problem = problem.split(" at line ").next().unwrap_or_default();
    let problem = problem.replace("EOF while parsing", "the text ends in the middle of");
    let error = QueryError::at("input is not JSON", text, offset, &problem);
    match hint(text, offset, &problem) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What is most likely behind it.
fn hint(text: &str, offset: usize, problem: &str) -> Option<&'static str> {
    let rest = text.get(offset..).unwrap_or_default();
    let literals = [
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "undefined",
        "None",
        "True",
        "False",
    ];
    Some(if text.trim_start().starts_with("```") {
        "leave out the Markdown fence around the JSON text"
    } else if rest.starts_with('\'') {
        "JSON strings and keys take double quotes"
    } else if problem.starts_with("trailing comma") {
        "JSON allows no comma before `]` or `}`"
    } else if literals.iter().any(|literal| rest.starts_with(literal)) {
        "JSON knows only true, false and null, and finite numbers"
    } else if offset == 0 {
        "give the JSON text itself; plain text must be a quoted JSON string, or a variable in `args`"
    } else {
        return None;
    })
}

/// Checks that a value is JSON and nested no deeper than allowed, and keeps nothing of it.
struct Check {
    depth: usize,
}

impl Check {
    fn inner<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH {
            Ok(Self {
                depth: self.depth + 1,
            })
        } else {
            Err(E::custom(format_args!(
                "nested more than {MAX_DEPTH} levels deep"
            )))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.inner()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key_seed(self.inner()?)?.is_some() {
            entries.next_value_seed(self.inner()?)?;
        }
        Ok(())
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// On one line, without spaces.
    Compact,
    /// Over several lines, indented by two spaces a level.
    Pretty,
}

/// Writes a value as JSON.
pub(crate) fn write(value: &Val, layout: Layout) -> Result<String, QueryError> {
    let mut writer = Writer {
        out: String::new(),
        layout,
        depth: 0,
    };
    writer.value(value)?;
    Ok(writer.out)
}

/// A string as its text, with the replacement character for bytes that are no UTF-8, as jq does it; else nothing.
pub(crate) fn text(value: &Val) -> Option<Cow<'_, str>> {
    match value {
        Val::TStr(bytes) => Some(String::from_utf8_lossy(bytes)),
        _ => None,
    }
}

struct Writer {
    out: String,
    layout: Layout,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Val) -> Result<(), QueryError> {
        match value {
            Val::Null => self.out.push_str("null"),
            Val::Bool(true) => self.out.push_str("true"),
            Val::Bool(false) => self.out.push_str("false"),
            Val::Num(number) => self.number(number),
            Val::TStr(bytes) => self.string(&String::from_utf8_lossy(bytes)),
            Val::BStr(_) => {
                return Err(QueryError::new(
                    "a result holds a byte string, which JSON does not have",
                )
                .hint("give it as text with `@base64`, or leave out `tobytes`"));
            }
            Val::Arr(items) => {
                self.collection('[', items.iter(), ']', |writer, item| writer.value(item))?;
            }
            Val::Obj(entries) => {
                self.collection('{', entries.iter(), '}', |writer, (key, value)| {
                    writer.entry(key, value)
                })?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, key: &Val, value: &Val) -> Result<(), QueryError> {
        let key = text(key).ok_or_else(|| {
            QueryError::new(format!(
                "a result holds an object with the key {}, but keys are strings",
                shorten(key, 60)
            ))
            .hint("turn the key into a string with `tostring`")
        })?;
        self.string(&key);
        self.out.push_str(if self.layout == Layout::Pretty {
            ": "
        } else {
            ":"
        });
        self.value(value)
    }

    fn collection<T>(
        &mut self,
        open: char,
        items: impl ExactSizeIterator<Item = T>,
        close: char,
        write: impl Fn(&mut Self, T) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        if self.depth >= MAX_DEPTH {
            return Err(QueryError::new(format!(
                "a result is nested more than {MAX_DEPTH} levels deep"
            ))
            .hint("select a part of it, or turn deep parts into text with `tojson`"));
        }
        let is_empty = items.len() == 0;
        self.out.push(open);
        self.depth += 1;
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.break_line();
            write(self, item)?;
        }
        self.depth -= 1;
        if !is_empty {
            self.break_line();
        }
        self.out.push(close);
        Ok(())
    }

    fn break_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push('\n');
            self.out.extend(iter::repeat_n("  ", self.depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out
            .push_str(&serde_json::Value::from(text).to_string());
    }

    /// Integers and what a filter passes on untouched keep all their digits. Like jq, what JSON cannot say becomes `null`
    /// (not a number) or the largest number there is (infinity), and a whole number is written without a point.
    fn number(&mut self, number: &Num) {
        let float = match number {
            Num::Int(_) | Num::BigInt(_) => return self.out.push_str(&number.to_string()),
            Num::Dec(digits) if serde_json::from_str::<&RawValue>(digits).is_ok() => {
                return self.out.push_str(digits);
            }
            Num::Dec(digits) => digits.parse().unwrap_or(f64::NAN),
            Num::Float(float) => *float,
        };
        const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
        if float.is_nan() {
            self.out.push_str("null");
        } else if float.fract() == 0.0 && float.abs() <= LARGEST_EXACT {
            self.out.push_str(&format!("{float:.0}"));
        } else {
            let float = float.clamp(f64::MIN, f64::MAX);
            self.out.push_str(&Num::Float(float).to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse_values(text).unwrap_err().to_string()
    }

    fn round_trip(text: &str) -> String {
        let values = parse_values(text).unwrap();
        let texts: Vec<String> = values
            .iter()
            .map(|value| write(value, Layout::Compact).unwrap())
            .collect();
        texts.join(" ")
    }

    #[test]
    fn values_come_back_as_they_were() {
        for text in [
            "null",
            "true",
            "false",
            r#""a\"\\\n\u0001é""#,
            "[]",
            "{}",
            r#"{"b":[1,{"a":null}],"a":""}"#,
            "0",
            "-1",
            "1.0",
            "1e300",
            "0.1000000000000000055511151231257827",
            "123456789012345678901234567890",
            "1 2 3",
        ] {
            assert_eq!(round_trip(text), text);
        }
        assert_eq!(round_trip(" [ 1 ,2 ]\n{\"a\" : 1}"), r#"[1,2] {"a":1}"#);
        assert_eq!(round_trip(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
        assert_eq!(round_trip(""), "");
    }

    #[test]
    fn numbers_that_json_cannot_say() {
        let write = |float| write(&Val::from(float), Layout::Compact).unwrap();
        assert_eq!(write(f64::NAN), "null");
        assert_eq!(write(f64::INFINITY), "1.7976931348623157e308");
        assert_eq!(write(f64::NEG_INFINITY), "-1.7976931348623157e308");
        assert_eq!(write(5.0), "5");
        assert_eq!(write(-0.5), "-0.5");
        assert_eq!(write(1e300), "1e300");
    }

    #[test]
    fn pretty_is_indented() {
        let value = parse_values(r#"{"a":[1,{}],"b":[]}"#).unwrap().remove(0);
        assert_eq!(
            write(&value, Layout::Pretty).unwrap(),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"
        );
    }

    #[test]
    fn bad_input_says_where_and_why() {
        let texts = [
            "{'a': 1}",
            "{\"a\": 1,\n \"b\": [1, 2,]\n}",
            "{\"a\": 1",
            "{\"a\": \"b",
            "[1, NaN]",
            "hello",
            "```json\n{}\n```",
            "{\"é\": \"ü\" oops}",
            "[1 2]",
            "1 2 x",
            "# comment",
            "\"a\tb\"",
            "01",
            "1e400",
            "[\"\\ud800\"]",
        ];
        let report = |text: &str| format!("{text:?}\n{}\n", parse_values(text).unwrap_err());
        insta::assert_snapshot!(texts.map(report).join("\n"), @r##"
        "{'a': 1}"
        input is not JSON, line 1, column 2: key must be a string
            {'a': 1}
             ^
        hint: JSON strings and keys take double quotes

        "{\"a\": 1,\n \"b\": [1, 2,]\n}"
        input is not JSON, line 2, column 13: trailing comma
             "b": [1, 2,]
                        ^
        hint: JSON allows no comma before `]` or `}`

        "{\"a\": 1"
        input is not JSON, line 1, column 8: the text ends in the middle of an object
            {"a": 1
                   ^

        "{\"a\": \"b"
        input is not JSON, line 1, column 9: the text ends in the middle of a string
            {"a": "b
                    ^

        "[1, NaN]"
        input is not JSON, line 1, column 5: expected value
            [1, NaN]
                ^
        hint: JSON knows only true, false and null, and finite numbers

        "hello"
        input is not JSON, line 1, column 1: expected value
            hello
            ^
        hint: give the JSON text itself; plain text must be a quoted JSON string, or a variable in `args`

        "```json\n{}\n```"
        input is not JSON, line 1, column 1: expected value
            ```json
            ^
        hint: leave out the Markdown fence around the JSON text

        "{\"é\": \"ü\" oops}"
        input is not JSON, line 1, column 11: expected `,` or `}`
            {"é": "ü" oops}
                      ^

        "[1 2]"
        input is not JSON, line 1, column 4: expected `,` or `]`
            [1 2]
               ^

        "1 2 x"
        input is not JSON, line 1, column 5: expected value
            1 2 x
                ^

        "# comment"
        input is not JSON, line 1, column 1: expected value
            # comment
            ^
        hint: give the JSON text itself; plain text must be a quoted JSON string, or a variable in `args`

        "\"a\tb\""
        input is not JSON, line 1, column 3: control character (\u0000-\u001F) found while parsing a string
            "a b"
              ^

        "01"
        input is not JSON, line 1, column 2: invalid number
            01
             ^

        "1e400"
        input is not JSON, line 1, column 5: number out of range
            1e400
                ^

        "[\"\\ud800\"]"
        input is not JSON, line 1, column 9: unexpected end of hex escape
            ["\ud800"]
                    ^
        "##);
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(round_trip(&nested(MAX_DEPTH)), nested(MAX_DEPTH));
        assert!(error(&nested(MAX_DEPTH + 1)).contains("nested more than 100 levels deep"));
        assert!(error(&"[".repeat(100_000)).contains("nested more than 100 levels deep"));
    }
}
