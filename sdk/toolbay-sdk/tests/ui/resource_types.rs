use toolbay_sdk::prelude::*;

struct Path;

/// One note.
#[resource("notes://note/{path}")]
fn argument(path: Path) -> String {
    let _ = path;
    String::new()
}

/// How many notes there are.
#[resource("notes://count")]
fn result() -> usize {
    7
}

/// One note.
#[resource("notes://note/{path}", list = entries, complete(path = paths))]
fn functions(path: &str) -> String {
    path.to_owned()
}

fn entries(_cursor: Option<&str>) -> Vec<String> {
    Vec::new()
}

fn paths(typed: &str, _settled: &Settled) -> usize {
    typed.len()
}

fn main() {}
