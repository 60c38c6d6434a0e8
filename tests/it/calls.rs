//! Calls of tools that behave: what arrives at the tool, what comes back, and what is said where the arguments are wrong.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::session::{first_text, tool_error};
use crate::support::{Folder, Session, everywhere};

#[test]
fn a_text_and_a_structure_come_back_whole() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let text = "a \"text\" with \\ and ä \u{1f600}\nand a second line";
        let result = session.call("echo_text", json!({"text": text}));
        assert_eq!(first_text(&result), text);
        assert_ne!(result["isError"], true);

        let arguments =
            json!({"title": "a", "count": 3, "mode": "fast", "tags": ["x", "y"], "note": null});
        let result = session.call("echo_record", arguments.clone());
        assert_eq!(result["structuredContent"], arguments);
        let text: Value =
            serde_json::from_str(first_text(&result)).expect("the text holds the same as JSON");
        assert_eq!(text, arguments);
    });
}

#[test]
fn every_kind_of_content_comes_back() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    assert_json_snapshot!(session.call("echo_blocks", json!({})), @"");
}

#[test]
fn every_code_of_a_tools_error_comes_back() {
    let folder = Folder::with(&["echo"]);
    let codes = [
        "validation_error",
        "not_found",
        "permission_denied",
        "rate_limited",
        "network_error",
        "timeout",
        "conflict",
        "cancelled",
        "limit_exceeded",
        "unavailable",
        "internal",
    ];
    everywhere(&folder, |session| {
        for code in codes {
            let result = session.call("echo_fail", json!({"code": code}));
            let (said, sentence) = tool_error(&result);
            assert_eq!(said, code);
            assert!(sentence.contains("as asked"), "{sentence}");
        }
    });
    let mut session = Session::legacy(&folder);
    assert_json_snapshot!(session.call("echo_fail", json!({"code": "rate_limited"})), @"");
}

#[test]
fn wrong_arguments_are_named_all_at_once() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::legacy(&folder);
    let arguments = json!({"title": "", "count": 300, "mode": "slowly", "tags": ["a", "b", "c", "d"], "colour": "red"});
    let result = session.call("echo_record", arguments);
    let (code, _) = tool_error(&result);
    assert_eq!(code, "validation_error");
    assert_json_snapshot!(result, @"");
    // What is not there is named as well.
    assert_json_snapshot!(session.call("echo_record", json!({})), @"");
    assert_json_snapshot!(session.call("echo_record", json!({"title": "a", "count": "3", "mode": "fast"})), @"");
}

#[test]
fn wrong_arguments_never_reach_the_tool() {
    let folder = Folder::with(&["echo", "hostile"]);
    everywhere(&folder, |session| {
        // It would loop for an hour.
        let result = session.call("hostile_loop_for_an_hour", json!({"text": 7}));
        assert_eq!(tool_error(&result).0, "validation_error");
        // Text from outside must not come back in a way that changes a terminal, nor in full length.
        let nasty = format!("\u{1b}[2J{}", "x".repeat(1 << 20));
        let (code, sentence) = tool_error(&session.call(
            "echo_record",
            json!({"title": nasty, "count": nasty, "mode": nasty}),
        ));
        assert_eq!(code, "validation_error");
        assert!(
            sentence.len() < 4096,
            "the sentence has {} bytes",
            sentence.len()
        );
    });
}

#[test]
fn nothing_that_one_call_leaves_is_there_for_the_next() {
    let folder = Folder::with(&["counter"]);
    everywhere(&folder, |session| {
        for _ in 0..5 {
            assert_eq!(
                session.call("counter_next", json!({}))["structuredContent"],
                json!({"result": 1})
            );
        }
        let ids: Vec<Value> = (0..50)
            .map(|_| session.start_call("counter_next", json!({})))
            .collect();
        for id in ids {
            assert_eq!(
                session.call_result(&id)["structuredContent"],
                json!({"result": 1})
            );
        }
    });
}

#[test]
fn calls_run_beside_each_other() {
    let folder = Folder::with(&["sleepy", "echo"]);
    everywhere(&folder, |session| {
        session.call("sleepy_nap", json!({"milliseconds": 0}));
        let start = std::time::Instant::now();
        let naps: Vec<Value> = (0..8)
            .map(|_| session.start_call("sleepy_nap", json!({"milliseconds": 1000})))
            .collect();
        // Answered long before those that were sent earlier.
        session.call("echo_text", json!({"text": "quick"}));
        assert!(
            start.elapsed().as_millis() < 1000,
            "a quick call waited for slow ones"
        );
        for nap in naps {
            assert_ne!(session.call_result(&nap)["isError"], true);
        }
        assert!(
            start.elapsed().as_millis() < 4000,
            "eight naps of one second took {:?}",
            start.elapsed()
        );
    });
}

#[test]
fn a_cancelled_call_is_never_answered() {
    let folder = Folder::with(&["hostile", "echo"]);
    everywhere(&folder, |session| {
        session.call("echo_text", json!({"text": "compiled"}));
        let cancelled: Vec<Value> = ["loop_for_an_hour", "sleep_for_an_hour", "loop_for_an_hour"]
            .iter()
            .map(|tool| session.start_call(&format!("hostile_{tool}"), json!({})))
            .collect();
        session.call("echo_text", json!({"text": "they run"}));
        for id in &cancelled {
            session.cancel(id);
        }
        // Twice and too late is harmless.
        session.cancel(&cancelled[0]);
        let done = session.start_call("echo_text", json!({"text": "done"}));
        session.call_result(&done);
        session.cancel(&done);
        session.settle(&cancelled.iter().collect::<Vec<_>>());
        // Loops that still ran would hold every processor.
        session.call("hostile_trap", json!({}));
    });
}

#[test]
fn the_status_names_what_is_loaded() {
    let folder = Folder::with(&["echo", "counter"]);
    let mut session = Session::modern(&folder);
    let result = session.call("toolbay_status", json!({}));
    insta::with_settings!({filters => crate::filters()}, {
        assert_json_snapshot!(result, @"");
    });
}

#[test]
fn a_progress_token_of_either_type_is_taken() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        for token in [json!("a"), json!(7)] {
            let params = json!({"name": "echo_text", "arguments": {"text": "hi"}, "_meta": {"progressToken": token}});
            assert_eq!(first_text(&session.result("tools/call", params)), "hi");
        }
    });
}

#[test]
fn names_of_plugins_that_begin_alike_are_kept_apart() {
    let folder = Folder::with(&["echo"]);
    let mut manifest = crate::support::assembled::manifest("plain");
    manifest["plugin"]["name"] = json!("echo-text");
    folder.replace(
        "other.wasm",
        &crate::support::assembled::bake(&crate::support::assembled::bare("plain"), &manifest),
    );
    let mut session = Session::legacy(&folder);
    assert_eq!(
        first_text(&session.call("echo-text_run", json!({}))),
        "hello from hand-written code"
    );
    assert_eq!(
        first_text(&session.call("echo_text", json!({"text": "hi"}))),
        "hi"
    );
}
