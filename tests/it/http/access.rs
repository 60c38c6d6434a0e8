//! Who may call, under which names, with how much, and what callers see of one another.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::command::{converse, run, toolbay};
use crate::support::http_client::{Client, HttpHost, audit, request};
use crate::support::session::tool_error;
use crate::support::{Era, Folder, Start, assembled};

/// A user's own folders, shared by commands and hosts.
struct Place {
    folder: Folder,
    home: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = Folder::empty();
        let mut manifest = assembled::manifest("counts_in_state");
        manifest["tools"]["run"]["kv"] = json!(true);
        let component = assembled::bake(&assembled::bare("counts_in_state"), &manifest);
        folder.replace("counts.wasm", &component);
        Self {
            folder,
            home: TempDir::new().expect("a temporary folder can be made"),
        }
    }

    fn start(&self) -> HttpHost {
        let policy = self.home.path().join("policy.toml");
        let everything =
            "version = 1\n[[grant]]\nplugin = \"counts-in-state\"\neverything = true\n";
        std::fs::write(&policy, everything).expect("a file can be written");
        HttpHost::start(
            Start::new(&self.folder)
                .settings(&self.home.path().join("config"))
                .state(&self.home.path().join("state"))
                .argument("--policy")
                .argument(policy),
        )
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = toolbay(self.home.path());
        command.args(arguments);
        command
    }

    /// Makes a token, as a person at a terminal does.
    fn token(&self, name: &str, scopes: &[&str]) -> String {
        let mut arguments = vec!["token", "add", name];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        let (shown, code) = converse(self.command(&arguments), &[]);
        assert_eq!(code, Some(0), "{shown}");
        shown
            .lines()
            .find(|line| line.starts_with("tb_"))
            .unwrap_or_else(|| panic!("no token: {shown}"))
            .to_owned()
    }
}

/// What a call of the plugin that keeps state found: whether it was there before, for this caller.
fn was_there(client: &mut Client<'_>) -> bool {
    let result = client.call("counts-in-state_run", json!({}));
    match tool_error(&result).0.as_str() {
        "not_found" => false,
        "conflict" => true,
        other => panic!("{other}: {result}"),
    }
}

fn status(host: &HttpHost, token: Option<&str>) -> (u16, Option<String>) {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = bearer
        .as_deref()
        .map(|bearer| ("authorization", bearer))
        .into_iter()
        .collect();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let mut exchange = host.send(request(Method::POST, "/mcp", host.address, &headers, ping));
    let challenge = exchange.header("www-authenticate").map(str::to_owned);
    exchange.text();
    (exchange.status.as_u16(), challenge)
}

