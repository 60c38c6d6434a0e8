//! One HTTP request from head to answer: to which host it goes, and whether the answer is one message or a stream.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anyhow::Result;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::headers::{self, SESSION};
use super::process::{HostProcess, Launch, Pending};
use super::routes::Era;

/// The longest message that is taken.
const BODY_LIMIT: usize = 16 << 20;

type Answer = Response<Either<Full<Bytes>, EventStream>>;

/// The hosts that stand behind one address.
pub(super) struct Hosts {
    launch: Launch,
    modern: Mutex<Option<Arc<HostProcess>>>,
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    last: u64,
    running: HashMap<String, Arc<HostProcess>>,
}

impl Hosts {
    pub(super) fn new(launch: Launch) -> Self {
        Self {
            launch,
            modern: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    /// The one that all modern requests share, started at the first of them.
    fn modern(&self) -> Result<Arc<HostProcess>> {
        let mut modern = self.modern.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = &*modern {
            return Ok(Arc::clone(host));
        }
        let host = HostProcess::start(&self.launch, Era::Modern)?;
        *modern = Some(Arc::clone(&host));
        Ok(host)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_session(&self) -> Result<(String, Arc<HostProcess>)> {
        let host = HostProcess::start(&self.launch, Era::Legacy)?;
        let mut sessions = self.sessions();
        sessions.last += 1;
        let name = format!("session-{}", sessions.last);
        sessions.running.insert(name.clone(), Arc::clone(&host));
        Ok((name, host))
    }

    /// The host of the session that a request names, or why there is none.
    fn of_session(&self, request: &HeaderMap) -> Result<Arc<HostProcess>, Refusal> {
        let name = headers::text(request, SESSION)
            .ok_or(Refusal(StatusCode::BAD_REQUEST, "no session is named"))?;
        let sessions = self.sessions();
        let host = sessions.running.get(name).cloned();
        host.ok_or(Refusal(StatusCode::NOT_FOUND, "there is no such session"))
    }
}

/// What the bridge itself answers, and with which status.
struct Refusal(StatusCode, &'static str);

impl From<Refusal> for Answer {
    fn from(Refusal(status, why): Refusal) -> Self {
        refusal(status, why)
    }
}

pub(super) async fn answer(
    hosts: Arc<Hosts>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    if !headers::is_local(request.headers()) {
        return Ok(refusal(
            StatusCode::FORBIDDEN,
            "only this machine's own names and pages are served",
        ));
    }
    if request.uri().path() != "/mcp" {
        return Ok(refusal(StatusCode::NOT_FOUND, "the one path is /mcp"));
    }
    Ok(match *request.method() {
        Method::POST => post(&hosts, request).await,
        Method::GET => listen(&hosts, request.headers()),
        Method::DELETE => end(&hosts, request.headers()),
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "POST, GET or DELETE"),
    })
}

async fn post(hosts: &Hosts, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body does not come whole",
        );
    };
    let message: Value = match serde_json::from_slice(&body.to_bytes()) {
        Ok(message @ Value::Object(_)) => message,
        Ok(_) => return error(&Value::Null, -32600, "not one JSON-RPC message"),
        Err(_) => return error(&Value::Null, -32700, "not JSON"),
    };
    match headers::era(&head.headers, &message) {
        Era::Legacy => post_legacy(hosts, &head.headers, message).await,
        Era::Modern => post_modern(hosts, &head.headers, message).await,
    }
}

async fn post_modern(hosts: &Hosts, request: &HeaderMap, message: Value) -> Answer {
    let id = message.get("id").cloned().unwrap_or_default();
    if let Some(mismatch) = headers::mismatch(request, &message) {
        return error(&id, -32020, &mismatch);
    }
    if id.is_null() {
        // Here a client cancels by closing the stream, and has nothing else to notify of.
        return empty(StatusCode::ACCEPTED);
    }
    match hosts.modern() {
        Ok(host) => exchange(&host, message, None).await,
        Err(problem) => refusal(StatusCode::BAD_GATEWAY, &format!("{problem:#}")),
    }
}

async fn post_legacy(hosts: &Hosts, request: &HeaderMap, message: Value) -> Answer {
    let begins = message.get("method").and_then(Value::as_str) == Some("initialize");
    if begins && !request.contains_key(SESSION) {
        return match hosts.new_session() {
            Ok((name, host)) => exchange(&host, message, Some(name)).await,
            Err(problem) => refusal(StatusCode::BAD_GATEWAY, &format!("{problem:#}")),
        };
    }
    let host = match hosts.of_session(request) {
        Ok(host) => host,
        Err(refused) => return refused.into(),
    };
    if message.get("method").is_some() && message.get("id").is_some() {
        return exchange(&host, message, None).await;
    }
    if host.send(message) {
        empty(StatusCode::ACCEPTED)
    } else {
        refusal(StatusCode::BAD_GATEWAY, "the host has ended")
    }
}

/// Sends a request and answers with what comes back: an answer that comes first as one message, anything before it as a stream.
async fn exchange(host: &Arc<HostProcess>, request: Value, session: Option<String>) -> Answer {
    let modern = host.is_modern();
    let (pending, mut said) = host.ask(request);
    let Some(first) = said.recv().await else {
        return refusal(StatusCode::BAD_GATEWAY, "the host has ended");
    };
    let mut answer = if first.get("method").is_some() {
        stream(Some(first), said, Some(pending))
    } else {
        let status = if modern {
            headers::status(&first)
        } else {
            StatusCode::OK
        };
        message(status, &first)
    };
    if let Some(name) = session.and_then(|name| name.try_into().ok()) {
        answer.headers_mut().insert(SESSION, name);
    }
    answer
}

fn listen(hosts: &Hosts, request: &HeaderMap) -> Answer {
    if !request.contains_key(SESSION) {
        let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "only sessions have one");
        answer
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return answer;
    }
    match hosts.of_session(request) {
        Ok(host) => match host.listen() {
            Some(said) => stream(None, said, None),
            None => refusal(StatusCode::CONFLICT, "the session's stream is open already"),
        },
        Err(refused) => refused.into(),
    }
}

