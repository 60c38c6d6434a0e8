use toolbay_sdk::prelude::*;

/// One note.
#[resource]
fn no_uri() -> String {
    String::new()
}

/// One note.
#[resource("notes://note/{path")]
fn no_template(path: &str) -> String {
    path.to_owned()
}

/// All notes.
#[resource("notes://all", timeout = "5s")]
fn unknown_option() -> String {
    String::new()
}

/// All notes.
#[resource("notes://all", list = entries)]
fn nothing_to_list() -> String {
    String::new()
}

/// One note.
#[resource("notes://note/{path}", size = 7)]
fn size_of_many(path: &str) -> String {
    path.to_owned()
}

/// One note.
#[resource("notes://note/{path}", complete(name = names))]
fn completes_nothing(path: &str) -> String {
    path.to_owned()
}

/// All notes.
#[resource("notes://all", mime_type = "markdown")]
fn no_media_type() -> String {
    String::new()
}

/// All notes.
#[resource("notes://all", audience = "everybody")]
fn for_whom() -> String {
    String::new()
}

#[resource("notes://all")]
fn no_description() -> String {
    String::new()
}

fn main() {}
