//! Tools that return what a host must not pass on as it is.

use crate::toolbay::plugin::types::{
    Annotations, Content, EmbeddedResource, ErrorCode, ImageContent, ResourceBody, TextContent,
    ToolError, ToolResult,
};
use crate::{Answer, error, structured, text, text_block};

/// What the tools that return too much return: 100 MB.
const HUGE: usize = 100_000_000;

pub(crate) fn against_its_schema(_: &str) -> Answer {
    structured(r#"{"count": "three"}"#)
}

pub(crate) fn bad_details(_: &str) -> Answer {
    Err(ToolError {
        details: Some("{not json".into()),
        ..error(ErrorCode::Conflict, "the details are not JSON")
    })
}

pub(crate) fn bad_meta(_: &str) -> Answer {
    Ok(ToolResult {
        content: vec![text_block("fine")],
        structured: None,
        meta: Some("[1, 2]".into()),
    })
}

/// Every byte value, in the two places where bytes are allowed: that is no UTF-8, and must arrive as it is.
pub(crate) fn binary(_: &str) -> Answer {
    let every_byte: Vec<u8> = (0..=255).collect();
    let image = ImageContent {
        data: every_byte.clone(),
        mime_type: "image/png".into(),
        annotations: None,
        meta: None,
    };
    let resource = EmbeddedResource {
        uri: "bytes://every".into(),
        mime_type: Some("application/octet-stream".into()),
        body: ResourceBody::Blob(every_byte),
        annotations: None,
        meta: None,
    };
    let content = vec![Content::Image(image), Content::EmbeddedResource(resource)];
    Ok(ToolResult {
        content,
        structured: None,
        meta: None,
    })
}

pub(crate) fn control_characters(_: &str) -> Answer {
    let every_one: String = (0_u32..=0x9f)
        .chain([0x2028, 0x2029, 0x202e, 0xfeff, 0xfffe])
        .filter_map(char::from_u32)
        .collect();
    Err(error(ErrorCode::NotFound, every_one))
}

pub(crate) fn deep_json(_: &str) -> Answer {
    const DEPTH: usize = 1_000_000;
    structured(format!(
        r#"{{"deep": {}{}}}"#,
        "[".repeat(DEPTH),
        "]".repeat(DEPTH)
    ))
}

pub(crate) fn duplicate_keys(_: &str) -> Answer {
    structured(r#"{"a": 1, "a": 2}"#)
}

pub(crate) fn huge_error(_: &str) -> Answer {
    Err(error(ErrorCode::Internal, "x".repeat(HUGE)))
}

pub(crate) fn huge_number(_: &str) -> Answer {
    structured(
        r#"{"number": 1e999, "digits": 123456789012345678901234567890123456789012345678901234567890}"#,
    )
}

pub(crate) fn huge_structured(_: &str) -> Answer {
    structured(format!(r#"{{"text": "{}"}}"#, "x".repeat(HUGE)))
}

pub(crate) fn huge_text(_: &str) -> Answer {
    text("x".repeat(HUGE))
}

pub(crate) fn invalid_json(_: &str) -> Answer {
    structured(r#"{"a": 1,, "jsonrpc": "2.0"}"#)
}

/// Large, but allowed: more than a pipe holds.
pub(crate) fn large_text(_: &str) -> Answer {
    text("x".repeat(4 << 20))
}

pub(crate) fn lone_surrogate(_: &str) -> Answer {
    structured(r#"{"text": "\ud800"}"#)
}

/// Small for the guest, large for a host that makes an object of each.
pub(crate) fn many_blocks(_: &str) -> Answer {
    Ok(ToolResult {
        content: vec![text_block(""); 1_000_000],
        structured: None,
        meta: None,
    })
}

pub(crate) fn no_structured(_: &str) -> Answer {
    text("the schema promised more than this")
}

pub(crate) fn not_a_priority(_: &str) -> Answer {
    let annotations = Annotations {
        audience: Vec::new(),
        priority: Some(f64::NAN),
        last_modified: Some("yesterday".into()),
        meta: None,
    };
    let block = TextContent {
        text: "fine".into(),
        annotations: Some(annotations),
        meta: None,
    };
    Ok(ToolResult {
        content: vec![Content::Text(block)],
        structured: None,
        meta: None,
    })
}

pub(crate) fn nothing_at_all(_: &str) -> Answer {
    Ok(ToolResult {
        content: Vec::new(),
        structured: None,
        meta: None,
    })
}

pub(crate) fn structured_list(_: &str) -> Answer {
    structured("[1, 2, 3]")
}
