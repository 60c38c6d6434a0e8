//! Bodies on their way: bounded in size and in time, and with secrets covered. Knows nothing of what is in them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::exchange::body_error;
use super::{MAX_BODY, guard};
use crate::redact::RedactedStream;

/// How far a request has come, so that the server's time begins when it has all that it needs to answer.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<Option<Instant>>>);

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }
}

impl Progress {
    /// Notes when the last piece was sent; `None` while the guest is waited for.
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Ends when the request has made no progress for so long, and the guest was not the reason.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let until = since.unwrap_or_else(Instant::now) + limit;
            if since.is_some() && until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

/// A request's body, up to [`MAX_BODY`].
pub(super) struct RequestBody {
    body: WasiBody,
    sent: u64,
    progress: Progress,
}

impl RequestBody {
    pub(super) fn new(body: WasiBody, progress: Progress) -> Self {
        Self {
            body,
            sent: 0,
            progress,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            self.progress.set(None);
            return Poll::Pending;
        };
        self.progress.set(Some(Instant::now()));
        if let Some(Ok(frame)) = &frame {
            self.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
            if self.sent > MAX_BODY {
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.sent)))));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// A response's body, up to [`MAX_BODY`], with secrets covered. It is the guest's request in flight until it has ended or is dropped.
pub(super) struct ResponseBody {
    /// Nothing once it has ended.
    incoming: Option<Incoming>,
    received: u64,
    redaction: Option<RedactedStream>,
    /// What comes after the last of the data.
    trailers: Option<HeaderMap>,
    between_bytes: Duration,
    /// How long the guest has been waiting for the next piece, where it is.
    waiting: Option<Pin<Box<Sleep>>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl ResponseBody {
    pub(super) fn new(
        incoming: Incoming,
        redaction: Option<RedactedStream>,
        between_bytes: Duration,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            incoming: Some(incoming),
            received: 0,
            redaction,
            trailers: None,
            between_bytes,
            waiting: None,
            permit: Some(permit),
        }
    }

    /// The next piece as it came, or why there is none.
    fn poll_incoming(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(incoming).poll_frame(context) else {
            // The time runs only while somebody wants the next piece.
            let between_bytes = self.between_bytes;
            let waiting = self
                .waiting
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(between_bytes)));
            ready!(waiting.as_mut().poll(context));
            return Poll::Ready(Some(Err(Error::ConnectionReadTimeout)));
        };
        self.waiting = None;
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(body_error)?;
        self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.received > MAX_BODY {
            return Poll::Ready(Some(Err(Error::HttpResponseBodySize(Some(self.received)))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn end(&mut self) {
        self.incoming = None;
        self.waiting = None;
        self.permit = None;
    }

    /// The piece as the guest may see it, if anything of it can be shown yet.
    fn covered(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let Some(redaction) = &mut self.redaction else {
            return Some(frame);
        };
        let data = match frame.into_data() {
            Ok(data) => redaction.push(data),
            Err(frame) => {
                let mut trailers = frame.into_trailers().ok()?;
                guard::redact_headers(redaction.redactor(), &mut trailers);
                self.trailers = Some(trailers);
                redaction.finish()
            }
        };
        (!data.is_empty()).then(|| Frame::data(data))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if let Some(trailers) = self.trailers.take() {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            match ready!(self.poll_incoming(context)) {
                Some(Ok(frame)) => {
                    if let Some(frame) = self.covered(frame) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => {
                    self.end();
                    self.redaction = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.end();
                    let rest = self
                        .redaction
                        .take()
                        .map(|mut redaction| redaction.finish());
                    let rest = rest.filter(|rest| !rest.is_empty());
                    return Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))));
                }
            }
        }
    }
}
