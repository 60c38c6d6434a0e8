//! Serving over HTTP: the protocol in both eras, as over standard input and output.

mod access;
mod ending;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http_client::{Client, HttpHost, audit, request};
use crate::support::session::{first_text, tool_error};
use crate::support::{Era, Folder, PATIENCE, Session, Start};

const ERAS: [Era; 5] = [
    Era::Legacy("2024-11-05"),
    Era::Legacy("2025-03-26"),
    Era::Legacy("2025-06-18"),
    Era::LEGACY,
    Era::Modern,
];

#[test]
fn every_era_is_spoken_as_over_stdio() {
    let folder = Folder::with(&["echo", "counter"]);
    let host = HttpHost::start(Start::new(&folder));
    for era in ERAS {
        let mut client = Client::open(&host, era, None);
        let mut session = Session::open(Start::new(&folder).start(), era);
        if era == Era::Modern {
            let one = client.result("server/discover", json!({}));
            assert_eq!(one, session.result("server/discover", json!({})));
        }
        for (method, params) in [
            ("tools/list", json!({})),
            ("tools/call", json!({"name": "counter_next"})),
            (
                "tools/call",
                json!({"name": "counter_next", "arguments": {"no": "such"}}),
            ),
        ] {
            let one = client.result(method, params.clone());
            assert_eq!(
                one,
                session.result(method, params.clone()),
                "{method} {params}"
            );
        }
        let error = client.error("tools/call", json!({"name": "no_such"})).1;
        assert_eq!(
            error,
            session.error("tools/call", json!({"name": "no_such"}))
        );
        let error = client.error("prompts/none", json!({})).1;
        assert_eq!(error, session.error("prompts/none", json!({})));
        let status = client.call("toolbay_status", json!({}));
        assert_eq!(status["structuredContent"]["status"], "healthy", "{status}");
        if era != Era::Modern {
            assert_eq!(client.result("ping", json!({})), json!({}));
            assert_eq!(client.delete(), 202);
            let mut gone = client.host.send(client.compose(&json!({
                "jsonrpc": "2.0", "id": 99, "method": "ping",
            })));
            gone.must_be(http::StatusCode::NOT_FOUND);
        }
    }
}

#[test]
fn malformed_messages_are_answered_as_over_stdio() {
    let folder = Folder::with(&["counter"]);
    let host = HttpHost::start(Start::new(&folder));
    for era in Era::BOTH {
        let mut client = Client::open(&host, era, None);
        for params in [
            json!({}),
            json!({"name": 7}),
            json!({"name": "counter_next", "arguments": []}),
            json!({"name": "counter_next", "arguments": 0}),
        ] {
            let (status, error) = client.error("tools/call", params.clone());
            assert_eq!(
                (status, &error["code"]),
                (200, &json!(-32602)),
                "{params}: {error}"
            );
        }
        let doubled = r#"{"x":1,"x":2}"#;
        let mut message = client.message("tools/call", json!({"name": "counter_next"}));
        let meta = message["params"]["_meta"].take();
        let meta = if meta.is_null() { json!({}) } else { meta };
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":70,"method":"tools/call","params":{{"name":"counter_next","arguments":{doubled},"_meta":{meta}}}}}"#
        );
        let raw = client.compose(&message).map(|_| text.into());
        let answer = host.send(raw).text();
        assert!(answer.contains("cannot be read"), "{answer}");
        for (text, code) in [
            ("{nope", -32700),
            ("[]", -32600),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        ] {
            let raw = client
                .compose(&json!({"method": "ping"}))
                .map(|_| text.into());
            let mut exchange = host.send(raw);
            assert_eq!(exchange.status, 400, "{text}");
            assert_eq!(exchange.json()["error"]["code"], code, "{text}");
        }
        assert_eq!(client.call("toolbay_status", json!({}))["isError"], false);
    }
    let request = request(
        http::Method::POST,
        "/mcp",
        host.address,
        &[],
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
    );
    assert_eq!(
        host.send(request).status,
        400,
        "neither a session nor metadata"
    );
}

#[test]
fn an_id_that_is_in_flight_is_refused() {
    let folder = Folder::with(&["sleepy"]);
    let host = HttpHost::start(Start::new(&folder));
    let mut client = Client::open(&host, Era::LEGACY, None);
    let message = client.message(
        "tools/call",
        json!({"name": "sleepy_nap", "arguments": {"milliseconds": 30_000}}),
    );
    let running = client.send(&message);
    let mut again = host.send(client.compose(&message));
    assert_eq!(again.status, 400);
    let error = again.json();
    assert_eq!(error["id"], message["id"]);
    assert_eq!(error["error"]["code"], -32600);
    client.notify(
        "notifications/cancelled",
        json!({"requestId": message["id"]}),
    );
    drop(running);
}

