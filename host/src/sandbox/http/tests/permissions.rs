//! Which requests go out, and to where.

use wasmtime_wasi_http::p2::bindings::http::types::Method as Asked;

use super::*;

#[tokio::test]
async fn an_allowed_request_goes_out_as_it_is() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let mut asked = request("POST", &url(&server, "/echo?a=%2f..&b"), "the body");
    asked.headers_mut().insert("x-own", "1".parse().unwrap());
    let read = guest.send(asked, RequestOptions::default()).await.unwrap();
    assert_eq!(read.status, StatusCode::OK);
    let received = server.last();
    assert_eq!(
        (received.method.as_str(), received.target.as_str()),
        ("POST", "/echo?a=%2f..&b")
    );
    assert_eq!(
        received.header("host"),
        Some(format!("localhost:{}", server.port()).as_str())
    );
    assert_eq!(received.header("x-own"), Some("1"));
    assert_eq!(received.body, b"the body");
    assert!(read.text().ends_with("the body"));
    assert_eq!(guest.hosts(), [format!("localhost:{}", server.port())]);
    assert_eq!(guest.denials(), []);
}

/// The name is written anew, so the server sees no other spelling than the one that was checked.
#[tokio::test]
async fn the_host_header_is_the_checked_host() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let url = format!("http://LOCALHOST.:{}?q", server.port());
    guest.get(&url).await.unwrap();
    assert_eq!(
        server.last().header("host"),
        Some(format!("localhost:{}", server.port()).as_str())
    );
    assert_eq!(server.last().target, "/?q");
}

#[tokio::test]
async fn what_is_not_granted_is_refused_and_named() {
    let server = HttpServer::start();
    let port = server.port();
    let pattern = format!("GET http://localhost:{port}/v1/*");
    for (method, url, expected) in [
        (
            "POST",
            "http://localhost:PORT/v1/notes?token=1",
            "POST http://localhost:PORT/v1/notes is not among its network permissions\nnetwork = [\"POST http://localhost:PORT/v1/notes\"]",
        ),
        (
            "GET",
            "http://localhost:PORT/v2/notes",
            "GET http://localhost:PORT/v2/notes is not among its network permissions\nnetwork = [\"GET http://localhost:PORT/v2/notes\"]",
        ),
        (
            "GET",
            "http://127.0.0.1:PORT/v1/notes",
            "GET http://127.0.0.1:PORT/v1/notes is not among its network permissions\nnetwork = [\"GET http://127.0.0.1:PORT/v1/notes\"]",
        ),
        (
            "GET",
            "http://localhost/v1/notes",
            "GET http://localhost/v1/notes is not among its network permissions\nnetwork = [\"GET http://localhost/v1/notes\"]",
        ),
        (
            "GET",
            "http://localhost:PORT/v1/%2e%2e/admin",
            "GET http://localhost:PORT/v1/%2e%2e/admin has a path with a segment `.` or `..`\n(nothing)",
        ),
        (
            "GET",
            "http://localhost:PORT@evil.example/v1/",
            "GET http://…@evil.example/v1/ has a user before its host\n(nothing)",
        ),
    ] {
        let mut guest = Guest::with(&[&pattern]).start();
        let url = url.replace("PORT", &port.to_string());
        let sent = guest
            .send(request(method, &url, ""), RequestOptions::default())
            .await;
        assert_eq!(error(sent), "HTTP request denied", "{url}");
        assert_eq!(guest.denial(), expected.replace("PORT", &port.to_string()));
        assert_eq!(guest.hosts(), Vec::<String>::new());
    }
    assert_eq!(server.connections(), 0);
}

/// Also when nobody waits for the answer.
#[tokio::test]
async fn a_refusal_is_noted_at_once() {
    let mut guest = Guest::with(&[]).start();
    drop(guest.begin(
        request("GET", "https://example.com/", ""),
        RequestOptions::default(),
    ));
    assert_eq!(guest.denials().len(), 1);
}

