//! Secrets: where they go, and that nothing of them comes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[tokio::test]
async fn a_secret_goes_to_its_host_in_place_of_the_guests_header() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).secret("LOCALHOST").start();
    let mut asked = request("GET", &url(&server, "/echo"), "");
    asked
        .headers_mut()
        .append("authorization", "Bearer of the guest".parse().unwrap());
    asked
        .headers_mut()
        .append("authorization", "Bearer twice".parse().unwrap());
    asked
        .headers_mut()
        .insert("accept-encoding", "gzip, br".parse().unwrap());
    let read = guest.send(asked, RequestOptions::default()).await.unwrap();
    let received = server.last();
    assert_eq!(
        received.header("authorization"),
        Some(format!("Bearer {SECRET}").as_str())
    );
    assert_eq!(received.header("accept-encoding"), Some("identity"));
    assert_eq!(guest.usage.snapshot().secrets, ["token"]);
    assert!(
        read.text().contains(&format!(
            "authorization: Bearer {}\n",
            "*".repeat(SECRET.len())
        )),
        "{}",
        read.text()
    );
}

#[tokio::test]
async fn a_secret_goes_nowhere_else() {
    let server = HttpServer::start();
    let port = server.port();
    let other = format!("http://other.example:{port}");
    for (secret_host, sent) in [
        ("other.example", true),
        (format!("other.example:{port}").as_str(), true),
        ("other.example:1", false),
        ("example", false),
        ("api.other.example", false),
        ("localhost", false),
        ("127.0.0.1", false),
        ("*.example", false),
    ] {
        let mut guest = Guest::with(&[&other])
            .name("other.example", &["127.0.0.1"])
            .address("127.0.0.1/32")
            .secret(secret_host)
            .start();
        let mut asked = request("GET", &format!("{other}/echo"), "");
        asked
            .headers_mut()
            .insert("authorization", "of the guest".parse().unwrap());
        guest.send(asked, RequestOptions::default()).await.unwrap();
        let received = server.last();
        if sent {
            assert_eq!(
                received.header("authorization"),
                Some(format!("Bearer {SECRET}").as_str()),
                "{secret_host}"
            );
        } else {
            assert_eq!(
                received.header("authorization"),
                Some("of the guest"),
                "{secret_host}"
            );
            assert_eq!(guest.usage.snapshot().secrets, Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn a_secret_is_sent_encrypted_or_to_this_machine() {
    let target = |scheme| Target {
        scheme,
        host: "api.example".parse().unwrap(),
        port: 80,
        named: true,
    };
    use toolbay_manifest::Scheme;
    for (scheme, peer, expected) in [
        (Scheme::Https, "203.0.113.1", true),
        (Scheme::Http, "127.0.0.1", true),
        (Scheme::Http, "203.0.113.1", false),
        (Scheme::Http, "10.0.0.1", false),
    ] {
        let guest = Guest::with(&[]).secret("api.example").start();
        let mut headers = HeaderMap::new();
        let peer: IpAddr = peer.parse().unwrap();
        let added = guest
            .hooks
            .requests
            .add_secrets(&target(scheme), peer, &mut headers)
            .unwrap();
        assert_eq!(
            (added, headers.contains_key("authorization")),
            (expected, expected)
        );
        if !expected {
            assert_eq!(
                guest.denial(),
                "secret `token` is not sent to api.example: the request is not encrypted\nnetwork = [\"https://api.example\"]"
            );
        }
    }
}

#[tokio::test]
async fn a_secret_never_frames_a_request() {
    let server = HttpServer::start();
    for header in [
        "Host",
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "Accept-Encoding",
        "not a header",
    ] {
        let mut guest = Guest::of(&server).secret("localhost");
        guest.secrets[0].header = header.into();
        let mut guest = guest.start();
        guest.get(&url(&server, "/echo")).await.unwrap();
        assert!(
            !server
                .last()
                .headers
                .iter()
                .any(|(_, value)| value.contains(SECRET))
        );
        assert_eq!(guest.denials().len(), 1, "{header}");
    }
    let mut guest = Guest::of(&server).secret("localhost");
    guest.secrets[0].value = Zeroizing::new("two\r\nlines: of it".to_owned());
    assert!(matches!(
        guest.start().get(&url(&server, "/echo")).await,
        Err(Error::ConfigurationError)
    ));
}

#[tokio::test]
async fn an_echoed_secret_is_covered() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).secret("localhost").start();
    let read = guest.get(&url(&server, "/echo-credentials")).await.unwrap();
    let cover = "*".repeat(SECRET.len());
    assert_eq!(read.headers["x-echo"], format!("Bearer {cover}"));
    assert_eq!(
        read.trailers.as_ref().unwrap()["x-end"],
        format!("Bearer {cover}")
    );
    let percent: String = "Bearer "
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    assert_eq!(
        read.text(),
        format!("Bearer {cover}\n{percent}{}", "*".repeat(SECRET.len() * 3))
    );

    // Whatever the guest itself has the server echo is looked at too, once it has a secret that it might have got in some other way.
    let encoded = STANDARD.encode(format!("user:{SECRET}"));
    let asked = Request::post(url(&server, "/echo"))
        .body(boxed(
            Full::new(Bytes::from(encoded)).map_err(|never| match never {}),
        ))
        .unwrap();
    let read = guest.send(asked, RequestOptions::default()).await.unwrap();
    let (_, body) = read.text().split_once("\n\n").unwrap();
    // Of the digits that hold the secret, the first and the last hold something else too.
    assert_eq!(body.len(), STANDARD.encode(format!("user:{SECRET}")).len());
    assert_eq!(
        body.matches('*').count(),
        SECRET.len() * 8 / 6 - 1,
        "{body}"
    );
}

#[tokio::test]
async fn a_compressed_answer_to_a_secret_is_refused() {
    let server = HttpServer::start();
    let mut plain = Guest::of(&server).start();
    let read = plain.get(&url(&server, "/gzip")).await.unwrap();
    assert!(read.body.starts_with(&[0x1f, 0x8b]));
    let mut guest = Guest::of(&server).secret("localhost").start();
    let sent = guest.get(&url(&server, "/gzip")).await;
    assert!(
        matches!(&sent, Err(Error::HttpResponseContentCoding(Some(coding))) if coding == "gzip"),
        "{sent:?}"
    );
}
