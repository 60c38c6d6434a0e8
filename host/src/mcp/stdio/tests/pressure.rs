//! Many requests, large ones, and clients that do not keep up.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::*;
use super::client::*;

#[test]
fn five_hundred_requests_at_once() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        let mut lines = String::new();
        for id in 0..500 {
            lines += &match id % 3 {
                0 => format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":\"echo\"}}\n"
                ),
                1 => format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{}}}}\n"
                ),
                _ => format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n"),
            };
        }
        client.write(lines);
        for _ in 0..500 / 3 {
            let call = client.call();
            thread::spawn(|| answer(call));
        }
        // 1, 4, … 499 are one more than a third.
        answer(client.call());
        let mut answered = BTreeSet::new();
        for _ in 0..500 {
            let answer = client.message();
            assert!(answer.get("result").is_some(), "{answer}");
            assert!(answered.insert(answer["id"].as_i64().unwrap()), "{answer}");
        }
        assert!(answered.into_iter().eq(0..500), "{over:?}");
        client.expect_nothing_more();
    }
}

/// rmcp's defect 5.
#[test]
fn a_line_over_the_limit_is_answered() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        let filler = "x".repeat(17 * 1024 * 1024);
        let refused = |id: &str| {
            format!(
                r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32600,"message":"the message is longer than the limit of 16777216 bytes for one line and was skipped"}}}}"#
            )
        };
        client.send_call(7, &format!(r#"{{"a":"{filler}"}}"#));
        client.expect(&refused(r#""id":7,"#));
        client.send(format!(
            r#"{{"jsonrpc":"2.0","method":"ping","params":{{"a":"{filler}"}},"id":8}}"#
        ));
        client.expect(&refused(""));
        client.send(format!(
            r#"{{"jsonrpc":"2.0","id":9,"result":{{"a":"{filler}"}}}}"#
        ));
        client.expect_nothing_more();

        // Right at the limit it is served.
        let empty = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":"xx"}"#.len() - 2;
        client.send_call(7, &format!("\"{}\"", "x".repeat(16 * 1024 * 1024 - empty)));
        answer(client.call());
        assert!(client.line().len() > 16 * 1024 * 1024 - empty);
    }
}

#[test]
fn large_answers_reach_a_slow_client() {
    for over in BOTH {
        let mut client = connect(over, StdioOptions::default());
        for id in 0..20 {
            client.send_call(id, "{}");
        }
        let large = format!("\"{}\"", "y".repeat(1_000_000));
        for _ in 0..20 {
            let call = client.call();
            call.reply.send(answer_line(&call.id, &large));
        }
        // All of it waits here; the calls' own threads are free.
        assert!(client.queued_bytes() > 19_000_000);
        for id in 0..20 {
            client.expect(&String::from_utf8(answer_line(&RequestId::Number(id), &large)).unwrap());
        }
        client.expect_nothing_more();
    }
}

/// A client that writes without reading: the host stops taking requests, keeps what it holds bounded, and answers everything
/// once the client reads.
#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    const REQUESTS: usize = 3_000;
    const ANSWER: usize = 10_000;
    for over in BOTH {
        let options = StdioOptions {
            max_queued_output: 1_000_000,
            ..StdioOptions::default()
        };
        let started = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&started);
        let mut client = connect_with(over, options, move |request| {
            counting.fetch_add(1, Ordering::Relaxed);
            let line = answer_line(&request.id, &format!("\"{}\"", "y".repeat(ANSWER)));
            request.reply.send(line);
        });
        let mut to_host = client.to_host.take().unwrap();
        let writing = thread::spawn(move || {
            for id in 0..REQUESTS {
                let line = format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":\"echo\"}}\n"
                );
                std::io::Write::write_all(&mut to_host, line.as_bytes()).unwrap();
            }
            to_host
        });
        wait_until("the queue is full", || client.queued_bytes() >= 1_000_000);
        assert!(client.queued_bytes() < 1_000_000 + 2 * ANSWER);
        assert!(started.load(Ordering::Relaxed) < REQUESTS / 2, "{over:?}");
        for id in 0..REQUESTS {
            assert!(
                client
                    .line()
                    .starts_with(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},")),
                "{over:?}"
            );
        }
        client.to_host = Some(writing.join().unwrap());
        client.expect_nothing_more();
    }
}

