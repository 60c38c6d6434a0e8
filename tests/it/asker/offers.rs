//! Resources, prompts, completions, progress and log messages.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Place, start_with};
use crate::support::{Era, Session, Wire};

#[test]
fn resources_are_listed_and_read() {
    Place::new().everywhere(|session| {
        let mut uris = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let params = if cursor.is_null() {
                json!({})
            } else {
                json!({"cursor": cursor})
            };
            let page = session.result("resources/list", params);
            let resources = page["resources"].as_array().unwrap().clone();
            uris.extend(
                resources
                    .iter()
                    .map(|resource| resource["uri"].as_str().unwrap().to_owned()),
            );
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
            let text = cursor.as_str().unwrap();
            let tampered = json!({"cursor": format!("{text}x")});
            assert_eq!(session.error("resources/list", tampered)["code"], -32602);
            let foreign = json!({"cursor": text});
            assert_eq!(session.error("tools/list", foreign)["code"], -32602);
        }
        // The two without a template, and all that one template stands for; the one that cannot be listed spoils nothing.
        assert_eq!(uris.len(), 2 + 1200);
        assert_eq!(uris.iter().collect::<BTreeSet<_>>().len(), uris.len());

        let first = session.result("resources/list", json!({}));
        let logo = &first["resources"][0];
        assert_eq!(logo["uri"], "asker://logo");
        assert_eq!(logo["mimeType"], "image/png");
        assert_eq!(logo["size"], 8);
        assert_eq!(logo["icons"][0]["src"], "https://example.com/icon.png");
        assert_eq!(logo["annotations"], json!({"audience": ["user"], "priority": 0.5}));

        let templates = session.result("resources/templates/list", json!({}));
        let templates: Vec<&str> = templates["resourceTemplates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|template| template["uriTemplate"].as_str().unwrap())
            .collect();
        assert_eq!(
            templates,
            [
                "asker://greeting/{name}{?tone}",
                "asker://number/{number}",
                "asker://broken/{name}"
            ]
        );

        let read = |session: &mut Session, uri: &str| {
            session.result("resources/read", json!({"uri": uri}))["contents"].clone()
        };
        assert_eq!(
            read(session, "asker://greeting/Ada%20L?tone=Hi"),
            json!([{"uri": "asker://greeting/Ada%20L?tone=Hi", "mimeType": "text/plain", "text": "Hi Ada L"}])
        );
        assert_eq!(
            read(session, "asker://logo"),
            json!([{"uri": "asker://logo", "mimeType": "image/png", "blob": "iVBORw0KGgo="}])
        );
        assert_eq!(
            read(session, "asker://number/21"),
            json!([
                {"uri": "asker://number/21", "text": "21"},
                {"uri": "asker://number/42", "mimeType": "text/x-double", "text": "42"},
            ])
        );
    });
}

#[test]
fn what_is_not_there_or_fails_is_an_error_that_says_so() {
    Place::new().everywhere(|session| {
        let mut error = |method: &str, params: Value| {
            let error = session.error(method, params);
            (error["code"].as_i64().unwrap(), error)
        };
        for uri in ["asker://nothing", "other://thing", "nothing", ""] {
            let (code, error) = error("resources/read", json!({"uri": uri}));
            assert_eq!(code, -32602, "{error}");
            assert_eq!(error["data"]["uri"], uri);
        }
        let (code, missing) = error("resources/read", json!({"uri": "asker://number/1200"}));
        assert_eq!((code, &missing["data"]["error_code"]), (-32602, &json!("not_found")));
        let (code, panicked) = error("resources/read", json!({"uri": "asker://broken/it"}));
        assert_eq!((code, &panicked["data"]["error_code"]), (-32603, &json!("internal")));
        let (code, unknown) = error("prompts/get", json!({"name": "asker_tost"}));
        assert_eq!(code, -32602);
        assert!(unknown["message"].as_str().unwrap().contains("did you mean asker_toast?"), "{unknown}");
        for arguments in [
            json!({}),
            json!({"whom": "Ada", "how": "loud"}),
            json!({"whom": "Ada", "words": "many"}),
            json!({"whom": 7}),
        ] {
            let (code, error) = error("prompts/get", json!({"name": "asker_toast", "arguments": arguments}));
            assert_eq!(code, -32602, "{error}");
        }
        for (method, params) in [
            ("resources/read", json!({})),
            ("resources/read", json!({"uri": 7})),
            ("prompts/get", json!({"name": 7})),
            ("completion/complete", json!({})),
            ("completion/complete", json!({"ref": {"type": "ref/nothing"}, "argument": {"name": "a", "value": ""}})),
            ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "nothing"}, "argument": {"name": "a", "value": ""}})),
        ] {
            let (code, error) = error(method, params);
            assert_eq!(code, -32602, "{method} {error}");
        }
    });
}

