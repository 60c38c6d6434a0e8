//! The stage of a call that deals with a result which is too large to be passed on at once. A page of a list is cut to what fits, with a cursor to the rest; anything else is kept as text,
//! and the error says where.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::error::{CallError, ErrorCode};
use super::kept::Notes;
use super::output::{Output, ReadOutput, ToolOutput};
use crate::host::Host;
use crate::permissions::reach::Reach;
use crate::plugin::Tool;
use crate::redact::Redactor;
use crate::results::{Beside, Part, Results, URI, Whose};
use crate::sandbox::Request;
use crate::sandbox::types::{Content, ResourceBody, ResourceContents, ResourceLink, ToolResult};
use crate::seal::{For, Seal};
use crate::text::bytes;

/// Bytes of one part of a text.
const TEXT_PART: usize = 256 << 10;

/// What a part has around its items: the other members.
const AROUND: usize = 1024;

/// Where large results go.
#[derive(Clone)]
pub(super) struct Place {
    results: Arc<Results>,
    seal: Arc<Seal>,
}

/// A page as the SDK writes it, with nothing in it read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPage {
    items: Vec<Box<RawValue>>,
    has_more: Value,
    next_cursor: Option<Value>,
    total_count: Option<Value>,
}

impl Place {
    pub(super) fn of(host: &Host) -> Self {
        Self {
            results: host.results.clone(),
            seal: host.seal.clone(),
        }
    }

    /// What of a large result can be passed on.
    ///
    /// # Errors
    ///
    /// That it is too large, with where the whole of it is.
    pub(super) async fn fit(
        self,
        tool: &Tool,
        reach: &Reach,
        mut result: ToolResult,
    ) -> Result<ToolResult, CallError> {
        let size = size(&result);
        let whose = Whose {
            principal: reach.principal.clone(),
            tool: tool.full_name.clone(),
        };
        let cover = (!reach.secrets.is_empty())
            .then(|| Redactor::new(reach.secrets.iter().map(|secret| secret.value.as_str())));
        let covered = move |text: String| match &cover {
            Some(cover) => cover.redact_text(&text).into_owned(),
            None => text,
        };
        let most = tool.limits.output;
        let named = tool.full_name.clone();
        let output = tool.limits.output;
        let work = tokio::task::spawn_blocking(move || {
            let text = covered(match result.structured.take() {
                Some(structured) => structured,
                None => texts(&result.content),
            });
            if let Ok(page) = serde_json::from_str::<RawPage>(&text) {
                let beside = Beside {
                    next_cursor: page.next_cursor,
                    has_more: Some(page.has_more),
                    total_count: page.total_count,
                };
                let name = self.results.keep_list(whose.clone(), &page.items, beside);
                drop((page.items, text));
                let name = name.map_err(|error| too_large(&named, size, output, &Err(error)))?;
                return match self.part(&name, &whose, 0, most) {
                    Some(part) => Ok(ToolResult {
                        meta: result.meta,
                        ..part
                    }),
                    None => Err(too_large(&named, size, output, &Ok(name))),
                };
            }
            let name = self.results.keep_text(whose, &text);
            Err(too_large(&named, size, output, &name))
        });
        work.await.unwrap_or_else(|error| {
            Err(CallError::new(
                ErrorCode::Internal,
                format!("a large result could not be kept: {error}"),
            ))
        })
    }

    /// A part of a kept list as a tool's result: with a cursor and a link to what comes next. Nothing where not even one item fits.
    fn part(&self, name: &str, whose: &Whose, from: usize, most: usize) -> Option<ToolResult> {
        // The text says the same as the structured value.
        let part = self
            .results
            .part(name, whose, from, most.saturating_sub(AROUND))?;
        let next = part.next;
        let structured = page(&part, next.map(|next| self.cursor(name, whose, next)));
        if structured.len() > most {
            return None;
        }
        let mut content = vec![text(structured.clone())];
        if let Some(next) = next {
            content.push(link(name, next));
        }
        Some(ToolResult {
            content,
            structured: Some(structured),
            meta: None,
        })
    }

    fn cursor(&self, name: &str, whose: &Whose, from: usize) -> String {
        self.seal.stamp(
            seal_for(whose),
            &whose.tool,
            format!("{name} {from}").as_bytes(),
        )
    }
}

fn seal_for(whose: &Whose) -> For<'_> {
    For {
        purpose: "result-cursor",
        principal: &whose.principal,
    }
}

