//! A running `toolbay serve --http` and clients of it: hyper's, each request on a connection of its own unless a test keeps one. Every message that a client
//! gets is checked as those on standard output are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::{Handle, Runtime};
use tokio::task::AbortHandle;

use super::host::announce_exit;
use super::ledger::{Ledger, shorten};
use super::reader::{first_nasty, lock};
use super::session::{initialize_params, modern_meta};
use super::{Era, PATIENCE, Start, schemas};

/// A host that serves over HTTP. Dropping it kills it.
pub(crate) struct HttpHost {
    child: Child,
    pub(crate) address: SocketAddr,
    exited: Receiver<()>,
    stderr: Arc<Mutex<String>>,
    runtime: Runtime,
    _home: TempDir,
}

impl HttpHost {
    /// On a free port of 127.0.0.1.
    pub(crate) fn start(start: Start) -> Self {
        let home = TempDir::new().expect("a temporary folder can be made");
        let start = start.argument("--http").argument("127.0.0.1:0");
        let mut command = start.command(home.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let kept = Arc::new(Mutex::new(String::new()));
        let (told, address) = channel();
        let keep = kept.clone();
        thread::spawn(move || {
            let mut lines = BufReader::new(stderr);
            let mut line = String::new();
            let _ = lines.read_line(&mut line);
            let _ = told.send(line.clone());
            let mut rest = lines;
            loop {
                lock(&keep).push_str(&line);
                line.clear();
                if !matches!(rest.by_ref().take(1 << 16).read_line(&mut line), Ok(1..)) {
                    return;
                }
            }
        });
        let first = address
            .recv_timeout(PATIENCE)
            .expect("the host says where it serves");
        let address = first
            .trim()
            .strip_prefix("serving http://")
            .and_then(|rest| rest.strip_suffix("/mcp"))
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("not where it serves: {first}"));
        Self {
            exited: announce_exit(&child),
            child,
            address,
            stderr: kept,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime can be started"),
            _home: home,
        }
    }

    /// One request on a connection of its own.
    pub(crate) fn send(&self, request: Request<Bytes>) -> Exchange {
        self.connect().send(request)
    }

    /// A request whose answer nobody waits for. Dropping what this gives closes the connection.
    pub(crate) fn send_unanswered(&self, request: Request<Bytes>) -> std::net::TcpStream {
        let mut stream = std::net::TcpStream::connect(self.address).expect("the port is open");
        let mut text = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            text += &format!("{name}: {}\r\n", value.to_str().expect("a header is text"));
        }
        text += &format!("content-length: {}\r\n\r\n", request.body().len());
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(request.body());
        stream.write_all(&bytes).expect("the host reads");
        stream
    }

    /// A connection that stays open.
    pub(crate) fn connect(&self) -> Connection {
        let address = self.address;
        let (handle, (done, connected)) = (self.runtime.handle().clone(), channel());
        self.runtime.spawn(async move {
            let stream = TcpStream::connect(address).await.expect("the port is open");
            let (sender, connection) = handshake(TokioIo::new(stream))
                .await
                .expect("the connection is good");
            tokio::spawn(connection);
            let _ = done.send(sender);
        });
        let sender = connected
            .recv_timeout(PATIENCE)
            .expect("the host lets a client in");
        Connection { handle, sender }
    }

    /// What is at this path.
    pub(crate) fn get(&self, path: &str) -> (StatusCode, Value) {
        let mut exchange = self.send(request(Method::GET, path, self.address, &[], ""));
        (exchange.status, exchange.json())
    }

    /// Asks again and again until the host has loaded its folders.
    pub(crate) fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.get("/readyz").0 != StatusCode::OK {
            assert!(Instant::now() < deadline, "the host does not become ready");
        }
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        let id = libc::pid_t::try_from(self.child.id()).expect("a process id fits");
        // SAFETY: the process was started here and has not been waited for, so the id is its own.
        let outcome = unsafe { libc::kill(id, signal) };
        assert_eq!(outcome, 0, "the host is there");
    }

    pub(crate) fn wait_for_exit(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        let ended = self.exited.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout);
        assert!(ended, "the host is still running");
        let took = start.elapsed();
        (self.child.wait().expect("the host was started here"), took)
    }

    pub(crate) fn stderr(&self) -> String {
        lock(&self.stderr).clone()
    }
}

impl Drop for HttpHost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let stderr = self.stderr();
        if thread::panicking() {
            eprintln!("the host's stderr:\n{}", shorten(&stderr));
        } else {
            assert_eq!(first_nasty(&stderr), None, "{stderr}");
        }
    }
}