/// Waits until the audit log tells of a call with this outcome.
fn wait_for_outcome(state: &TempDir, outcome: &str) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !audit(state.path())
        .iter()
        .any(|line| line["tool"] == "nap" && line["outcome"] == outcome)
    {
        assert!(
            std::time::Instant::now() < deadline,
            "no call was {outcome}"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_call_ends_when_its_client_cancels_it() {
    let folder = Folder::with(&["sleepy"]);
    let state = TempDir::new().expect("a temporary folder can be made");
    let host = HttpHost::start(Start::new(&folder).state(state.path()));
    let mut client = Client::open(&host, Era::LEGACY, None);
    client.call("sleepy_nap", json!({"milliseconds": 1}));
    let mut running = client.start_call("sleepy_nap", json!({"milliseconds": 9_000}));
    let id = client.last_id();
    client.notify("notifications/cancelled", json!({"requestId": id}));
    assert_eq!(client.next(&mut running), None, "there is no answer");
    wait_for_outcome(&state, "cancelled");
}

#[test]
fn a_call_of_the_modern_era_ends_with_its_connection() {
    let folder = Folder::with(&["sleepy"]);
    let state = TempDir::new().expect("a temporary folder can be made");
    let host = HttpHost::start(Start::new(&folder).state(state.path()));
    let mut client = Client::open(&host, Era::Modern, None);
    client.call("sleepy_nap", json!({"milliseconds": 1}));
    let message = client.message(
        "tools/call",
        json!({"name": "sleepy_nap", "arguments": {"milliseconds": 9_000}}),
    );
    let is_cancelled = || {
        audit(state.path())
            .iter()
            .any(|line| line["outcome"] == "cancelled")
    };
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_cancelled() {
        assert!(
            std::time::Instant::now() < deadline,
            "no call was cancelled"
        );
        // Nothing says when the call runs, so a client may go away before that; one of them does after.
        let leaving = host.send_unanswered(client.compose(&message));
        host.get("/readyz");
        drop(leaving);
    }
}

#[test]
fn changes_of_the_list_are_told() {
    let folder = Folder::with(&["counter"]);
    let host = HttpHost::start(Start::new(&folder));
    let mut legacy = Client::open(&host, Era::LEGACY, None);
    let mut modern = Client::open(&host, Era::Modern, None);
    let mut heard = legacy.listen();
    assert_eq!(heard.status, 200);
    legacy.result("tools/list", json!({}));
    let mut subscribed = modern.start(
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    );
    let acknowledged = modern.next(&mut subscribed).expect("it is acknowledged");
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    folder.add("echo");
    for (client, exchange) in [(&mut legacy, &mut heard), (&mut modern, &mut subscribed)] {
        let told = client.next(exchange).expect("the change is told");
        assert_eq!(told["method"], "notifications/tools/list_changed");
    }
}

#[test]
fn headers_of_the_modern_era_must_fit_the_body() {
    let folder = Folder::with(&["counter"]);
    let host = HttpHost::start(Start::new(&folder));
    let mut client = Client::open(&host, Era::Modern, None);
    let message = client.message("tools/call", json!({"name": "counter_next"}));
    for (header, value) in [
        ("mcp-name", Some("other_tool")),
        ("mcp-name", None),
        ("mcp-method", Some("tools/list")),
        ("mcp-protocol-version", None),
    ] {
        let mut request = client.compose(&message);
        request.headers_mut().remove(header);
        if let Some(value) = value {
            let value = http::HeaderValue::from_static(value);
            request.headers_mut().insert(header, value);
        }
        let mut refused = host.send(request);
        assert_eq!(refused.status, 400, "{header} {value:?}");
        let error = refused.json();
        assert_eq!(
            error["error"]["code"], -32020,
            "{header} {value:?}: {error}"
        );
    }
    for gone in ["initialize", "ping", "logging/setLevel"] {
        let (status, error) = client.error(gone, json!({}));
        assert_eq!(
            (status, &error["code"]),
            (404, &json!(-32601)),
            "{gone}: {error}"
        );
    }
    let result = client.call("counter_next", json!({}));
    assert_eq!(first_text(&result), r#"{"result":1}"#);
}

#[test]
fn a_refused_tool_says_the_same_as_over_stdio() {
    let folder = Folder::empty();
    folder.add_assembled("reads_state");
    let host = HttpHost::start(Start::new(&folder));
    for era in Era::BOTH {
        let mut client = Client::open(&host, era, None);
        let result: Value = client.call("reads-state_run", json!({}));
        assert_eq!(tool_error(&result).0, "permission_denied");
    }
}
