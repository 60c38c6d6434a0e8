//! Covers the secrets in everything that came out of a guest: a server may have echoed them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::error::CallError;
use super::output::Output;
use crate::permissions::reach::Reach;
use crate::redact::Redactor;
use crate::sandbox::types::{Content, ResourceBody};

pub(super) fn redact(
    reach: &Reach,
    outcome: Result<Output, CallError>,
) -> Result<Output, CallError> {
    if reach.secrets.is_empty() {
        return outcome;
    }
    let cover = Cover(Redactor::new(
        reach.secrets.iter().map(|secret| secret.value.as_str()),
    ));
    match outcome {
        Ok(mut output) => {
            cover.output(&mut output);
            Ok(output)
        }
        Err(mut error) => {
            cover.text(&mut error.message);
            error.details = error.details.and_then(|details| {
                serde_json::from_str(&cover.0.redact_text(&details.to_string())).ok()
            });
            Err(error)
        }
    }
}

struct Cover(Redactor);

impl Cover {
    fn text(&self, text: &mut String) {
        if let Cow::Owned(covered) = self.0.redact_text(text) {
            *text = covered;
        }
    }

    fn maybe(&self, text: &mut Option<String>) {
        text.iter_mut().for_each(|text| self.text(text));
    }

    fn bytes(&self, bytes: &mut Vec<u8>) {
        if let Cow::Owned(covered) = self.0.redact_bytes(bytes) {
            *bytes = covered;
        }
    }

    /// JSON stays JSON: what covers a value is as long as it was and needs no escapes.
    fn json(&self, json: &mut Option<Box<RawValue>>) {
        if let Some(value) = json
            && let Cow::Owned(covered) = self.0.redact_text(value.get())
        {
            *json = RawValue::from_string(covered).ok();
        }
    }

    fn body(&self, body: &mut ResourceBody) {
        match body {
            ResourceBody::Text(body) => self.text(body),
            ResourceBody::Blob(body) => self.bytes(body),
        }
    }

    fn output(&self, output: &mut Output) {
        match output {
            Output::Tool(output) => {
                for content in &mut output.result.content {
                    self.content(content);
                }
                self.json(&mut output.structured);
                self.json(&mut output.meta);
            }
            Output::Read(output) => {
                for part in &mut output.contents {
                    self.maybe(&mut part.uri);
                    self.body(&mut part.body);
                    self.maybe(&mut part.meta);
                }
                self.json(&mut output.meta);
            }
            Output::Page(page) => {
                for entry in &mut page.entries {
                    self.text(&mut entry.uri);
                    self.text(&mut entry.name);
                    self.maybe(&mut entry.title);
                    self.maybe(&mut entry.description);
                    self.maybe(&mut entry.meta);
                }
            }
            Output::Prompt(output) => {
                self.maybe(&mut output.description);
                for message in &mut output.messages {
                    self.content(&mut message.content);
                }
                self.json(&mut output.meta);
            }
            Output::Completion(completion) => {
                completion
                    .values
                    .iter_mut()
                    .for_each(|value| self.text(value));
            }
        }
    }

    fn content(&self, content: &mut Content) {
        match content {
            Content::Text(content) => self.text(&mut content.text),
            Content::Image(content) => self.bytes(&mut content.data),
            Content::Audio(content) => self.bytes(&mut content.data),
            Content::ResourceLink(link) => {
                self.text(&mut link.uri);
                self.text(&mut link.name);
                self.maybe(&mut link.title);
                self.maybe(&mut link.description);
            }
            Content::EmbeddedResource(resource) => {
                self.text(&mut resource.uri);
                self.body(&mut resource.body);
            }
        }
        self.maybe(match content {
            Content::Text(content) => &mut content.meta,
            Content::Image(content) => &mut content.meta,
            Content::Audio(content) => &mut content.meta,
            Content::ResourceLink(content) => &mut content.meta,
            Content::EmbeddedResource(content) => &mut content.meta,
        });
    }
}
