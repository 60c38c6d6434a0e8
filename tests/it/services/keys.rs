//! `idempotency`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{Place, code};
use crate::support::command::{converse, toolbay};
use crate::support::session::tool_error;
use crate::support::{Era, Session};

impl Place {
    fn payment(&self, key: &str, amount: u64, mode: &str) -> Value {
        json!({"url": self.url(), "amount": amount, "mode": mode, "idempotency_key": key})
    }

    fn pay(&self, session: &mut Session, key: &str, amount: u64, mode: &str) -> Value {
        session.call("keeper_pay", self.payment(key, amount, mode))
    }

    /// How often each key has reached the server.
    fn effects(&self) -> HashMap<String, usize> {
        let mut effects = HashMap::new();
        for request in self.server.requests() {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let key = body.split_once(' ').expect("it has a key").1;
            *effects.entry(key.to_owned()).or_default() += 1;
        }
        effects
    }
}

fn state(result: &Value) -> Value {
    result["_meta"]["toolbay/error"]["details"]["state"].clone()
}

#[test]
fn a_retry_gives_the_first_result_and_does_nothing() {
    let place = Place::new();
    for era in [Era::LEGACY, Era::Modern] {
        let key = format!("{era:?}");
        let mut session = place.open(era);
        let first = place.pay(&mut session, &key, 5, "good");
        assert_eq!(first["structuredContent"], json!({"amount": 5}), "{first}");
        for _ in 0..3 {
            let again = place.pay(&mut session, &key, 5, "good");
            let replayed = json!({"amount": 5, "idempotent_replay": true});
            assert_eq!(again["structuredContent"], replayed, "{again}");
            assert_eq!(again["_meta"]["toolbay/idempotent_replay"], true);
        }
        // In another host too, and the advertised schema allows it.
        drop(session);
        let mut session = place.open(era);
        let again = place.pay(&mut session, &key, 5, "good");
        assert_eq!(again["structuredContent"]["idempotent_replay"], true);
        let tools = session.list_tools();
        let pay = tools.iter().find(|tool| tool["name"] == "keeper_pay");
        let schema = &pay.expect("it is listed")["outputSchema"];
        assert_eq!(
            schema["properties"]["idempotent_replay"]["type"], "boolean",
            "{schema}"
        );

        // Other arguments are another call.
        let other = place.pay(&mut session, &key, 6, "good");
        let (code, sentence) = tool_error(&other);
        assert_eq!(code, "conflict");
        assert!(sentence.contains("other arguments"), "{sentence}");
        assert_eq!(place.effects()[&key], 1);
    }
    // Without a key each call is one.
    let mut session = place.open(Era::Modern);
    for _ in 0..2 {
        session.call("keeper_pay", json!({"url": place.url(), "amount": 1}));
    }
    assert_eq!(place.effects()["-"], 2);
    let long = place.pay(&mut session, &"x".repeat(300), 1, "good");
    assert_eq!(code(&long), "validation_error");
}

#[test]
fn what_failed_in_order_may_be_tried_again_and_what_was_ended_in_the_middle_not() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    for (mode, expected) in [
        ("refused", "validation_error"),
        ("fails_after", "unavailable"),
    ] {
        for _ in 0..2 {
            assert_eq!(code(&place.pay(&mut session, mode, 1, mode)), expected);
        }
    }
    assert_eq!(place.effects().get("fails_after"), Some(&2));

    assert_eq!(
        code(&place.pay(&mut session, "crash", 1, "crashes_after")),
        "internal"
    );
    let again = place.pay(&mut session, "crash", 1, "crashes_after");
    let (code_again, sentence) = tool_error(&again);
    assert_eq!(
        (code_again.as_str(), state(&again)),
        ("conflict", json!("unknown")),
        "{again}"
    );
    assert!(
        sentence.contains("toolbay idempotency clear keeper_pay 'crash'"),
        "{sentence}"
    );
    assert_eq!(place.effects()["crash"], 1);

    // A person who has looked may free it.
    let command = |arguments: &[&str]| {
        let mut command = toolbay(place.home.path());
        command
            .args(arguments)
            .env("TOOLBAY_STATE_DIR", place.home.path().join("state"));
        command
    };
    let (shown, _) = converse(command(&["idempotency", "list"]), &[]);
    assert!(
        shown.contains("unknown  keeper_pay  crash  of local"),
        "{shown}"
    );
    let (shown, status) = converse(
        command(&["idempotency", "clear", "keeper_pay", "crash"]),
        &[],
    );
    assert_eq!(status, Some(0), "{shown}");
    assert_eq!(
        code(&place.pay(&mut session, "crash", 1, "crashes_after")),
        "internal"
    );
    assert_eq!(place.effects()["crash"], 2);
}

#[test]
fn a_second_call_waits_for_the_first_and_a_killed_one_is_told_apart() {
    let place = Place::new();
    let mut hosts = [place.open(Era::LEGACY), place.open(Era::Modern)];
    let first = hosts[0].start_call("keeper_pay", place.payment("slow", 7, "hangs_after"));
    place.server.wait_for_requests(1);
    // It runs, so a retry waits, in this host and in another.
    let waiting: Vec<Value> = hosts
        .iter_mut()
        .map(|host| host.start_call("keeper_pay", place.payment("slow", 7, "hangs_after")))
        .collect();
    let [one, other] = &mut hosts;
    one.call("keeper_crash", json!({"really": false}));
    other.call("keeper_crash", json!({"really": false}));
    assert!(one.host.left_over().is_empty() && other.host.left_over().is_empty());
    one.host.kill();
    let told = other.call_result(&waiting[1]);
    assert_eq!(
        (code(&told).as_str(), state(&told)),
        ("conflict", json!("unknown")),
        "{told}"
    );
    assert_eq!(place.effects()["slow"], 1);
    drop(first);
    // What was never begun is free.
    let good = place.pay(other, "fresh", 7, "good");
    assert_eq!(good["structuredContent"], json!({"amount": 7}));
}

