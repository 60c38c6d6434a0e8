//! A plugin that behaves: what it gets comes back, in every form that the protocol has.

use std::time::Duration;

use toolbay_sdk::prelude::*;

/// Returns the text that it gets.
#[tool]
fn text(
    /** Any text */
    text: String,
) -> String {
    text
}

/// Returns how many bytes of UTF-8 a text has.
#[tool]
fn length(
    /** Any text, also a very long one */
    text: &str,
) -> usize {
    text.len()
}

/// How to go about it.
#[data]
#[serde(rename_all = "snake_case")]
enum Mode {
    Fast,
    Thorough,
}

/// Arguments of several kinds.
#[data]
struct Record {
    /// What it is called
    #[schemars(length(min = 1, max = 20))]
    title: String,
    /// How many of them
    #[schemars(range(min = 1, max = 100))]
    count: u8,
    /// How to go about it
    mode: Mode,
    /// Words to find it by
    #[serde(default)]
    #[schemars(length(max = 3))]
    tags: Vec<String>,
    /// What else there is to say
    note: Option<String>,
}

/// Returns the record that it gets, with what was left out filled in.
#[tool(title = "Echo a record")]
fn record(#[arguments] record: Record) -> Record {
    record
}

/// Returns one block of each kind of content.
#[tool]
fn blocks() -> ToolResult {
    let link = ResourceLink::new("note://shopping", "shopping")
        .title("Shopping list")
        .description("What to buy")
        .mime_type("text/markdown")
        .size(120);
    ToolResult::new()
        .content(
            Content::text("a text")
                .audience([Role::User, Role::Assistant])
                .priority(0.5),
        )
        .content(
            Content::image([0x89, 0x50, 0x4e, 0x47], "image/png")
                .last_modified("2026-11-22T09:30:00Z"),
        )
        .content(Content::audio([0x52, 0x49, 0x46, 0x46], "audio/wav"))
        .content(link)
        .content(Content::embedded_text("note://today", "# Today").mime_type("text/markdown"))
        .content(
            Content::embedded_blob("note://bytes", [0, 255])
                .meta(json!({"example.com/kind": "bytes"})),
        )
}

/// Fails with the error code that it gets.
#[tool]
fn fail(
    /** An error code in snake case, such as `not_found` */
    code: &str,
) -> Result<String, ToolError> {
    let sentence = "it failed, as asked";
    Err(match code {
        "validation_error" => ToolError::validation(sentence),
        "not_found" => ToolError::not_found(sentence),
        "permission_denied" => ToolError::permission_denied(sentence),
        "rate_limited" => ToolError::rate_limited(sentence)
            .retry_after(Duration::from_millis(1500))
            .details(json!({"limit": 10, "per": "minute"})),
        "network_error" => ToolError::network(sentence),
        "timeout" => ToolError::timeout(sentence),
        "conflict" => ToolError::conflict(sentence),
        "cancelled" => ToolError::cancelled(sentence),
        "limit_exceeded" => ToolError::limit_exceeded(sentence),
        "unavailable" => ToolError::unavailable(sentence),
        "internal" => ToolError::internal(sentence),
        _ => ToolError::validation("there is no such code"),
    })
}

plugin!(text, length, record, blocks, fail);
