//! One request and the head of its response over one connection, by HTTP/1.1. Knows nothing of permissions.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use wasmtime_wasi_http::Error;

use super::body::{Progress, RequestBody};
use super::dial::Transport;
use super::{MAX_RESPONSE_HEAD, MAX_RESPONSE_HEADERS};

/// Sends the request and waits for the response's headers, at most for `first_byte` after the request's last progress.
///
/// The future beside the response reads its body off the connection, and is to be run while that is wanted.
pub(super) async fn exchange(
    stream: Box<dyn Transport>,
    request: Request<RequestBody>,
    progress: &Progress,
    first_byte: Duration,
) -> Result<
    (
        Response<Incoming>,
        impl Future<Output = Result<(), Error>> + Send + use<>,
    ),
    Error,
> {
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_RESPONSE_HEAD)
        .max_headers(MAX_RESPONSE_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(head_error)?;
    let mut connection = Some(Box::pin(connection));
    let response = {
        let mut sending = pin!(sender.send_request(request));
        let response = poll_fn(|context| {
            if let Poll::Ready(response) = sending.as_mut().poll(context) {
                return Poll::Ready(response);
            }
            let Some(running) = &mut connection else {
                return Poll::Pending;
            };
            match running.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                // What it ended with, or what it read before it ended, is with the request now.
                Poll::Ready(_) => {
                    connection = None;
                    sending.as_mut().poll(context)
                }
            }
        });
        tokio::select! {
            biased;
            response = response => response.map_err(head_error)?,
            () = progress.idle_for(first_byte) => return Err(Error::HttpResponseTimeout),
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Error::HttpUpgradeFailed);
    }
    let driver = async move {
        if let Some(connection) = connection {
            // Whatever goes wrong from here on is told to whoever reads the body.
            let _ = connection.await;
        }
        Ok(())
    };
    Ok((response, driver))
}

/// What went wrong before the response's headers were there.
fn head_error(error: hyper::Error) -> Error {
    if error.is_incomplete_message() {
        return Error::ConnectionTerminated;
    }
    body_error(error)
}

/// What went wrong, as far as the guest can be told in the terms of `wasi:http`.
pub(super) fn body_error(error: hyper::Error) -> Error {
    tracing::debug!(error = ?error, "a request failed");
    if error.is_parse_too_large() {
        return Error::HttpResponseHeaderSectionSize(u32::try_from(MAX_RESPONSE_HEAD).ok());
    }
    if error.is_incomplete_message() {
        return Error::HttpResponseIncomplete;
    }
    if let Some(Error::HttpRequestBodySize(size)) =
        error.source().and_then(|cause| cause.downcast_ref())
    {
        return Error::HttpRequestBodySize(*size);
    }
    let io = error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => Error::HttpResponseIncomplete,
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => Error::ConnectionTerminated,
        _ => Error::HttpProtocolError,
    }
}
