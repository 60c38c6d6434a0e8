//! How long servers may take, and what ends with the guest.

use std::net::TcpListener;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let options = RequestOptions {
        first_byte_timeout: millis(50),
        ..RequestOptions::default()
    };
    for path in ["/silent", "/slow-headers"] {
        let sent = guest
            .send(request("GET", &url(&server, path), ""), options)
            .await;
        assert!(
            matches!(sent, Err(Error::HttpResponseTimeout)),
            "{path} {sent:?}"
        );
    }
    server.wait_until_closed();
}

/// The server's time begins when it has the whole request, and the guest's own pauses are not the server's.
#[tokio::test]
async fn a_slow_upload_is_not_a_slow_server() {
    let progress = Progress::default();
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let pieces = futures::stream::unfold(receiver, |mut receiver| async move {
        let piece: Bytes = receiver.recv().await?;
        Some((Ok(Frame::data(piece)), receiver))
    });
    let mut body = RequestBody::new(boxed(StreamBody::new(pieces)), progress.clone());
    let limit = Duration::from_millis(20);
    let patience = Duration::from_millis(100);

    sender.send("a piece".into()).await.unwrap();
    body.frame().await.unwrap().unwrap();
    let given_up = tokio::time::timeout(Duration::from_secs(20), progress.idle_for(limit));
    assert!(given_up.await.is_ok(), "the server has all there is");

    assert!(tokio::time::timeout(limit, body.frame()).await.is_err());
    let given_up = tokio::time::timeout(patience, progress.idle_for(limit));
    assert!(given_up.await.is_err(), "the guest has not sent more");

    drop(sender);
    assert!(body.frame().await.is_none());
    let given_up = tokio::time::timeout(Duration::from_secs(20), progress.idle_for(limit));
    assert!(given_up.await.is_ok(), "the server has it all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_given_up() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let options = RequestOptions {
        between_bytes_timeout: millis(50),
        ..RequestOptions::default()
    };
    let read = guest
        .send(request("GET", &url(&server, "/slow-body"), ""), options)
        .await
        .unwrap();
    assert_eq!(read.text(), "the first piece");
    assert!(matches!(read.end, Err(Error::ConnectionReadTimeout)));
    server.wait_until_closed();
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands_is_given_up() {
    // The system takes the connection, and nobody ever reads from it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("https://localhost:{}", silent.local_addr().unwrap().port());
    let mut guest = Guest::with(&[&origin]).start();
    let options = RequestOptions {
        connect_timeout: millis(50),
        ..RequestOptions::default()
    };
    let sent = guest.send(request("GET", &origin, ""), options).await;
    assert!(matches!(sent, Err(Error::ConnectionTimeout)), "{sent:?}");
}

#[tokio::test]
async fn a_guest_waits_for_its_own_requests_in_flight() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let mut held = Vec::new();
    for _ in 0..MAX_IN_FLIGHT {
        let sent = guest.begin(
            request("GET", &url(&server, "/slow-body"), ""),
            RequestOptions::default(),
        );
        held.push(sent.await.unwrap());
    }
    let options = RequestOptions {
        connect_timeout: millis(50),
        ..RequestOptions::default()
    };
    let sent = guest
        .send(request("GET", &url(&server, "/echo"), ""), options)
        .await;
    assert!(matches!(sent, Err(Error::ConnectionLimitReached)));
    let waiting = guest.begin(
        request("GET", &url(&server, "/echo"), ""),
        RequestOptions::default(),
    );
    held.pop();
    assert!(waiting.await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_under_way_ends_with_the_guest() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let unanswered = guest.begin(
        request("GET", &url(&server, "/silent"), ""),
        RequestOptions::default(),
    );
    let unread = guest
        .begin(
            request("GET", &url(&server, "/endless"), ""),
            RequestOptions::default(),
        )
        .await
        .unwrap();
    server.wait_for_requests(2);
    drop((unanswered, unread, guest));
    server.wait_until_closed();
}
