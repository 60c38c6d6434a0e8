//! Guests that ask: the same code in both eras, states that are good once and for their own call, and nothing done twice.

use serde_json::{Value, json};

use super::{Place, able, ask, call, start_with};
use crate::support::session::{first_text, tool_error};
use crate::support::{Session, Wire};

fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

/// Answers the next question of a host to a client of the legacy era, and gives what it was.
fn answer(session: &mut Session, method: &str, answer: &Value) -> Value {
    let question = session
        .host
        .wait_for("a question", |message| message["method"] == method);
    session
        .host
        .send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": answer}));
    question["params"].clone()
}

/// What a client of the modern era sends back for one that asked.
fn back(asked: &Value, responses: Value) -> Value {
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    json!({"requestState": asked["result"]["requestState"], "inputResponses": responses})
}

#[test]
fn a_client_of_the_legacy_era_is_asked_and_its_deadline_stands_still() {
    let place = Place::new();
    for wire in Wire::ALL {
        let mut session = place.legacy(wire);
        let id = session.start_call("asker_greet", json!({}));
        let form = answer(&mut session, "elicitation/create", &accept("Ada"));
        assert_eq!(form["message"], "Who are you?");
        assert_eq!(
            form["requestedSchema"]["properties"]["name"]["minLength"],
            2
        );
        assert_eq!(first_text(&session.call_result(&id)), "Hello, Ada!");

        // Longer than the tool may run.
        let meta = json!({"progressToken": "patience"});
        let params = json!({"name": "asker_name_twice", "arguments": {}});
        let id = start_with(&mut session, "tools/call", params, &meta);
        let first = session.host.wait_for("the first question", |message| {
            message["method"] == "elicitation/create"
        });
        session
            .host
            .wait_for("a sign that the call goes on", |message| {
                message["method"] == "notifications/progress"
                    && message["params"]["message"] == "waiting for an answer"
            });
        session
            .host
            .send(&json!({"jsonrpc": "2.0", "id": first["id"], "result": accept("Ada")}));
        answer(&mut session, "elicitation/create", &accept("Grace"));
        assert_eq!(first_text(&session.call_result(&id)), "Ada and Grace");

        let id = session.start_call("asker_greet", json!({}));
        answer(
            &mut session,
            "elicitation/create",
            &json!({"action": "decline"}),
        );
        let (code, _) = tool_error(&session.call_result(&id));
        assert_eq!(code, "cancelled");
        // An answer that does not fit the form is none.
        let id = session.start_call("asker_greet", json!({}));
        answer(&mut session, "elicitation/create", &accept("A"));
        let (code, sentence) = tool_error(&session.call_result(&id));
        assert_eq!(code, "unavailable", "{sentence}");
    }
}

#[test]
fn a_client_of_the_legacy_era_is_asked_everything() {
    let place = Place::new();
    let mut session = place.legacy(Wire::Pipes);
    let id = session.start_call("asker_ask_all", json!({}));
    answer(&mut session, "elicitation/create", &accept("Ada"));
    let sampled = json!({"role": "assistant", "content": {"type": "text", "text": "Roses are red"}, "model": "m"});
    let asked = answer(&mut session, "sampling/createMessage", &sampled);
    assert_eq!(asked["maxTokens"], 50);
    answer(
        &mut session,
        "roots/list",
        &json!({"roots": [{"uri": "file:///work"}]}),
    );
    assert_eq!(
        first_text(&session.call_result(&id)),
        "Ada / Roses are red / 1"
    );
    // A resource and a prompt may ask as well.
    let id = session.start("resources/read", json!({"uri": "asker://asked"}));
    answer(&mut session, "elicitation/create", &accept("Ada"));
    assert_eq!(
        session.host.answer(&id)["result"]["contents"][0]["text"],
        "Ada"
    );
}

#[test]
fn a_cancelled_question_is_withdrawn() {
    let place = Place::new();
    let mut session = place.legacy(Wire::Pipes);
    let id = session.start_call("asker_greet", json!({}));
    let question = session.host.wait_for("a question", |message| {
        message["method"] == "elicitation/create"
    });
    session.cancel(&id);
    let withdrawn = session.host.wait_for("its withdrawal", |message| {
        message["method"] == "notifications/cancelled"
    });
    assert_eq!(withdrawn["params"]["requestId"], question["id"]);
    session.settle(&[&id]);
}