#[test]
fn a_cancelled_call_is_of_unknown_end() {
    let place = Place::new();
    let mut session = place.open(Era::LEGACY);
    let id = session.start_call("keeper_pay", place.payment("gone", 7, "hangs_after"));
    place.server.wait_for_requests(1);
    session.cancel(&id);
    let told = place.pay(&mut session, "gone", 7, "hangs_after");
    assert_eq!(
        (code(&told).as_str(), state(&told)),
        ("conflict", json!("unknown")),
        "{told}"
    );
    assert_eq!(place.effects()["gone"], 1);
}

/// What a client does whose host may be killed at any moment: calls until each key has an end.
fn storm(clients: usize, keys: usize, retries: usize, kills: usize, hosts_at_once: bool) {
    let place = Arc::new(Place::new());
    let (done, called) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (replays, unknown) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (first, processes) = std::sync::mpsc::channel();
    let running: Vec<_> = (0..clients)
        .map(|client| {
            let (place, called, first) = (place.clone(), called.clone(), first.clone());
            let (replays, unknown) = (replays.clone(), unknown.clone());
            thread::spawn(move || {
                let mut session = place.open(if client % 2 == 0 {
                    Era::LEGACY
                } else {
                    Era::Modern
                });
                let _ = first.send(session.host.id());
                for retry in 0..retries / clients {
                    let key = format!("key-{}", (client * 7 + retry * 13) % keys);
                    let payment = place.payment(&key, 3, "good");
                    loop {
                        let params = json!({"name": "keeper_pay", "arguments": payment});
                        let message = session.compose("tools/call", params);
                        let line = format!("{message}\n").into_bytes();
                        session.host.account(&line);
                        let sent = session.host.send_unaccounted(&line);
                        let answer = sent
                            .ok()
                            .and_then(|()| session.host.try_answer(&message["id"]));
                        let Some(mut answer) = answer else {
                            // It was killed: the client starts it again, and tries again.
                            session.host.forgive_an_unfinished_line();
                            session = place.open(session.era);
                            let _ = first.send(session.host.id());
                            continue;
                        };
                        called.fetch_add(1, Ordering::SeqCst);
                        let result = answer["result"].take();
                        if result["isError"] == true {
                            assert_eq!(state(&result), "unknown", "{result}");
                            unknown.fetch_add(1, Ordering::SeqCst);
                        } else if result["structuredContent"]["idempotent_replay"] == true {
                            replays.fetch_add(1, Ordering::SeqCst);
                        }
                        break;
                    }
                }
            })
        })
        .collect();
    drop(first);
    // Kills the newest hosts, each time some more calls were answered.
    let killer = thread::spawn({
        let (done, called) = (done.clone(), called.clone());
        move || {
            let mut killed = 0;
            let every = retries / (kills + 1);
            let mut alive: Vec<u32> = Vec::new();
            while killed < kills && !done.load(Ordering::SeqCst) {
                alive.extend(processes.try_iter());
                if called.load(Ordering::SeqCst) >= every * (killed + 1) && !alive.is_empty() {
                    let victim = if hosts_at_once { alive.len() } else { 1 };
                    for process in alive.drain(..victim) {
                        let process = rustix::process::Pid::from_raw(process.cast_signed());
                        let kill = rustix::process::Signal::KILL;
                        let _ = process.map(|process| rustix::process::kill_process(process, kill));
                    }
                    killed += 1;
                }
                thread::yield_now();
            }
            killed
        }
    });
    for client in running {
        client.join().expect("a client does not fail");
    }
    done.store(true, Ordering::SeqCst);
    let killed = killer.join().expect("it does not fail");
    let effects = place.effects();
    let twice: Vec<_> = effects.iter().filter(|(_, times)| **times > 1).collect();
    eprintln!(
        "{} calls answered, {} replays, {} of unknown end, {killed} kills, {} keys with an effect",
        called.load(Ordering::SeqCst),
        replays.load(Ordering::SeqCst),
        unknown.load(Ordering::SeqCst),
        effects.len()
    );
    assert!(twice.is_empty(), "done twice: {twice:?}");
    assert_eq!(killed, kills);
    // Whatever is not done was told to be unknown.
    assert!(
        effects.len() + unknown.load(Ordering::SeqCst) >= keys.min(retries),
        "{effects:?}"
    );
}

#[test]
fn no_effect_happens_twice_however_often_hosts_are_killed() {
    storm(4, 30, 240, 4, false);
}

#[test]
#[ignore = "the full size, which takes minutes: cargo nextest run --release --workspace --run-ignored only -E 'test(full_storm)'"]
fn full_storm() {
    storm(8, 100, 1000, 10, false);
    storm(8, 100, 1000, 10, true);
    storm(2, 100, 1000, 10, false);
}
