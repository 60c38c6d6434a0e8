//! How a server says that it is well, and how it ends.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::support::http_client::{Client, HttpHost, audit, request};
use crate::support::{Era, Folder, Start, assembled};

#[test]
fn it_is_ready_once_the_folders_were_looked_at_whatever_is_in_them() {
    let folder = Folder::with(&["counter"]);
    // Asked to describe itself, which never ends, so that the first scan takes its time.
    folder.replace("loops.wasm", &assembled::undescribed("describe_loops"));
    folder.replace("broken.wasm", b"not a component");
    let host = HttpHost::start(Start::new(&folder));
    let (status, body) = host.get("/readyz");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["status"], "starting");
    let (status, body) = host.get("/healthz");
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("ok")));
    host.wait_until_ready();
    assert_eq!(host.get("/readyz").1["status"], "ready");
    let mut client = Client::open(&host, Era::Modern, None);
    // The broken file may still be taken for one that somebody is writing.
    let start = std::time::Instant::now();
    loop {
        let status = client.call("toolbay_status", json!({}));
        if status["structuredContent"]["status"] == "degraded" {
            break;
        }
        assert!(start.elapsed() < crate::support::PATIENCE, "{status}");
    }
}

#[test]
fn a_running_call_may_finish() {
    let folder = Folder::with(&["sleepy"]);
    let state = TempDir::new().expect("a temporary folder can be made");
    for era in Era::BOTH {
        let mut host = HttpHost::start(Start::new(&folder).state(state.path()));
        let mut client = Client::open(&host, era, None);
        client.call("sleepy_nap", json!({"milliseconds": 1}));
        let mut waiting = host.connect();
        assert_eq!(readiness(&mut waiting, &host), (200, "ready".into()));
        let message = client.message(
            "tools/call",
            json!({"name": "sleepy_nap", "arguments": {"milliseconds": 6_000}}),
        );
        let mut ending = host.connect();
        let mut calling = Client::new(&host, era, None);
        calling.session.clone_from(&client.session);
        let mut running = std::thread::scope(|scope| {
            let request = client.compose(&message);
            let host = &host;
            let connection = host.connect();
            let running = scope.spawn(move || connection.send(request));
            // A call of the modern era has no answer before it ends. This one has come when another is answered that came after it.
            client.call("sleepy_nap", json!({"milliseconds": 300}));
            host.signal(libc::SIGTERM);
            let deadline = std::time::Instant::now() + Duration::from_secs(5);
            while readiness(&mut waiting, host).1 != "ending" {
                assert!(
                    std::time::Instant::now() < deadline,
                    "it does not begin to end"
                );
            }
            let late = calling.message("tools/call", json!({"name": "sleepy_nap"}));
            let mut late = ending.send_and_stay(calling.compose(&late));
            assert_eq!(late.refusal(), (503, "the server is ending".into()));
            running.join().expect("the call is answered")
        });
        assert_eq!(running.status, StatusCode::OK);
        let text = running.text();
        assert!(
            text.contains(r#""structuredContent":{"result":6000}"#),
            "{text}"
        );
        drop((client, calling, running));
        let (status, _) = host.wait_for_exit();
        assert_eq!(status.code(), Some(0), "{}", host.stderr());
    }
    let log = audit(state.path());
    assert!(log.iter().all(|line| line["outcome"] == "ok"), "{log:?}");
}

/// What a connection that is kept open is told.
fn readiness(
    connection: &mut crate::support::http_client::Connection,
    host: &HttpHost,
) -> (u16, String) {
    let request = request(Method::GET, "/readyz", host.address, &[], "");
    let mut exchange = connection.send_and_stay(request);
    let status = exchange.json()["status"].as_str().map(str::to_owned);
    (
        exchange.status.as_u16(),
        status.expect("it has a word for it"),
    )
}

#[test]
fn what_does_not_end_is_cancelled() {
    let folder = Folder::with(&["sleepy"]);
    let state = TempDir::new().expect("a temporary folder can be made");
    let mut host = HttpHost::start(Start::new(&folder).state(state.path()));
    let mut client = Client::open(&host, Era::LEGACY, None);
    client.call("sleepy_nap", json!({"milliseconds": 1}));
    let heard = client.listen();
    let call = client.message(
        "tools/call",
        json!({"name": "sleepy_nap", "arguments": {"milliseconds": 9_900}}),
    );
    // Its answer begins at once, and with it the call.
    let running = host.send(client.compose(&call));
    client.call("sleepy_nap", json!({"milliseconds": 1}));
    host.signal(libc::SIGINT);
    // Told again, it does not wait for the call.
    host.signal(libc::SIGINT);
    host.signal(libc::SIGTERM);
    drop(client);
    let (status, took) = host.wait_for_exit();
    assert_eq!(status.code(), Some(0), "{}", host.stderr());
    assert!(took < Duration::from_secs(8), "{took:?}");
    drop((heard, running));
    let log = audit(state.path());
    assert_eq!(
        log.last().map(|line| &line["outcome"]),
        Some(&json!("cancelled")),
        "{log:?}"
    );
}

#[test]
fn nothing_is_read_from_stdin_and_an_idle_server_ends_at_once() {
    let folder = Folder::with(&["counter"]);
    let mut host = HttpHost::start(Start::new(&folder));
    let client = Client::open(&host, Era::LEGACY, None);
    let heard = client.listen();
    assert_eq!(heard.status, StatusCode::OK);
    host.signal(libc::SIGTERM);
    drop(client);
    let (status, took) = host.wait_for_exit();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
}
