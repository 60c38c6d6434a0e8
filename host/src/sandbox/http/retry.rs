//! Requests that are made again when a server cannot answer for a moment: those that change nothing, and those of a call with an idempotency key that hand their server a key of their own.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::permissions::reach::Retry;

/// The header by which a server knows a request that it has had before (draft-ietf-httpapi-idempotency-key-header).
const KEY: &str = "idempotency-key";

/// A larger body is sent once.
const MAX_BODY: usize = 1 << 20;

/// The first pause, which doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A server that wants to be left alone for longer is.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Whether a request may be made again, by how often it was.
pub(super) struct Attempts {
    retry: Retry,
    made: u32,
}

impl Attempts {
    /// Of this request; nothing where it is made once and no more.
    pub(super) fn of(retry: Option<Retry>, head: &Parts) -> Option<Self> {
        let retry = retry?;
        let changes_nothing = matches!(head.method, Method::GET | Method::HEAD);
        let has_key = retry.keyed && head.headers.contains_key(KEY);
        (changes_nothing || has_key).then_some(Self { retry, made: 0 })
    }

    /// How long to wait before the next attempt; nothing where this was the last.
    pub(super) fn pause<T>(&mut self, outcome: &Result<Response<T>, Error>) -> Option<Duration> {
        let asked = match outcome {
            Ok(response) if may_pass(response.status()) => retry_after(response.headers()),
            Err(error) if is_passing(error) => None,
            _ => return None,
        };
        if self.made >= self.retry.max {
            return None;
        }
        let pause = asked.unwrap_or_else(|| jittered(FIRST_PAUSE * 2_u32.pow(self.made)));
        self.made += 1;
        // What would end after the call does not help it, and its answer now may.
        let in_time = Instant::now() + pause < self.retry.until;
        (pause <= LONGEST_PAUSE && in_time).then_some(pause)
    }
}

/// The whole of a request's body, to be sent again.
///
/// # Errors
///
/// Where it cannot be read, or is too large to be kept.
pub(super) async fn whole(body: WasiBody) -> Result<Bytes, Error> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::HttpRequestBodySize(None),
        }),
    }
}

/// The request once more.
pub(super) fn again(head: &Parts, body: &Bytes) -> Request<WasiBody> {
    let body = Full::new(body.clone()).map_err(|never| match never {});
    let mut request = Request::new(body.boxed_unsync());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    request
}

fn may_pass(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::DnsTimeout
            | Error::DestinationUnavailable
            | Error::ConnectionRefused
            | Error::ConnectionTerminated
            | Error::ConnectionTimeout
            | Error::ConnectionReadTimeout
            | Error::ConnectionWriteTimeout
            | Error::HttpResponseIncomplete
            | Error::HttpResponseTimeout
    )
}

/// What the server asks for (RFC 9110, 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc);
    let wait = SystemTime::from(until).duration_since(SystemTime::now());
    Some(wait.unwrap_or_default())
}

/// Half of it to one and a half times: those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    let _ = getrandom::fill(&mut byte);
    pause / 2 + pause * u32::from(byte[0]) / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(max: u32, left: Duration) -> Attempts {
        let retry = Retry {
            max,
            keyed: false,
            until: Instant::now() + left,
        };
        Attempts { retry, made: 0 }
    }

    fn answer(status: u16, after: Option<&str>) -> Result<Response<()>, Error> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(after) = after {
            let after = after.parse().unwrap();
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        Ok(response)
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn only_what_may_pass_is_waited_for_and_not_for_ever() {
        for status in [429, 502, 503, 504] {
            assert!(
                attempts(1, LONG).pause(&answer(status, None)).is_some(),
                "{status}"
            );
        }
        for status in [200, 301, 400, 401, 404, 409, 500, 501] {
            assert_eq!(
                attempts(1, LONG).pause(&answer(status, None)),
                None,
                "{status}"
            );
        }
        assert!(
            attempts(1, LONG)
                .pause::<()>(&Err(Error::ConnectionRefused))
                .is_some()
        );
        assert_eq!(
            attempts(1, LONG).pause::<()>(&Err(Error::HttpRequestDenied)),
            None
        );
        let mut two = attempts(2, LONG);
        let pauses = [(); 3].map(|()| two.pause(&answer(503, None)));
        assert!(pauses[0] < pauses[1] || pauses[1].is_some());
        assert_eq!(pauses[2], None);
    }

    #[test]
    fn the_server_says_how_long_and_the_call_how_long_at_most() {
        let pause = |after: &str, left| attempts(1, left).pause(&answer(429, Some(after)));
        assert_eq!(pause("2", LONG), Some(Duration::from_secs(2)));
        assert_eq!(pause("2", Duration::from_secs(1)), None);
        assert_eq!(pause("3600", LONG), None);
        assert_eq!(
            pause("Sun, 06 Nov 1994 08:49:37 GMT", LONG),
            Some(Duration::ZERO)
        );
        assert!(pause("soon", LONG).is_some());
    }

    #[test]
    fn what_changes_something_needs_a_key_in_a_call_that_has_one() {
        let of = |method: Method, key: bool, keyed| {
            let mut request = Request::builder().method(method);
            if key {
                request = request.header(KEY, "1");
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            let until = Instant::now() + LONG;
            Attempts::of(
                Some(Retry {
                    max: 1,
                    keyed,
                    until,
                }),
                &head,
            )
            .is_some()
        };
        assert!(of(Method::GET, false, false) && of(Method::HEAD, false, true));
        assert!(of(Method::POST, true, true));
        assert!(!of(Method::POST, true, false) && !of(Method::POST, false, true));
        assert!(!of(Method::DELETE, false, false));
    }
}
