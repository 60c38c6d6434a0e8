//! A plugin of which each tool misbehaves in one way. It is written against the WIT alone, since the SDK would not let a
//! tool return what many of these return.
//!
//! `tools!` is the one list of what there is; the tests keep a list of their own in which every tool must have its test,
//! and compare the two. Limits are tight (300 ms, 32 MiB), so that a test waits no longer than it must.

mod endings;
mod memory;
mod nosy;
mod output;
mod results;
mod time;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: r"
        package toolbay:hostile;
        world hostile {
            include toolbay:plugin/tools-world@0.1.0;
            include toolbay:plugin/describe-world@0.1.0;
        }
    ",
    world: "toolbay:hostile/hostile",
    generate_all,
});

use exports::toolbay::plugin::{describe, tools};
use toolbay::plugin::types::{Content, ErrorCode, TextContent, ToolError, ToolResult};

/// What every tool here returns, if it returns.
type Answer = Result<ToolResult, ToolError>;

struct Hostile;

export!(Hostile);

/// Defines `dispatch` and `manifest` from one list: the tool's name is the function's, its settings are JSON members that
/// are added to the tool's own. All take one optional string `text`, so that a call may carry something.
macro_rules! tools {
    ($($module:ident :: $name:ident $settings:literal,)*) => {
        fn dispatch(name: &str, arguments: &str) -> Answer {
            match name {
                $(stringify!($name) => $module::$name(arguments),)*
                _ => Err(error(ErrorCode::NotFound, format!("there is no tool {name}"))),
            }
        }

        const TOOLS: &[(&str, &str)] = &[$((stringify!($name), $settings),)*];
    };
}

tools! {
    endings::abort "",
    endings::divide_by_zero "",
    endings::exit_one "",
    endings::exit_zero "",
    endings::out_of_bounds "",
    endings::panic "",
    endings::trap "",
    memory::drain_random "",
    memory::fill_tables "",
    memory::grow_at_once "",
    memory::grow_slowly r#", "timeout": "1m""#,
    memory::huge_random "",
    memory::recurse "",
    nosy::look_around "",
    nosy::read_stdin "",
    output::escape_terminal "",
    output::fake_json_rpc "",
    output::flood_stderr r#", "timeout": "1m""#,
    output::flood_stdout r#", "timeout": "1m""#,
    output::one_endless_line r#", "timeout": "1m""#,
    output::write_zeroes r#", "timeout": "1m""#,
    results::against_its_schema r#", "output-schema": {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}"#,
    results::bad_details "",
    results::bad_meta "",
    results::binary "",
    results::control_characters "",
    results::deep_json r#", "timeout": "1m""#,
    results::duplicate_keys "",
    results::huge_error r#", "timeout": "1m", "memory": "512MiB""#,
    results::huge_number "",
    results::huge_structured r#", "timeout": "1m", "memory": "512MiB""#,
    results::huge_text r#", "timeout": "1m", "memory": "512MiB""#,
    results::invalid_json "",
    results::large_text r#", "timeout": "1m", "memory": "64MiB", "output": "16MiB""#,
    results::lone_surrogate "",
    results::many_blocks r#", "timeout": "1m", "memory": "512MiB""#,
    results::no_structured r#", "output-schema": {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}"#,
    results::not_a_priority "",
    results::nothing_at_all "",
    results::structured_list "",
    time::loop_for_an_hour r#", "timeout": "1h""#,
    time::loop_forever "",
    time::nap_often "",
    time::sleep_for_an_hour r#", "timeout": "1h""#,
    time::sleep_forever "",
    time::wait_for_many "",
}

impl tools::Guest for Hostile {
    fn call(name: String, arguments: String) -> Answer {
        dispatch(&name, &arguments)
    }
}

impl describe::Guest for Hostile {
    fn manifest() -> String {
        let tools: Vec<String> = TOOLS
            .iter()
            .map(|(name, settings)| {
                // A key that a tool sets itself must not be there twice.
                let timeout = if settings.contains("\"timeout\"") { "" } else { r#", "timeout": "300ms""# };
                let memory = if settings.contains("\"memory\"") { "" } else { r#", "memory": "32MiB""# };
                format!(
                    r#""{name}": {{"description": "Misbehaves: {}.", "input-schema": {{"type": "object", "properties": {{"text": {{"type": "string"}}}}}}{timeout}{memory}{settings}}}"#,
                    name.replace('_', " "),
                )
            })
            .collect();
        format!(
            r#"{{"manifest-version": 1, "plugin": {{"name": "hostile", "version": "0.1.0", "description": "Each tool misbehaves in one way"}}, "tools": {{{}}}}}"#,
            tools.join(", "),
        )
    }
}

/// One block of plain text.
fn text_block(text: impl Into<String>) -> Content {
    Content::Text(TextContent {
        text: text.into(),
        annotations: None,
        meta: None,
    })
}

/// A success with one block of text.
fn text(text: impl Into<String>) -> Answer {
    Ok(ToolResult {
        content: vec![text_block(text)],
        structured: None,
        meta: None,
    })
}

/// A success with this as its structured JSON, whatever it is.
fn structured(json: impl Into<String>) -> Answer {
    Ok(ToolResult {
        content: Vec::new(),
        structured: Some(json.into()),
        meta: None,
    })
}

fn error(code: ErrorCode, message: impl Into<String>) -> ToolError {
    ToolError {
        code,
        message: message.into(),
        details: None,
        retry_after_ms: None,
        meta: None,
    }
}