#[test]
fn a_client_of_the_modern_era_calls_again_with_the_answers() {
    let place = Place::new();
    for wire in Wire::ALL {
        let mut session = place.modern(wire);
        let asked = call(&mut session, "asker_greet", &json!({}), &json!({}));
        let request = &asked["result"]["inputRequests"]["name"];
        assert_eq!(request["method"], "elicitation/create");
        assert_eq!(request["params"]["message"], "Who are you?");
        let more = back(&asked, json!({"name": accept("Ada"), "extra": 7}));
        let answered = call(&mut session, "asker_greet", &json!({}), &more);
        assert_eq!(first_text(&answered["result"]), "Hello, Ada!");

        // What was answered before need not be sent again.
        let first = call(&mut session, "asker_name_twice", &json!({}), &json!({}));
        let more = back(&first, json!({"first": accept("Ada")}));
        let second = call(&mut session, "asker_name_twice", &json!({}), &more);
        assert!(
            second["result"]["inputRequests"]["second"].is_object(),
            "{second}"
        );
        let more = back(&second, json!({"second": accept("Grace")}));
        let answered = call(&mut session, "asker_name_twice", &json!({}), &more);
        assert_eq!(first_text(&answered["result"]), "Ada and Grace");

        // All at once, and what is missing or does not fit is asked for again.
        let asked = call(&mut session, "asker_ask_all", &json!({}), &json!({}));
        assert_eq!(
            asked["result"]["inputRequests"].as_object().unwrap().len(),
            3
        );
        let more = back(&asked, json!({"name": accept("Ada")}));
        let again = call(&mut session, "asker_ask_all", &json!({}), &more);
        let verse = json!({"role": "assistant", "content": {"type": "text", "text": "Roses"}, "model": "m"});
        let more = back(
            &again,
            json!({"name": accept("Ada"), "verse": verse, "folders": {"roots": []}}),
        );
        let answered = call(&mut session, "asker_ask_all", &json!({}), &more);
        assert_eq!(first_text(&answered["result"]), "Ada / Roses / 0");

        let uri = json!({"uri": "asker://asked"});
        let asked = ask(&mut session, "resources/read", uri.clone());
        let mut params = back(&asked, json!({"name": accept("Ada")}));
        params["uri"] = uri["uri"].clone();
        let read = ask(&mut session, "resources/read", params);
        assert_eq!(read["result"]["contents"][0]["text"], "Ada");
        let asked = ask(
            &mut session,
            "prompts/get",
            json!({"name": "asker_asked_toast"}),
        );
        let mut params = back(&asked, json!({"whom": accept("Grace")}));
        params["name"] = json!("asker_asked_toast");
        let filled = ask(&mut session, "prompts/get", params);
        let text = &filled["result"]["messages"][0]["content"]["text"];
        assert_eq!(text, "Write a toast for Grace.");
    }
}

#[test]
fn a_state_is_good_for_its_own_call_and_once() {
    let place = Place::new();
    let mut session = place.modern(Wire::Pipes);
    let asked = call(&mut session, "asker_greet", &json!({}), &json!({}));
    let good = back(&asked, json!({"name": accept("Ada")}));
    let refused = |answer: &Value| assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let mut tampered = good.clone();
    tampered["requestState"] = json!(format!("{}x", good["requestState"].as_str().unwrap()));
    refused(&call(&mut session, "asker_greet", &json!({}), &tampered));
    tampered["requestState"] = json!("nothing");
    refused(&call(&mut session, "asker_greet", &json!({}), &tampered));
    refused(&call(&mut session, "asker_name_twice", &json!({}), &good));
    refused(&call(&mut session, "asker_greet", &json!({"a": 1}), &good));
    let answered = call(&mut session, "asker_greet", &json!({}), &good);
    assert_eq!(first_text(&answered["result"]), "Hello, Ada!");
    refused(&call(&mut session, "asker_greet", &json!({}), &good));
    // Nor by another host of the same user, which knows the key.
    let mut other = place.modern(Wire::Pipes);
    refused(&call(&mut other, "asker_greet", &json!({}), &good));
}

