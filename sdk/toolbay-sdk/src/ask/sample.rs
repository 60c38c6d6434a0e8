//! Questions to the client's model. Owns the parameters and the result of the protocol's `sampling/createMessage`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::json as to_json;
use crate::__private::bindings::toolbay::plugin::types;
use crate::content::{Content, Role};
use crate::error::ToolError;
use crate::prompt::PromptMessage;

/// How many tokens an answer may have where nothing else is said.
const MAX_TOKENS: u32 = 1000;

/// What to ask the client's model. The client may ask the user first, and may change it.
///
/// ```
/// use toolbay_sdk::{Content, PromptMessage, SampleRequest};
///
/// let request = SampleRequest::new("What is in this picture?")
///     .message(PromptMessage::user(Content::image([0x89, 0x50], "image/png")))
///     .system("You are brief.")
///     .max_tokens(200)
///     .temperature(0.2)
///     .stop_at("\n\n")
///     .prefer_model("claude-sonnet")
///     .prefer_cheap(0.3)
///     .prefer_fast(0.5)
///     .prefer_clever(0.8)
///     .metadata([("source", "notes")].into_iter().collect::<std::collections::BTreeMap<_, _>>());
/// ```
#[derive(Debug, Clone)]
pub struct SampleRequest {
    messages: Vec<PromptMessage>,
    parameters: Parameters,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_preferences: Option<ModelPreferences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelPreferences {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intelligence_priority: Option<f64>,
}

impl SampleRequest {
    /// Asks this, with at most 1,000 tokens for the answer.
    pub fn new(text: impl Into<Content>) -> Self {
        Self {
            messages: vec![PromptMessage::user(text)],
            parameters: Parameters {
                max_tokens: MAX_TOKENS,
                ..Parameters::default()
            },
        }
    }

    /// Adds a message behind those that are there.
    #[must_use]
    pub fn message(mut self, message: PromptMessage) -> Self {
        self.messages.push(message);
        self
    }

    /// How many tokens the answer may have.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.parameters.max_tokens = tokens;
        self
    }

    /// What the model is told beforehand.
    #[must_use]
    pub fn system(mut self, prompt: impl Into<String>) -> Self {
        self.parameters.system_prompt = Some(prompt.into());
        self
    }

    /// How freely it chooses its words.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.parameters.temperature = Some(temperature);
        self
    }

    /// Adds a text at which the answer ends.
    #[must_use]
    pub fn stop_at(mut self, text: impl Into<String>) -> Self {
        self.parameters.stop_sequences.push(text.into());
        self
    }

    /// Adds the name, or a part of it, of a model that would do well; the first one added weighs most.
    #[must_use]
    pub fn prefer_model(mut self, name: &str) -> Self {
        self.preferences().hints.push(json!({"name": name}));
        self
    }

    /// How much a low price matters, from 0.0 to 1.0.
    #[must_use]
    pub fn prefer_cheap(mut self, priority: f64) -> Self {
        self.preferences().cost_priority = Some(priority.clamp(0.0, 1.0));
        self
    }

    /// How much a quick answer matters, from 0.0 to 1.0.
    #[must_use]
    pub fn prefer_fast(mut self, priority: f64) -> Self {
        self.preferences().speed_priority = Some(priority.clamp(0.0, 1.0));
        self
    }

    /// How much a clever answer matters, from 0.0 to 1.0.
    #[must_use]
    pub fn prefer_clever(mut self, priority: f64) -> Self {
        self.preferences().intelligence_priority = Some(priority.clamp(0.0, 1.0));
        self
    }

    /// Something for the model's provider, which knows what it means: a value that serializes to a JSON object.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.parameters.metadata = Some(to_json(&metadata)).filter(Value::is_object);
        self
    }

    fn preferences(&mut self) -> &mut ModelPreferences {
        self.parameters.model_preferences.get_or_insert_default()
    }

    pub(super) fn into_json(self) -> Result<String, String> {
        let message = |message: PromptMessage| {
            let (role, content) = message.into_parts();
            Ok(json!({"role": role.as_str(), "content": content_json(content)?}))
        };
        let messages = self.messages.into_iter().map(message);
        let messages = messages.collect::<Result<Vec<Value>, String>>()?;
        let mut request = json!({"messages": messages});
        if let (Value::Object(request), Value::Object(more)) =
            (&mut request, to_json(&self.parameters))
        {
            request.extend(more);
        }
        Ok(request.to_string())
    }
}

fn content_json(content: Content) -> Result<Value, String> {
    match content.0 {
        types::Content::Text(text) => Ok(json!({"type": "text", "text": text.text})),
        types::Content::Image(image) => Ok(
            json!({"type": "image", "data": STANDARD.encode(image.data), "mimeType": image.mime_type}),
        ),
        types::Content::Audio(audio) => Ok(
            json!({"type": "audio", "data": STANDARD.encode(audio.data), "mimeType": audio.mime_type}),
        ),
        types::Content::ResourceLink(_) | types::Content::EmbeddedResource(_) => {
            Err("a model is sent texts, images and sounds, and no resources".to_owned())
        }
    }
}

