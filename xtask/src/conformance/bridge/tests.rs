//! The bridge in front of a shell script that plays a host: what it is sent and what it says is all here.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use super::{Bridge, Launch};

/// Answers by the method; a `tools/call` sends progress, a question in the legacy era, and the answer. What it read is in its log.
const SCRIPT: &str = r#"
while read -r line; do
  echo "read $line" >&2
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"method":"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25"}}' ;;
    *'"method":"tools/call"'*)
      token=$(printf '%s' "$line" | sed -n 's/.*"progressToken":\([^,}]*\).*/\1/p')
      echo '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":'$token',"progress":1}}'
      echo '{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}'
      call=$id ;;
    *'"id":"q"'*) echo '{"jsonrpc":"2.0","id":'$call',"result":{"content":[]}}' ;;
    *'"method":"subscriptions/listen"'*)
      echo '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":'$id'}}}' ;;
    *'"method":"unknown"'*) echo '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32601,"message":"no"}}' ;;
  esac
done
"#;

struct Stage {
    bridge: Option<Bridge>,
    folder: PathBuf,
}

impl Stage {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("bridge-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let bridge = Bridge::start(Launch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), SCRIPT.into()],
            environment: Vec::new(),
            log: folder.join("log"),
        });
        Self {
            bridge: Some(bridge.unwrap()),
            folder,
        }
    }

    fn address(&self) -> String {
        let url = &self.bridge.as_ref().unwrap().url;
        url.trim_start_matches("http://")
            .trim_end_matches("/mcp")
            .to_owned()
    }

    fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let address = self.address();
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut head = format!(
            "{method} /mcp HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head += &format!("Host: {address}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        write!(stream, "{head}\r\n{body}").unwrap();
        stream
    }

    /// The status, and the whole answer.
    fn ask(&self, method: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
        let mut answer = String::new();
        self.send(method, headers, body)
            .read_to_string(&mut answer)
            .unwrap();
        let status = answer.split(' ').nth(1).unwrap().to_owned();
        (status, answer)
    }

    fn modern(&self, method: &str, body: &str) -> (String, String) {
        self.ask("POST", &modern(method), body)
    }

    /// Waits until the script has read a line with this in it.
    fn wait_for_log(&self, what: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            if log.contains(what) {
                return;
            }
            assert!(Instant::now() < deadline, "{what} not in\n{log}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bridge.take();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn modern(method: &str) -> [(&str, &str); 3] {
    [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", method),
        ("Mcp-Name", "t"),
    ]
}

/// Reads until this has come.
fn read_until(stream: &mut TcpStream, what: &str) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        read.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if text.contains(what) {
            return text;
        }
        assert_ne!(length, 0, "{what} not in {text}");
    }
}

#[test]
fn a_legacy_session_is_a_process_whose_questions_go_onto_the_calls_stream() {
    let stage = Stage::new("legacy");
    let (status, answer) = stage.ask(
        "POST",
        &[],
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize"}"#,
    );
    assert_eq!(status, "200", "{answer}");
    assert!(answer.contains("mcp-session-id: session-1\r\n"), "{answer}");
    let session = [("Mcp-Session-Id", "session-1")];

    let call = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"progressToken":"p"}}}"#;
    let mut stream = stage.send("POST", &session, call);
    let questions = read_until(&mut stream, "elicitation/create");
    assert!(questions.contains(r#""progressToken":"p""#), "{questions}");
    let (status, _) = stage.ask(
        "POST",
        &session,
        r#"{"jsonrpc":"2.0","id":"q","result":{}}"#,
    );
    assert_eq!(status, "202");
    read_until(&mut stream, r#""id":7,"result":{"content":[]}"#);

    assert_eq!(stage.ask("DELETE", &session, "").0, "204");
    assert_eq!(
        stage
            .ask(
                "POST",
                &session,
                r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
            )
            .0,
        "404"
    );
    assert_eq!(
        stage
            .ask("POST", &[], r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            .0,
        "400"
    );
}

#[test]
fn modern_answers_carry_the_clients_ids_and_the_status_of_their_error() {
    let stage = Stage::new("modern");
    let (status, answer) = stage.modern(
        "unknown",
        r#"{"jsonrpc":"2.0","id":500,"method":"unknown"}"#,
    );
    assert_eq!(status, "404", "{answer}");
    assert!(answer.contains(r#""id":500"#), "{answer}");

    let (status, answer) = stage.modern("other", r#"{"jsonrpc":"2.0","id":5,"method":"unknown"}"#);
    assert_eq!(status, "400", "{answer}");
    assert!(answer.contains("-32020"), "{answer}");
}

#[test]
fn a_stream_that_the_client_closes_is_cancelled() {
    let stage = Stage::new("closed");
    let listen = r#"{"jsonrpc":"2.0","id":"mine","method":"subscriptions/listen"}"#;
    let mut stream = stage.send("POST", &modern("subscriptions/listen"), listen);
    read_until(&mut stream, r#"subscriptionId":"mine""#);
    drop(stream);
    stage.wait_for_log(r#""method":"notifications/cancelled","params":{"requestId":1"#);
}

#[test]
fn names_and_pages_of_other_machines_are_refused() {
    let stage = Stage::new("local");
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize"}"#;
    let (status, _) = stage.ask("POST", &[("Host", "evil.example.com")], initialize);
    assert_eq!(status, "403");
    let (status, _) = stage.ask("POST", &[("Origin", "http://evil.example.com")], initialize);
    assert_eq!(status, "403");
}