#[test]
fn prompts_are_listed_filled_in_and_completed() {
    Place::new().everywhere(|session| {
        let prompts = session.result("prompts/list", json!({}));
        assert_eq!(
            prompts["prompts"],
            json!([
                {
                    "name": "asker_toast",
                    "title": "A toast",
                    "description": "Asks for a toast.",
                    "arguments": [
                        {"name": "whom", "description": "Whom it is for", "required": true},
                        {"name": "words", "description": "How many words it has", "required": false},
                    ],
                },
                {"name": "asker_asked_toast", "description": "Asks for a toast for somebody whom the user names."},
            ])
        );
        let filled = session.result(
            "prompts/get",
            json!({"name": "asker_toast", "arguments": {"whom": "Ada", "words": "7"}}),
        );
        assert_eq!(
            filled["messages"],
            json!([
                {"role": "user", "content": {"type": "text", "text": "Write a toast of 7 words for Ada."}},
                {"role": "assistant", "content": {"type": "image", "data": "iVBORw==", "mimeType": "image/png"}},
            ])
        );
        let mut complete = |reference: Value, argument: &str, value: &str, context: Value| {
            let params = json!({"ref": reference, "argument": {"name": argument, "value": value}, "context": {"arguments": context}});
            session.result("completion/complete", params)["completion"].clone()
        };
        let prompt = json!({"type": "ref/prompt", "name": "asker_toast"});
        assert_eq!(
            complete(prompt.clone(), "whom", "A", json!({})),
            json!({"values": ["Ada", "Alan"], "hasMore": false})
        );
        assert_eq!(complete(prompt, "words", "1", json!({}))["values"], json!([]));
        let template = json!({"type": "ref/resource", "uri": "asker://greeting/{name}{?tone}"});
        assert_eq!(
            complete(template, "name", "G", json!({"tone": "Dear "}))["values"],
            json!(["Dear Grace"])
        );
    });
}

