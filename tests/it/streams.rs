//! Lines in great number, of great length, in pieces, and clients that are slow to read them.

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::session::{first_text, tool_error};
use crate::support::{Era, Folder, Session, Start, Wire, everywhere};

const MIB: usize = 1 << 20;

#[test]
fn five_hundred_requests_in_one_write_are_all_answered() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let mut lines = String::new();
        let mut ids = Vec::new();
        for number in 0..500 {
            let request = match number % 3 {
                0 => session.compose("tools/list", json!({})),
                _ => session.compose(
                    "tools/call",
                    json!({"name": "echo_text", "arguments": {"text": format!("{number}")}}),
                ),
            };
            ids.push((number, request["id"].clone()));
            writeln!(lines, "{request}").expect("a string takes everything");
        }
        let writer = session.host.send_from_a_thread(lines.into_bytes());
        for (number, id) in ids {
            let answer = session.host.answer(&id);
            if number % 3 != 0 {
                assert_eq!(answer["result"]["content"][0]["text"], format!("{number}"));
            }
        }
        writer
            .join()
            .expect("writing does not panic")
            .expect("the host reads");
    });
}

#[test]
fn answers_larger_than_a_pipe_reach_a_slow_reader_whole() {
    let folder = Folder::with(&["hostile", "echo"]);
    everywhere(&folder, |session| {
        session.call("echo_text", json!({"text": "compiled"}));
        session.host.pause_reading();
        let large: Vec<Value> = (0..4)
            .map(|_| session.start_call("hostile_large_text", json!({})))
            .collect();
        let small: Vec<Value> = (0..4)
            .map(|_| session.start_call("echo_text", json!({"text": "small"})))
            .collect();
        session.host.read_by(4096);
        for id in &large {
            assert_eq!(first_text(&session.call_result(id)).len(), 4 * MIB);
        }
        for id in &small {
            assert_eq!(first_text(&session.call_result(id)), "small");
        }
    });
}

#[test]
fn a_client_that_stops_reading_costs_a_bounded_amount_of_memory() {
    let folder = Folder::with(&["hostile", "echo"]);
    for wire in Wire::ALL {
        let mut session = Session::open(Start::new(&folder).wire(wire).start(), Era::Modern);
        session.call("hostile_large_text", json!({}));
        session.host.pause_reading();
        // Their answers are 4 MiB each: 800 MiB that nobody fetches.
        let mut lines = String::new();
        let mut ids = Vec::new();
        for _ in 0..200 {
            let params = json!({"name": "hostile_large_text", "arguments": {}});
            let request = session.compose("tools/call", params);
            ids.push(request["id"].clone());
            writeln!(lines, "{request}").expect("a string takes everything");
        }
        let writer = session.host.send_from_a_thread(lines.into_bytes());
        let most = session.host.most_memory_until_idle() >> 20;
        eprintln!("{wire:?}: at most {most} MiB while nobody reads");
        assert!(
            most < 400,
            "the host holds {most} MiB for a client that does not read"
        );
        // Each is answered as soon as that is fetched; one that waited too long for its turn says so.
        session.host.read_by(1 << 16);
        for id in &ids {
            let result = session.call_result(id);
            if result["isError"] == true {
                assert_eq!(tool_error(&result).0, "unavailable");
            } else {
                assert_eq!(first_text(&result).len(), 4 * MIB);
            }
        }
        writer
            .join()
            .expect("writing does not panic")
            .expect("the host reads");
    }
}

#[test]
fn a_line_longer_than_allowed_is_answered_with_the_limit() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let mut request = session.compose(
            "tools/call",
            json!({"name": "echo_length", "arguments": {"text": "x".repeat(17 * MIB)}}),
        );
        session.host.send(&request);
        let answer = session.host.answer(&request["id"]);
        assert!(answer["error"]["code"].is_i64(), "{answer}");
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(
            message.contains("16 MiB") || message.contains("16777216"),
            "the limit is not in {message:?}"
        );

        // With its id at the very end, nobody can know whom to answer: but an answer comes.
        let members = request.as_object_mut().expect("a request is an object");
        let id = members.shift_remove("id").expect("it has an id");
        let text = serde_json::to_string(members).expect("it is JSON");
        let line = format!("{},\"id\":{id}}}\n", &text[..text.len() - 1]);
        session.host.account(b"{}\n");
        session
            .host
            .send_unaccounted(line.as_bytes())
            .expect("the host reads");
        assert!(session.host.anonymous_error()["error"]["code"].is_i64());
        session.settle(&[]);
    });
}

#[test]
fn a_line_just_within_the_limit_is_served() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let result = session.call("echo_length", json!({"text": "x".repeat(15 * MIB)}));
        assert_eq!(result["structuredContent"], json!({"result": 15 * MIB}));
    });
}

#[test]
fn a_line_may_come_in_pieces_and_many_in_one() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let one = session.compose(
            "tools/call",
            json!({"name": "echo_text", "arguments": {"text": "ä\u{1f600}"}}),
        );
        let line = format!("{one}\n");
        session.host.account(line.as_bytes());
        // Byte by byte, also through the middle of a character.
        for byte in line.as_bytes() {
            session
                .host
                .send_unaccounted(&[*byte])
                .expect("the host reads");
        }
        assert_eq!(first_text(&session.call_result(&one["id"])), "ä\u{1f600}");

        let two = session.compose("tools/list", json!({}));
        let three = session.compose("tools/list", json!({}));
        let lines = format!("{two}\n\n\r\n{three}\n");
        let (start, end) = lines.split_at(lines.len() / 2);
        session.host.account(lines.as_bytes());
        session
            .host
            .send_unaccounted(start.as_bytes())
            .expect("the host reads");
        session
            .host
            .send_unaccounted(end.as_bytes())
            .expect("the host reads");
        session.host.answer(&two["id"]);
        session.host.answer(&three["id"]);
    });
}

#[test]
fn a_mark_of_byte_order_at_the_very_beginning_is_passed_over() {
    for era in Era::BOTH {
        let mut host = Start::new(&Folder::empty()).start();
        host.send_unaccounted(b"\xef\xbb\xbf")
            .expect("the host reads");
        Session::open(host, era).tool_names();
    }
}

#[test]
fn ten_thousand_calls_in_flight_are_all_answered_within_bounds() {
    let folder = Folder::with(&["sleepy", "echo"]);
    for wire in Wire::ALL {
        let mut session = Session::open(Start::new(&folder).wire(wire).start(), Era::Modern);
        session.call("sleepy_nap", json!({"milliseconds": 0}));
        let before = session.host.memory();
        let mut lines = String::new();
        let mut ids = Vec::new();
        for _ in 0..10_000 {
            let request = session.compose(
                "tools/call",
                json!({"name": "sleepy_nap", "arguments": {"milliseconds": 1}}),
            );
            ids.push(request["id"].clone());
            writeln!(lines, "{request}").expect("a string takes everything");
        }
        let start = Instant::now();
        let writer = session.host.send_from_a_thread(lines.into_bytes());
        let mut most = 0;
        for (number, id) in ids.iter().enumerate() {
            session.call_result(id);
            if number % 100 == 0 {
                most = most.max(session.host.memory());
            }
        }
        writer
            .join()
            .expect("writing does not panic")
            .expect("the host reads");
        eprintln!(
            "{wire:?}: 10,000 naps of 1 ms in {:?}, {} MiB before, at most {} MiB",
            start.elapsed(),
            before >> 20,
            most >> 20
        );
        assert!(
            most < before + 400 * MIB as u64,
            "{} MiB became {} MiB",
            before >> 20,
            most >> 20
        );
    }
}
