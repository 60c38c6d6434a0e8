//! Calls that are answered with a task (the extension `io.modelcontextprotocol/tasks`).

use serde_json::{Value, json};

use super::{Place, able, start_with};
use crate::support::session::tool_error;
use crate::support::{Session, Wire};

/// The metadata of a client that has tasks beside everything else.
fn with_tasks() -> Value {
    let mut able = able();
    able["extensions"] = json!({"io.modelcontextprotocol/tasks": {}});
    json!({"io.modelcontextprotocol/clientCapabilities": able})
}

/// The code and the data of a protocol error.
fn error_of(answer: &Value) -> (i64, Value) {
    let error = &answer["error"];
    (
        error["code"].as_i64().expect("it is an error"),
        error["data"].clone(),
    )
}

fn request(session: &mut Session, method: &str, params: Value) -> Value {
    let id = start_with(session, method, params, &with_tasks());
    session.host.answer(&id)
}

fn call(session: &mut Session, tool: &str) -> Value {
    let params = json!({"name": tool, "arguments": {}});
    request(session, "tools/call", params)
}

fn task(session: &mut Session, tool: &str) -> Value {
    let answer = call(session, tool);
    let task = &answer["result"];
    assert_eq!(task["resultType"], "task", "{answer}");
    assert_eq!(task["status"], "working");
    for absent in ["result", "error", "inputRequests", "requestState", "task"] {
        assert!(task.get(absent).is_none(), "{answer}");
    }
    task["taskId"].clone()
}

fn get(session: &mut Session, id: &Value) -> Value {
    let answer = request(session, "tasks/get", json!({"taskId": id}));
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    answer["result"].clone()
}

/// Looks again and again, as clients do, until it is in this state.
fn wait_for(session: &mut Session, id: &Value, status: &str) -> Value {
    loop {
        let task = get(session, id);
        if task["status"] == status {
            return task;
        }
        let goes_on = ["working", "input_required"].map(Value::from);
        assert!(goes_on.contains(&task["status"]), "{task}");
    }
}

fn acknowledged(session: &mut Session, method: &str, params: Value) {
    let answer = request(session, method, params);
    let mut result = answer["result"].clone();
    if let Some(members) = result.as_object_mut() {
        members.remove("_meta");
    }
    assert_eq!(result, json!({"resultType": "complete"}), "{answer}");
}

#[test]
fn a_task_says_how_far_it_is_asks_and_gives_its_result() {
    let place = Place::new();
    for wire in Wire::ALL {
        let mut session = place.modern(wire);
        let id = task(&mut session, "asker_greet_later");
        let waiting = wait_for(&mut session, &id, "input_required");
        assert_eq!(waiting["statusMessage"], "1 of 2: asking");
        let asked = &waiting["inputRequests"]["1-name"];
        assert_eq!(asked["method"], "elicitation/create", "{waiting}");
        let answers = |answer: Value| json!({"taskId": id, "inputResponses": {"1-name": answer, "name": answer}});
        // One that the form does not take leaves the question open.
        let short = json!({"action": "accept", "content": {"name": "A"}});
        acknowledged(&mut session, "tasks/update", answers(short));
        assert_eq!(get(&mut session, &id)["status"], "input_required");
        let good = json!({"action": "accept", "content": {"name": "Ada"}});
        acknowledged(&mut session, "tasks/update", answers(good));
        let done = wait_for(&mut session, &id, "completed");
        assert_eq!(done["result"]["content"][0]["text"], "Hello, Ada!");
        assert_eq!(done["result"]["isError"], false);
        assert_eq!(done["statusMessage"], "2 of 2: writing");
        // It stays there, and cannot be cancelled any more.
        acknowledged(&mut session, "tasks/cancel", json!({"taskId": id}));
        assert_eq!(get(&mut session, &id)["status"], "completed");
    }
}

#[test]
fn a_cancelled_task_is_ended_in_a_pure_loop() {
    let place = Place::new();
    let mut session = place.modern(Wire::Pipes);
    let id = task(&mut session, "asker_long");
    acknowledged(&mut session, "tasks/cancel", json!({"taskId": id}));
    let task = wait_for(&mut session, &id, "cancelled");
    assert!(task.get("result").is_none() && task.get("error").is_none());
}

#[test]
fn a_crash_is_a_failed_task_and_a_refusal_no_task_at_all() {
    let place = Place::new();
    let mut session = place.modern(Wire::Pipes);
    let id = task(&mut session, "asker_crash_later");
    let failed = wait_for(&mut session, &id, "failed");
    assert_eq!(failed["error"]["code"], -32603, "{failed}");
    assert!(failed.get("result").is_none());

    let params = json!({"name": "asker_long", "arguments": {"a": 1}});
    let refused = request(&mut session, "tools/call", params);
    let (code, _) = tool_error(&refused["result"]);
    assert_eq!(code, "validation_error");
}

#[test]
fn a_client_without_tasks_waits_for_the_result_or_is_refused() {
    let place = Place::new();
    let mut session = place.modern(Wire::Pipes);
    let answer = super::call(&mut session, "asker_greet_later", &json!({}), &json!({}));
    assert_eq!(answer["result"]["resultType"], "input_required");
    let answer = super::call(&mut session, "asker_long", &json!({}), &json!({}));
    let (code, data) = error_of(&answer);
    assert_eq!(code, -32021, "{answer}");
    let required = &data["requiredCapabilities"]["extensions"];
    assert_eq!(
        required["io.modelcontextprotocol/tasks"],
        json!({}),
        "{answer}"
    );

    let mut session = place.legacy(Wire::Pipes);
    let (code, sentence) = tool_error(&session.call("asker_long", json!({})));
    assert_eq!(code, "unavailable", "{sentence}");
    let answer = session.request("tasks/get", json!({"taskId": "1"}));
    assert_eq!(error_of(&answer).0, -32601, "{answer}");
}

#[test]
fn only_what_there_is_can_be_asked_for() {
    let place = Place::new();
    let mut session = place.modern(Wire::Pipes);
    let unknown = json!({"taskId": "nothing", "inputResponses": {}});
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let answer = request(&mut session, method, unknown.clone());
        assert_eq!(error_of(&answer).0, -32602, "{answer}");
        let answer = super::ask(&mut session, method, unknown.clone());
        assert_eq!(error_of(&answer).0, -32021, "{answer}");
    }
    for method in ["tasks/list", "tasks/result"] {
        let answer = request(&mut session, method, unknown.clone());
        assert_eq!(error_of(&answer).0, -32601, "{answer}");
    }
    let id = task(&mut session, "asker_long");
    let answer = request(&mut session, "tasks/get", json!({"task": id}));
    assert_eq!(error_of(&answer).0, -32602, "{answer}");
}