/// A connection to a host.
pub(crate) struct Connection {
    handle: Handle,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Sends a request and waits for the head of its answer.
    pub(crate) fn send(mut self, request: Request<Bytes>) -> Exchange {
        self.send_and_stay(request)
    }

    /// The same, with the connection kept for another request once this one's answer was read.
    pub(crate) fn send_and_stay(&mut self, request: Request<Bytes>) -> Exchange {
        let (head, answered) = channel();
        let (chunk, chunks) = channel();
        let sending = self.sender.send_request(request.map(Full::new));
        let task = self.handle.spawn(async move {
            let response = match sending.await {
                Ok(response) => response,
                Err(error) => {
                    let _ = head.send(Err(error.to_string()));
                    return;
                }
            };
            let (parts, mut body) = response.into_parts();
            let _ = head.send(Ok((parts.status, parts.headers)));
            while let Some(Ok(frame)) = body.frame().await {
                if let Ok(data) = frame.into_data()
                    && chunk.send(data).is_err()
                {
                    return;
                }
            }
        });
        let (status, headers) = answered
            .recv_timeout(PATIENCE)
            .expect("the host answers")
            .expect("the connection is good");
        Exchange {
            status,
            headers,
            chunks,
            unread: String::new(),
            task: task.abort_handle(),
        }
    }
}

/// The answer to a request, whose body may still be coming. Dropping it gives the request up.
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    chunks: Receiver<Bytes>,
    unread: String,
    task: AbortHandle,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Exchange {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Fails with what the body says where the status is another.
    pub(crate) fn must_be(&mut self, status: StatusCode) {
        if self.status != status {
            let body = self.text();
            panic!("{} instead of {status}: {body}", self.status);
        }
    }

    /// The whole body.
    pub(crate) fn text(&mut self) -> String {
        while self.read_on() {}
        std::mem::take(&mut self.unread)
    }

    pub(crate) fn json(&mut self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A refusal that came before the protocol: its status and its sentence.
    pub(crate) fn refusal(&mut self) -> (u16, String) {
        let body = self.json();
        let checked = schemas::check(schemas::MODERN, "JSONRPCErrorResponse", &body);
        assert_eq!(checked, Ok(()), "{body}");
        let message = body["error"]["message"].as_str().expect("it says why");
        (self.status.as_u16(), message.to_owned())
    }

    /// The next message, or nothing at the end.
    fn next_line(&mut self) -> Option<String> {
        let is_stream = self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        if !is_stream {
            let text = self.text();
            return (!text.is_empty()).then_some(text);
        }
        loop {
            while let Some((event, rest)) = self.unread.split_once("\n\n") {
                let data: String = event
                    .lines()
                    .filter_map(|line| line.strip_prefix("data:"))
                    .map(str::trim_start)
                    .collect();
                self.unread = rest.to_owned();
                if !data.is_empty() {
                    return Some(data);
                }
            }
            if !self.read_on() {
                assert_eq!(self.unread, "", "an event was cut off");
                return None;
            }
        }
    }

    /// Reads a little more. False at the end.
    fn read_on(&mut self) -> bool {
        match self.chunks.recv_timeout(PATIENCE) {
            Ok(chunk) => {
                self.unread
                    .push_str(str::from_utf8(&chunk).expect("text is sent whole"));
                true
            }
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => panic!("nothing comes; unread: {}", self.unread),
        }
    }
}

/// A request as clients send it.
pub(crate) fn request(
    method: Method,
    path: &str,
    address: SocketAddr,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, address.to_string())
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        let headers = request.headers_mut().expect("the request is good so far");
        headers.remove(*name);
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("the request is good")
}

/// A client of one of the eras. Dropping it fails the test if any message that it got was wrong.
pub(crate) struct Client<'a> {
    pub(crate) host: &'a HttpHost,
    pub(crate) era: Era,
    pub(crate) token: Option<String>,
    pub(crate) session: Option<String>,
    ledger: Ledger,
    last_id: u64,
}

impl<'a> Client<'a> {
    pub(crate) fn new(host: &'a HttpHost, era: Era, token: Option<&str>) -> Self {
        Self {
            host,
            era,
            token: token.map(str::to_owned),
            session: None,
            ledger: Ledger::new(),
            last_id: 0,
        }
    }

    /// Shakes hands where the era asks for it.
    pub(crate) fn open(host: &'a HttpHost, era: Era, token: Option<&str>) -> Self {
        let mut client = Self::new(host, era, token);
        if let Era::Legacy(revision) = era {
            let mut exchange = client.start("initialize", initialize_params(revision));
            let session = exchange.header("mcp-session-id").map(str::to_owned);
            let result = client.result_of(&mut exchange);
            assert_eq!(result["protocolVersion"], revision);
            assert!(session.is_some(), "a session has an id");
            client.session = session;
            client.notify("notifications/initialized", json!({}));
        }
        client
    }

