//! Tools that the user put around all calls.

use std::fs;

use serde_json::{Value, json};

use super::Place;
use crate::support::session::tool_error;
use crate::support::{Era, Session, paths};

const GRANTS: &str = "version = 1\n\
    [[grant]]\nplugin = \"keeper\"\neverything = true\naddresses = [\"127.0.0.1\"]\n\
    [[grant]]\nplugin = \"gate\"\neverything = true\n";

/// A host with the gate beside the keeper, and these lines under `[middleware]`.
fn around(lines: &str) -> (Place, Session) {
    let place = Place::new();
    let gate = fs::read(paths::plugin("gate")).expect("the gate was built");
    place.folder.replace("gate.wasm", &gate);
    let home = place.home.path();
    fs::write(home.join("policy.toml"), GRANTS).expect("a file can be written");
    fs::create_dir_all(home.join("config")).expect("a folder can be made");
    fs::write(
        home.join("config/toolbay.toml"),
        format!("[middleware]\n{lines}\n"),
    )
    .expect("a file can be written");
    let start = place
        .start()
        .variable("GATE_REFUSES", "keeper_bump, keeper_hidden");
    let session = Session::open(start.start(), Era::LEGACY);
    (place, session)
}

/// Asks until it is so: who hears of a call hears of it after its answer.
fn until(session: &mut Session, tool: &str, arguments: &Value, is_so: impl Fn(&Value) -> bool) {
    let mut last = Value::Null;
    for _ in 0..2_000 {
        last = session.call(tool, arguments.clone());
        if is_so(&last["structuredContent"]) {
            return;
        }
    }
    panic!("{tool} still says {last}");
}

#[test]
fn a_call_is_refused_before_it_runs_and_heard_of_afterwards() {
    let (_place, mut session) = around("before = [\"gate_check\"]\nafter = [\"gate_note\"]");
    assert_eq!(session.call("keeper_count", json!({}))["isError"], false);
    let (code, sentence) = tool_error(&session.call("keeper_bump", json!({})));
    assert_eq!(code, "permission_denied");
    assert_eq!(
        sentence,
        "whoever runs this server does not let `keeper_bump` be called"
    );
    assert_eq!(
        session.call("keeper_count", json!({}))["structuredContent"]["count"],
        0
    );

    let of = |tool: &str| json!({ "tool": tool });
    until(&mut session, "gate_count", &of("keeper_bump"), |said| {
        said["calls"] == 1 && said["failed"] == 1
    });
    until(&mut session, "gate_count", &of("keeper_count"), |said| {
        said["calls"] == 2 && said["failed"] == 0
    });
    // Resources are read through the same gate, and what a tool calls passes it too.
    let read = session.request("resources/read", json!({"uri": "keeper://count"}));
    assert_eq!(read["result"]["contents"][0]["text"], "0", "{read}");
    until(&mut session, "gate_count", &of("keeper://count"), |said| {
        said["calls"] == 1
    });
    let (code, sentence) = tool_error(&session.call("keeper_r2", json!({"path": ["hidden"]})));
    assert_eq!(code, "permission_denied", "{sentence}");
    assert!(sentence.contains("keeper_hidden"), "{sentence}");
}

#[test]
fn arguments_are_told_to_those_that_name_them() {
    let (_place, mut session) = around("after = [\"keeper_overhear\"]");
    session.call("keeper_echo", json!({"text": "private", "number": 3}));
    session.call("keeper_echo", json!({"text": 1}));
    let expected = [
        json!({"caller": "local", "read_only": true, "arguments": {"text": "private", "number": 3}, "error_code": null}),
        json!({"caller": "local", "read_only": true, "arguments": {"text": 1}, "error_code": "validation_error"}),
    ];
    // In any order: nobody waits for one before the other is told.
    until(&mut session, "keeper_overheard", &json!({}), |said| {
        let heard = said["heard"].as_array().map_or(&[][..], Vec::as_slice);
        heard.len() == 2 && expected.iter().all(|expected| heard.contains(expected))
    });
}

#[test]
fn what_cannot_be_asked_lets_nothing_through_and_the_status_says_so() {
    for (lines, problem) in [
        ("before = [\"gate_chek\"]", "is not there"),
        ("before = [\"keeper_crash\"]", "could not be asked"),
        ("before = [\"keeper_echo\"]", "which wants `text`"),
    ] {
        let (_place, mut session) = around(lines);
        let (code, sentence) = tool_error(&session.call("keeper_count", json!({})));
        assert_eq!(code, "unavailable", "{lines}: {sentence}");
        assert!(sentence.contains(problem), "{lines}: {sentence}");
        assert!(sentence.contains("toolbay doctor"), "{lines}: {sentence}");
        let status = session.call("toolbay_status", json!({}));
        let warnings = status["structuredContent"]["warnings"].to_string();
        let is_known = !lines.contains("crash");
        assert_eq!(
            warnings.contains("middleware.before"),
            is_known,
            "{lines}: {warnings}"
        );
    }
}
