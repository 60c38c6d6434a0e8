//! The tools as clients call them.

use toolbay_sdk::serde_json::{Value, json};
use toolbay_sdk::testing::{self, Outcome};

fn member<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    let structured = outcome.expect_success().structured();
    structured
        .and_then(|it| it.get(name))
        .unwrap_or(&Value::Null)
}

#[test]
fn a_task_lives_from_create_to_delete() {
    let mut tasks = testing::plugin().start();
    let created = tasks.call("create", json!({"title": "Buy milk"}));
    let milk = json!({"id": 1, "title": "Buy milk", "priority": 3, "done": false});
    assert_eq!(created.structured(), Some(&milk));
    let updated = tasks.call(
        "update",
        json!({"id": 1, "priority": 1, "description": "Two bottles"}),
    );
    assert_eq!(member(&updated, "description"), "Two bottles");
    let done = tasks.call("complete", json!({"id": 1}));
    assert_eq!(member(&done, "done"), true);
    // What was kept of it is stale by now.
    assert_eq!(member(&tasks.call("get", json!({"id": 1})), "priority"), 1);
    assert_eq!(member(&tasks.call("get", json!({"id": 1})), "done"), true);
    tasks.call("delete", json!({"id": 1})).expect_success();
    let gone = tasks.call("get", json!({"id": 1}));
    insta::assert_snapshot!(gone, @"not_found: there is no task 1; `list` returns those that there are");
    assert_eq!(
        tasks.call("complete", json!({"id": 1})).error_code(),
        Some("not_found")
    );
}

#[test]
fn what_is_wrong_is_said_all_at_once() {
    let mut tasks = testing::plugin().start();
    let wrong = tasks.call(
        "create",
        json!({"title": "", "priority": 9, "colour": "red"}),
    );
    assert_eq!(wrong.error_code(), Some("validation_error"));
    let said = wrong.to_string();
    for part in ["/title", "/priority", "colour"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn pages_follow_one_another_and_limits_are_clamped() {
    let mut tasks = testing::plugin().start();
    for number in 1..=103 {
        tasks
            .call("create", json!({"title": format!("Task {number}")}))
            .expect_success();
    }
    let items = |outcome: &Outcome| member(outcome, "items").as_array().map_or(0, Vec::len);
    let many = tasks.call("list", json!({"limit": 500}));
    assert_eq!(
        (items(&many), member(&many, "has_more")),
        (100, &json!(true))
    );
    let rest = tasks.call(
        "list",
        json!({"limit": 500, "cursor": member(&many, "next_cursor")}),
    );
    assert_eq!(
        (items(&rest), member(&rest, "has_more")),
        (3, &json!(false))
    );
    assert_eq!(items(&tasks.call("list", json!({"limit": -1}))), 1);
    assert_eq!(items(&tasks.call("list", json!({}))), 50);
    tasks.call("complete", json!({"id": 7})).expect_success();
    let done = tasks.call("list", json!({"done": true}));
    assert_eq!(member(&done, "items")[0]["id"], 7);
}

#[test]
fn a_retry_creates_nothing() {
    let mut tasks = testing::plugin().start();
    let once = json!({"title": "Pay the rent", "idempotency_key": "2f1c"});
    let first = tasks.call("create", &once);
    assert_eq!(member(&first, "idempotent_replay"), &Value::Null);
    let again = tasks.call("create", &once);
    assert_eq!(member(&again, "idempotent_replay"), true);
    assert_eq!(member(&again, "id"), member(&first, "id"));
    assert_eq!(
        member(&tasks.call("list", json!({})), "items")
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let other = tasks.call(
        "create",
        json!({"title": "Pay the bill", "idempotency_key": "2f1c"}),
    );
    assert_eq!(other.error_code(), Some("conflict"));
}

#[test]
fn calls_are_logged_without_what_is_in_them() {
    let mut tasks = testing::plugin().start();
    tasks
        .call("create", json!({"title": "A secret plan"}))
        .expect_success();
    tasks.call("get", json!({"id": 99}));
    let log = tasks.wait_for_log("get failed: not_found");
    assert!(
        log.contains("create went well") && !log.contains("A secret plan"),
        "{log}"
    );
}
