use toolbay_sdk::prelude::*;

/// One note.
#[resource("notes://a")]
fn note() -> String {
    String::new()
}

/// Another note.
#[resource("notes://b", name = "note")]
fn other() -> String {
    String::new()
}

/// Asks for a summary.
#[prompt]
fn summarise() -> String {
    String::new()
}

plugin!(resources(note, other); prompts(summarise); settings_text = r#"
[plugin]
name = "notes"
description = "Notes."

[prompts.sumarise]
elicit = true
"#);

fn main() {}
