//! `wasi:http` for guests: every request is checked, resolved once, sent to the address that was checked, and bounded. Enforces what
//! `permissions::network` decides; follows no redirect, so a redirect is a new request of the guest's.

mod body;
mod dial;
mod exchange;
mod guard;
mod resolve;
mod retry;

use std::future::Future;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderName, Request, Response, Uri, header};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::bindings::http::types::Method;
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, FieldMap, RequestOptions, WasiBody, WasiHttpCtx,
    WasiHttpCtxView, WasiHttpHooks,
};

use self::body::{Progress, RequestBody, ResponseBody};
pub(super) use self::dial::HttpClient;
use self::retry::Attempts;
use crate::permissions::network::Target;
use crate::permissions::reach::Reach;
use crate::redact::{RedactedStream, Redactor};

/// The longest that looking up, connecting and agreeing on keys may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that a server may take from the end of the request to the end of its answer's headers.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest pause within a response's body.
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest body, of a request and of a response.
const MAX_BODY: u64 = 64 << 20;

/// The largest head of a response, status line and headers together, and the most that is read ahead of the guest.
const MAX_RESPONSE_HEAD: usize = 64 << 10;

/// The most headers of a response.
const MAX_RESPONSE_HEADERS: usize = 128;

/// How many requests a call may have under way: sent, and their responses not read to the end or dropped. Further ones wait.
const MAX_IN_FLIGHT: usize = 16;

/// How many requests a call may make in all.
const MAX_REQUESTS: usize = 256;

/// What a guest may write into a request's body before it is sent on.
const BODY_CHUNK: usize = 64 << 10;

/// How much room a guest's own headers have together. The share of each is what is left to it when it is made.
const FIELDS_ROOM: usize = 4 << 20;
const MAX_FIELDS: usize = 64 << 10;
const MIN_FIELDS: usize = 1 << 10;

/// The longest host with port, and the longest method, that a guest may keep in a request. What is longer is no valid one.
const MAX_AUTHORITY: usize = 1 << 10;
const MAX_METHOD: usize = 64;

/// A response, and what reads it off the connection. The latter is to be run for as long as the former is read.
type Answer = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// What a guest needs to make requests. Costs next to nothing until it makes the first.
pub(super) struct GuestHttp {
    context: WasiHttpCtx,
    plugin: Arc<str>,
    client: Arc<HttpClient>,
    hooks: Option<Box<Hooks>>,
}

impl GuestHttp {
    pub(super) fn new(plugin: Arc<str>, client: Arc<HttpClient>) -> Self {
        Self {
            context: WasiHttpCtx::new(),
            plugin,
            client,
            hooks: None,
        }
    }

    /// What each function of `wasi:http` works on.
    pub(super) fn view<'a>(
        &'a mut self,
        table: &'a mut ResourceTable,
        reach: &Reach,
    ) -> WasiHttpCtxView<'a> {
        let holders = bound_requests(table);
        self.context
            .set_field_size_limit((FIELDS_ROOM / (holders + 1)).clamp(MIN_FIELDS, MAX_FIELDS));
        let hooks = self.hooks.get_or_insert_with(|| {
            Box::new(Hooks {
                requests: Arc::new(Requests::new(&self.plugin, &self.client, reach)),
                bodies: 0,
            })
        });
        WasiHttpCtxView {
            hooks: hooks.as_mut(),
            table,
            ctx: &mut self.context,
        }
    }
}

/// Takes from the guest's unsent requests what is too long to be sent: the library keeps a host or a method of any length, in memory that
/// is the host's. Gives the number of objects that may hold headers.
fn bound_requests(table: &mut ResourceTable) -> usize {
    let mut holders = 0;
    for entry in table.iter_mut() {
        if entry.is::<FieldMap>() {
            holders += 1;
        } else if let Some(request) = entry.downcast_mut::<HostOutgoingRequest>() {
            holders += 1;
            if request
                .authority
                .as_ref()
                .is_some_and(|authority| authority.len() > MAX_AUTHORITY)
            {
                request.authority = None;
            }
            if matches!(&request.method, Method::Other(method) if method.len() > MAX_METHOD) {
                request.method = Method::Other("TOO-LONG".to_owned());
            }
        }
    }
    holders
}