#[test]
fn a_token_counts_from_when_it_is_made_until_it_is_removed() {
    let place = Place::new();
    let host = place.start();
    assert_eq!(status(&host, None).0, 400, "nobody needs a token yet");
    let wrong = Some(r#"Bearer realm="toolbay", error="invalid_token""#.to_owned());
    assert_eq!(status(&host, Some("tb_x")), (401, wrong.clone()));
    let token = place.token("alice", &[]);
    let missing = Some(r#"Bearer realm="toolbay""#.to_owned());
    assert_eq!(status(&host, None), (401, missing.clone()));
    assert_eq!(status(&host, Some("tb_x")), (401, wrong.clone()));
    assert_eq!(status(&host, Some(&token[..45])), (401, wrong.clone()));
    for era in Era::BOTH {
        let mut client = Client::open(&host, era, Some(&token));
        client.call("toolbay_status", json!({}));
    }
    for path in ["/healthz", "/readyz"] {
        assert_ne!(host.get(path).0, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/", "/mcp/", "/other"] {
        assert_eq!(host.get(path).0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let mut client = Client::open(&host, Era::LEGACY, Some(&token));
    let output = run(place.command(&["token", "remove", "alice"]));
    assert_eq!(output.code, Some(0), "{}", output.transcript());
    let ping = client.message("ping", json!({}));
    assert_eq!(host.send(client.compose(&ping)).status, 401);
    assert_eq!(status(&host, Some(&token)), (401, wrong));
    assert_eq!(
        status(&host, None),
        (401, missing),
        "who held it is not the local user now"
    );
}

#[test]
fn tokens_are_listed_without_their_text() {
    let place = Place::new();
    let token = place.token("ci", &["admin:delete", "admin:read"]);
    let output = run(place.command(&["token", "list"]));
    let line = output.stdout.lines().next().unwrap_or_default();
    assert!(
        line.starts_with("ci  admin:delete, admin:read  since 2"),
        "{line}"
    );
    let output = run(place.command(&["token", "list", "--json"]));
    let listed: Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    assert_eq!(
        listed["tokens"][0]["scopes"],
        json!(["admin:delete", "admin:read"])
    );
    let file = place.home.path().join("config/tokens.toml");
    let kept = std::fs::read_to_string(file).expect("the file is there");
    for text in [&output.stdout, &kept] {
        assert!(!text.contains(token.trim_start_matches("tb_")), "{text}");
    }
    let (shown, code) = converse(place.command(&["token", "add", "ci"]), &[]);
    assert_eq!(code, Some(1), "{shown}");
    for wrong in [&["local"][..], &["A B"], &["x", "--scope", "a b"]] {
        let arguments = [&["token", "add"], wrong].concat();
        let (shown, code) = converse(place.command(&arguments), &[]);
        assert_eq!(code, Some(2), "{shown}");
    }
    let log = audit(&place.home.path().join("state"));
    assert_eq!(log[0]["event"], "token_added");
    assert_eq!(log[0]["token"], "ci");
}

#[test]
fn only_a_person_makes_tokens() {
    let place = Place::new();
    let output = run(place.command(&["token", "add", "ci"]));
    assert_eq!(output.code, Some(2), "{}", output.transcript());
    assert!(
        output.stderr.contains("needs a terminal"),
        "{}",
        output.stderr
    );
    let mut command = place.command(&["token", "add", "ci"]);
    command.env("CLAUDECODE", "1");
    let (shown, code) = converse(command, &[]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("assistant's shell"), "{shown}");
}

#[test]
fn callers_see_nothing_of_one_another() {
    let place = Place::new();
    let (alice, bob) = (place.token("alice", &[]), place.token("bob", &[]));
    let mut host = place.start();
    let mut of_alice = Client::open(&host, Era::LEGACY, Some(&alice));
    assert!(!was_there(&mut of_alice));
    assert!(was_there(&mut of_alice));
    for (era, there) in [(Era::Modern, false), (Era::LEGACY, true)] {
        let mut of_bob = Client::open(&host, era, Some(&bob));
        assert_eq!(was_there(&mut of_bob), there, "bob, {era:?}");
    }
    let mut of_alice_again = Client::open(&host, Era::Modern, Some(&alice));
    assert!(was_there(&mut of_alice_again));

    // With another's token, a session is as if it did not exist.
    let mut thief = Client::new(&host, Era::LEGACY, Some(&bob));
    thief.session.clone_from(&of_alice.session);
    let ping = thief.message("ping", json!({}));
    let mut stolen = host.send(thief.compose(&ping));
    let mut unknown = Client::new(&host, Era::LEGACY, Some(&bob));
    unknown.session = Some("no-such-session".into());
    let mut none = host.send(unknown.compose(&ping));
    assert_eq!(
        (stolen.status, none.status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert_eq!(stolen.text(), none.text());
    assert_eq!(thief.listen().status, 404);
    assert_eq!(thief.delete(), 404);
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    assert_eq!(host.send(thief.compose(&cancel)).status, 404);
    assert!(was_there(&mut of_alice), "the session is still there");
    drop((of_alice, of_alice_again, thief, unknown));
    host.signal(libc::SIGTERM);
    host.wait_for_exit();
    let log = audit(&place.home.path().join("state"));
    let callers: Vec<_> = log
        .iter()
        .filter(|line| line["event"] == "call")
        .map(|line| line["principal"].clone())
        .collect();
    assert_eq!(callers, ["alice", "alice", "bob", "bob", "alice", "alice"]);
}

#[test]
fn other_names_are_refused() {
    let place = Place::new();
    let host = HttpHost::start(
        Start::new(&place.folder)
            .argument("--http-host")
            .argument("tools.example.com"),
    );
    let own = host.address.to_string();
    let page = format!("http://{own}");
    let discover = json!({
        "jsonrpc": "2.0", "id": 1, "method": "server/discover",
        "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }},
    });
    let asked = |host_header: &str, origin: Option<&str>| {
        let mut headers = vec![
            ("host", host_header),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "server/discover"),
        ];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let body = discover.to_string();
        let mut exchange = host.send(request(Method::POST, "/mcp", host.address, &headers, body));
        if exchange.status == StatusCode::FORBIDDEN {
            exchange.refusal();
        }
        exchange.status.as_u16()
    };
    for (host_header, origin) in [
        (own.as_str(), None),
        (&own, Some(page.as_str())),
        ("localhost", None),
        ("tools.example.com", Some("https://tools.example.com")),
    ] {
        assert_eq!(asked(host_header, origin), 200, "{host_header} {origin:?}");
    }
    for (host_header, origin) in [
        ("evil.example.com", Some("http://evil.example.com")),
        ("evil.example.com", None),
        (&own, Some("http://evil.example.com")),
        (&own, Some("null")),
        (&own, Some("http://localhost:1")),
    ] {
        assert_eq!(asked(host_header, origin), 403, "{host_header} {origin:?}");
    }
}

#[test]
fn too_much_is_refused() {
    let place = Place::new();
    let host = place.start();
    let mut client = Client::open(&host, Era::Modern, None);
    let message = client.message(
        "tools/call",
        json!({"name": "counts-in-state_run", "arguments": {"text": "x".repeat(4 << 20)}}),
    );
    let mut refused = host.send(client.compose(&message));
    assert_eq!(refused.refusal().0, 413);
    let large = "x".repeat(40 << 10);
    let headers = [("x-large", large.as_str())];
    let refused = host.send(request(Method::GET, "/healthz", host.address, &headers, ""));
    assert_eq!(refused.status, 431);
    assert_eq!(client.call("toolbay_status", json!({}))["isError"], false);
    for (method, path, expected) in [
        (Method::PUT, "/mcp", 405),
        (Method::OPTIONS, "/mcp", 405),
        (Method::GET, "/other", 404),
        (Method::POST, "/healthz", 404),
    ] {
        let mut refused = host.send(request(method.clone(), path, host.address, &[], ""));
        assert_eq!(refused.refusal().0, expected, "{method} {path}");
    }
    let text = [("content-type", "text/plain")];
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let refused = host.send(request(Method::POST, "/mcp", host.address, &text, ping));
    assert_eq!(
        refused.status, 415,
        "what a page may send without being asked"
    );
}

#[test]
fn an_address_that_others_reach_needs_tokens_and_a_word() {
    let place = Place::new();
    let arguments = ["serve", "--http", "0.0.0.0:0"];
    let output = run(place.command(&arguments));
    assert_eq!(output.code, Some(2), "{}", output.transcript());
    assert!(
        output.stderr.contains("--http-allow-remote"),
        "{}",
        output.stderr
    );
    let arguments = ["serve", "--http", "0.0.0.0:0", "--http-allow-remote"];
    let output = run(place.command(&arguments));
    assert_eq!(output.code, Some(2), "{}", output.transcript());
    assert!(
        output.stderr.contains("toolbay token add"),
        "{}",
        output.stderr
    );
}

#[test]
fn what_one_caller_was_given_and_hears_is_nothing_to_another() {
    let place = Place::new();
    place.folder.add("asker");
    let policy = place.home.path().join("asking.toml");
    std::fs::write(
        &policy,
        "version = 1\n[[grant]]\nplugin = \"asker\"\neverything = true\n",
    )
    .unwrap();
    let (alice, bob) = (place.token("alice", &[]), place.token("bob", &[]));
    let host = HttpHost::start(
        Start::new(&place.folder)
            .settings(&place.home.path().join("config"))
            .state(&place.home.path().join("state"))
            .argument("--policy")
            .argument(policy),
    );
    let mut alice = Client::open(&host, Era::Modern, Some(&alice));
    let mut bob = Client::open(&host, Era::Modern, Some(&bob));

    // A state that the one keeps while its user thinks.
    let ask = |client: &mut Client<'_>, more: &Value| {
        let mut params = json!({"name": "asker_greet", "arguments": {}});
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        let mut message = client.message("tools/call", params);
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"elicitation": {"form": {}}});
        message
    };
    let question = ask(&mut alice, &json!({}));
    let mut exchange = alice.send(&question);
    let asked = alice.result_of(&mut exchange);
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let more = json!({
        "requestState": asked["requestState"],
        "inputResponses": {"name": {"action": "accept", "content": {"name": "Ada"}}},
    });
    let stolen = ask(&mut bob, &more);
    assert_eq!(bob.error_of(&stolen).1["code"], -32602);
    let own = ask(&mut alice, &more);
    let mut exchange = alice.send(&own);
    let answered = alice.result_of(&mut exchange);
    assert_eq!(answered["content"][0]["text"], "Hello, Ada!");

    // A task.
    let tasks = |client: &mut Client<'_>, method: &str, params: Value| {
        let mut message = client.message(method, params);
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        message
    };
    let params = json!({"name": "asker_long", "arguments": {}});
    let making = tasks(&mut alice, "tools/call", params);
    let mut exchange = alice.send(&making);
    let task = json!({"taskId": alice.result_of(&mut exchange)["taskId"], "inputResponses": {}});
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let foreign = tasks(&mut bob, method, task.clone());
        assert_eq!(bob.error_of(&foreign).1["code"], -32602);
    }
    // It goes on, although the request that made it is over, until its own caller ends it.
    let looking = tasks(&mut alice, "tasks/get", task.clone());
    let mut exchange = alice.send(&looking);
    assert_eq!(alice.result_of(&mut exchange)["status"], "working");
    let ending = tasks(&mut alice, "tasks/cancel", task);
    let mut exchange = alice.send(&ending);
    alice.result_of(&mut exchange);

    // A place in a list.
    let cursor = alice.result("resources/list", json!({}))["nextCursor"].clone();
    let next = json!({"cursor": cursor});
    assert_eq!(bob.error("resources/list", next.clone()).1["code"], -32602);
    alice.result("resources/list", next);

    // What was changed for the one.
    let uri = "asker://greeting/Ada";
    let wanted = json!({"notifications": {"resourceSubscriptions": [uri]}});
    let mut hears = bob.start("subscriptions/listen", wanted);
    let first = bob.next(&mut hears).unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    alice.call("asker_touch", json!({"uri": uri}));
    let mut other = Client::open(&host, Era::Modern, bob.token.clone().as_deref());
    other.call("asker_touch", json!({"uri": uri}));
    let heard = bob.next(&mut hears).unwrap();
    assert_eq!(
        heard["method"], "notifications/resources/updated",
        "{heard}"
    );
    // The first would have come before the second, and a third is not there before the end.
    other.call("asker_touch", json!({"uri": uri}));
    assert!(bob.next(&mut hears).is_some());
}
