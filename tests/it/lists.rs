//! The list of tools: what it says of each, in an order that never changes, in schemas that every client takes.

use std::fs;

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Folder, Session, Start, everywhere, paths};

#[test]
fn a_tool_is_listed_with_all_that_a_client_needs() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    let tools = session.list_tools();
    let wanted: Vec<&Value> = tools
        .iter()
        .filter(|tool| tool["name"] == "echo_record" || tool["name"] == "toolbay_status")
        .collect();
    assert_json_snapshot!(wanted, @"");
}

#[test]
fn the_order_is_the_same_in_every_process_and_for_every_way_of_filling_the_folder() {
    let guests = ["sleepy", "echo", "hostile", "greeter-v1", "counter"];
    let there = Folder::with(&guests);
    let back = Folder::empty();
    for guest in guests.iter().rev() {
        back.add(guest);
    }
    let first = Session::legacy(&there).tool_names();
    for folder in [&there, &back] {
        everywhere(folder, |session| assert_eq!(session.tool_names(), first));
    }
    assert!(first.iter().any(|name| name == "toolbay_status"));
    let mut unique = first.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(
        unique.len(),
        first.len(),
        "a name is there twice: {first:?}"
    );
}

#[test]
fn the_whole_list_is_the_same_for_every_connection() {
    let folder = Folder::with(&["echo", "counter"]);
    let before = Session::legacy(&folder).list_tools();
    let mut session = Session::legacy(&folder);
    session.call("echo_text", json!({"text": "a call changes nothing"}));
    assert_eq!(session.list_tools(), before);
}

#[test]
fn schemas_and_names_are_such_as_every_client_takes() {
    let folder = Folder::with(&["echo", "counter", "sleepy", "greeter-v1", "hostile"]);
    fs::copy(paths::plugin("jq"), folder.file("jq.wasm")).expect("a plugin can be copied");
    fs::copy(paths::plugin("clock"), folder.file("clock.wasm")).expect("a plugin can be copied");
    everywhere(&folder, |session| {
        let tools = session.list_tools();
        assert!(tools.len() > 40, "only {} tools", tools.len());
        for tool in &tools {
            let name = tool["name"].as_str().expect("a name");
            let plain = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
            assert!(plain && name.len() <= 46 && name.contains('_'), "{name}");
            assert!(
                tool["description"]
                    .as_str()
                    .is_some_and(|text| text.len() > 10),
                "{tool}"
            );
            for hint in [
                "readOnlyHint",
                "destructiveHint",
                "idempotentHint",
                "openWorldHint",
            ] {
                assert!(
                    tool["annotations"].get(hint).is_none_or(Value::is_boolean),
                    "{hint} of {name}"
                );
            }
            assert_eq!(
                tool["annotations"]["readOnlyHint"], true,
                "{name} asks for nothing, so it can change nothing"
            );
            check_schema(name, &tool["inputSchema"]);
            if let Some(schema) = tool.get("outputSchema") {
                check_schema(name, schema);
            }
        }
    });
}

#[test]
fn a_schema_keeps_the_order_of_its_author() {
    let folder = Folder::with(&["echo"]);
    let tools = Session::modern(&folder).list_tools();
    let tool = tools
        .iter()
        .find(|tool| tool["name"] == "echo_record")
        .expect("the tool is listed");
    let names: Vec<&String> = tool["inputSchema"]["properties"]
        .as_object()
        .expect("properties")
        .keys()
        .collect();
    assert_eq!(names, ["title", "count", "mode", "tags", "note"]);
}

#[test]
fn the_list_comes_before_any_component_is_compiled() {
    let folder = Folder::empty();
    // A hundred plugins that differ only in their names.
    for number in 0..100 {
        let mut manifest = crate::support::assembled::manifest("plain");
        manifest["plugin"]["name"] = json!(format!("p{number}"));
        let bytes =
            crate::support::assembled::bake(&crate::support::assembled::bare("plain"), &manifest);
        folder.replace(&format!("p{number}.wasm"), &bytes);
    }
    let cache = tempfile::TempDir::new().expect("a temporary folder can be made");
    let start = std::time::Instant::now();
    let mut session = Session::open(
        Start::new(&folder).cache(cache.path()).start(),
        crate::support::Era::Modern,
    );
    let names = session.tool_names();
    eprintln!("a hundred plugins are listed after {:?}", start.elapsed());
    assert_eq!(names.len(), 101);
    assert_eq!(
        session.call("p42_run", json!({}))["content"][0]["text"],
        "hello from hand-written code"
    );
}

/// What is in an advertised schema: nothing that some client is known to refuse.
fn check_schema(tool: &str, schema: &Value) {
    assert_eq!(schema["type"], "object", "{tool}: {schema}");
    for keyword in ["oneOf", "anyOf", "allOf", "if", "not", "$ref"] {
        assert!(
            schema.get(keyword).is_none(),
            "{tool} has {keyword} at its root: {schema}"
        );
    }
    check_inside(tool, schema);
}

fn check_inside(tool: &str, value: &Value) {
    const FORMATS: [&str; 13] = [
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "uuid",
        "json-pointer",
        "regex",
    ];
    match value {
        Value::Object(members) => {
            assert!(!members.contains_key("$schema"), "{tool}: {value}");
            if let Some(format) = members.get("format").and_then(Value::as_str) {
                assert!(FORMATS.contains(&format), "{tool} has the format {format}");
            }
            members
                .values()
                .for_each(|member| check_inside(tool, member));
        }
        Value::Array(items) => items.iter().for_each(|item| check_inside(tool, item)),
        _ => {}
    }
}