#[test]
fn progress_comes_before_the_answer_grows_and_only_where_it_was_asked_for() {
    Place::new().everywhere(|session| {
        let id = start_with(
            session,
            "tools/call",
            json!({"name": "asker_steps", "arguments": {"count": 2000}}),
            &json!({"progressToken": "t"}),
        );
        let mut reported = Vec::new();
        loop {
            let message = session.host.wait_for("progress or the answer", |message| {
                message["method"] == "notifications/progress" || message["id"] == id
            });
            if message["id"] == id {
                break;
            }
            assert_eq!(message["params"]["progressToken"], "t");
            reported.push(message["params"]["progress"].as_u64().unwrap());
        }
        assert!(
            reported.is_sorted_by(|one, other| one < other),
            "{reported:?}"
        );
        assert_eq!(reported[..3], [1, 2, 3]);
        assert_eq!(reported.last(), Some(&2000));
        assert!(reported.len() < 1000, "{} reports", reported.len());
        session.call("asker_steps", json!({"count": 10}));
        let left = session.host.left_over();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn log_messages_come_at_the_level_that_the_client_wants() {
    let levels = |session: &mut Session, meta: &Value| -> Vec<Value> {
        let id = start_with(
            session,
            "tools/call",
            json!({"name": "asker_say", "arguments": {"words": "hello"}}),
            meta,
        );
        let mut levels = Vec::new();
        loop {
            let message = session.host.wait_for("a message or the answer", |message| {
                message["method"] == "notifications/message" || message["id"] == id
            });
            if message["id"] == id {
                return levels;
            }
            assert_eq!(message["params"]["logger"], "asker");
            assert_eq!(message["params"]["data"], json!({"words": "hello"}));
            levels.push(message["params"]["level"].clone());
        }
    };
    let place = Place::new();
    let mut session = place.legacy(Wire::Pipes);
    assert_eq!(levels(&mut session, &json!({})), ["debug", "info", "error"]);
    session.result("logging/setLevel", json!({"level": "warning"}));
    assert_eq!(levels(&mut session, &json!({})), ["error"]);
    let mut session = place.modern(Wire::Pipes);
    assert_eq!(levels(&mut session, &json!({})), [""; 0]);
    let wants = json!({"io.modelcontextprotocol/logLevel": "info"});
    assert_eq!(levels(&mut session, &wants), ["info", "error"]);
}

#[test]
fn subscribers_hear_of_what_a_guest_changes() {
    let place = Place::new();
    let mut session = place.legacy(Wire::Pipes);
    let uri = "asker://greeting/Ada";
    let unknown = session.error("resources/subscribe", json!({"uri": "asker://nothing"}));
    assert_eq!(unknown["code"], -32602);
    assert_eq!(
        session.result("resources/subscribe", json!({"uri": uri})),
        json!({})
    );
    session.call("asker_touch", json!({"uri": uri}));
    let is_update = |message: &Value| message["method"] == "notifications/resources/updated";
    let update = session.host.wait_for("an update", is_update);
    assert_eq!(update["params"]["uri"], uri);
    session.host.wait_for("a changed list", |message| {
        message["method"] == "notifications/resources/list_changed"
    });
    assert_eq!(
        session.result("resources/unsubscribe", json!({"uri": uri})),
        json!({})
    );
    session.call("asker_touch", json!({"uri": uri}));
    session.host.wait_for("a changed list", |message| {
        message["method"] == "notifications/resources/list_changed"
    });
    assert!(!session.host.left_over().iter().any(is_update));

    let mut session = Session::open(place.start(Wire::Pipes).start(), Era::Modern);
    let wanted =
        json!({"notifications": {"resourceSubscriptions": [uri], "resourcesListChanged": true}});
    let id = session.start("subscriptions/listen", wanted);
    let acknowledged = session.host.wait_for("the acknowledgement", |message| {
        message["method"] == "notifications/subscriptions/acknowledged"
    });
    assert_eq!(
        acknowledged["params"]["notifications"]["resourceSubscriptions"],
        json!([uri])
    );
    for touched in ["asker://greeting/Bob", uri] {
        session.call("asker_touch", json!({"uri": touched}));
    }
    let update = session.host.wait_for("an update", is_update);
    assert_eq!(update["params"]["uri"], uri);
    let subscription = &update["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(subscription, &id);
}

#[test]
fn a_thousand_calls_at_once_each_have_their_progress_and_one_answer() {
    const CALLS: u64 = 1000;
    const STEPS: u64 = 5;
    let place = Place::new();
    for wire in Wire::ALL {
        let mut session = place.modern(wire);
        session.call("asker_steps", json!({"count": 1}));
        let before = session.host.memory();
        let mut expected: BTreeMap<String, (u64, Value)> = BTreeMap::new();
        for number in 0..CALLS {
            let token = format!("call {number}");
            let params = json!({"name": "asker_steps", "arguments": {"count": STEPS}});
            let meta = json!({"progressToken": token});
            let id = start_with(&mut session, "tools/call", params, &meta);
            expected.insert(token, (0, id));
        }
        let mut answered = BTreeSet::new();
        while (answered.len() as u64) < CALLS {
            let message = session.host.wait_for("progress or an answer", |_| true);
            if message["method"] == "notifications/progress" {
                let token = message["params"]["progressToken"].as_str().unwrap();
                let (steps, id) = expected.get_mut(token).unwrap();
                *steps += 1;
                assert_eq!(message["params"]["progress"], *steps, "in their order");
                assert!(!answered.contains(&id.to_string()), "before the answer");
                continue;
            }
            assert_eq!(
                message["result"]["structuredContent"]["result"], STEPS,
                "{message}"
            );
            assert!(
                answered.insert(message["id"].to_string()),
                "once: {message}"
            );
        }
        assert!(expected.values().all(|(steps, _)| *steps == STEPS));
        let after = session.wait_for_memory(before + (64 << 20));
        eprintln!(
            "{wire:?}: {} MiB before, {} MiB after",
            before >> 20,
            after >> 20
        );
    }
}
