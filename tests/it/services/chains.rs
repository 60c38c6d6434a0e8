//! Tools that call tools: `calls` and `internal`.

use std::fs;

use serde_json::{Value, json};

use super::{Place, code};
use crate::support::http_client::audit;
use crate::support::session::tool_error;
use crate::support::{Era, Session};

fn along(session: &mut Session, path: &[&str]) -> Value {
    let (first, rest) = path.split_first().expect("it has a tool");
    session.call(&format!("keeper_{first}"), json!({"path": rest}))
}

#[test]
fn a_tool_calls_others_and_gets_what_they_give() {
    let place = Place::new();
    for era in [Era::LEGACY, Era::Modern] {
        let mut session = place.open(era);
        let before = along(&mut session, &["r1", "count"])["structuredContent"]["count"].clone();
        let after = along(&mut session, &["r1", "bump"])["structuredContent"]["count"].as_u64();
        assert_eq!(after, before.as_u64().map(|count| count + 1));
        let chain: Vec<String> = (1..=8).map(|number| format!("r{number}")).collect();
        let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
        let end = along(&mut session, &chain);
        assert_eq!(end["structuredContent"], json!({"end": true}), "{end}");
    }
}

#[test]
fn a_circle_and_a_chain_that_is_too_deep_are_refused_with_their_path() {
    let place = Place::new();
    let mut session = place.open(Era::Modern);
    for (path, shown) in [
        (&["r1", "r1"][..], "keeper_r1 -> keeper_r1"),
        (&["r1", "r2", "r1"], "keeper_r1 -> keeper_r2 -> keeper_r1"),
    ] {
        let refused = along(&mut session, path);
        let (code, sentence) = tool_error(&refused);
        assert_eq!(code, "conflict", "{refused}");
        assert!(sentence.contains(shown), "{sentence}");
    }
    let deep = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"];
    let (code, sentence) = tool_error(&along(&mut session, &deep));
    assert_eq!(code, "conflict");
    assert!(sentence.contains("keeper_r8 -> keeper_r9"), "{sentence}");
}

#[test]
fn each_is_called_with_permissions_of_its_own() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    // What the manifest does not name.
    let (refused, sentence) = tool_error(&along(&mut session, &["r3", "r5"]));
    assert_eq!(refused, "permission_denied");
    assert!(sentence.contains("calls = [\"r5\"]"), "{sentence}");
    assert_eq!(
        code(&along(&mut session, &["r1", "nobody_there"])),
        "not_found"
    );
    // One that changes nothing cannot have it changed by another.
    assert_eq!(
        code(&along(&mut session, &["reader", "bump"])),
        "permission_denied"
    );
    assert_eq!(along(&mut session, &["reader", "count"])["isError"], false);
    // A rate is counted wherever the call comes from.
    for _ in 0..3 {
        assert_eq!(
            along(&mut session, &["r1", "keeper_seldom"])["isError"],
            false
        );
    }
    assert_eq!(
        code(&along(&mut session, &["r1", "keeper_seldom"])),
        "rate_limited"
    );
    // What is not granted to the one is not granted through the other, which may use the same.
    let calls = [
        "r2",
        "r1",
        "bump",
        "count",
        "keeper_seldom",
        "spin",
        "nobody_there",
    ];
    let policy = format!(
        "version = 1\n[[grant]]\nplugin = \"keeper\"\n[grant.tools.r1]\nkv = true\ncalls = {calls:?}\n"
    );
    fs::write(place.home.path().join("policy.toml"), policy).expect("a file can be written");
    let refused = session.call_until("keeper_r1", &json!({"path": ["bump"]}), |result| {
        result["isError"] == true
    });
    let (code, sentence) = tool_error(&refused);
    assert_eq!(code, "permission_denied", "{refused}");
    assert!(sentence.contains("keeper_bump"), "{sentence}");
}

#[test]
fn internal_tools_are_for_other_tools_alone() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    assert!(!session.tool_names().contains(&"keeper_hidden".to_owned()));
    let error = session.error(
        "tools/call",
        json!({"name": "keeper_hidden", "arguments": {"path": []}}),
    );
    assert_eq!(error["code"], -32602, "{error}");
    let through = along(&mut session, &["r1", "r2", "hidden"]);
    assert_eq!(
        through["structuredContent"],
        json!({"end": true}),
        "{through}"
    );
}

#[test]
fn what_ends_the_outer_call_ends_the_inner_one() {
    let place = Place::new();
    for era in [Era::LEGACY, Era::Modern] {
        let mut session = place.open(era);
        along(&mut session, &["r1"]);
        let id = loop {
            let id = session.start_call("keeper_r1", json!({"path": ["spin"]}));
            // There is one place: one of the two has it, and the other is told so.
            match code(&along(&mut session, &["r1", "spin"])).as_str() {
                "unavailable" => break id,
                other => assert_eq!(other, "timeout"),
            }
        };
        session.cancel(&id);
        let ended = session.call("keeper_spin", json!({"end": true}));
        assert_eq!(ended["content"][0]["text"], "ended", "{ended}");
    }
}

#[test]
fn the_audit_log_says_who_called() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    along(&mut session, &["r1", "bump"]);
    session.host.close();
    session.host.wait_for_exit();
    let lines = audit(&place.home.path().join("state"));
    let by = |tool: &str| {
        let line = lines.iter().find(|line| line["tool"] == tool);
        line.unwrap_or_else(|| panic!("no line of {tool}"))["called_by"].clone()
    };
    assert_eq!(by("bump"), "keeper_r1");
    assert_eq!(by("r1"), Value::Null);
}
