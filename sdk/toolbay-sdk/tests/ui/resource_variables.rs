use toolbay_sdk::prelude::*;

/// One note.
#[resource("notes://note/{+path}")]
fn renamed(pth: &str) -> String {
    pth.to_owned()
}

/// One note.
#[resource("notes://note/{+path}")]
fn missing() -> String {
    String::new()
}

/// One note.
#[resource("notes://all")]
fn too_many(path: &str) -> String {
    path.to_owned()
}

/// All notes.
#[resource("notes://all{?from}")]
fn optional(from: u32) -> String {
    from.to_string()
}

fn main() {}