/// The next part of a result that was cut, where the call asks for one: nothing has to run for it.
pub(super) async fn next_part(
    host: &Host,
    tool: &Tool,
    principal: &Arc<str>,
    asked: &Request,
) -> Option<Output> {
    let Request::Tool { arguments, .. } = asked else {
        return None;
    };
    if !host.results.is_used() {
        return None;
    }
    let arguments: Map<String, Value> = serde_json::from_str(arguments).ok()?;
    let cursor = arguments.get("cursor")?.as_str()?;
    let whose = Whose {
        principal: principal.clone(),
        tool: tool.full_name.clone(),
    };
    let place = host.seal.stamped(seal_for(&whose), &whose.tool, cursor)?;
    let place = String::from_utf8(place).ok()?;
    let (name, from) = place.split_once(' ')?;
    let (name, from) = (name.to_owned(), from.parse().ok()?);
    let (here, most) = (Place::of(host), tool.limits.output);
    let part = tokio::task::spawn_blocking(move || here.part(&name, &whose, from, most)).await;
    let mut result = part.ok()??;
    let structured = result.structured.take()?;
    Some(Output::Tool(ToolOutput {
        structured: RawValue::from_string(structured).ok(),
        result,
        meta: None,
        notes: Notes::default(),
    }))
}

/// A kept result, or a part of it, by its URI: `toolbay://result/NAME`, and `?from=N` for what comes later.
pub(crate) async fn read_result(
    host: &Host,
    principal: &Arc<str>,
    uri: &str,
) -> Option<ReadOutput> {
    let rest = uri.strip_prefix(URI)?;
    let (name, from) = match rest.split_once("?from=") {
        Some((name, from)) => (name.to_owned(), from.parse::<u64>().ok()?),
        None => (rest.to_owned(), 0),
    };
    let results = host.results.clone();
    let (principal, uri) = (principal.clone(), uri.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let next_uri = |next: Option<u64>| next.map(|next| format!("{URI}{name}?from={next}"));
        let (text, mime_type, next) = match results.is_list(&name, &principal)? {
            Some(whose) => {
                let part = results.part(&name, &whose, usize::try_from(from).ok()?, TEXT_PART)?;
                let next = next_uri(part.next.map(|next| next as u64));
                (page(&part, None), "application/json", next)
            }
            None => {
                let (text, next) = results.text(&name, &principal, from, TEXT_PART)?;
                (text, "text/plain", next_uri(next))
            }
        };
        let meta = next.map(|next| json!({ "next": next }));
        Some(ReadOutput {
            contents: vec![ResourceContents {
                uri: Some(uri),
                mime_type: Some(mime_type.to_owned()),
                body: ResourceBody::Text(text),
                meta: None,
            }],
            meta: meta.and_then(|meta| to_raw_value(&meta).ok()),
            notes: Notes::default(),
        })
    });
    read.await.ok()?
}

/// A page's JSON text.
fn page(part: &Part, cursor: Option<String>) -> String {
    let mut text = format!("{{\"items\":[{}]", part.items.join(","));
    let mut member = |name: &str, value: Option<&Value>| {
        if let Some(value) = value {
            text += &format!(",\"{name}\":{value}");
        }
    };
    if part.next.is_some() {
        member("next_cursor", cursor.map(Value::from).as_ref());
        member("has_more", Some(&Value::Bool(true)));
    } else {
        member("next_cursor", part.beside.next_cursor.as_ref());
        member("has_more", part.beside.has_more.as_ref());
    }
    member("total_count", part.beside.total_count.as_ref());
    text.push('}');
    text
}

fn texts(content: &[Content]) -> String {
    let texts = content.iter().filter_map(|content| match content {
        Content::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Whether a result is more than can be passed on at once.
pub(super) fn is_large(tool: &Tool, result: &ToolResult) -> bool {
    size(result) > tool.limits.output
}

/// What counts against a tool's `output`: text and structured value mostly say the same twice.
fn size(result: &ToolResult) -> usize {
    let content = result
        .content
        .iter()
        .map(super::output::size)
        .sum::<usize>();
    content.max(result.structured.as_ref().map_or(0, String::len))
}

fn text(text: String) -> Content {
    Content::Text(crate::sandbox::types::TextContent {
        text,
        annotations: None,
        meta: None,
    })
}

fn link(name: &str, next: usize) -> Content {
    Content::ResourceLink(ResourceLink {
        uri: format!("{URI}{name}?from={next}"),
        name: "rest".to_owned(),
        title: Some("The rest of the list".to_owned()),
        description: Some(
            "The items after these; `next` in the result's _meta leads on. Calling the tool again with `next_cursor` gives them too".to_owned(),
        ),
        mime_type: Some("application/json".to_owned()),
        size: None,
        icons: Vec::new(),
        annotations: None,
        meta: None,
    })
}

fn too_large(tool: &str, size: usize, limit: usize, kept: &std::io::Result<String>) -> CallError {
    let error = CallError::new(
        ErrorCode::LimitExceeded,
        format!(
            "the result of `{tool}` has {}, and at most {} are passed on at once",
            bytes(size as u64),
            bytes(limit as u64)
        ),
    );
    match kept {
        Ok(name) => {
            let uri = format!("{URI}{name}");
            error
                .details(json!({ "resource": uri }))
                .hint(&format!("read it in parts from the resource {uri}, where it is kept for 10 minutes, or ask for less"))
        }
        Err(error_of_disk) => {
            tracing::warn!(error = %error_of_disk, "a large result cannot be kept");
            error.hint("ask for less: narrow the arguments, or ask for a part at a time")
        }
    }
}
