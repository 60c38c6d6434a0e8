//! Requests of a guest against what it was granted: one test for each way around it. The guest is told what to send, the server on loopback
//! says what arrived.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::command::{run_with_input, toolbay};
use crate::support::http_server::HttpServer;
use crate::support::session::{first_text, tool_error};
use crate::support::{Era, Folder, Session, Start, assembled, paths};

const SECRET: &str = "s3cr3t-t0ken-0123456789";

/// A fetcher that asks for these patterns, granted, and a server.
struct Place {
    server: HttpServer,
    folder: Folder,
    home: TempDir,
}

impl Place {
    /// `network` may hold `PORT`, for the server's.
    fn new(network: &[&str]) -> Self {
        Self::with(network, &json!({}), "everything = true")
    }

    fn with(network: &[&str], secrets: &Value, grant: &str) -> Self {
        let server = HttpServer::start();
        let place = Self {
            folder: Folder::empty(),
            home: TempDir::new().expect("a temporary folder can be made"),
            server,
        };
        let component = fs::read(paths::guest("fetcher")).expect("a guest can be read");
        let mut manifest = assembled::manifest_of(&component);
        let network: Vec<String> = network.iter().map(|pattern| place.here(pattern)).collect();
        manifest["tools"]["send"]["network"] = json!(network);
        manifest["tools"]["send"]["secrets"] = secrets.clone();
        let component = assembled::bake(&assembled::unbaked(&component), &manifest);
        place.folder.replace("fetcher.wasm", &component);
        let policy = format!(
            "version = 1\n[[grant]]\nplugin = \"fetcher\"\n{}\n",
            place.here(grant)
        );
        fs::write(place.policy(), policy).expect("a file can be written");
        place
    }

    fn here(&self, text: &str) -> String {
        text.replace("PORT", &self.server.port().to_string())
    }

    fn policy(&self) -> std::path::PathBuf {
        self.home.path().join("policy.toml")
    }

    fn session(&self) -> Session {
        let start = Start::new(&self.folder)
            .argument("--policy")
            .argument(self.policy())
            .settings(&self.home.path().join("config"))
            .variable("TOOLBAY_SECRETS", "file");
        Session::open(start.start(), Era::LEGACY)
    }

    fn send(&self, method: &str, url: &str, headers: Value) -> Value {
        let arguments = json!({"method": method, "url": self.here(url), "headers": headers});
        self.session().call("fetcher_send", arguments)
    }

    /// Sends a request that must arrive, and gives its answer.
    fn arrives(&self, method: &str, url: &str) -> Value {
        let result = self.send(method, url, json!({}));
        assert_ne!(result["isError"], true, "{}", crate::brief(&result));
        result["structuredContent"].clone()
    }

    /// Sends a request that must be refused, without a byte going out, for a reason with these words and with this line to add.
    fn refused(&self, method: &str, url: &str, words: &str, remedy: Option<&str>) {
        let before = self.server.connections();
        let (code, sentence) = tool_error(&self.send(method, url, json!({})));
        assert!(
            matches!(code.as_str(), "permission_denied" | "validation_error"),
            "{code}: {sentence}"
        );
        assert!(sentence.contains(words), "{method} {url}: {sentence}");
        if let Some(remedy) = remedy {
            let remedy = self.here(remedy);
            assert!(sentence.contains(&remedy), "no `{remedy}` in: {sentence}");
        }
        assert_eq!(
            self.server.connections(),
            before,
            "something went out: {method} {url}"
        );
    }
}

