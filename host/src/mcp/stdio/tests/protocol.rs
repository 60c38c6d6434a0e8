//! Each kind of message, well formed and not.

use serde_json::json;

use super::super::*;
use super::client::*;

#[test]
fn every_request_is_answered() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.send_call(1, r#""echo""#);
        client.expect(r#"{"jsonrpc":"2.0","id":1,"result":"echo"}"#);
        client.send(r#"{"jsonrpc":"2.0","id":"two","method":"ping"}"#);
        client.expect(r#"{"jsonrpc":"2.0","id":"two","result":{}}"#);
        client.send(r#"{"jsonrpc":"2.0","id":3,"method":"test/echo","params":{"a":[1]}}"#);
        client.expect(r#"{"jsonrpc":"2.0","id":3,"result":{"a":[1]}}"#);
        client.send(r#"{"jsonrpc":"2.0","id":4,"method":"no/such"}"#);
        client.expect(r#"{"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"unknown method: no/such"}}"#);
        client.send(concat!(
            r#"{"jsonrpc":"2.0","id":5,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
            r#""capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#
        ));
        assert_eq!(
            client.message()["result"]["protocolVersion"],
            "2025-11-25",
            "{over:?}"
        );
        assert_eq!(client.in_flight(), 0);
    }
}

/// rmcp's defects 2, 3 and 13: none of these lines ends the connection, loses another's answer or goes unanswered.
#[test]
fn faulty_lines_are_answered_and_the_host_goes_on() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.write(b"\xef\xbb\xbf");
        for (line, expected) in [
            (
                r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/no/such","params":[1]}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":7}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}"#,
                None,
            ),
            (r#"{"jsonrpc":"2.0","method":"ping"}"#, None),
            (r#"{"jsonrpc":"2.0","id":77,"result":{}}"#, None),
            (
                r#"{"jsonrpc":"2.0","id":77,"error":{"code":1,"message":"x"}}"#,
                None,
            ),
            (r#"{"jsonrpc":"2.0","id":77,"error":7}"#, None),
            ("", None),
            ("  \t \r", None),
            ("{", Some((None, -32700))),
            ("\0", Some((None, -32700))),
            ("[]", Some((None, -32600))),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
                Some((None, -32600)),
            ),
            ("null", Some((None, -32600))),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
                Some((None, -32600)),
            ),
            (
                r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
                Some((Some(json!(1)), -32600)),
            ),
            (
                r#"{"id":"a","method":"ping"}"#,
                Some((Some(json!("a")), -32600)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}"#,
                Some((Some(json!(1)), -32600)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"no/such","params":"x"}"#,
                Some((Some(json!(1)), -32601)),
            ),
        ] {
            client.send(line);
            if let Some((id, code)) = expected {
                let answer = client.message();
                assert_eq!(
                    (answer.get("id"), &answer["error"]["code"]),
                    (id.as_ref(), &json!(code)),
                    "{over:?}: {line}"
                );
                assert_eq!(answer["jsonrpc"], "2.0");
                assert!(answer["error"]["message"].is_string());
            }
            client.expect_nothing_more();
        }
        client.write(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xff\"}\n");
        client.expect(r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"the line is not valid UTF-8 (at byte 45)"}}"#);
        client.write(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n");
        client.expect(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        assert_eq!(client.in_flight(), 0);
    }
}

#[test]
fn parameters_too_deep_for_rmcp_are_answered() {
    let mut client = connect(Over::Pipes, StdioOptions::default());
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    client.send(format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{{"a":{}}}}}"#,
        nested(100)
    ));
    assert_eq!(client.message()["result"]["a"].to_string(), nested(100));
    for params in [nested(100_000), format!("{{\"a\":{}}}", nested(100_000))] {
        client.send(format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{params}}}"#
        ));
        let answer = client.message();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(1), &json!(-32602)),
            "{answer}"
        );
    }
    // A call's parameters are not looked into here.
    client.send_call(2, &nested(100_000));
    answer(client.call());
    client.expect(&format!(
        r#"{{"jsonrpc":"2.0","id":2,"result":{}}}"#,
        nested(100_000)
    ));
    client.expect_nothing_more();
}

