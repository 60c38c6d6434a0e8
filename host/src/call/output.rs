//! What a guest gave back, checked before anybody sees it.

use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{CallError, ErrorCode, guest_error, in_words};
use super::kept::Notes;
use crate::json;
use crate::plugin::Tool;
use crate::sandbox::types::{
    Annotations, Content, PromptMessage, ResourceBody, ResourceContents, ToolResult,
};
use crate::sandbox::{Answer, Completion, PromptResult, ReadResult, ResourcePage};
use crate::text::{bytes, escape, shorten};

/// What a guest gave back, checked.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    Tool(ToolOutput),
    Read(ReadOutput),
    Page(ResourcePage),
    Prompt(PromptOutput),
    Completion(Completion),
}

/// What a tool gave back.
#[derive(Debug, Clone)]
pub(crate) struct ToolOutput {
    pub(crate) result: ToolResult,
    /// The structured value's JSON text, known to be an object.
    pub(crate) structured: Option<Box<RawValue>>,
    /// The result's `_meta`, known to be an object.
    pub(crate) meta: Option<Box<RawValue>>,
    /// How it came about.
    pub(crate) notes: Notes,
}

/// What a resource holds.
#[derive(Debug, Clone)]
pub(crate) struct ReadOutput {
    /// Each with the URI and the media type that are its own or those of the resource.
    pub(crate) contents: Vec<ResourceContents>,
    pub(crate) meta: Option<Box<RawValue>>,
    /// How it came about.
    pub(crate) notes: Notes,
}

/// A prompt, filled in.
#[derive(Debug, Clone)]
pub(crate) struct PromptOutput {
    pub(crate) description: Option<String>,
    pub(crate) messages: Vec<PromptMessage>,
    pub(crate) meta: Option<Box<RawValue>>,
}

impl Output {
    /// Says how it came about, where that is passed on.
    pub(super) fn note(&mut self, note: impl FnOnce(&mut Notes)) {
        match self {
            Self::Tool(output) => note(&mut output.notes),
            Self::Read(output) => note(&mut output.notes),
            Self::Page(_) | Self::Prompt(_) | Self::Completion(_) => {}
        }
    }

    /// About how many bytes it takes to keep it.
    pub(super) fn weight(&self) -> usize {
        const EACH: usize = 256;
        let raw = |raw: &Option<Box<RawValue>>| raw.as_ref().map_or(0, |raw| raw.get().len());
        EACH + match self {
            Self::Tool(output) => {
                let content = output.result.content.iter();
                content.map(|content| EACH + size(content)).sum::<usize>()
                    + output.result.structured.as_ref().map_or(0, String::len)
                    + raw(&output.structured)
                    + raw(&output.meta)
            }
            Self::Read(output) => {
                let parts = output.contents.iter();
                parts
                    .map(|part| EACH + body_size(&part.body))
                    .sum::<usize>()
                    + raw(&output.meta)
            }
            Self::Page(_) | Self::Prompt(_) | Self::Completion(_) => 0,
        }
    }
}

/// Checks what a guest gave, against what its author declared and the size that may go out.
pub(super) fn check(tool: &Tool, answer: Answer) -> Result<Output, CallError> {
    let error = |error| guest_error(tool, error);
    match answer {
        Answer::Tool(result) => check_tool(tool, result.map_err(error)?).map(Output::Tool),
        Answer::Read(result) => check_read(tool, result.map_err(error)?).map(Output::Read),
        Answer::List(page) => check_page(tool, page.map_err(error)?).map(Output::Page),
        Answer::Prompt(result) => check_prompt(tool, result.map_err(error)?).map(Output::Prompt),
        Answer::Complete(completion) => Ok(Output::Completion(completion.map_err(error)?)),
        Answer::Manifest(_) | Answer::Trial => Err(CallError::new(
            ErrorCode::Internal,
            format!("{} answered another question", tool.named()),
        )),
    }
}

/// A result that its author is at fault for.
fn wrong(tool: &Tool, what: &str) -> CallError {
    CallError::new(
        ErrorCode::Internal,
        format!("{} gave a result that is not allowed: {what}", tool.named()),
    )
    .hint("this is a fault in the plugin; its author should know of it")
}

fn too_large(tool: &Tool, size: usize, limit: usize) -> CallError {
    CallError::new(
        ErrorCode::LimitExceeded,
        format!(
            "the result of `{}` has {}, and at most {} are passed on",
            tool.full_name,
            bytes(size as u64),
            bytes(limit as u64)
        ),
    )
    .hint("ask for less: narrow the arguments, or ask for a part at a time")
}

/// Against the tool's own output schema.
fn check_tool(tool: &Tool, result: ToolResult) -> Result<ToolOutput, CallError> {
    let wrong = |what: String| wrong(tool, &what);
    let structured = object(result.structured.as_deref(), "its structured value").map_err(wrong)?;
    let meta = object(result.meta.as_deref(), "its meta").map_err(wrong)?;
    match (tool.output(), &structured) {
        (Ok(None), _) => {}
        (Ok(Some(_)), None) => {
            return Err(wrong(
                "it declares an output schema and gave no structured value".into(),
            ));
        }
        (Ok(Some(schema)), Some((_, value))) => {
            let faults = schema.faults(value);
            if !faults.is_empty() {
                return Err(wrong(format!(
                    "it does not fit the tool's output schema: {}",
                    in_words(&faults)
                )));
            }
        }
        (Err(error), _) => return Err(wrong(format!("its output schema cannot be used: {error}"))),
    }
    result
        .content
        .iter()
        .try_for_each(check_content)
        .map_err(wrong)?;
    let size = result.content.iter().map(size).sum::<usize>();
    // Text and structured value mostly say the same twice; the larger counts.
    let size = size.max(result.structured.as_ref().map_or(0, String::len));
    if size > tool.limits.output {
        return Err(too_large(tool, size, tool.limits.output));
    }
    Ok(ToolOutput {
        result,
        structured: structured.map(|(raw, _)| raw),
        meta: meta.map(|(raw, _)| raw),
        notes: Notes::default(),
    })
}