#[test]
fn only_so_many_requests_are_under_way() {
    let options = StdioOptions {
        max_in_flight: 4,
        ..StdioOptions::default()
    };
    let mut client = connect(Over::Pipes, options);
    for id in 0..10 {
        client.send_call(id, "{}");
    }
    let mut calls: Vec<_> = (0..4).map(|_| client.call()).collect();
    // Every further call is started by an answer.
    for _ in 4..10 {
        assert!(client.calls.try_recv().is_err());
        answer(calls.remove(0));
        calls.push(client.call());
    }
    calls.into_iter().for_each(answer);
    for id in 0..10 {
        assert_eq!(client.message()["id"], id);
    }
    client.expect_nothing_more();
}

#[test]
fn only_so_many_bytes_are_under_way() {
    let options = StdioOptions {
        max_queued_input: 100_000,
        ..StdioOptions::default()
    };
    let mut client = connect(Over::Sockets, options);
    let mut to_host = client.to_host.take().unwrap();
    // On a thread of its own, because the host stops reading midway.
    let writing = thread::spawn(move || {
        let params = "x".repeat(60_000);
        for id in 0..4 {
            let line = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":\"{params}\"}}\n"
            );
            std::io::Write::write_all(&mut to_host, line.as_bytes()).unwrap();
        }
        to_host
    });
    let mut calls = vec![client.call(), client.call()];
    for _ in 2..4 {
        assert!(client.calls.try_recv().is_err());
        answer(calls.remove(0));
        calls.push(client.call());
    }
    calls.into_iter().for_each(answer);
    for id in 0..4 {
        assert_eq!(client.message()["id"], id);
    }
    client.to_host = Some(writing.join().unwrap());
    client.expect_nothing_more();
}

/// Notifications are no requests and cannot pile up either.
#[test]
fn a_flood_of_notifications_is_harmless() {
    let options = StdioOptions {
        max_queued_input: 10_000,
        ..StdioOptions::default()
    };
    let mut client = connect(Over::Pipes, options);
    for _ in 0..5_000 {
        client.send(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#);
    }
    client.expect_nothing_more();
    assert_eq!(client.in_flight(), 0);
}

/// Calls, cancellations and answers from several threads in every order: an uncancelled call gets one answer, a cancelled one
/// at most one, and no answer belongs to another call.
#[test]
fn cancellations_race_with_answers() {
    const CALLS: i64 = 5_000;
    for over in BOTH {
        let (sender, calls) = std::sync::mpsc::channel::<CallRequest>();
        let mut client = connect_with(over, StdioOptions::default(), move |request| {
            let RequestId::Number(id) = request.id else {
                panic!("a number")
            };
            match id % 4 {
                0 => answer(request),
                _ => drop(sender.send(request)),
            }
        });
        let answering = thread::spawn(move || calls.into_iter().for_each(answer));
        let mut to_host = client.to_host.take().unwrap();
        let writing = thread::spawn(move || {
            for id in 0..CALLS {
                let mut lines = format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"call\":{id}}}}}\n"
                );
                if id % 3 == 0 {
                    let cancelled = id - id % 5;
                    lines += &format!(
                        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{cancelled}}}}}\n"
                    );
                }
                std::io::Write::write_all(&mut to_host, lines.as_bytes()).unwrap();
            }
            to_host
        });
        let is_cancelled = |id: i64| id % 5 == 0 && (id..id + 5).any(|from| from % 3 == 0);
        let mut answered = BTreeSet::new();
        let mut missing = (0..CALLS).filter(|id| !is_cancelled(*id)).count();
        while missing > 0 {
            let answer = client.message();
            let id = answer["id"].as_i64().unwrap();
            assert_eq!(answer["result"]["call"], id);
            assert!(answered.insert(id), "{id} was answered twice");
            missing -= usize::from(!is_cancelled(id));
        }
        client.to_host = Some(writing.join().unwrap());
        client.close_input();
        for rest in client.rest() {
            let answer: serde_json::Value = serde_json::from_str(&rest).unwrap();
            let id = answer["id"].as_i64().unwrap();
            assert!(is_cancelled(id) && answered.insert(id), "{answer}");
        }
        answering.join().unwrap();
    }
}

/// A call that waits for room before it runs adds nothing to what the client has not taken.
#[test]
fn a_call_can_wait_until_the_client_reads() {
    for over in BOTH {
        let options = StdioOptions {
            max_queued_output: 1_000_000,
            ..StdioOptions::default()
        };
        let mut client = connect(over, options);
        client.send_call(1, "{}");
        client.send_call(2, "{}");
        let (first, second) = (client.call(), client.call());
        client.block_on(first.reply.room());
        first.reply.send(vec![b'x'; 3_000_000]);
        let waiting = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(second.reply.room());
            answer(second);
        });
        assert_eq!(client.line().len(), 3_000_000);
        client.expect(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#);
        waiting.join().unwrap();
    }
}