    /// The headers that the era asks for.
    pub(crate) fn headers(&self, message: &Value) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if let Some(token) = &self.token {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        if let Some(session) = &self.session {
            headers.push(("mcp-session-id", session.clone()));
        }
        match self.era {
            Era::Legacy(_) if self.session.is_none() => {}
            Era::Legacy(revision) => headers.push(("mcp-protocol-version", revision.into())),
            Era::Modern => {
                headers.push(("mcp-protocol-version", schemas::MODERN.into()));
                let method = message["method"].as_str().unwrap_or_default();
                headers.push(("mcp-method", method.into()));
                let key = match method {
                    "resources/read" => "uri",
                    method if method.starts_with("tasks/") => "taskId",
                    _ => "name",
                };
                let name = &message["params"][key];
                if let Some(name) = name.as_str() {
                    headers.push(("mcp-name", name.into()));
                }
            }
        }
        headers
    }

    /// A message as a request of this client's.
    pub(crate) fn compose(&self, message: &Value) -> Request<Bytes> {
        let headers = self.headers(message);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        request(
            Method::POST,
            "/mcp",
            self.host.address,
            &headers,
            message.to_string(),
        )
    }

    /// A request's message, with what the era asks for in `_meta`.
    pub(crate) fn message(&mut self, method: &str, mut params: Value) -> Value {
        self.last_id += 1;
        if self.era == Era::Modern {
            let meta: serde_json::Map<String, Value> = modern_meta()
                .into_iter()
                .map(|(name, value)| (format!("io.modelcontextprotocol/{name}"), value))
                .collect();
            params["_meta"] = meta.into();
        }
        json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})
    }

    /// Sends a message as it is.
    pub(crate) fn send(&mut self, message: &Value) -> Exchange {
        self.ledger.sent(message.to_string().as_bytes());
        self.host.send(self.compose(message))
    }

    /// Sends a request, to be answered on what comes back.
    pub(crate) fn start(&mut self, method: &str, params: Value) -> Exchange {
        let message = self.message(method, params);
        self.send(&message)
    }

    pub(crate) fn start_call(&mut self, tool: &str, arguments: Value) -> Exchange {
        self.start("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        let mut exchange = self.send(&message);
        exchange.must_be(StatusCode::ACCEPTED);
    }

    /// The next message of an answer, or nothing at its end.
    pub(crate) fn next(&mut self, exchange: &mut Exchange) -> Option<Value> {
        let line = exchange.next_line()?;
        Some(self.ledger.received(line.as_bytes()))
    }

    /// The result in an answer, which must be good.
    pub(crate) fn result_of(&mut self, exchange: &mut Exchange) -> Value {
        exchange.must_be(StatusCode::OK);
        let mut answer = self.next(exchange).expect("there is an answer");
        assert!(answer.get("result").is_some(), "no result: {answer}");
        assert_eq!(self.next(exchange), None, "the answer is the last message");
        answer["result"].take()
    }

    pub(crate) fn result(&mut self, method: &str, params: Value) -> Value {
        let mut exchange = self.start(method, params);
        self.result_of(&mut exchange)
    }

    /// The status and the error of a request that must fail.
    pub(crate) fn error(&mut self, method: &str, params: Value) -> (u16, Value) {
        let message = self.message(method, params);
        self.error_of(&message)
    }

    pub(crate) fn error_of(&mut self, message: &Value) -> (u16, Value) {
        let mut exchange = self.send(message);
        let mut answer = self.next(&mut exchange).expect("there is an answer");
        assert!(answer.get("error").is_some(), "no error: {answer}");
        (exchange.status.as_u16(), answer["error"].take())
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.result("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// The stream of what a legacy session is told unasked.
    pub(crate) fn listen(&self) -> Exchange {
        self.bodiless(Method::GET)
    }

    /// Ends the session.
    pub(crate) fn delete(&self) -> u16 {
        self.bodiless(Method::DELETE).status.as_u16()
    }

    fn bodiless(&self, method: Method) -> Exchange {
        let headers = self.headers(&Value::Null);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.host
            .send(request(method, "/mcp", self.host.address, &headers, ""))
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        let faults = self.ledger.faults().join("\n");
        if thread::panicking() {
            eprintln!("wrong messages:\n{faults}");
        } else {
            assert!(faults.is_empty(), "wrong messages:\n{faults}");
        }
    }
}

/// The lines of the audit log in this state folder.
pub(crate) fn audit(state: &Path) -> Vec<Value> {
    std::fs::read_to_string(state.join("audit.jsonl"))
        .unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}
