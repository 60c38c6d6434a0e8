//! How a connection ends: the input closes, the output closes, midway through anything.

use super::super::*;
use super::client::*;

/// What the host promises for its whole exit.
const ONE_SECOND: Duration = Duration::from_secs(1);

#[test]
fn requests_before_the_end_of_input_are_answered() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.write(concat!(
            r#"{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{"a":1}}"#,
            "\n",
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{}}"#,
            "\n",
            // No newline: it is a whole message all the same.
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":"echo"}"#,
        ));
        client.close_input();
        answer(client.call());
        let mut lines = client.rest();
        lines.sort();
        assert_eq!(
            lines,
            [
                r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#,
                r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
                r#"{"jsonrpc":"2.0","id":3,"result":"echo"}"#,
            ],
            "{over:?}"
        );
        assert!(client.wait_until_closed() < ONE_SECOND);
    }
}

#[test]
fn a_line_cut_off_by_the_end_is_answered() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.write(r#"{"jsonrpc":"2.0","id":1,"method":"tools/ca"#);
        client.close_input();
        client.expect(
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"the line is not valid JSON: EOF while parsing a string at line 1 column 42"}}"#,
        );
        assert_eq!(client.try_line(), None);
        assert!(client.wait_until_closed() < ONE_SECOND);
    }
}

#[test]
fn a_call_that_hangs_is_cancelled_by_the_end_of_input() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.send_call(1, "{}");
        let call = client.call();
        client.send(r#"{"jsonrpc":"2.0","id":2,"method":"test/wait"}"#);
        assert_eq!(client.handled.recv_timeout(LONG).unwrap(), "test/wait");
        client.close_input();
        assert!(client.wait_until_closed() < ONE_SECOND, "{over:?}");
        assert!(call.cancel.is_cancelled());
        drop(call);
        assert_eq!(client.rest(), Vec::<String>::new());
    }
}

/// A subscription never ends by itself, and nobody waits for it.
#[test]
fn a_subscription_does_not_delay_the_end() {
    let mut client = connect(Over::Pipes, StdioOptions::default());
    // Malformed, so that the test's own handler gets it.
    client.send(r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":[]}"#);
    assert_eq!(
        client.handled.recv_timeout(LONG).unwrap(),
        "subscriptions/listen"
    );
    client.close_input();
    assert!(client.wait_until_closed() < ANSWER_GRACE);
}

#[test]
fn a_client_that_does_not_read_does_not_delay_the_end() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.send_call(1, "{}");
        let call = client.call();
        call.reply.send(vec![b'x'; 5_000_000]);
        client.close_input();
        assert!(client.wait_until_closed() < ONE_SECOND, "{over:?}");
    }
}

#[test]
fn a_client_that_is_gone_ends_everything() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.send_call(1, "{}");
        client.send_call(2, "{}");
        let (first, second) = (client.call(), client.call());
        // Its input stays open, so only writing shows that it is gone.
        client.stop_reading();
        answer(first);
        assert!(client.wait_until_closed() < ONE_SECOND, "{over:?}");
        assert!(second.cancel.is_cancelled());
        answer(second);
    }
}

#[test]
fn an_end_without_a_message() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        client.close_input();
        assert_eq!(client.rest(), Vec::<String>::new());
        assert!(client.wait_until_closed() < ONE_SECOND);
    }
}