/// What the client's model said.
///
/// ```
/// use toolbay_sdk::{Role, SampleResult};
/// let result = SampleResult::of_text("Hello");
/// assert_eq!(result.text(), "Hello");
/// assert_eq!(result.role, Role::Assistant);
/// assert_eq!(result.content.len(), 1);
/// assert_eq!((result.model.as_str(), result.stop_reason.as_deref()), ("", None));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SampleResult {
    /// Who speaks.
    pub role: Role,
    /// What was said: mostly one block of text. What is neither a text, an image nor a sound is left out.
    pub content: Vec<Content>,
    /// The model that said it.
    pub model: String,
    /// Why it ended there: `endTurn`, `maxTokens`, …
    pub stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    role: Option<String>,
    content: Value,
    #[serde(default)]
    model: String,
    stop_reason: Option<String>,
}

impl SampleResult {
    /// A result that is one text, for native tests.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self {
            role: Role::Assistant,
            content: vec![Content::text(text)],
            model: String::new(),
            stop_reason: None,
        }
    }

    /// The texts that were said, as one.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.content.iter().filter_map(Content::as_text).collect();
        texts.join("\n")
    }

    pub(super) fn from_json(text: &str) -> Result<Self, ToolError> {
        let wire: Wire = serde_json::from_str(text).map_err(|error| {
            ToolError::unavailable(format!("the client's model gave no usable answer: {error}"))
        })?;
        let blocks = match wire.content {
            Value::Array(blocks) => blocks,
            block => vec![block],
        };
        Ok(Self {
            role: match wire.role.as_deref() {
                Some("user") => Role::User,
                _ => Role::Assistant,
            },
            content: blocks.iter().filter_map(content).collect(),
            model: wire.model,
            stop_reason: wire.stop_reason,
        })
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn to_json(&self) -> String {
        let blocks = self.content.iter().cloned();
        let blocks: Vec<Value> = blocks
            .filter_map(|block| content_json(block).ok())
            .collect();
        let result = json!({
            "role": self.role.as_str(),
            "content": blocks,
            "model": self.model,
            "stopReason": self.stop_reason,
        });
        result.to_string()
    }
}

fn content(block: &Value) -> Option<Content> {
    let text = |key: &str| block.get(key).and_then(Value::as_str);
    let bytes = || STANDARD.decode(text("data")?).ok();
    match text("type")? {
        "text" => Some(Content::text(text("text")?)),
        "image" => Some(Content::image(bytes()?, text("mimeType")?)),
        "audio" => Some(Content::audio(bytes()?, text("mimeType")?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_what_the_protocol_wants() {
        let plain = SampleRequest::new("Hello").into_json().unwrap();
        insta::assert_snapshot!(plain, @r#"{"messages":[{"role":"user","content":{"type":"text","text":"Hello"}}],"maxTokens":1000}"#);
        let full = SampleRequest::new("Hello")
            .message(PromptMessage::assistant("Hi"))
            .message(PromptMessage::user(Content::image([1, 2, 3], "image/png")))
            .system("Be brief.")
            .max_tokens(5)
            .temperature(0.5)
            .stop_at(".")
            .prefer_model("sonnet")
            .prefer_cheap(7.0)
            .prefer_fast(0.5)
            .prefer_clever(-1.0)
            .metadata(json!({"a": 1}));
        insta::assert_snapshot!(full.into_json().unwrap(), @r#"{"messages":[{"role":"user","content":{"type":"text","text":"Hello"}},{"role":"assistant","content":{"type":"text","text":"Hi"}},{"role":"user","content":{"type":"image","data":"AQID","mimeType":"image/png"}}],"maxTokens":5,"systemPrompt":"Be brief.","temperature":0.5,"stopSequences":["."],"modelPreferences":{"hints":[{"name":"sonnet"}],"costPriority":1.0,"speedPriority":0.5,"intelligencePriority":0.0},"metadata":{"a":1}}"#);
        let resource = SampleRequest::new(Content::embedded_text("notes://a", "b"));
        assert!(resource.into_json().is_err());
    }

    #[test]
    fn a_result_may_be_one_block_or_several() {
        let one = r#"{"role": "assistant", "content": {"type": "text", "text": "a"}, "model": "m", "stopReason": "endTurn"}"#;
        let one = SampleResult::from_json(one).unwrap();
        assert_eq!((one.text().as_str(), one.model.as_str()), ("a", "m"));
        assert_eq!(one.stop_reason.as_deref(), Some("endTurn"));
        let several = r#"{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image", "data": "AQI=", "mimeType": "image/png"}, {"type": "tool_use"}, {"type": "text", "text": "b"}]}"#;
        let several = SampleResult::from_json(several).unwrap();
        assert_eq!(
            (several.text().as_str(), several.content.len()),
            ("a\nb", 3)
        );
        assert_eq!(several.role, Role::User);
        assert_eq!(
            SampleResult::from_json(&several.to_json()).unwrap(),
            several
        );
        assert!(SampleResult::from_json("{}").is_err());
    }
}
