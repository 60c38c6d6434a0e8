//! One test for each defect that the protocol library is known to have, so that none comes through to a client. Those that
//! are cases among others are tested where the others are, as noted here.
//!
//! - A panic that is never answered: in the host's own tests, since nothing from outside can cause one.
//! - A notification before the first request that ends the server; a line that is dropped without an answer; malformed
//!   parameters of a call with the wrong code: `protocol.rs`.
//! - A line over 16 MiB that is dropped: `streams.rs`. Key order: `lists.rs`. The end of input: `exit.rs`.

use serde_json::{Value, json};

use crate::support::session::first_text;
use crate::support::{Era, Folder, Session, Start, Wire, everywhere};

#[test]
fn a_notification_before_the_first_request_ends_nothing() {
    let folder = Folder::with(&["echo"]);
    for wire in Wire::ALL {
        for era in Era::BOTH {
            let mut host = Start::new(&folder).wire(wire).start();
            for method in [
                "notifications/initialized",
                "notifications/cancelled",
                "notifications/nope",
            ] {
                host.send(&json!({"jsonrpc": "2.0", "method": method}));
            }
            let mut session = Session::open(host, era);
            assert_eq!(
                first_text(&session.call("echo_text", json!({"text": "hi"}))),
                "hi"
            );
        }
    }
}

#[test]
fn an_id_that_is_in_use_loses_no_answer() {
    let folder = Folder::with(&["sleepy", "echo"]);
    everywhere(&folder, |session| {
        session.call("sleepy_nap", json!({"milliseconds": 0}));
        let first = session.compose(
            "tools/call",
            json!({"name": "sleepy_nap", "arguments": {"milliseconds": 700}}),
        );
        let mut second = session.compose("tools/list", json!({}));
        second["id"] = first["id"].clone();
        session.host.send(&first);
        session.host.send(&second);
        // The second is refused at once, the first is answered when it is done.
        let refusal = session.host.answer(&first["id"]);
        assert_eq!(refusal["error"]["code"], -32600, "{refusal}");
        assert_eq!(
            session.call_result(&first["id"])["structuredContent"],
            json!({"result": 700})
        );
        // Once answered, the id is free.
        session.host.send(&second);
        assert!(session.host.answer(&second["id"]).get("result").is_some());
        // As a text and as a number it is two.
        let mut third = first.clone();
        third["id"] = json!(first["id"].to_string());
        session.host.send(&first);
        session.host.send(&third);
        session.call_result(&first["id"]);
        session.call_result(&third["id"]);
        session.settle(&[]);
    });
}

#[test]
fn the_servers_name_is_on_every_modern_result() {
    let folder = Folder::with(&["echo", "hostile"]);
    let mut session = Session::modern(&folder);
    let results = [
        session.result("server/discover", json!({})),
        session.result("tools/list", json!({})),
        session.call("echo_text", json!({"text": "hi"})),
        session.call("echo_text", json!({"text": 7})),
        session.call("hostile_trap", json!({})),
        session.call("toolbay_status", json!({})),
    ];
    for result in results {
        let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(server["name"], "toolbay", "{result}");
        assert_eq!(server["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(result["resultType"], "complete");
    }
}

#[test]
fn sockets_are_served_as_fast_as_pipes() {
    let folder = Folder::with(&["echo"]);
    let rate = |wire| {
        let mut session = Session::open(Start::new(&folder).wire(wire).start(), Era::LEGACY);
        session.call("echo_text", json!({"text": "compiled"}));
        let start = std::time::Instant::now();
        const CALLS: usize = 2000;
        let mut waiting: std::collections::VecDeque<Value> = std::collections::VecDeque::new();
        for _ in 0..CALLS {
            if waiting.len() == 16 {
                let id = waiting.pop_front().expect("there are sixteen");
                session.call_result(&id);
            }
            waiting.push_back(session.start_call("echo_text", json!({"text": "hi"})));
        }
        for id in waiting {
            session.call_result(&id);
        }
        CALLS as f64 / start.elapsed().as_secs_f64()
    };
    let (pipes, sockets) = (rate(Wire::Pipes), rate(Wire::Sockets));
    // The checking of every line in this process is most of what is measured; what it can show is a wire that is served badly.
    eprintln!("checked calls a second, 16 in flight: pipes {pipes:.0}, sockets {sockets:.0}");
    assert!(
        sockets > pipes / 4.0,
        "sockets are served {:.1} times as slowly",
        pipes / sockets
    );
}

#[test]
fn arguments_and_results_are_not_in_the_log() {
    let folder = Folder::with(&["echo"]);
    let secret = "correct-horse-battery-staple";
    for level in ["info", "debug", "rmcp=trace,debug"] {
        for era in Era::BOTH {
            let mut session = Session::open(
                Start::new(&folder).variable("TOOLBAY_LOG", level).start(),
                era,
            );
            session.call("echo_text", json!({"text": secret}));
            session.call("echo_record", json!({"title": secret, "count": secret}));
            session.call("echo_fail", json!({"code": secret}));
            session.error(
                "tools/call",
                json!({"name": secret, "arguments": {"a": secret}}),
            );
            session.request("tools/list", json!({"cursor": secret}));
            session.host.expect_anonymous(1);
            session.host.send_raw(format!("{{\"{secret}\n").as_bytes());
            session.host.anonymous_error();
            session.host.close();
            session.host.wait_for_exit();
            let log = session.host.stderr();
            assert!(!log.contains(secret), "at {level}:\n{log}");
        }
    }
}

#[test]
fn what_a_guest_prints_is_one_escaped_line_of_the_log() {
    let folder = Folder::with(&["hostile"]);
    let mut session = Session::modern(&folder);
    session.call("hostile_escape_terminal", json!({}));
    session.call("hostile_fake_json_rpc", json!({}));
    session.call("hostile_panic", json!({}));
    session.host.close();
    session.host.wait_for_exit();
    let log = session.host.stderr();
    assert!(
        log.contains("forged"),
        "what guests print is in the log:\n{log}"
    );
    assert!(
        log.contains("this plugin panics"),
        "so is the message of a panic:\n{log}"
    );
    for line in log.lines() {
        assert!(
            !line.trim_start().starts_with('{'),
            "a line that could be taken for a message: {line}"
        );
    }
}

#[test]
fn a_flood_leaves_a_log_of_bounded_length() {
    let folder = Folder::with(&["hostile"]);
    let mut session = Session::modern(&folder);
    for tool in ["flood_stdout", "flood_stderr", "one_endless_line"] {
        session.call(&format!("hostile_{tool}"), json!({}));
    }
    session.host.close();
    session.host.wait_for_exit();
    let length = session.host.stderr().len();
    assert!(
        length < 1 << 20,
        "192 MiB of output left {length} bytes of log"
    );
}
