//! One exchange over `wasi:http`. A component that never gets here imports nothing of it: what no code reaches, the linker leaves out.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme as WasiScheme, http_error_code,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use super::exchange::{Answer, Hop};
use super::url::Scheme;
use crate::error::ToolError;

/// How much is read or written at once.
const CHUNK: usize = 64 * 1024;

pub(super) fn send(hop: &Hop<'_>) -> Result<Answer, ToolError> {
    let request = outgoing(hop)?;
    let body = request
        .body()
        .map_err(|()| ToolError::internal(format!("{hop} has no place for a body")))?;
    let future = outgoing_handler::handle(request, Some(options(hop)))
        .map_err(|error| failed(&hop.to_string(), &error))?;
    let sent = write(body, hop);
    // A server may answer before it has read everything; and where it does not, its silence mostly says more than the broken stream.
    let response = answer(&future, hop).map_err(|error| match sent {
        Err(sent) if sent.code() == crate::ErrorCode::LimitExceeded => sent,
        _ => error,
    })?;
    let headers = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    Ok(Answer {
        status: response.status(),
        headers,
        body: Box::new(Incoming::new(&response, hop)?),
    })
}

fn outgoing(hop: &Hop<'_>) -> Result<OutgoingRequest, ToolError> {
    let fields = Fields::new();
    for (name, value) in hop.headers {
        fields.append(name, value.as_bytes()).map_err(|error| {
            ToolError::validation(match error {
                HeaderError::Forbidden => {
                    format!("the header `{name}` cannot be sent: it is the host's to set")
                }
                HeaderError::InvalidSyntax | HeaderError::Immutable => {
                    format!("the header `{name}` cannot be sent")
                }
            })
        })?;
    }
    if let Some(body) = hop.body {
        let length = body.len().to_string();
        // Without it the body goes out in chunks, which is as good.
        let _ = fields.set("content-length", &[length.into_bytes()]);
    }
    let request = OutgoingRequest::new(fields);
    let scheme = match hop.url.scheme() {
        Scheme::Http => WasiScheme::Http,
        Scheme::Https => WasiScheme::Https,
    };
    request
        .set_method(&method(hop.method))
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(&hop.url.authority())))
        .and_then(|()| request.set_path_with_query(Some(&hop.url.path_and_query())))
        .map_err(|()| ToolError::validation(format!("{hop} cannot be sent as it is")))?;
    Ok(request)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// The host then stops by itself what nobody waits for any more. One that takes no options has its own limits.
fn options(hop: &Hop<'_>) -> RequestOptions {
    let options = RequestOptions::new();
    let left = Some(nanoseconds(hop.deadline.saturating_duration_since(Instant::now())).max(1));
    let _ = options.set_connect_timeout(left);
    let _ = options.set_first_byte_timeout(left);
    let _ = options.set_between_bytes_timeout(left);
    options
}

fn write(body: OutgoingBody, hop: &Hop<'_>) -> Result<(), ToolError> {
    if let Some(bytes) = hop.body {
        let stream = body
            .write()
            .map_err(|()| ToolError::internal(format!("{hop} has no place for a body")))?;
        write_all(&stream, bytes, hop)?;
    }
    OutgoingBody::finish(body, None).map_err(|error| failed(&hop.to_string(), &error))
}

fn write_all(stream: &OutputStream, bytes: &[u8], hop: &Hop<'_>) -> Result<(), ToolError> {
    let whose = hop.to_string();
    let failed = |error| stream_failed(&whose, error);
    let mut rest = bytes;
    while !rest.is_empty() {
        let room = usize::try_from(stream.check_write().map_err(failed)?).unwrap_or(usize::MAX);
        let (now, later) = rest.split_at(rest.len().min(room).min(CHUNK));
        if now.is_empty() {
            wait(&stream.subscribe(), hop.deadline, &whose)?;
        } else {
            stream.write(now).map_err(failed)?;
            rest = later;
        }
    }
    stream.flush().map_err(failed)?;
    // Room for more is what says that everything was taken.
    while stream.check_write().map_err(failed)? == 0 {
        wait(&stream.subscribe(), hop.deadline, &whose)?;
    }
    Ok(())
}

fn answer(future: &FutureIncomingResponse, hop: &Hop<'_>) -> Result<IncomingResponse, ToolError> {
    let whose = hop.to_string();
    loop {
        match future.get() {
            Some(Ok(result)) => return result.map_err(|error| failed(&whose, &error)),
            Some(Err(())) => {
                return Err(ToolError::internal(format!("{hop} was answered already")));
            }
            None => wait(&future.subscribe(), hop.deadline, &whose)?,
        }
    }
}

