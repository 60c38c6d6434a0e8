//! Servers that stand in for others in a plugin's tests: they take nothing from what is checked.

use super::*;

/// A guest whose requests to that origin go to the server.
fn guest(guest: Guest, origin: &str, server: &HttpServer) -> Running {
    let stand_in = format!("{origin}=http://127.0.0.1:{}", server.port());
    let client = HttpClient::new(vec![stand_in.parse().unwrap()]);
    Running::new(guest.access, guest.secrets, client)
}

#[tokio::test]
async fn one_answers_in_place_of_its_origin() {
    let server = HttpServer::start();
    let origin = "https://api.example.com";
    let mut guest = guest(
        Guest::with(&["GET https://api.example.com/echo"]).secret("api.example.com"),
        origin,
        &server,
    );
    let read = guest.get("https://api.example.com/echo?q").await.unwrap();
    assert_eq!(read.status, StatusCode::OK);
    let received = server.last();
    assert_eq!(received.header("host"), Some("api.example.com"));
    assert_eq!(received.target, "/echo?q");
    assert_eq!(
        received.header("authorization"),
        Some(format!("Bearer {SECRET}").as_str())
    );
    assert_eq!(guest.hosts(), ["api.example.com:443"]);
}

#[tokio::test]
async fn what_is_refused_reaches_none() {
    let server = HttpServer::start();
    let mut guest = guest(
        Guest::with(&["GET https://api.example.com/v1/*", "GET https://*"]),
        "*",
        &server,
    );
    let post = request("POST", "https://api.example.com/v1/x", "");
    assert!(guest.send(post, RequestOptions::default()).await.is_err());
    // An address of the user's own network, which a pattern for any host does not name.
    assert!(guest.get("https://10.0.0.1/").await.is_err());
    assert_eq!(server.requests().len(), 0);
    assert_eq!(guest.denials().len(), 2);
}

/// As over the network, a secret is not sent in plain text, though this server is on this machine.
#[tokio::test]
async fn no_secret_is_sent_that_the_network_would_not_get() {
    let server = HttpServer::start();
    let mut guest = guest(
        Guest::with(&["GET http://api.example.com/*"]).secret("api.example.com"),
        "http://api.example.com",
        &server,
    );
    guest.get("http://api.example.com/echo").await.unwrap();
    assert_eq!(server.last().header("authorization"), None);
    assert_eq!(guest.denials().len(), 1);
}