fn end(hosts: &Hosts, request: &HeaderMap) -> Answer {
    match hosts.of_session(request) {
        Ok(host) => {
            host.end();
            if let Some(name) = headers::text(request, SESSION) {
                hosts.sessions().running.remove(name);
            }
            empty(StatusCode::NO_CONTENT)
        }
        Err(refused) => refused.into(),
    }
}

fn respond(status: StatusCode, kind: Option<&'static str>, body: String) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = status;
    if let Some(kind) = kind {
        let kind = HeaderValue::from_static(kind);
        answer.headers_mut().insert(CONTENT_TYPE, kind);
    }
    answer
}

fn empty(status: StatusCode) -> Answer {
    respond(status, None, String::new())
}

/// What the bridge itself has to say.
fn refusal(status: StatusCode, why: &str) -> Answer {
    respond(status, Some("text/plain"), format!("bridge: {why}\n"))
}

fn message(status: StatusCode, message: &Value) -> Answer {
    respond(status, Some("application/json"), message.to_string())
}

fn error(id: &Value, code: i64, why: &str) -> Answer {
    let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}});
    message(StatusCode::BAD_REQUEST, &error)
}

fn stream(
    first: Option<Value>,
    said: UnboundedReceiver<Value>,
    pending: Option<Pending>,
) -> Answer {
    let mut answer = Response::new(Either::Right(EventStream {
        first,
        said,
        _pending: pending,
    }));
    let kind = HeaderValue::from_static("text/event-stream");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Messages as server-sent events, until the answer is out. hyper drops it when the client has gone.
pub(super) struct EventStream {
    first: Option<Value>,
    said: UnboundedReceiver<Value>,
    _pending: Option<Pending>,
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let event = |message: Value| {
            Ok(Frame::data(
                format!("event: message\ndata: {message}\n\n").into(),
            ))
        };
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(event(first)));
        }
        this.said
            .poll_recv(context)
            .map(|message| message.map(event))
    }
}