#[test]
fn a_call_goes_on_in_another_host_unless_it_has_written() {
    let place = Place::new();
    let url = json!({"url": format!("{}/effect", place.url())});
    let mut session = place.modern(Wire::Pipes);
    let greet = call(&mut session, "asker_greet", &json!({}), &json!({}));
    let first = call(&mut session, "asker_name_twice", &json!({}), &json!({}));
    let more = back(&first, json!({"first": accept("Ada")}));
    let second = call(&mut session, "asker_name_twice", &json!({}), &more);
    let random = call(&mut session, "asker_ask_at_random", &json!({}), &json!({}));
    let later = call(&mut session, "asker_ask_then_post", &url, &json!({}));
    let written = call(&mut session, "asker_post_then_ask", &url, &json!({}));
    place.server.wait_for_requests(1);
    session.host.kill();

    let mut session = place.modern(Wire::Pipes);
    let name = |asked: &Value| back(asked, json!({"name": accept("Ada")}));
    let answered = call(&mut session, "asker_greet", &json!({}), &name(&greet));
    assert_eq!(first_text(&answered["result"]), "Hello, Ada!");
    let more = back(&second, json!({"second": accept("Grace")}));
    let answered = call(&mut session, "asker_name_twice", &json!({}), &more);
    assert_eq!(first_text(&answered["result"]), "Ada and Grace");
    let answered = call(
        &mut session,
        "asker_ask_at_random",
        &json!({}),
        &name(&random),
    );
    assert_eq!(tool_error(&answered["result"]).0, "conflict");
    let answered = call(&mut session, "asker_ask_then_post", &url, &name(&later));
    assert_eq!(first_text(&answered["result"]), "Ada");
    place.server.wait_for_requests(2);
    let answered = call(&mut session, "asker_post_then_ask", &url, &name(&written));
    assert_eq!(tool_error(&answered["result"]).0, "conflict");
    let bodies: Vec<String> = place
        .server
        .requests()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    assert_eq!(bodies, ["before", "Ada"], "each was sent once");
}

#[test]
fn what_waits_goes_on_where_it_was_and_writes_once() {
    let place = Place::new();
    let url = json!({"url": format!("{}/effect", place.url())});
    let mut session = place.modern(Wire::Pipes);
    let asked = call(&mut session, "asker_post_then_ask", &url, &json!({}));
    let more = back(&asked, json!({"name": accept("Ada")}));
    let answered = call(&mut session, "asker_post_then_ask", &url, &more);
    assert_eq!(first_text(&answered["result"]), "Ada");
    assert_eq!(place.server.requests().len(), 1);
}

#[test]
fn a_client_that_cannot_be_asked_is_told_what_it_lacks() {
    let place = Place::new();
    let mut session = place.modern(Wire::Pipes);
    let answer = session.request(
        "tools/call",
        json!({"name": "asker_greet", "arguments": {}}),
    );
    assert_eq!(answer["error"]["code"], -32021, "{answer}");
    let lacks = &answer["error"]["data"]["requiredCapabilities"];
    assert_eq!(lacks, &json!({"elicitation": {"form": {}}}));
    let mut session = Session::open(
        place.start(Wire::Pipes).start(),
        crate::support::Era::LEGACY,
    );
    let (code, sentence) = tool_error(&session.call("asker_greet", json!({})));
    assert_eq!(code, "unavailable", "{sentence}");
    let _ = able();
}

#[test]
fn a_guest_that_looks_may_leave_things_in_order_when_it_is_cancelled() {
    // It is given 25 ms for that, which are over before they are used where the machine is busy.
    const TRIES: usize = 100;
    let place = Place::new();
    place.everywhere(|session| {
        let before = place.server.requests().len();
        let url = format!("{}/cancelled", place.url());
        let managed = (0..TRIES).any(|_| {
            let params = json!({"name": "asker_post_on_cancel", "arguments": {"url": url}});
            let meta = json!({"progressToken": 1});
            let id = start_with(session, "tools/call", params, &meta);
            session.host.wait_for("progress", |message| {
                message["method"] == "notifications/progress"
            });
            session.cancel(&id);
            session.settle(&[&id]);
            place.server.requests().len() > before
        });
        assert!(managed, "none of {TRIES} cancelled guests came to its POST");
    });
}
