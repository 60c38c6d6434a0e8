//! The answers that are given before or instead of the protocol's own.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use rmcp::model::ErrorCode;

use super::super::stdio::Refusal;
use crate::tokens::TokenError;

pub(super) type Answer = Response<BoxBody<Bytes, Infallible>>;

/// JSON with this status.
pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)).boxed());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A page of counts, in the text format that Prometheus reads.
pub(super) fn text(page: String) -> Answer {
    let mut answer = json(StatusCode::OK, page.into_bytes());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// A JSON-RPC error with this status.
pub(super) fn refusal(status: StatusCode, refusal: &Refusal) -> Answer {
    json(status, refusal.to_line())
}

/// The same for what is no message or was not looked at as one.
pub(super) fn refuse(status: StatusCode, why: impl Into<std::borrow::Cow<'static, str>>) -> Answer {
    refusal(status, &Refusal::new(None, ErrorCode::INVALID_REQUEST, why))
}

/// Too much is going on; later there may be room.
pub(super) fn busy(why: &'static str) -> Answer {
    let mut answer = refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        &Refusal::new(None, ErrorCode::INTERNAL_ERROR, why),
    );
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// The server ends; another may take its place.
pub(super) fn ending() -> Answer {
    let mut answer = busy("the server is ending");
    answer
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// How the server is, for whoever looks after it.
pub(super) fn status(status: StatusCode, word: &str) -> Answer {
    let body = serde_json::json!({ "status": word, "version": env!("CARGO_PKG_VERSION") });
    json(status, body.to_string().into_bytes())
}

/// The answer to whoever has no valid token.
pub(super) fn unauthorized(error: &TokenError) -> Answer {
    let (status, challenge) = match error {
        TokenError::Missing => (StatusCode::UNAUTHORIZED, r#"Bearer realm="toolbay""#),
        TokenError::Unknown => (
            StatusCode::UNAUTHORIZED,
            r#"Bearer realm="toolbay", error="invalid_token""#,
        ),
        // Its path is the log's to tell, which has it.
        TokenError::File { .. } => {
            return busy("the server's tokens cannot be read; its log says why");
        }
    };
    let mut answer = refuse(status, error.to_string());
    answer.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    );
    answer
}

/// Keeps something until the answer's body was sent or nobody wants it any more.
pub(super) fn holding<T: Send + Sync + 'static>(answer: Answer, hold: Arc<T>) -> Answer {
    answer.map(|body| {
        Holding {
            body,
            hold: Some(hold),
        }
        .boxed()
    })
}

struct Holding<T> {
    body: BoxBody<Bytes, Infallible>,
    hold: Option<Arc<T>>,
}

impl<T: Send + Sync + 'static> Body for Holding<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) {
            self.hold = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