/// rmcp's defect 3.
#[test]
fn a_duplicate_id_does_not_disturb_the_first() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        let refused = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"duplicate request id: a request with this id is not answered yet"}}"#;
        client.send_call(1, r#""first""#);
        let first = client.call();
        client.send_call(1, r#""echo""#);
        client.expect(refused);
        client.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        client.expect(refused);
        answer(first);
        client.expect(r#"{"jsonrpc":"2.0","id":1,"result":"first"}"#);

        client.send(r#"{"jsonrpc":"2.0","id":1,"method":"test/wait"}"#);
        assert_eq!(client.handled.recv_timeout(LONG).unwrap(), "test/wait");
        client.send_call(1, r#""echo""#);
        client.expect(refused);
        client.expect_nothing_more();
    }
}

#[test]
fn a_cancelled_call_is_never_answered() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        for id in ["1", r#""a""#] {
            client.send_call(id, "{}");
            let call = client.call();
            client.send(format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#));
            wait_until("the token is cancelled", || call.cancel.is_cancelled());
            call.reply.notes().send(b"{}".to_vec());
            // The id may be used again, and the late answer does not hit the new call.
            client.send_call(id, r#""again""#);
            let again = client.call();
            answer(call);
            answer(again);
            client.expect(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":"again"}}"#
            ));
            // Cancelled after its answer, twice.
            for _ in 0..2 {
                client.send(format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#));
            }
            client.expect_nothing_more();
        }
        // A dropped reply is no answer either.
        client.send_call(1, "{}");
        let call = client.call();
        client.send(
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        );
        wait_until("the token is cancelled", || call.cancel.is_cancelled());
        drop(call);
        client.expect_nothing_more();
    }
}

#[test]
fn a_cancelled_request_of_rmcps_is_never_answered() {
    let mut client = connect(Over::Pipes, StdioOptions::default());
    client.send(r#"{"jsonrpc":"2.0","id":1,"method":"test/wait"}"#);
    assert_eq!(client.handled.recv_timeout(LONG).unwrap(), "test/wait");
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}}"#);
    assert_eq!(client.handled.recv_timeout(LONG).unwrap(), "cancelled");
    client.expect_nothing_more();
    // rmcp has its answer at some moment from here on. An id is never used again, so nothing can be taken for it.
    client.send(r#"{"jsonrpc":"2.0","id":2,"method":"test/echo","params":{"a":1}}"#);
    client.expect(r#"{"jsonrpc":"2.0","id":2,"result":{"a":1}}"#);
    client.expect_nothing_more();
}

#[test]
fn the_host_may_ask_the_client() {
    let mut client = connect(Over::Sockets, StdioOptions::default());
    client.send(r#"{"jsonrpc":"2.0","id":1,"method":"test/ask"}"#);
    let question = client.message();
    assert_eq!(question["method"], "ping");
    // An id of the host's is not one of the client's.
    client.send_call(&question["id"], r#""echo""#);
    client.expect(&format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":"echo"}}"#,
        question["id"]
    ));
    client.send(format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#,
        question["id"]
    ));
    client.expect(r#"{"jsonrpc":"2.0","id":1,"result":true}"#);
}

/// rmcp's defect 1, on the path of calls.
#[test]
fn a_panic_is_answered() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        let internal =
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}"#;
        client.send_call(1, r#""panic""#);
        client.expect(internal);
        client.send_call(1, "{}");
        let call = client.call();
        let _ = thread::spawn(move || {
            let _reply = call.reply;
            panic!("a call that panics later");
        })
        .join();
        client.expect(internal);
        client.expect_nothing_more();
    }
}

#[test]
fn what_belongs_to_a_call_comes_before_its_answer() {
    let mut client = connect(Over::Pipes, StdioOptions::default());
    client.send_call(1, "{}");
    let call = client.call();
    call.reply.notes().send(br#"{"progress":1}"#.to_vec());
    call.reply.notes().send(br#"{"progress":2}"#.to_vec());
    answer(call);
    client.expect(r#"{"progress":1}"#);
    client.expect(r#"{"progress":2}"#);
    client.expect(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
}

/// A script writes everything at once: the call comes after the handshake is answered.
#[test]
fn nothing_overtakes_the_handshake() {
    for _ in 0..50 {
        let mut client = connect(Over::Pipes, StdioOptions::default());
        client.write(concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
            r#""capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#,
            "\n",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "\n",
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":"echo"}"#,
            "\n"
        ));
        assert_eq!(client.message()["id"], 1);
        client.expect(r#"{"jsonrpc":"2.0","id":2,"result":"echo"}"#);
    }
}
