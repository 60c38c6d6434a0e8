//! The way of a request from the connection to rmcp: who sent it, whether there is room for it, whose session it names. What is refused here never reaches
//! the protocol.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use rmcp::model::RequestId;
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::super::stdio::{CallMethod, Parsed, Refusal, parse_line};
use super::super::tasks::TasksByPrincipal;
use super::answer::{self, Answer, holding, refuse, status, unauthorized};
use super::body;
use super::handler::{CALLER, CallParams, Caller, Handler, names_arguments_in_headers};
use super::places::{Place, Places};
use super::rules::Rules;
use super::sessions::{NoEntry, Opening, Sessions, Visit};
use super::{Limits, PATH};
use crate::host::Host;
use crate::metrics;
use crate::principal::Principal;
use crate::text::escape;
use crate::tokens::{TokenError, TokenStore};

/// Of the legacy era.
const SESSION_HEADER: &str = "mcp-session-id";
/// An id that no session has.
const NO_SESSION: HeaderValue = HeaderValue::from_static("none");

/// What all connections share.
pub(super) struct Entry {
    host: Arc<Host>,
    rules: Rules,
    tokens: TokenStore,
    /// Whether others than this machine can connect, who need a token in any case.
    is_remote: bool,
    limits: Limits,
    requests: Places,
    streams: Places,
    /// One permit a KiB of bodies.
    bodies: Arc<Semaphore>,
    sessions: Arc<Sessions>,
    protocol: StreamableHttpService<Handler, LocalSessionManager>,
    manager: Arc<LocalSessionManager>,
    /// Ends everything that rmcp has under way.
    cancel: CancellationToken,
    is_ending: AtomicBool,
}

/// Where Prometheus reads.
const METRICS: &str = "/metrics";
const METRICS_SCOPE: &str = "metrics:read";

/// What a request holds until it is over: as long as its answer is sent, and as long as its handler runs.
struct Hold {
    _place: Place,
    _bytes: Option<OwnedSemaphorePermit>,
    _visit: Option<Visit>,
}

impl Entry {
    pub(super) fn new(
        host: Arc<Host>,
        rules: Rules,
        tokens: TokenStore,
        is_remote: bool,
        limits: Limits,
    ) -> Self {
        let cancel = CancellationToken::new();
        let mut manager = LocalSessionManager::default();
        // It would end sessions in which a client only listens; idle ones are looked for here.
        manager.session_config.keep_alive = None;
        let manager = Arc::new(manager);
        // Names were checked before, of the whole server and not of this path alone; so was the body's length.
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_json_response(true)
            .with_max_request_body_bytes(usize::MAX)
            .with_cancellation_token(cancel.clone());
        let for_handlers = host.clone();
        let tasks = TasksByPrincipal::default();
        let make = move || Handler::new(&for_handlers, &tasks);
        Self {
            protocol: StreamableHttpService::new(make, manager.clone(), config),
            manager,
            requests: Places::new(limits.requests),
            streams: Places::new(limits.streams),
            bodies: Arc::new(Semaphore::new(limits.bodies_kib)),
            sessions: Sessions::new(limits.sessions),
            cancel,
            is_ending: AtomicBool::new(false),
            host,
            rules,
            tokens,
            is_remote,
            limits,
        }
    }

