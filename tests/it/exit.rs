//! The end of a session: when stdin ends the process is gone, whatever was running in it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Era, Folder, Host, Session, Start, Wire};

/// What the design promises is one second; on a machine that runs many tests at once this much passes, and the figure is printed.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn at_the_end_of_input_an_idle_host_is_gone() {
    for_all(&[], |_| {});
}

#[test]
fn at_the_end_of_input_a_host_that_nobody_spoke_to_is_gone() {
    for wire in Wire::ALL {
        let folder = Folder::with(&["echo"]);
        let host = Start::new(&folder).wire(wire).start();
        check_end("never spoken to", host);
    }
}

#[test]
fn at_the_end_of_input_guests_in_endless_loops_are_gone_too() {
    for_all(&["hostile", "echo"], |session| {
        session.call("echo_text", json!({"text": "compiled"}));
        session.call("hostile_trap", json!({}));
        for _ in 0..4 {
            session.start_call("hostile_loop_for_an_hour", json!({}));
            session.start_call("hostile_sleep_for_an_hour", json!({}));
        }
        session.call("echo_text", json!({"text": "they run"}));
    });
}

#[test]
fn at_the_end_of_input_a_subscription_ends_too() {
    let folder = Folder::with(&["echo"]);
    let mut session = Session::modern(&folder);
    session.listen();
    check_end("listening", session.host);
}

#[test]
fn at_the_end_of_input_a_compilation_is_ended_too() {
    let folder = Folder::with(&["hostile", "echo"]);
    for wire in Wire::ALL {
        let cache = tempfile::TempDir::new().expect("a temporary folder can be made");
        let mark = format!("{wire:?}-{}", std::process::id());
        let start = Start::new(&folder)
            .wire(wire)
            .cache(cache.path())
            .variable("TOOLBAY_TEST_MARK", &mark);
        let mut session = Session::open(start.start(), Era::Modern);
        session.start_call("hostile_trap", json!({}));
        session.tool_names();
        check_end("compiling", session.host);
        // Nor is any process left that it had started.
        let deadline = Instant::now() + Duration::from_secs(2);
        while !processes_with(&mark).is_empty() {
            assert!(
                Instant::now() < deadline,
                "still running: {:?}",
                processes_with(&mark)
            );
        }
    }
}

#[test]
fn stdin_closed_in_the_middle_of_a_line() {
    for_all(&["echo"], |session| {
        session.host.account(b"{}\n");
        session
            .host
            .send_unaccounted(b"{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"tools/li")
            .expect("the host reads");
    });
}

#[test]
fn a_last_request_without_the_end_of_its_line() {
    let folder = Folder::with(&["echo"]);
    for wire in Wire::ALL {
        let mut session = Session::open(Start::new(&folder).wire(wire).start(), Era::Modern);
        let request = session.compose("tools/list", json!({})).to_string();
        session.host.account(request.as_bytes());
        session
            .host
            .send_unaccounted(request.as_bytes())
            .expect("the host reads");
        check_end("a line without an end", session.host);
    }
}

#[test]
fn what_was_asked_before_the_end_of_input_is_answered() {
    let folder = Folder::with(&["echo"]);
    for wire in Wire::ALL {
        let mut session = Session::open(Start::new(&folder).wire(wire).start(), Era::Modern);
        session.call("echo_text", json!({"text": "compiled"}));
        let ids: Vec<Value> = (0..20)
            .map(|_| session.start_call("echo_text", json!({"text": "hi"})))
            .collect();
        session.host.close();
        for id in ids {
            assert_eq!(session.call_result(&id)["content"][0]["text"], "hi");
        }
        session.host.wait_for_exit();
    }
}

#[test]
fn a_client_that_goes_away_with_answers_unread() {
    let folder = Folder::with(&["hostile"]);
    for wire in Wire::ALL {
        let mut session = Session::open(Start::new(&folder).wire(wire).start(), Era::Modern);
        session.call("hostile_large_text", json!({}));
        session.host.pause_reading();
        for _ in 0..20 {
            session.start_call("hostile_large_text", json!({}));
        }
        session.host.close();
        let (_, took) = session.host.wait_for_exit();
        eprintln!("{wire:?}: gone {took:?} after the end of input, its answers unread");
        assert!(took < LIMIT);
        session.host.forgive_an_unfinished_line();
    }
}

/// Over both wires and in both eras: what `prepare` does, then the end of input.
fn for_all(guests: &[&str], prepare: impl Fn(&mut Session)) {
    let folder = Folder::with(guests);
    for wire in Wire::ALL {
        for era in Era::BOTH {
            let mut session = Session::open(Start::new(&folder).wire(wire).start(), era);
            prepare(&mut session);
            check_end(&format!("{wire:?}, {era:?}"), session.host);
        }
    }
}

fn check_end(what: &str, mut host: Host) {
    host.close();
    let (status, took) = host.wait_for_exit();
    eprintln!("{what}: gone {took:?} after the end of input");
    assert!(took < LIMIT, "{what}: it took {took:?}");
    assert_eq!(
        status.code(),
        Some(0),
        "{what}: {status}; stderr:\n{}",
        host.stderr()
    );
}

/// The processes in whose environment a mark is.
fn processes_with(mark: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("there is /proc");
    let is_marked = |id: &u32| {
        // One that has just ended, or is another user's, cannot be read.
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment
            .windows(mark.len())
            .any(|window| window == mark.as_bytes())
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(is_marked)
        .collect()
}
