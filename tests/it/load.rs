//! Much at once: hostile calls beside good ones, and replacements beside calls.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::session::{first_text, tool_error};
use crate::support::{Folder, Session};

/// Ten ways to misbehave.
const HOSTILE: [&str; 10] = [
    "loop_forever",
    "sleep_forever",
    "grow_slowly",
    "grow_at_once",
    "recurse",
    "trap",
    "panic",
    "exit_one",
    "fake_json_rpc",
    "invalid_json",
];

/// The host gives back what a crowd of calls has used when there was none for a few seconds.
const GIVING_BACK: Duration = Duration::from_secs(30);

/// Longer than the host waits before it gives memory back, in milliseconds.
const NAP: u64 = 8000;

#[test]
fn two_hundred_hostile_calls_beside_a_good_plugin() {
    let folder = Folder::with(&["hostile", "echo"]);
    let mut session = Session::modern(&folder);
    for tool in HOSTILE {
        session.call(&format!("hostile_{tool}"), json!({}));
    }
    session.call("echo_text", json!({"text": "compiled"}));
    let before = session.least_resident();
    // The second time, so that a host that grows a little with each crowd is found out.
    for _ in 0..2 {
        two_hundred_at_once(&mut session);
        let used = session.host.resident();
        let start = Instant::now();
        let after = session.wait_for_resident(before + before / 10, GIVING_BACK);
        eprintln!(
            "{} MiB before the calls, {} MiB after them, {} MiB {:.1?} later",
            before >> 20,
            used >> 20,
            after >> 20,
            start.elapsed()
        );
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "still here"}))),
            "still here"
        );
        // It has crashed so often that it is left alone for a while, and runs again once a call of it has ended well.
        session.call_until("hostile_fake_json_rpc", &json!({}), |result| {
            result["isError"] != true
        });
        let result = session.call("hostile_trap", json!({}));
        assert_eq!(tool_error(&result).0, "internal");
    }
}

#[test]
fn calls_go_on_while_the_memory_of_others_is_given_back() {
    let folder = Folder::with(&["hostile", "echo", "sleepy"]);
    let mut session = Session::modern(&folder);
    session.call("hostile_trap", json!({}));
    session.call("echo_text", json!({"text": "compiled"}));
    session.call("sleepy_nap", json!({"milliseconds": 0}));
    let before = session.least_resident();
    // It begins in the place that the crowd uses too, and ends when everybody else has left that.
    let nap = session.start_call("sleepy_nap", json!({"milliseconds": NAP}));
    let mut crowd = Vec::new();
    for tool in ["hostile_sleep_forever", "hostile_trap"] {
        crowd.extend((0..100).map(|_| session.start_call(tool, json!({}))));
    }
    for id in crowd {
        tool_error(&session.call_result(&id));
    }
    let answer = loop {
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "beside"}))),
            "beside"
        );
        let is_answer = |message: &Value| message["id"] == nap;
        if let Some(answer) = session.host.wait_until(Instant::now(), is_answer) {
            break answer;
        }
    };
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    let after = session.wait_for_resident(before + before / 10, GIVING_BACK);
    eprintln!("{} MiB before, {} MiB after", before >> 20, after >> 20);
}

fn two_hundred_at_once(session: &mut Session) {
    let start = Instant::now();
    let mut hostile = Vec::new();
    for number in 0..200 {
        hostile.push(session.start_call(
            &format!("hostile_{}", HOSTILE[number % HOSTILE.len()]),
            json!({}),
        ));
    }
    // Good calls until the last hostile one is answered, each right.
    let mut slowest = Duration::ZERO;
    let mut good = 0;
    let mut waiting = hostile.clone();
    while !waiting.is_empty() {
        let asked = Instant::now();
        let text = format!("good {good}");
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": text}))),
            text
        );
        slowest = slowest.max(asked.elapsed());
        good += 1;
        waiting.retain(|id| {
            let is_answer =
                |message: &Value| message["id"] == *id && message.get("method").is_none();
            let Some(answer) = session.host.wait_until(Instant::now(), is_answer) else {
                return true;
            };
            let result = &answer["result"];
            if result["isError"] == true {
                tool_error(result);
            } else {
                assert_eq!(first_text(result), "honest");
            }
            false
        });
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "{} hostile calls have no answer",
            waiting.len()
        );
    }
    eprintln!(
        "200 hostile calls answered after {:?}; beside them {good} good ones, the slowest {slowest:?}",
        start.elapsed()
    );
    session.settle(&hostile.iter().collect::<Vec<_>>());
}

#[test]
fn fifty_replacements_while_sixteen_calls_are_always_in_flight() {
    let folder = Folder::with(&["echo", "greeter-v1"]);
    let mut session = Session::modern(&folder);
    session.listen();
    let arguments = json!({"name": "Ada"});
    session.call("greeter_greet", arguments.clone());

    let versions = [
        ("greeter-v2", "Good day, Ada."),
        ("greeter-v1", "Hello, Ada!"),
    ];
    let mut in_flight: Vec<Value> = (0..16)
        .map(|_| session.start_call("greeter_greet", arguments.clone()))
        .collect();
    let mut answered = 0;
    for round in 0..50 {
        let (guest, expected) = versions[round % 2];
        folder.add_as(guest, "greeter-v1.wasm");
        let replaced = Instant::now();
        // One answer in, one call out, until the new one answers.
        loop {
            let id = in_flight.remove(0);
            let result = session.call_result(&id);
            assert_ne!(
                result["isError"], true,
                "a call failed in round {round}: {result}"
            );
            let text = first_text(&result);
            assert!(
                versions.iter().any(|(_, known)| *known == text),
                "neither version says {text:?}"
            );
            answered += 1;
            in_flight.push(session.start_call("greeter_greet", arguments.clone()));
            if text == expected {
                break;
            }
            assert!(
                replaced.elapsed() < crate::support::PATIENCE,
                "the build of round {round} never answered"
            );
        }
    }
    for id in in_flight {
        assert_ne!(session.call_result(&id)["isError"], true);
        answered += 1;
    }
    eprintln!("50 replacements, {answered} calls answered");
    for message in session.settle(&[]) {
        assert_ne!(
            message["method"], "notifications/tools/list_changed",
            "the list never changed"
        );
    }
}

#[test]
fn killed_in_the_middle_of_compiling_a_usable_cache_is_left() {
    let folder = Folder::with(&["hostile", "echo"]);
    let cache = tempfile::TempDir::new().expect("a temporary folder can be made");
    // Each is killed a little later than the one before, from before the first byte until after the last.
    for round in 0..10_u32 {
        let start = crate::support::Start::new(&folder)
            .cache(cache.path())
            .start();
        let mut session = Session::open(start, crate::support::Era::Modern);
        let id = session.start_call("hostile_trap", json!({}));
        let answer = session.host.wait_until(
            Instant::now() + Duration::from_millis(60) * round,
            |message| message["id"] == id,
        );
        session.host.kill();
        if answer.is_some() {
            break;
        }
    }
    let start = crate::support::Start::new(&folder)
        .cache(cache.path())
        .start();
    let mut session = Session::open(start, crate::support::Era::Modern);
    assert_eq!(
        tool_error(&session.call("hostile_trap", json!({}))).0,
        "internal"
    );
    assert_eq!(
        first_text(&session.call("echo_text", json!({"text": "hi"}))),
        "hi"
    );
}