/// Waits until something happened to what is waited for; until the deadline at most.
fn wait(pollable: &Pollable, deadline: Instant, whose: &str) -> Result<(), ToolError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        let timer = monotonic_clock::subscribe_duration(nanoseconds(left));
        if poll(&[pollable, &timer]).contains(&0) {
            return Ok(());
        }
    }
    Err(ToolError::timeout(format!("{whose} took too long")))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The body of an answer. The fields are in the order in which they must be dropped.
struct Incoming {
    stream: InputStream,
    _body: IncomingBody,
    deadline: Instant,
    whose: String,
}

impl Incoming {
    fn new(response: &IncomingResponse, hop: &Hop<'_>) -> Result<Self, ToolError> {
        let taken = |()| ToolError::internal(format!("the answer to {hop} is read already"));
        let body = response.consume().map_err(taken)?;
        Ok(Self {
            stream: body.stream().map_err(taken)?,
            _body: body,
            deadline: hop.deadline,
            whose: hop.to_string(),
        })
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = u64::try_from(buffer.len().min(CHUNK)).unwrap_or(0);
        if most == 0 {
            return Ok(0);
        }
        loop {
            match self.stream.read(most) {
                Ok(bytes) if bytes.is_empty() => {
                    wait(&self.stream.subscribe(), self.deadline, &self.whose)
                        .map_err(|error| io::Error::new(ErrorKind::TimedOut, error))?;
                }
                Ok(bytes) => return bytes.as_slice().read(buffer),
                Err(StreamError::Closed) => return Ok(0),
                Err(error) => {
                    let error = stream_failed(&self.whose, error);
                    return Err(io::Error::other(error));
                }
            }
        }
    }
}

fn stream_failed(whose: &str, error: StreamError) -> ToolError {
    match error {
        StreamError::Closed => ToolError::network(format!("{whose}: the connection was closed")),
        StreamError::LastOperationFailed(error) => match http_error_code(&error) {
            Some(error) => failed(whose, &error),
            None => ToolError::network(format!("{whose}: {}", error.to_debug_string())),
        },
    }
}

/// What the host says about why nothing came back, as an error that a model can act on.
fn failed(whose: &str, error: &ErrorCode) -> ToolError {
    use ErrorCode as Code;
    let say = |why: &str| format!("{whose} failed: {why}");
    match error {
        Code::HttpRequestDenied => ToolError::permission_denied(format!(
            "{whose} is not among the requests that this tool may make"
        )),
        Code::DestinationIpProhibited => ToolError::permission_denied(format!(
            "{whose} would go to an address that is not public, which this tool may not reach"
        )),
        Code::DnsTimeout | Code::ConnectionTimeout => {
            ToolError::timeout(say("the server could not be reached in time"))
        }
        Code::ConnectionReadTimeout | Code::ConnectionWriteTimeout | Code::HttpResponseTimeout => {
            ToolError::timeout(say("the server took too long"))
        }
        Code::DnsError(_) | Code::DestinationNotFound => {
            ToolError::network(say("there is no host of that name"))
        }
        Code::DestinationUnavailable | Code::DestinationIpUnroutable => {
            ToolError::network(say("the server cannot be reached"))
        }
        Code::ConnectionRefused => ToolError::network(say("the server refused the connection")),
        Code::ConnectionTerminated | Code::HttpResponseIncomplete => {
            ToolError::network(say("the connection broke off"))
        }
        Code::TlsCertificateError => {
            ToolError::network(say("the server's certificate is not to be trusted"))
        }
        Code::TlsProtocolError | Code::TlsAlertReceived(_) => {
            ToolError::network(say("no secure connection could be agreed on"))
        }
        Code::ConnectionLimitReached => {
            ToolError::limit_exceeded(say("too many connections are open"))
        }
        Code::HttpRequestBodySize(_) => ToolError::limit_exceeded(say("its body is too large")),
        Code::HttpRequestUriTooLong => ToolError::limit_exceeded(say("its URL is too long")),
        Code::HttpRequestHeaderSectionSize(_)
        | Code::HttpRequestHeaderSize(_)
        | Code::HttpRequestTrailerSectionSize(_)
        | Code::HttpRequestTrailerSize(_) => {
            ToolError::limit_exceeded(say("its headers are too large"))
        }
        Code::HttpResponseBodySize(_) => ToolError::limit_exceeded(say("the answer is too large")),
        Code::HttpResponseHeaderSectionSize(_)
        | Code::HttpResponseHeaderSize(_)
        | Code::HttpResponseTrailerSectionSize(_)
        | Code::HttpResponseTrailerSize(_) => {
            ToolError::limit_exceeded(say("the headers of the answer are too large"))
        }
        Code::HttpRequestMethodInvalid
        | Code::HttpRequestUriInvalid
        | Code::HttpRequestLengthRequired => {
            ToolError::validation(say("it cannot be sent as it is"))
        }
        Code::InternalError(Some(text)) => ToolError::network(say(text)),
        other => ToolError::network(say(&other.to_string())),
    }
}