/// What the library asks us.
struct Hooks {
    requests: Arc<Requests>,
    /// How many bodies the guest has begun, each of which holds chunks until they are sent.
    bodies: usize,
}

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn set_host_header(&mut self) -> bool {
        // Ours comes from the checked target.
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, Error>> + Send> {
        let requests = self.requests.clone();
        // Checked at once, so that a refusal is noted even if the guest ends before anybody waits for the response.
        let admitted = requests.admit(&request);
        Box::new(async move {
            requests
                .send(admitted?, request, options.unwrap_or_default())
                .await
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.bodies += 1;
        // No more of them can be sent, so the others need no room.
        if self.bodies > MAX_REQUESTS {
            1
        } else {
            BODY_CHUNK
        }
    }
}

/// The requests of one call.
struct Requests {
    plugin: Arc<str>,
    client: Arc<HttpClient>,
    reach: Reach,
    redactor: OnceLock<Arc<Redactor>>,
    in_flight: Arc<Semaphore>,
    made: AtomicUsize,
}

impl Requests {
    fn new(plugin: &Arc<str>, client: &Arc<HttpClient>, reach: &Reach) -> Self {
        Self {
            plugin: plugin.clone(),
            client: client.clone(),
            reach: reach.clone(),
            redactor: OnceLock::new(),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            made: AtomicUsize::new(0),
        }
    }

    /// Sends an admitted request and gives the response once its headers are there; makes it again where that is asked for and may be done.
    async fn send(
        &self,
        target: Target,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Answer, Error> {
        let (head, body) = request.into_parts();
        let Some(mut attempts) = Attempts::of(self.reach.retry, &head) else {
            let request = Request::from_parts(head, body);
            return self.attempt(&target, request, options).await;
        };
        let body = retry::whole(body).await?;
        loop {
            let answer = self
                .attempt(&target, retry::again(&head, &body), options)
                .await;
            let (response, driver) = match answer {
                Ok((response, driver)) => (Ok(response), Some(driver)),
                Err(error) => (Err(error), None),
            };
            match attempts.pause(&response) {
                Some(pause) => {
                    drop((response, driver));
                    tokio::time::sleep(pause).await;
                }
                None => {
                    return response.map(|response| {
                        let driver = driver.unwrap_or_else(|| Box::new(async { Ok(()) }));
                        (response, driver)
                    });
                }
            }
        }
    }

    async fn attempt(
        &self,
        target: &Target,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Answer, Error> {
        let shorter =
            |asked: Option<Duration>, most: Duration| asked.map_or(most, |asked| asked.min(most));
        let connect_by = Instant::now() + shorter(options.connect_timeout, CONNECT_TIMEOUT);
        let permit = self.in_flight.clone().acquire_owned();
        let Ok(Ok(permit)) = tokio::time::timeout_at(connect_by, permit).await else {
            return Err(Error::ConnectionLimitReached);
        };
        let access = &self.reach.access.network;
        let connection = self
            .client
            .connect(target, access, connect_by)
            .await
            .map_err(|why| self.note(why))?;
        self.reach.usage.host(&target.to_string());
        if !matches!(
            *request.method(),
            ::http::Method::GET | ::http::Method::HEAD
        ) {
            self.reach.usage.wrote();
        }

        let (mut head, body) = request.into_parts();
        head.uri = origin_form(&head.uri)?;
        let with_secret = self.add_secrets(target, connection.peer, &mut head.headers)?;
        let host = target.authority().parse();
        head.headers.insert(
            header::HOST,
            host.map_err(|_| Error::HttpRequestUriInvalid)?,
        );

        let progress = Progress::default();
        let request = Request::from_parts(head, RequestBody::new(body, progress.clone()));
        let first_byte = shorter(options.first_byte_timeout, FIRST_BYTE_TIMEOUT);
        let (response, driver) =
            exchange::exchange(connection.stream, request, &progress, first_byte).await?;

        let (mut head, incoming) = response.into_parts();
        guard::check_response(&head, &incoming, with_secret)?;
        let redactor = self.redactor();
        if let Some(redactor) = &redactor {
            guard::redact_headers(redactor, &mut head.headers);
        }
        let between_bytes = shorter(options.between_bytes_timeout, BETWEEN_BYTES_TIMEOUT);
        let redaction = redactor.map(RedactedStream::new);
        let body = ResponseBody::new(incoming, redaction, between_bytes, permit);
        Ok((
            Response::from_parts(head, body.boxed_unsync()),
            Box::new(driver),
        ))
    }

    /// What covers the values of the call's secrets in whatever comes back; nothing where it has none.
    fn redactor(&self) -> Option<Arc<Redactor>> {
        let redactor = self.redactor.get_or_init(|| {
            let values = self.reach.secrets.iter();
            Arc::new(Redactor::new(values.map(|secret| secret.value.as_str())))
        });
        (!redactor.is_empty()).then(|| redactor.clone())
    }
}

/// The form in which a URL stands in a request to the server itself.
fn origin_form(url: &Uri) -> Result<Uri, Error> {
    let path = url.path();
    let parsed = match url.query() {
        Some(query) => format!("{path}?{query}").parse(),
        None => path.parse(),
    };
    parsed.map_err(|_| Error::HttpRequestUriInvalid)
}

#[cfg(test)]
mod tests;