    /// Answers a request that came to this address of the machine.
    pub(super) async fn answer(&self, request: Request<Incoming>, address: IpAddr) -> Answer {
        let is_question = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/healthz" if is_question => return status(StatusCode::OK, "ok"),
            "/readyz" if is_question => return self.readiness(),
            _ => {}
        }
        if let Err(why) = self.rules.check(request.uri(), request.headers(), address) {
            let header = |name| request.headers().get(name).map(shown);
            tracing::warn!(host = ?header(header::HOST), origin = ?header(header::ORIGIN), "refused a request: {why}");
            return refuse(StatusCode::FORBIDDEN, why);
        }
        let principal = match self.principal(request.headers()) {
            Ok(principal) => principal,
            Err(error) => return unauthorized(&error),
        };
        if request.uri().path() == METRICS && is_question {
            return self.metrics(&principal);
        }
        if request.uri().path() != PATH {
            return refuse(
                StatusCode::NOT_FOUND,
                format!("there is nothing here; MCP is spoken at {PATH}"),
            );
        }
        let (mut parts, body) = request.into_parts();
        // Nobody needs it any more, and what comes after may be logged.
        parts.headers.remove(header::AUTHORIZATION);
        let caller = Caller { principal };
        let answered = match parts.method {
            Method::POST => self.post(parts, body, &caller).await,
            Method::GET => self.listen(parts, &caller).await,
            Method::DELETE => self.delete(parts, &caller).await,
            _ => {
                let mut answer = refuse(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "only POST, GET and DELETE are known here",
                );
                let methods = HeaderValue::from_static("GET, POST, DELETE");
                answer.headers_mut().insert(header::ALLOW, methods);
                return answer;
            }
        };
        answered.unwrap_or_else(|refused| refused)
    }

    /// The counts are of all callers, so a token needs a scope to see them.
    fn metrics(&self, principal: &Principal) -> Answer {
        if principal.holds(METRICS_SCOPE) {
            answer::text(metrics::page(&self.host))
        } else {
            refuse(
                StatusCode::FORBIDDEN,
                format!("{METRICS} is for tokens with the scope `{METRICS_SCOPE}`"),
            )
        }
    }

    fn readiness(&self) -> Answer {
        if self.is_ending() {
            status(StatusCode::SERVICE_UNAVAILABLE, "ending")
        } else if self.host.is_scanned() {
            status(StatusCode::OK, "ready")
        } else {
            status(StatusCode::SERVICE_UNAVAILABLE, "starting")
        }
    }

    fn principal(&self, headers: &HeaderMap) -> Result<Principal, TokenError> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next();
        if values.next().is_some() {
            return Err(TokenError::Unknown);
        }
        let Some(value) = value else {
            return if self.is_remote {
                Err(TokenError::Missing)
            } else {
                self.tokens.principal(None)
            };
        };
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match token {
            Some(token) => self.tokens.principal(Some(token)),
            None => Err(TokenError::Unknown),
        }
    }

    /// A message of a client's.
    async fn post(&self, parts: Parts, body: Incoming, caller: &Caller) -> Result<Answer, Answer> {
        let mut place = self.requests.take().ok_or_else(too_many)?;
        let kib = body::most_bytes(&body, self.limits.body).div_ceil(1 << 10);
        let mut bytes = self
            .bodies
            .clone()
            .acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX))
            .await
            .ok();
        let body = body::read(body, self.limits.body, self.limits.body_time).await?;
        // What was set aside for more than came is free again.
        bytes = bytes.and_then(|mut bytes| bytes.split(body.len().div_ceil(1 << 10)));
        let mut opening = None;
        let mut id = None;
        let mut params = None;
        let mut for_rmcp = body.clone();
        match parse_line(&body) {
            Parsed::Blank => return Err(refuse(StatusCode::BAD_REQUEST, "there is no message")),
            Parsed::Refused(refused) => {
                return Err(answer::refusal(StatusCode::BAD_REQUEST, &refused));
            }
            Parsed::Ignored(why) => return Err(refuse(StatusCode::BAD_REQUEST, why)),
            Parsed::Call {
                id: of_call,
                method,
                params: of_call_params,
            } => {
                let with_arguments = method == CallMethod::CallTool
                    && names_arguments_in_headers(&self.host, of_call_params);
                for_rmcp = body::call_for_rmcp(&of_call, method, of_call_params, with_arguments);
                params = of_call_params.map(ToOwned::to_owned);
                id = Some(of_call);
            }
            Parsed::Request {
                id: of_request,
                method,
                ..
            } => {
                if method == "subscriptions/listen" {
                    place = self.streams.take().ok_or_else(too_many)?;
                }
                if method == "initialize" && !parts.headers.contains_key(SESSION_HEADER) {
                    opening = Some(self.opening(caller).await?);
                }
                id = Some(of_request);
            }
            Parsed::Notification { .. } | Parsed::Response { .. } => {}
        }
        // Whoever has a call running may still cancel it, or answer what it asks.
        if id.is_some() && self.is_ending() {
            return Err(answer::ending());
        }
        let hold = Hold {
            _place: place,
            _bytes: bytes,
            _visit: None,
        };
        let answer = self
            .pass_on(parts, for_rmcp, caller, hold, id.as_ref(), params)
            .await?;
        if let Some((opening, session)) = opening.zip(session_of(answer.headers())) {
            opening.opened(session);
        }
        Ok(answer)
    }

    /// A place for a new session.
    async fn opening(&self, caller: &Caller) -> Result<Opening, Answer> {
        let Some((opening, makes_room)) = self.sessions.open(&caller.principal.name) else {
            return Err(answer::busy("too many sessions are open"));
        };
        if let Some(unused) = makes_room {
            self.close_session(&unused).await;
        }
        Ok(opening)
    }

    /// A stream of what a session is told unasked.
    async fn listen(&self, parts: Parts, caller: &Caller) -> Result<Answer, Answer> {
        if self.is_ending() {
            return Err(answer::ending());
        }
        let hold = Hold {
            _place: self.streams.take().ok_or_else(too_many)?,
            _bytes: None,
            _visit: None,
        };
        self.pass_on(parts, Bytes::new(), caller, hold, None, None)
            .await
    }

    /// The end of a session.
    async fn delete(&self, parts: Parts, caller: &Caller) -> Result<Answer, Answer> {
        let hold = Hold {
            _place: self.requests.take().ok_or_else(too_many)?,
            _bytes: None,
            _visit: None,
        };
        let session = session_of(&parts.headers).map(str::to_owned);
        if let Some(session) = &session
            && self
                .sessions
                .enter(session, &caller.principal.name, None)
                .is_err()
        {
            return Err(refuse(StatusCode::NOT_FOUND, "there is no such session"));
        }
        let answer = self
            .pass_on(parts, Bytes::new(), caller, hold, None, None)
            .await?;
        if let Some(session) = session.filter(|_| answer.status().is_success()) {
            self.sessions.forget(&session);
        }
        Ok(answer)
    }

    /// Hands a request to rmcp, in the session that it names if that is the caller's.
    async fn pass_on(
        &self,
        mut parts: Parts,
        body: Bytes,
        caller: &Caller,
        mut hold: Hold,
        id: Option<&RequestId>,
        params: Option<Box<RawValue>>,
    ) -> Result<Answer, Answer> {
        if parts.headers.contains_key(SESSION_HEADER) {
            let entered = match session_of(&parts.headers) {
                Some(session) => self.sessions.enter(session, &caller.principal.name, id),
                None => Err(NoEntry::Unknown),
            };
            match entered {
                Ok(visit) => hold._visit = Some(visit),
                // rmcp says what is said of one that never was; a request of the modern era needs none.
                Err(NoEntry::Unknown) => {
                    parts.headers.insert(SESSION_HEADER, NO_SESSION);
                }
                Err(NoEntry::Duplicate) => {
                    let why = "duplicate request id: a request with this id is not answered yet";
                    let refused = Refusal::invalid_request(id.cloned(), why);
                    return Err(answer::refusal(StatusCode::BAD_REQUEST, &refused));
                }
            }
        }
        let hold = Arc::new(hold);
        parts.extensions.insert(hold.clone());
        if let Some(params) = params {
            parts.extensions.insert(CallParams(params.into()));
        }
        let request = Request::from_parts(parts, Full::new(body));
        let answer = CALLER
            .scope(caller.clone(), self.protocol.handle(request))
            .await;
        Ok(holding(answer, hold))
    }

    /// Goes on until the server ends.
    pub(super) async fn forget_idle_sessions(self: Arc<Self>) {
        const OFTEN: Duration = Duration::from_secs(60);
        while self
            .cancel
            .run_until_cancelled(tokio::time::sleep(OFTEN))
            .await
            .is_some()
        {
            for session in self.sessions.forget_idle(self.limits.session_idle) {
                tracing::debug!("a session was idle for too long");
                self.close_session(&session).await;
            }
        }
    }

    async fn close_session(&self, id: &Arc<str>) {
        if let Err(error) = self.manager.close_session(id).await {
            tracing::warn!(%error, "a session could not be closed");
        }
    }

    /// From here on no new request is taken.
    pub(super) fn begin_to_end(&self) {
        self.is_ending.store(true, Ordering::Release);
    }

    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// Waits until every request is answered, at most so long. Says whether they are.
    pub(super) async fn is_idle(&self, patience: Duration) -> bool {
        self.requests.all_free(patience).await
    }

    /// Ends what rmcp has under way: sessions, streams, calls.
    pub(super) fn cancel_everything(&self) {
        self.cancel.cancel();
    }
}

fn too_many() -> Answer {
    answer::busy("too many requests are being answered")
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(SESSION_HEADER).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// A header's value, for the log.
fn shown(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    escape(&crate::text::shorten(&text, 200))
}
