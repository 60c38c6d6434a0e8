//! How a conversation begins, in each of the protocol's revisions, and how clients of both eras share one process.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::session::initialize_params;
use crate::support::{Era, Folder, Session, Start, Wire};

const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

#[test]
fn initialize_says_who_answers_and_what_it_offers() {
    for wire in Wire::ALL {
        let mut session = unopened(wire, Era::LEGACY);
        let result = session.result("initialize", initialize_params("2025-11-25"));
        insta::allow_duplicates! { assert_json_snapshot!(result, @r#"
        {
          "protocolVersion": "2025-11-25",
          "capabilities": {
            "logging": {},
            "completions": {},
            "prompts": {
              "listChanged": true
            },
            "resources": {
              "subscribe": true,
              "listChanged": true
            },
            "tools": {
              "listChanged": true
            }
          },
          "serverInfo": {
            "name": "toolbay",
            "title": "Toolbay",
            "version": "0.1.0"
          },
          "instructions": "Toolbay runs each tool as a sandboxed WebAssembly plugin. Tool names are PLUGIN_TOOL. A failed call says in its first text what to do, and in its second the error as JSON with `error_code`. On `permission_denied`, tell the user which permission is asked for: you cannot grant it. Tools can come and go while you are connected; call `toolbay_status` when one is missing or misbehaves, and pass on what it advises."
        }
        "#) };
    }
}

#[test]
fn discover_says_who_answers_and_what_it_offers() {
    for wire in Wire::ALL {
        let mut session = unopened(wire, Era::Modern);
        let result = session.result("server/discover", json!({}));
        insta::allow_duplicates! { assert_json_snapshot!(result, @r#"
        {
          "resultType": "complete",
          "supportedVersions": [
            "2024-11-05",
            "2025-03-26",
            "2025-06-18",
            "2025-11-25",
            "2026-07-28"
          ],
          "capabilities": {
            "extensions": {
              "io.modelcontextprotocol/tasks": {}
            },
            "completions": {},
            "prompts": {
              "listChanged": true
            },
            "resources": {
              "subscribe": true,
              "listChanged": true
            },
            "tools": {
              "listChanged": true
            }
          },
          "instructions": "Toolbay runs each tool as a sandboxed WebAssembly plugin. Tool names are PLUGIN_TOOL. A failed call says in its first text what to do, and in its second the error as JSON with `error_code`. On `permission_denied`, tell the user which permission is asked for: you cannot grant it. Tools can come and go while you are connected; call `toolbay_status` when one is missing or misbehaves, and pass on what it advises.",
          "ttlMs": 0,
          "cacheScope": "private",
          "_meta": {
            "io.modelcontextprotocol/serverInfo": {
              "name": "toolbay",
              "title": "Toolbay",
              "version": "0.1.0"
            }
          }
        }
        "#) };
    }
}

#[test]
fn every_revision_with_a_handshake_is_spoken() {
    let folder = Folder::with(&["echo"]);
    for revision in REVISIONS {
        // Opening checks that the revision asked for is the one agreed on.
        let mut session = Session::open(Start::new(&folder).start(), Era::Legacy(revision));
        assert_eq!(
            session.call("echo_text", json!({"text": revision}))["content"][0]["text"],
            revision
        );
        assert!(
            session
                .result("ping", json!({}))
                .as_object()
                .is_some_and(serde_json::Map::is_empty)
        );
    }
}

#[test]
fn an_unknown_revision_is_answered_with_one_that_is_spoken() {
    // The newest has no handshake, so a client that shakes hands for it is offered one that has.
    for revision in ["1999-01-01", "2099-12-31", "", "latest", "2026-07-28"] {
        let mut session = unopened(Wire::Pipes, Era::LEGACY);
        let result = session.result("initialize", initialize_params(revision));
        assert_eq!(result["protocolVersion"], "2025-11-25", "for {revision:?}");
        assert!(!session.tool_names().is_empty());
    }
}

#[test]
fn an_unknown_revision_in_a_request_is_refused_with_the_ones_that_are_spoken() {
    for method in ["tools/list", "server/discover", "tools/call"] {
        let mut session = unopened(Wire::Pipes, Era::Modern);
        let params = json!({
            "name": "toolbay_status",
            "_meta": {"io.modelcontextprotocol/protocolVersion": "2099-12-31", "io.modelcontextprotocol/clientCapabilities": {}},
        });
        let error = session.error(method, params);
        assert_eq!(error["code"], -32022, "{error}");
        assert_eq!(error["data"]["requested"], "2099-12-31");
        let supported = error["data"]["supported"]
            .as_array()
            .expect("a list of revisions");
        assert!(supported.contains(&json!("2026-07-28")), "{error}");
    }
}

#[test]
fn a_request_without_what_it_must_say_about_its_client_is_refused() {
    let version = (
        "io.modelcontextprotocol/protocolVersion",
        json!("2026-07-28"),
    );
    let capabilities = ("io.modelcontextprotocol/clientCapabilities", json!({}));
    let metas = [
        ("nothing", Value::Null),
        ("an empty _meta", json!({})),
        ("no capabilities", json!({version.0: version.1})),
        ("no version", json!({capabilities.0: capabilities.1})),
        (
            "a version that is a number",
            json!({version.0: 20_260_728, capabilities.0: capabilities.1}),
        ),
        (
            "capabilities in a list",
            json!({version.0: version.1, capabilities.0: []}),
        ),
    ];
    for (name, meta) in metas {
        for method in ["tools/list", "tools/call", "server/discover"] {
            let mut session = unopened(Wire::Pipes, Era::Modern);
            let mut params = json!({"name": "toolbay_status"});
            if !meta.is_null() {
                params["_meta"] = meta.clone();
            }
            // Not through the session, which would add what is missing.
            let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            session.host.send(&request);
            let answer = session.host.answer(&json!(1));
            assert_eq!(
                answer["error"]["code"], -32602,
                "{method} with {name}: {answer}"
            );
        }
    }
}

#[test]
fn initialize_after_discover_on_one_process() {
    for wire in Wire::ALL {
        let folder = Folder::with(&["echo"]);
        let host = Start::new(&folder).wire(wire).start();
        let mut session = Session::without_handshake(host, Era::Modern);
        session.result("server/discover", json!({}));
        session.era = Era::LEGACY;
        session.result("initialize", initialize_params("2025-11-25"));
        session.notify("notifications/initialized", json!({}));
        assert_eq!(
            session.call("echo_text", json!({"text": "legacy"}))["content"][0]["text"],
            "legacy"
        );
        // And whoever still speaks the modern way is understood as before.
        session.era = Era::Modern;
        assert_eq!(
            session.call("echo_text", json!({"text": "modern"}))["content"][0]["text"],
            "modern"
        );
        session.result("server/discover", json!({}));
    }
}

#[test]
fn a_client_that_never_says_initialized_is_served() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::without_handshake(Start::new(&folder).start(), Era::LEGACY);
    session.result("initialize", initialize_params("2025-06-18"));
    assert_eq!(
        session.call("echo_text", json!({"text": "hi"}))["content"][0]["text"],
        "hi"
    );
}

#[test]
fn a_ping_before_the_handshake_is_answered() {
    let mut session = unopened(Wire::Pipes, Era::LEGACY);
    session.result("ping", json!({}));
    session.result("initialize", initialize_params("2025-11-25"));
}

#[test]
fn initialize_a_second_time_is_answered() {
    let mut session = unopened(Wire::Pipes, Era::LEGACY);
    session.result("initialize", initialize_params("2025-11-25"));
    session.request("initialize", initialize_params("2025-11-25"));
    assert!(!session.tool_names().is_empty());
}

#[test]
fn a_malformed_initialize_is_refused_and_the_next_one_is_not() {
    let mut session = unopened(Wire::Sockets, Era::LEGACY);
    let malformed = [
        json!({}),
        json!({"protocolVersion": 7, "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}),
        json!({"protocolVersion": "2025-11-25", "capabilities": [], "clientInfo": {"name": "a", "version": "1"}}),
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": "a"}),
        json!({"protocolVersion": "2025-11-25", "capabilities": {}}),
    ];
    for params in malformed {
        assert_eq!(
            session.error("initialize", params.clone())["code"],
            -32602,
            "{params}"
        );
    }
    session.result("initialize", initialize_params("2025-11-25"));
}

#[test]
fn what_the_modern_era_dropped_is_not_there() {
    let mut session = unopened(Wire::Pipes, Era::Modern);
    for method in [
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
    ] {
        assert_eq!(
            session.error(method, json!({"level": "info", "uri": "a://b"}))["code"],
            -32601,
            "{method}"
        );
    }
}

#[test]
fn what_the_modern_era_brought_is_not_there_for_a_legacy_client() {
    let folder = Folder::empty();
    let mut session = Session::legacy(&folder);
    let error = session.error(
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    );
    assert!(
        [-32601, -32602].contains(&error["code"].as_i64().unwrap_or_default()),
        "{error}"
    );
}

#[test]
fn log_levels_can_be_set_exactly_where_logging_is_declared() {
    let mut session = unopened(Wire::Pipes, Era::LEGACY);
    let declared = session.result("initialize", initialize_params("2025-11-25"))["capabilities"]
        .get("logging")
        .is_some();
    let answer = session.request("logging/setLevel", json!({"level": "info"}));
    if declared {
        assert!(answer.get("result").is_some(), "{answer}");
    } else {
        assert_eq!(answer["error"]["code"], -32601, "{answer}");
    }
}

#[test]
fn the_handshake_is_answered_while_everything_has_to_be_compiled() {
    let folder = Folder::with(&["echo", "sleepy", "counter", "hostile", "greeter-v1"]);
    let cache = tempfile::TempDir::new().expect("a temporary folder can be made");
    let start = std::time::Instant::now();
    let mut session = Session::open(Start::new(&folder).cache(cache.path()).start(), Era::LEGACY);
    let shaken = start.elapsed();
    session.tool_names();
    let listed = start.elapsed();
    let names = session.call("echo_text", json!({"text": "first"}));
    eprintln!(
        "with an empty cache: handshake {shaken:?}, list {listed:?}, first answer {:?}",
        start.elapsed()
    );
    assert_eq!(names["content"][0]["text"], "first");
}

fn unopened(wire: Wire, era: Era) -> Session {
    let folder = Folder::empty();
    let session = Session::without_handshake(Start::new(&folder).wire(wire).start(), era);
    // The folder may go: these tests are about the first lines only.
    drop(folder);
    session
}
