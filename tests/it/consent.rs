//! One call allowed through the client: only where the host was started for that, never for folders, and for this call alone.

use serde_json::{Value, json};

use crate::support::session::{initialize_params, tool_error};
use crate::support::{Era, Folder, Session, Start, assembled};

/// A plugin with a tool that keeps state and one that asks for a folder.
fn folder() -> Folder {
    let folder = Folder::empty();
    let manifest = json!({
        "manifest-version": 1,
        "plugin": {"name": "keeper", "version": "0.1.0", "description": "Keeps things"},
        "mounts": {"vault": {"access": "read"}},
        "tools": {
            "count": {"description": "Counts.", "input-schema": {"type": "object"}, "kv": true},
            "look": {"description": "Looks.", "input-schema": {"type": "object"}, "mounts": {"vault": "read"}},
        },
    });
    folder.replace(
        "keeper.wasm",
        &assembled::bake(&assembled::bare("plain"), &manifest),
    );
    folder
}

/// A client of the legacy era that can ask its user.
fn legacy(folder: &Folder, start: Start) -> Session {
    let _ = folder;
    let mut session = Session::without_handshake(start.start(), Era::LEGACY);
    let mut params = initialize_params("2025-11-25");
    params["capabilities"] = json!({"elicitation": {}});
    session.result("initialize", params);
    session.notify("notifications/initialized", json!({}));
    session
}

/// Answers the question that the host asks about a call, and gives what it asked.
fn answer(session: &mut Session, answer: &Value) -> String {
    let question = session.host.wait_for("a question", |message| {
        message["method"] == "elicitation/create"
    });
    session
        .host
        .send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": answer}));
    question["params"]["message"]
        .as_str()
        .expect("a question has words")
        .to_owned()
}

#[test]
fn a_client_of_the_legacy_era_asks_its_user() {
    let folder = folder();
    let mut session = legacy(&folder, Start::new(&folder).argument("--ask"));
    let id = session.start_call("keeper_count", json!({"by": 2}));
    let asked = answer(
        &mut session,
        &json!({"action": "accept", "content": {"allow": true}}),
    );
    assert_eq!(
        asked,
        "Allow `keeper_count` to make this one call? It wants to keep small values between calls, apart from other plugins'. The call's arguments: {\"by\":2}"
    );
    assert_ne!(session.call_result(&id)["isError"], true);
    for no in [
        json!({"action": "accept", "content": {"allow": false}}),
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
    ] {
        let id = session.start_call("keeper_count", json!({}));
        answer(&mut session, &no);
        let (code, _) = tool_error(&session.call_result(&id));
        assert_eq!(
            code, "permission_denied",
            "the yes of before was for one call"
        );
    }
    let (code, sentence) = tool_error(&session.call("keeper_look", json!({})));
    assert_eq!(code, "permission_denied");
    assert!(
        sentence.contains("toolbay grant keeper"),
        "folders are for the terminal: {sentence}"
    );
}

#[test]
fn nobody_is_asked_unless_the_host_was_started_for_it() {
    let folder = folder();
    let mut session = legacy(&folder, Start::new(&folder));
    let (code, _) = tool_error(&session.call("keeper_count", json!({})));
    assert_eq!(code, "permission_denied");
    // Nor a client that cannot ask.
    let host = Start::new(&folder).argument("--ask").start();
    let (code, _) = tool_error(&Session::open(host, Era::LEGACY).call("keeper_count", json!({})));
    assert_eq!(code, "permission_denied");
}

/// A call of the modern era by a client that can ask its user.
fn call(session: &mut Session, more: Value) -> Value {
    let mut params = json!({"name": "keeper_count", "arguments": {"by": 2}});
    for (key, value) in more.as_object().expect("it is an object") {
        params[key] = value.clone();
    }
    let mut message = session.compose("tools/call", params);
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"elicitation": {"form": {}}});
    session.host.send(&message);
    session.host.answer(&message["id"])
}

#[test]
fn a_client_of_the_modern_era_calls_again_with_the_answer() {
    let folder = folder();
    let mut session = Session::open(Start::new(&folder).argument("--ask").start(), Era::Modern);
    let asked = call(&mut session, json!({}));
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    assert_eq!(
        asked["result"]["inputRequests"]["allow"]["method"],
        "elicitation/create"
    );
    let state = asked["result"]["requestState"].clone();
    let yes = json!({"allow": {"action": "accept", "content": {"allow": true}}});
    let tampered = format!("{}A", state.as_str().expect("it is a text"));
    for (state, arguments) in [
        (json!(tampered), json!({"by": 2})),
        (state.clone(), json!({"by": 3})),
    ] {
        let refused = call(
            &mut session,
            json!({"requestState": state, "inputResponses": yes, "arguments": arguments}),
        );
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    let allowed = call(
        &mut session,
        json!({"requestState": state, "inputResponses": yes}),
    );
    assert_ne!(allowed["result"]["isError"], true, "{allowed}");
    assert_eq!(allowed["result"]["resultType"], "complete");
    let again = call(
        &mut session,
        json!({"requestState": state, "inputResponses": yes}),
    );
    assert_eq!(
        again["error"]["code"], -32602,
        "a state is good once: {again}"
    );
    let asked = call(&mut session, json!({}));
    let no = json!({"allow": {"action": "decline"}});
    let refused = call(
        &mut session,
        json!({"requestState": asked["result"]["requestState"], "inputResponses": no}),
    );
    assert_eq!(tool_error(&refused["result"]).0, "permission_denied");
}

#[test]
fn a_cancelled_call_withdraws_its_question() {
    let folder = folder();
    let mut session = legacy(&folder, Start::new(&folder).argument("--ask"));
    let id = session.start_call("keeper_count", json!({}));
    let question = session.host.wait_for("a question", |message| {
        message["method"] == "elicitation/create"
    });
    session.cancel(&id);
    session
        .host
        .wait_for("the withdrawal of the question", |message| {
            message["method"] == "notifications/cancelled"
                && message["params"]["requestId"] == question["id"]
        });
}