/// A resource is read by a client rather than by a model, so it may be as large as anything that is taken from a guest.
fn check_read(tool: &Tool, read: ReadResult) -> Result<ReadOutput, CallError> {
    let ReadResult { mut contents, meta } = read;
    let meta = object(meta.as_deref(), "its meta").map_err(|what| wrong(tool, &what))?;
    let declared = tool.as_resource().and_then(|it| it.mime_type.as_ref());
    for part in &mut contents {
        object(part.meta.as_deref(), "the meta of its contents")
            .map_err(|what| wrong(tool, &what))?;
        if let Some(uri) = &part.uri {
            check_uri(tool, uri).map_err(|what| wrong(tool, &what))?;
        }
        if part.mime_type.is_none() {
            part.mime_type = declared.cloned();
        }
    }
    let size: usize = contents.iter().map(|part| body_size(&part.body)).sum();
    if size > tool.limits.max_result {
        return Err(too_large(tool, size, tool.limits.max_result));
    }
    Ok(ReadOutput {
        contents,
        meta: meta.map(|(raw, _)| raw),
        notes: Notes::default(),
    })
}

/// What is listed has to fit the template that it is listed for: another's URI would be another plugin's to answer.
fn check_page(tool: &Tool, page: ResourcePage) -> Result<ResourcePage, CallError> {
    let template = tool.as_resource().map(|resource| &resource.uri);
    for entry in &page.entries {
        if template.is_none_or(|template| template.matches(&entry.uri).is_none()) {
            return Err(wrong(
                tool,
                &format!(
                    "it lists {}, which its template is not for",
                    shorten(&escape(&entry.uri), 200)
                ),
            ));
        }
        object(entry.meta.as_deref(), "the meta of an entry")
            .and_then(|_| check_priority(entry.annotations.as_ref()))
            .map_err(|what| wrong(tool, &what))?;
    }
    Ok(page)
}

fn check_prompt(tool: &Tool, prompt: PromptResult) -> Result<PromptOutput, CallError> {
    let PromptResult {
        description,
        messages,
        meta,
    } = prompt;
    let meta = object(meta.as_deref(), "its meta").map_err(|what| wrong(tool, &what))?;
    for message in &messages {
        check_content(&message.content).map_err(|what| wrong(tool, &what))?;
    }
    let size: usize = messages.iter().map(|message| size(&message.content)).sum();
    if size > tool.limits.output {
        return Err(too_large(tool, size, tool.limits.output));
    }
    Ok(PromptOutput {
        description: description.or_else(|| Some(tool.description.clone())),
        messages,
        meta: meta.map(|(raw, _)| raw),
    })
}

/// A part of a resource has a URI of the same plugin's.
fn check_uri(tool: &Tool, uri: &str) -> Result<(), String> {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    if scheme == Some(&*tool.label.plugin) {
        return Ok(());
    }
    Err(format!(
        "the URI of a part is {}, which does not begin with `{}:`",
        shorten(&escape(uri), 200),
        tool.label.plugin
    ))
}

/// Reads JSON text that has to be an object.
pub(super) fn object(
    text: Option<&str>,
    what: &str,
) -> Result<Option<(Box<RawValue>, Value)>, String> {
    let Some(text) = text else { return Ok(None) };
    let value = json::parse(text).map_err(|error| format!("{what} is not valid JSON ({error})"))?;
    if !value.is_object() {
        return Err(format!("{what} is not a JSON object"));
    }
    // A line break inside the text would end the protocol's line, so it is written anew where it has one.
    let line = if text.contains(['\n', '\r']) {
        value.to_string()
    } else {
        text.trim().to_owned()
    };
    let raw = RawValue::from_string(line)
        .map_err(|error| format!("{what} is not valid JSON ({error})"))?;
    Ok(Some((raw, value)))
}

fn check_content(content: &Content) -> Result<(), String> {
    let (meta, annotations) = match content {
        Content::Text(text) => (&text.meta, &text.annotations),
        Content::Image(image) => (&image.meta, &image.annotations),
        Content::Audio(audio) => (&audio.meta, &audio.annotations),
        Content::ResourceLink(link) => (&link.meta, &link.annotations),
        Content::EmbeddedResource(resource) => (&resource.meta, &resource.annotations),
    };
    object(meta.as_deref(), "the meta of a content block")?;
    check_priority(annotations.as_ref())
}

fn check_priority(annotations: Option<&Annotations>) -> Result<(), String> {
    match annotations.and_then(|annotations| annotations.priority) {
        Some(priority) if !(0.0..=1.0).contains(&priority) => Err(format!(
            "a priority must lie between 0 and 1, not be {priority}"
        )),
        _ => Ok(()),
    }
}

/// How much a block carries, encoding left out.
pub(super) fn size(content: &Content) -> usize {
    match content {
        Content::Text(text) => text.text.len(),
        Content::Image(image) => image.data.len(),
        Content::Audio(audio) => audio.data.len(),
        Content::ResourceLink(link) => {
            link.uri.len() + link.description.as_ref().map_or(0, String::len)
        }
        Content::EmbeddedResource(resource) => body_size(&resource.body),
    }
}

fn body_size(body: &ResourceBody) -> usize {
    match body {
        ResourceBody::Text(text) => text.len(),
        ResourceBody::Blob(blob) => blob.len(),
    }
}
