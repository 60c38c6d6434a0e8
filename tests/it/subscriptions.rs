//! `subscriptions/listen`: what was asked for is what comes, marked with the subscription that it belongs to, until that ends.

use serde_json::{Value, json};

use crate::support::{Folder, Session};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

#[test]
fn each_subscription_gets_its_own_notice() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    let (first, second) = (session.listen(), session.listen());
    session.tool_names();
    folder.add("counter");
    for id in [first, second].map(Option::unwrap_or_default) {
        session.host.wait_for("a notice for each", |message| {
            message["method"] == "notifications/tools/list_changed"
                && message["params"]["_meta"][ID] == id
        });
    }
    assert_eq!(notices(&mut session), 0);
}

#[test]
fn an_id_that_is_a_text_is_given_back_as_one() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    let mut request = listen(&mut session, json!({"toolsListChanged": true}));
    request["id"] = json!("my subscription");
    session.host.send(&request);
    session.host.wait_for("the acknowledgement", |message| {
        message["method"] == "notifications/subscriptions/acknowledged"
            && message["params"]["_meta"][ID] == "my subscription"
    });
    session.tool_names();
    folder.add("counter");
    assert_eq!(
        session.wait_for_change()["params"]["_meta"][ID],
        "my subscription"
    );
}

#[test]
fn what_was_not_asked_for_is_not_sent() {
    let folder = Folder::with(&["echo"]);
    for asked in [
        json!({}),
        json!({"toolsListChanged": false}),
        json!({"promptsListChanged": false, "resourcesListChanged": false}),
        json!({"resourceSubscriptions": ["file:///a"]}),
    ] {
        let folder = &folder;
        let mut session = Session::modern(folder);
        let request = listen(&mut session, asked.clone());
        session.host.send(&request);
        let acknowledged = session.host.wait_for("the acknowledgement", |message| {
            message["method"] == "notifications/subscriptions/acknowledged"
        });
        // Nor is it promised, and a resource that is not there is not promised either.
        let promised = &acknowledged["params"]["notifications"];
        let nothing =
            |value: &Value| *value == json!(false) || *value == json!([]) || value.is_null();
        let promises = promised.as_object().expect("an object").values();
        assert!(
            promises.into_iter().all(nothing),
            "{asked} was answered with {promised}"
        );
        session.tool_names();
        folder.add("counter");
        wait_for_tool(&mut session, "counter_next", true);
        assert_eq!(notices(&mut session), 0, "for {asked}");
        folder.remove("counter.wasm");
        wait_for_tool(&mut session, "counter_next", false);
    }
}

#[test]
fn a_cancelled_subscription_is_silent() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    let id = session.listen().expect("a modern subscription has an id");
    session.tool_names();
    session.cancel(&id);
    folder.add("counter");
    wait_for_tool(&mut session, "counter_next", true);
    assert_eq!(notices(&mut session), 0);
    // Its id is free again.
    let mut request = session.compose("tools/list", json!({}));
    request["id"] = id.clone();
    session.host.send(&request);
    assert!(session.host.answer(&id).get("result").is_some());
}

#[test]
fn without_a_subscription_nothing_is_announced() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    session.tool_names();
    folder.add("counter");
    wait_for_tool(&mut session, "counter_next", true);
    assert_eq!(notices(&mut session), 0);
}

#[test]
fn a_change_that_nobody_could_have_seen_is_not_announced() {
    // The folder is looked at for the first time while the client is connecting.
    let folder = Folder::with(&["echo", "counter", "sleepy"]);
    for _ in 0..5 {
        let mut session = Session::modern(&folder);
        session.listen();
        session.tool_names();
        assert_eq!(notices(&mut session), 0);
        let mut session = Session::legacy(&folder);
        session.tool_names();
        assert_eq!(notices(&mut session), 0);
    }
}

#[test]
fn a_malformed_subscription_is_refused() {
    let folder = Folder::empty();
    let mut session = Session::modern(&folder);
    for params in [
        json!({}),
        json!({"notifications": 7}),
        json!({"notifications": {"toolsListChanged": "yes"}}),
        json!({"notifications": {"resourceSubscriptions": "file:///a"}}),
    ] {
        let error = session.error("subscriptions/listen", params.clone());
        assert_eq!(error["code"], -32602, "{params}: {error}");
    }
}

#[test]
fn many_subscriptions_do_not_hinder_anything() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    for _ in 0..200 {
        session.listen();
    }
    assert_eq!(
        session.call("echo_text", json!({"text": "hi"}))["content"][0]["text"],
        "hi"
    );
    session.host.close();
    session.host.wait_for_exit();
}

fn listen(session: &mut Session, filter: Value) -> Value {
    session.compose("subscriptions/listen", json!({"notifications": filter}))
}

fn wait_for_tool(session: &mut Session, name: &str, there: bool) {
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    while session.tool_names().iter().any(|tool| tool == name) != there {
        assert!(
            std::time::Instant::now() < deadline,
            "{name} should be there: {there}"
        );
    }
}

/// How many notices of a changed list have come that nobody has waited for.
fn notices(session: &mut Session) -> usize {
    let left_over = session.settle(&[]);
    left_over
        .iter()
        .filter(|message| message["method"] == "notifications/tools/list_changed")
        .count()
}
