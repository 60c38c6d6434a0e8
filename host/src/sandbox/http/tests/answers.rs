//! What servers send back, and how much of it a guest gets.

use super::*;

#[tokio::test]
async fn a_chunked_body_comes_with_its_trailers() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let read = guest.get(&url(&server, "/chunked")).await.unwrap();
    assert_eq!(read.text(), "one two three");
    assert_eq!(read.trailers.unwrap()["x-sum"], "13");
    assert!(read.end.is_ok());
}

#[tokio::test]
async fn a_head_has_no_body_whatever_length_it_announces() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let head = request("HEAD", &url(&server, "/large?bytes=100000000"), "");
    let read = guest.send(head, RequestOptions::default()).await.unwrap();
    assert_eq!(read.headers["content-length"], "100000000");
    assert_eq!(read.body.len(), 0);
    assert!(read.end.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body_ends_at_the_limit() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let read = guest.get(&url(&server, "/endless")).await.unwrap();
    assert!(read.body.len() as u64 <= MAX_BODY);
    assert!(read.body.len() as u64 > MAX_BODY - (1 << 20));
    assert!(matches!(read.end, Err(Error::HttpResponseBodySize(Some(size))) if size > MAX_BODY));
    server.wait_until_closed();
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_read() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let sent = guest
        .get(&url(&server, &format!("/announce?bytes={}", MAX_BODY + 1)))
        .await;
    assert!(matches!(sent, Err(Error::HttpResponseBodySize(Some(size))) if size == MAX_BODY + 1));
    let read = guest
        .get(&url(&server, &format!("/large?bytes={MAX_BODY}")))
        .await
        .unwrap();
    assert_eq!(read.body.len() as u64, MAX_BODY);
    assert!(read.end.is_ok());
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_no_whole_body() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let read = guest.get(&url(&server, "/cut-short")).await.unwrap();
    assert_eq!(read.text(), "only this");
    assert!(
        matches!(read.end, Err(Error::HttpResponseIncomplete)),
        "{:?}",
        read.end
    );
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    for (path, accepted) in [
        ("/long-header?bytes=60000", true),
        ("/long-header?bytes=66000", false),
        ("/long-header?bytes=10000000", false),
        ("/many-headers?count=120", true),
        ("/many-headers?count=129", false),
        ("/many-headers?count=100000", false),
    ] {
        let sent = guest.get(&url(&server, path)).await;
        if accepted {
            assert!(sent.is_ok(), "{path} {sent:?}");
        } else {
            assert!(
                matches!(sent, Err(Error::HttpResponseHeaderSectionSize(Some(_)))),
                "{path} {sent:?}"
            );
        }
    }
}

#[tokio::test]
async fn answers_that_are_none() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    assert!(matches!(
        guest.get(&url(&server, "/close")).await,
        Err(Error::ConnectionTerminated)
    ));
    assert!(matches!(
        guest.get(&url(&server, "/nonsense")).await,
        Err(Error::HttpProtocolError)
    ));
    assert!(matches!(
        guest.get(&url(&server, "/upgrade")).await,
        Err(Error::HttpUpgradeFailed)
    ));
    assert!(matches!(
        guest.get(&url(&server, "/odd-transfer")).await,
        Err(Error::HttpResponseTransferCoding(Some(_)))
    ));
}

#[tokio::test]
async fn nobody_there() {
    let server = HttpServer::start();
    let port = server.port();
    let patterns = [
        format!("http://localhost:{port}"),
        format!("http://nowhere.example:{port}"),
    ];
    let mut guest = Guest::with(&patterns.each_ref().map(String::as_str)).start();
    drop(server);
    let gone = guest.get(&format!("http://localhost:{port}/")).await;
    assert!(matches!(gone, Err(Error::ConnectionRefused)), "{gone:?}");
    let unknown = guest.get(&format!("http://nowhere.example:{port}/")).await;
    assert!(
        matches!(unknown, Err(Error::DnsError { .. })),
        "{unknown:?}"
    );
    assert_eq!(guest.hosts(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_body_is_bounded() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let endless = futures::stream::repeat_with(move || Ok(Frame::data(piece.clone())));
    let upload = Request::post(url(&server, "/echo"))
        .body(boxed(StreamBody::new(endless)))
        .unwrap();
    let sent = guest.send(upload, RequestOptions::default()).await;
    assert!(
        matches!(sent, Err(Error::HttpRequestBodySize(Some(size))) if size > MAX_BODY),
        "{sent:?}"
    );
    assert_eq!(server.requests().len(), 0);
    server.wait_until_closed();
}

#[tokio::test]
async fn the_library_calls_are_bounded_too() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    for _ in 0..MAX_REQUESTS {
        assert_eq!(guest.hooks.p2_outgoing_body_chunk_size(), BODY_CHUNK);
    }
    assert_eq!(guest.hooks.p2_outgoing_body_chunk_size(), 1);
    for _ in 0..MAX_REQUESTS {
        assert!(guest.get(&url(&server, "/large?bytes=1")).await.is_ok());
    }
    assert!(matches!(
        guest.get(&url(&server, "/large?bytes=1")).await,
        Err(Error::ConnectionLimitReached)
    ));
    assert_eq!(server.requests().len(), MAX_REQUESTS);
}
