//! What came of a call, as a client gets it.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What came of a call: a result or an error, with the questions that tests ask. It can be shown, and serialized for snapshots:
/// `insta::assert_json_snapshot!(outcome)`.
///
/// ```no_run
/// # use toolbay_sdk::{serde_json::json, testing};
/// let mut adder = testing::plugin().start();
///
/// let outcome = adder.call("add", json!({"a": 1, "b": 2}));
/// outcome.expect_success();
/// assert!(outcome.is_success() && outcome.raw()["content"].is_array());
/// assert_eq!(outcome.value::<f64>(), 3.0);
/// assert_eq!(outcome.structured(), Some(&json!({"result": 3.0})));
///
/// let outcome = adder.call("add", json!({"a": 1}));
/// assert_eq!(outcome.error_code(), Some("validation_error"));
/// assert!(outcome.text().contains("`b`"), "{outcome}");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    tool: String,
    result: Value,
    text: String,
}

impl Outcome {
    pub(super) fn new(tool: &str, result: Value) -> Self {
        let contents = result.get("content").and_then(Value::as_array);
        let texts = contents.into_iter().flatten().filter_map(|content| {
            let is_text = content.get("type")? == "text";
            content.get("text")?.as_str().filter(|_| is_text)
        });
        // An error's second text says the same to programs.
        let most = if is_error(&result) { 1 } else { usize::MAX };
        let texts: Vec<&str> = texts.take(most).collect();
        Self {
            tool: tool.to_owned(),
            text: texts.join("\n"),
            result,
        }
    }

    /// The text that a model reads: all texts of a result, or the sentence of an error.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The structured content, where there is any.
    pub fn structured(&self) -> Option<&Value> {
        self.result.get("structuredContent")
    }

    /// The structured content as the type that the tool returned.
    ///
    /// # Panics
    /// Where it is another, or there is none.
    #[track_caller]
    pub fn value<T: DeserializeOwned>(&self) -> T {
        self.expect_success();
        let structured = self.structured().unwrap_or(&Value::Null);
        // A value that is no object was wrapped.
        let read = serde_json::from_value(structured.clone()).or_else(|error| {
            let wrapped = structured.get("result").cloned();
            wrapped.map_or(Err(error), serde_json::from_value)
        });
        match read {
            Ok(value) => value,
            Err(error) => panic!("`{}` returned another type: {error}\n{self}", self.tool),
        }
    }

    /// The error's code, such as `not_found`; nothing where the call succeeded.
    pub fn error_code(&self) -> Option<&str> {
        if !is_error(&self.result) {
            return None;
        }
        let code = self.error().and_then(|error| error.get("error_code"));
        Some(code.and_then(Value::as_str).unwrap_or("internal"))
    }

    /// Whether the call succeeded.
    pub fn is_success(&self) -> bool {
        !is_error(&self.result)
    }

    /// The outcome itself, where the call succeeded.
    ///
    /// # Panics
    /// Where it failed, with the error.
    #[track_caller]
    pub fn expect_success(&self) -> &Self {
        if !self.is_success() {
            panic!("`{}` failed: {self}", self.tool);
        }
        self
    }

    /// The whole result, as MCP has it.
    pub fn raw(&self) -> &Value {
        &self.result
    }

    fn error(&self) -> Option<&Value> {
        self.result.get("_meta")?.get("toolbay/error")
    }

    /// The blocks that are no text.
    fn others(&self) -> Vec<&Value> {
        let contents = self.result.get("content").and_then(Value::as_array);
        let contents = contents.into_iter().flatten();
        contents
            .filter(|content| content.get("type").is_some_and(|kind| kind != "text"))
            .collect()
    }
}

fn is_error(result: &Value) -> bool {
    result.get("isError") == Some(&Value::Bool(true))
}

impl Serialize for Outcome {
    /// What a reader of a snapshot needs: the structured content or the text (both where they say different things), other blocks, an error with its code.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(code) = self.error_code() {
            map.serialize_entry("error_code", code)?;
            map.serialize_entry("error", &self.text)?;
            for key in ["retry_after_ms", "details"] {
                if let Some(value) = self.error().and_then(|error| error.get(key)) {
                    map.serialize_entry(key, value)?;
                }
            }
            return map.end();
        }
        let structured = self.structured();
        if let Some(structured) = structured {
            map.serialize_entry("structured", structured)?;
        }
        let text: Option<Value> = serde_json::from_str(&self.text).ok();
        let same = text.is_some() && text.as_ref() == structured;
        if !same && !self.text.is_empty() {
            map.serialize_entry("text", &self.text)?;
        }
        let others = self.others();
        if !others.is_empty() {
            map.serialize_entry("content", &others)?;
        }
        map.end()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error_code() {
            Some(code) => write!(formatter, "{code}: {}", self.text),
            None => {
                let shown = serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?;
                formatter.write_str(&shown)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcomes_are_shown_without_what_is_said_twice() {
        let outcomes = [
            json!({"content": [{"type": "text", "text": "{\"result\":3.0}"}], "structuredContent": {"result": 3.0}, "isError": false}),
            json!({"content": [{"type": "text", "text": "Three."}], "structuredContent": {"result": 3.0}}),
            json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, {"type": "image", "data": "", "mimeType": "image/png"}]}),
            json!({
                "content": [{"type": "text", "text": "there is no `x`"}, {"type": "text", "text": "{}"}],
                "isError": true,
                "_meta": {"toolbay/error": {"error_code": "not_found", "retry_after_ms": 5}},
            }),
        ];
        let shown = outcomes.map(|result| {
            let outcome = Outcome::new("add", result);
            format!("{outcome}\n{}", serde_json::to_string(&outcome).unwrap())
        });
        insta::assert_snapshot!(shown.join("\n\n"), @r#"
        {
          "structured": {
            "result": 3.0
          }
        }
        {"structured":{"result":3.0}}

        {
          "structured": {
            "result": 3.0
          },
          "text": "Three."
        }
        {"structured":{"result":3.0},"text":"Three."}

        {
          "text": "a\nb",
          "content": [
            {
              "type": "image",
              "data": "",
              "mimeType": "image/png"
            }
          ]
        }
        {"text":"a\nb","content":[{"type":"image","data":"","mimeType":"image/png"}]}

        not_found: there is no `x`
        {"error_code":"not_found","error":"there is no `x`","retry_after_ms":5}
        "#);
    }

    #[test]
    fn values_are_unwrapped() {
        let of = |structured: Value| Outcome::new("t", json!({"structuredContent": structured}));
        assert_eq!(of(json!({"result": 3})).value::<u8>(), 3);
        assert_eq!(
            of(json!({"result": 3})).value::<Value>(),
            json!({"result": 3})
        );
    }
}