#[tokio::test]
async fn a_read_only_tool_changes_nothing() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server);
    guest.access.read_only = true;
    let mut guest = guest.start();
    assert!(guest.get(&url(&server, "/echo")).await.is_ok());
    let sent = guest
        .send(
            request("POST", &url(&server, "/echo"), ""),
            RequestOptions::default(),
        )
        .await;
    assert_eq!(error(sent), "HTTP request denied");
    assert_eq!(guest.denials().len(), 1);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused() {
    let server = HttpServer::start();
    for (name, address, expected) in [
        ("rebind.example", "127.0.0.1", "an address of this machine"),
        (
            "metadata.example",
            "169.254.169.254",
            "a link-local address",
        ),
        (
            "mapped.example",
            "::ffff:127.0.0.1",
            "an IPv4 address in disguise",
        ),
        ("lan.example", "192.168.1.1", "a private address"),
        ("zero.example", "0.0.0.0", "an address of this machine"),
    ] {
        let pattern = format!("http://*:{}", server.port());
        let mut guest = Guest::with(&[&pattern]).name(name, &[address]).start();
        let sent = guest
            .get(&format!("http://{name}:{}/", server.port()))
            .await;
        assert_eq!(error(sent), "destination IP address is prohibited");
        assert_eq!(
            guest.denial(),
            format!(
                "{name} leads to {address}, which is {expected}\ntoolbay grant notes --address {address}"
            )
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_address_that_the_user_named_is_reached() {
    let server = HttpServer::start();
    let pattern = format!("http://*.internal:{}", server.port());
    // Only the allowed one of the addresses is dialled; the other would not answer.
    let mut guest = Guest::with(&[&pattern])
        .name("db.internal", &["10.255.255.1", "127.0.0.1"])
        .address("127.0.0.0/8")
        .start();
    assert!(
        guest
            .get(&format!("http://db.internal:{}/echo", server.port()))
            .await
            .is_ok()
    );
    assert_eq!(guest.hosts(), [format!("db.internal:{}", server.port())]);
    assert_eq!(guest.denials(), []);
}

#[tokio::test]
async fn an_address_in_the_pattern_is_reached() {
    let server = HttpServer::start();
    let origin = format!("http://127.0.0.1:{}", server.port());
    let mut guest = Guest::with(&[&origin]).start();
    assert!(guest.get(&format!("{origin}/echo")).await.is_ok());
}

/// A name that leads elsewhere the second time is not looked up a second time.
#[tokio::test]
async fn a_name_is_looked_up_once_a_request() {
    let server = HttpServer::start();
    let pattern = format!("http://rebind.example:{}", server.port());
    let access = Guest::with(&[&pattern]).address("127.0.0.1/32").access;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let resolver = Resolver::Fixed(Box::new(move |_| {
        let first = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let address = if first {
            "127.0.0.1"
        } else {
            "169.254.169.254"
        };
        Some(vec![address.parse().unwrap()])
    }));
    let client = HttpClient::for_tests(resolver, rustls::RootCertStore::empty());
    let mut guest = Running::new(access, Vec::new(), client);
    let url = format!("http://rebind.example:{}/echo", server.port());
    assert!(guest.get(&url).await.is_ok());
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(
        error(guest.get(&url).await),
        "destination IP address is prohibited"
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_the_guests_to_follow() {
    let server = HttpServer::start();
    let mut guest = Guest::of(&server).start();
    let read = guest
        .get(&url(&server, "/redirect?to=http://169.254.169.254/"))
        .await
        .unwrap();
    assert_eq!(read.status, StatusCode::FOUND);
    let to = read.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(error(guest.get(&to).await), "HTTP request denied");
    let mut other =
        Guest::with(&[&format!("http://localhost:{}", server.port()), "http://*"]).start();
    assert_eq!(
        error(other.get(&to).await),
        "destination IP address is prohibited"
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn https_proves_the_name() {
    let authority = CertificateAuthority::new();
    let server = HttpServer::start_tls(&authority, &["localhost"]);
    let port = server.port();
    let patterns = [
        format!("https://localhost:{port}"),
        format!("https://other.example:{port}"),
        format!("https://127.0.0.1:{port}"),
    ];
    let guest = |authority| {
        let mut guest = Guest::with(&patterns.each_ref().map(String::as_str))
            .name("other.example", &["127.0.0.1"])
            .address("127.0.0.1/32");
        guest.authority = authority;
        guest.start()
    };
    let other_authority = CertificateAuthority::new();
    let mut stranger = guest(Some(other_authority));
    assert_eq!(
        error(
            stranger
                .get(&format!("https://localhost:{port}/echo"))
                .await
        ),
        "TLS certificate error"
    );
    let mut guest = guest(Some(authority));
    assert!(
        guest
            .get(&format!("https://localhost:{port}/echo"))
            .await
            .is_ok()
    );
    assert_eq!(
        server.last().header("host"),
        Some(format!("localhost:{port}").as_str())
    );
    assert_eq!(
        error(
            guest
                .get(&format!("https://other.example:{port}/echo"))
                .await
        ),
        "TLS certificate error"
    );
    assert_eq!(
        error(guest.get(&format!("https://127.0.0.1:{port}/echo")).await),
        "TLS certificate error"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_from_others() {
    let server = HttpServer::start();
    let origin = format!("https://localhost:{}", server.port());
    let mut guest = Guest::with(&[&origin]).start();
    let sent = guest.get(&origin).await;
    assert_eq!(error(sent), "TLS protocol error");
}

#[tokio::test]
async fn what_a_guest_keeps_unsent_is_bounded() {
    let mut table = ResourceTable::new();
    let long = table
        .push(HostOutgoingRequest {
            method: Asked::Other("M".repeat(100_000)),
            scheme: None,
            authority: Some("a".repeat(100_000)),
            path_with_query: None,
            headers: FieldMap::default(),
            body: None,
        })
        .unwrap();
    table.push(FieldMap::default()).unwrap();
    assert_eq!(bound_requests(&mut table), 2);
    let request = table.get(&long).unwrap();
    assert_eq!(request.authority, None);
    assert!(matches!(&request.method, Asked::Other(method) if method.len() < 100));
}