#[test]
fn what_was_granted_goes_out() {
    let place = Place::new(&["GET http://127.0.0.1:PORT/echo"]);
    let reply = place.arrives("GET", "http://127.0.0.1:PORT/echo?a=b");
    assert!(
        reply["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("GET /echo?a=b\n")),
        "{reply}"
    );
}

#[test]
fn another_method() {
    let place = Place::new(&["GET http://127.0.0.1:PORT/echo"]);
    let line = "network = [\"POST http://127.0.0.1:PORT/echo\"]";
    place.refused(
        "POST",
        "http://127.0.0.1:PORT/echo",
        "POST http://127.0.0.1",
        Some(line),
    );
    for method in ["CONNECT", "TRACE", "FOO"] {
        place.refused(method, "http://127.0.0.1:PORT/echo", "", None);
    }
}

#[test]
fn another_port() {
    let place = Place::new(&["GET http://127.0.0.1:PORT/echo"]);
    let other = HttpServer::start();
    let url = format!("http://127.0.0.1:{}/echo", other.port());
    place.refused(
        "GET",
        &url,
        "not",
        Some(&format!("network = [\"GET {url}\"]")),
    );
    place.refused(
        "GET",
        "http://127.0.0.1/echo",
        "not",
        Some("network = [\"GET http://127.0.0.1/echo\"]"),
    );
    assert_eq!(other.connections(), 0);
}

#[test]
fn another_path() {
    let place = Place::new(&["GET http://127.0.0.1:PORT/echo/*"]);
    for path in ["/echoes", "/", "/redirect"] {
        let line = format!("network = [\"GET http://127.0.0.1:PORT{path}\"]");
        place.refused(
            "GET",
            &format!("http://127.0.0.1:PORT{path}"),
            "not",
            Some(&line),
        );
    }
}

#[test]
fn dots_and_encoded_slashes() {
    let place = Place::new(&["GET http://127.0.0.1:PORT/echo/*"]);
    for path in [
        "/echo/%2e%2e/redirect",
        "/echo/..%2fredirect",
        "/echo%2f..%2fredirect",
        "/echo/a%5cb",
        "/echo/%252e%252e/x",
    ] {
        place.refused("GET", &format!("http://127.0.0.1:PORT{path}"), "", None);
    }
}

#[test]
fn a_name_before_an_at_sign() {
    let place = Place::new(&[
        "GET http://good.example/*",
        "GET http://127.0.0.1:PORT/echo",
    ]);
    place.refused("GET", "http://good.example@127.0.0.1:PORT/echo", "", None);
    place.refused("GET", "http://127.0.0.1:PORT@evil.example/echo", "", None);
}

#[test]
fn a_redirect_to_another_host() {
    let place = Place::new(&["GET http://127.0.0.1:PORT/*"]);
    let line = "network = [\"GET http://evil.example/\"]";
    let before = place.server.requests().len();
    let (code, sentence) = tool_error(&place.send(
        "GET",
        "http://127.0.0.1:PORT/redirect?to=http://evil.example/",
        json!({}),
    ));
    assert_eq!(code, "permission_denied", "{sentence}");
    assert!(sentence.contains(line), "{sentence}");
    assert_eq!(place.server.requests().len(), before + 1);
}

#[test]
fn a_redirect_to_loopback() {
    // Any public host is granted, and one server that is not; what that one points to is neither.
    let place = Place::new(&["GET http://*", "GET http://127.0.0.1:PORT/redirect"]);
    let other = HttpServer::start();
    for to in [
        format!("http://127.0.0.1:{}/echo", other.port()),
        "http://127.0.0.1/".into(),
        "http://localhost/".into(),
    ] {
        let url = format!("http://127.0.0.1:PORT/redirect?to={to}");
        let (code, sentence) = tool_error(&place.send("GET", &url, json!({})));
        assert_eq!(code, "permission_denied", "{to}: {sentence}");
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn other_spellings_of_loopback() {
    let place = Place::new(&["GET http://*"]);
    for host in [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
        "[::]",
        "localhost",
        "169.254.169.254",
        "10.0.0.1",
        "[fe80::1]",
    ] {
        place.refused("GET", &format!("http://{host}/echo"), "", None);
    }
}

#[test]
fn a_name_that_resolves_to_loopback() {
    // `localhost` is the one name that resolves everywhere; that it is not named by a grant for any host is what this is about. A resolver under
    // the test's control is in the sandbox's own tests.
    let place = Place::new(&["GET http://*"]);
    place.refused(
        "GET",
        "http://localhost/",
        "toolbay grant fetcher --address",
        None,
    );
    let place = Place::new(&["GET http://localhost:PORT/echo"]);
    place.arrives("GET", "http://localhost:PORT/echo");
}

#[test]
fn a_grant_narrowed_to_hosts() {
    let place = Place::with(
        &["GET http://127.0.0.1:PORT/*", "GET http://*"],
        &json!({}),
        "everything = true\nhosts = [\"docs.rs\"]",
    );
    place.refused("GET", "http://127.0.0.1:PORT/echo", "", None);
    let place = Place::with(
        &["GET http://127.0.0.1:PORT/*"],
        &json!({}),
        "everything = true\nhosts = [\"127.0.0.1:PORT\"]",
    );
    place.arrives("GET", "http://127.0.0.1:PORT/echo");
}

fn with_secret(host: &str) -> Place {
    let secrets =
        json!({"token": {"host": host, "header": "Authorization", "format": "Bearer {}"}});
    let place = Place::with(
        &["GET http://127.0.0.1:PORT/*", "GET http://localhost:PORT/*"],
        &secrets,
        "everything = true",
    );
    let mut command = toolbay(place.home.path());
    command
        .env("TOOLBAY_SECRETS", "file")
        .args(["secret", "set", "fetcher", "token"]);
    let output = run_with_input(command, SECRET.as_bytes());
    assert_eq!(output.code, Some(0), "{}", output.transcript());
    assert!(!output.transcript().contains(SECRET));
    place
}

#[test]
fn a_secret_is_sent_and_what_echoes_it_is_covered() {
    let place = with_secret("127.0.0.1");
    let reply = place.arrives("GET", "http://127.0.0.1:PORT/echo-credentials");
    let sent = place.server.last();
    assert_eq!(
        sent.header("authorization"),
        Some(format!("Bearer {SECRET}").as_str())
    );
    assert!(!reply.to_string().contains(SECRET), "{reply}");
    assert!(
        reply["headers"]["x-echo"]
            .as_str()
            .is_some_and(|echo| echo.starts_with("Bearer ****")),
        "{reply}"
    );
    let audit = fs::read_to_string(audit_file(&place)).unwrap_or_default();
    assert!(!audit.contains(SECRET));
}

fn audit_file(place: &Place) -> std::path::PathBuf {
    place.home.path().join("state/audit.jsonl")
}

#[test]
fn a_secret_is_not_sent_to_a_host_that_was_not_named() {
    let place = with_secret("127.0.0.1");
    place.arrives("GET", "http://localhost:PORT/echo");
    assert_eq!(place.server.last().header("authorization"), None);
}

#[test]
fn a_secret_that_is_not_set() {
    let secrets = json!({"token": {"host": "127.0.0.1", "header": "Authorization"}});
    let place = Place::with(
        &["GET http://127.0.0.1:PORT/*"],
        &secrets,
        "everything = true",
    );
    let (code, sentence) = tool_error(&place.send("GET", "http://127.0.0.1:PORT/echo", json!({})));
    assert_eq!(code, "permission_denied");
    assert!(
        sentence.contains("toolbay secret set fetcher token"),
        "{sentence}"
    );
    assert_eq!(place.server.connections(), 0);
}

#[test]
fn the_audit_log_names_hosts_and_refusals_and_no_values() {
    let place = Place::new(&["GET http://127.0.0.1:PORT/echo"]);
    let state = place.home.path().join("state");
    let start = Start::new(&place.folder)
        .argument("--policy")
        .argument(place.policy())
        .state(&state);
    let mut session = Session::open(start.start(), Era::Modern);
    let call = |session: &mut Session, method: &str| {
        let url = place.here("http://127.0.0.1:PORT/echo?private-word");
        session.call("fetcher_send", json!({"method": method, "url": url}))
    };
    assert_ne!(call(&mut session, "GET")["isError"], true);
    assert!(first_text(&call(&mut session, "DELETE")).contains("DELETE"));
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    let lines = loop {
        let text = fs::read_to_string(state.join("audit.jsonl")).unwrap_or_default();
        if text.lines().count() >= 2 {
            break text;
        }
        assert!(std::time::Instant::now() < deadline, "only: {text}");
    };
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    assert_eq!(lines[0]["outcome"], "ok", "{lines:?}");
    assert_eq!(lines[0]["hosts"], json!([place.here("127.0.0.1:PORT")]));
    assert_eq!(lines[0]["plugin"], "fetcher");
    assert_eq!(lines[0]["principal"], "local");
    assert_eq!(lines[1]["outcome"], "permission_denied");
    assert!(
        lines[1]["denials"].to_string().contains("DELETE"),
        "{lines:?}"
    );
    assert!(!format!("{lines:?}").contains("private-word"), "{lines:?}");
}
