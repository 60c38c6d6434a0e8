//! The thread that reads: each line to its receiver, one after the other. It must not know how a call is run or how a
//! line gets out.
//!
//! The thread pauses while too much is under way: requests not answered, their bytes, or answers that the client does not
//! take. Cancellations wait behind the pause; that is bearable because every call has a deadline.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, CustomRequest, ErrorCode, RequestId,
};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::envelope::{self, Parsed};
use super::in_flight::{Cancelled, Forwarded, Rejected};
use super::lines::{Line, Lines};
use super::refusal::Refusal;
use super::{CallMethod, CallRequest, Connection, OnCall, Reply};

/// A JSON tree takes up to this many times the memory of its text (`[1,1,1,…]`: 32 bytes for every two).
const TREE_FACTOR: usize = 16;
/// What is answered while so many lines are read leaves together. With more of them the client would have nothing to do meanwhile.
const HELD_BACK_LINES: usize = 8;
/// How long reading waits for `initialize` to be answered.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(2);

/// A message for rmcp, and what to give back once rmcp has taken it.
pub(super) struct Forward {
    pub(super) message: ClientJsonRpcMessage,
    pub(super) charged: usize,
}

pub(super) struct Reader {
    connection: Arc<Connection>,
    on_call: OnCall,
    forward: mpsc::Sender<Forward>,
}

impl Reader {
    pub(super) fn new(
        connection: Arc<Connection>,
        on_call: OnCall,
        forward: mpsc::Sender<Forward>,
    ) -> Self {
        Self {
            connection,
            on_call,
            forward,
        }
    }

    /// Reads until the input ends, cannot be read, or the connection ends for another reason.
    pub(super) fn run(&self, mut lines: Lines) {
        let outbox = &self.connection.outbox;
        let mut held_back = 0;
        while self.connection.wait_for_room() {
            let (line, more) = match lines.next() {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "standard input cannot be read");
                    break;
                }
            };
            if more {
                outbox.hold_back();
                held_back += 1;
            }
            match line {
                Line::Whole(line) => self.handle(line, more),
                Line::TooLong(beginning) => self.handle_too_long(beginning),
            }
            if !more || held_back >= HELD_BACK_LINES {
                outbox.release();
                held_back = 0;
            }
        }
    }

    /// `more` says whether another line has come already.
    fn handle(&self, line: &[u8], more: bool) {
        match envelope::parse_line(line) {
            Parsed::Blank => {}
            Parsed::Call { id, method, params } => {
                self.call(id, method, params, line.len(), more);
            }
            Parsed::Request {
                id,
                method,
                params,
                text,
            } => self.request(id, &method, params, text),
            Parsed::Notification {
                method,
                params,
                text,
            } if method == "notifications/cancelled" => {
                self.cancel(params, text);
            }
            Parsed::Notification { text, .. } => self.notification(text),
            Parsed::Response { text } => match serde_json::from_str(text) {
                Ok(
                    message @ (ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_)),
                ) => {
                    self.forward_charged(message, text);
                }
                _ => tracing::debug!("ignored a response that cannot be read"),
            },
            Parsed::Refused(refusal) => self.refuse(&refusal),
            Parsed::Ignored(reason) => tracing::debug!(reason, "ignored a message"),
        }
    }

    fn handle_too_long(&self, beginning: &[u8]) {
        let limit = self.connection.max_line;
        match envelope::refuse_too_long(beginning, limit) {
            Some(refusal) => self.refuse(&refusal),
            None => tracing::warn!(
                limit,
                "skipped a response or notification longer than the limit"
            ),
        }
    }

    fn call(
        &self,
        id: RequestId,
        method: CallMethod,
        params: Option<&RawValue>,
        bytes: usize,
        more: bool,
    ) {
        let begun = match self.connection.in_flight.begin_call(id.clone(), bytes) {
            Ok(begun) => begun,
            Err(rejected) => return self.reject(id, rejected),
        };
        let reply = Reply::new(Arc::clone(&self.connection), id.clone(), begun.ticket);
        let request = CallRequest {
            id,
            method,
            params: params.map(RawValue::to_owned),
            cancel: begun.cancel,
            reply,
            alone: begun.alone && !more,
        };
        // Unwinding drops the reply, which answers; the thread goes on.
        if catch_unwind(AssertUnwindSafe(|| (self.on_call)(request))).is_err() {
            tracing::error!("starting a call panicked");
        }
    }

    fn request(&self, id: RequestId, method: &str, params: Option<&RawValue>, text: &str) {
        let kind = match method {
            "initialize" => Forwarded::Handshake,
            "subscriptions/listen" => Forwarded::LongLived,
            _ => Forwarded::Ordinary,
        };
        let message = match request_message(&id, method, params, text) {
            Ok(message) => message,
            Err(refusal) => return self.refuse(&refusal),
        };
        match self.connection.in_flight.begin_forwarded(
            id.clone(),
            text.len().saturating_mul(TREE_FACTOR),
            kind,
        ) {
            Ok(_) => self.forward(Forward {
                message,
                charged: 0,
            }),
            Err(rejected) => return self.reject(id, rejected),
        }
        if kind == Forwarded::Handshake {
            // rmcp runs requests side by side, and calls do not even pass through it. A script that writes everything at
            // once still gets its calls served after the handshake.
            self.connection.outbox.release();
            self.connection
                .in_flight
                .wait_until_answered(&id, HANDSHAKE_LIMIT);
        }
    }

    /// A cancellation of something answered already, or never asked, is harmless and ends here.
    fn cancel(&self, params: Option<&RawValue>, text: &str) {
        let Some(id) = envelope::cancelled_request(params) else {
            return tracing::debug!("ignored a cancellation without a request id");
        };
        match self.connection.in_flight.cancel(&id) {
            Cancelled::Call | Cancelled::Nothing => {}
            Cancelled::Forwarded => self.notification(text),
        }
    }

    fn notification(&self, text: &str) {
        match serde_json::from_str(text) {
            // What rmcp does not know by name, or cannot read, it calls custom.
            Ok(ClientJsonRpcMessage::Notification(message))
                if !matches!(
                    message.notification,
                    ClientNotification::CustomNotification(_)
                ) =>
            {
                self.forward_charged(ClientJsonRpcMessage::Notification(message), text);
            }
            _ => tracing::debug!("ignored an unknown or malformed notification"),
        }
    }

    /// Forwards what is no request, and so counts only while it is on its way.
    fn forward_charged(&self, message: ClientJsonRpcMessage, text: &str) {
        let charged = text.len().saturating_mul(TREE_FACTOR);
        self.connection.in_flight.charge(charged);
        self.forward(Forward { message, charged });
    }

    fn forward(&self, forward: Forward) {
        let sent = match self.forward.try_send(forward) {
            Err(mpsc::error::TrySendError::Full(forward)) => {
                self.connection.outbox.release();
                self.forward.blocking_send(forward).is_ok()
            }
            sent => sent.is_ok(),
        };
        // Fails only when rmcp has ended, and then the connection ends too.
        if !sent {
            self.connection.end();
        }
    }

    fn reject(&self, id: RequestId, rejected: Rejected) {
        match rejected {
            Rejected::Duplicate => self.refuse(&Refusal::invalid_request(
                Some(id),
                "duplicate request id: a request with this id is not answered yet",
            )),
            Rejected::Closed => {}
        }
    }

    fn refuse(&self, refusal: &Refusal) {
        self.connection.outbox.push(refusal.to_line());
    }
}

/// rmcp takes a list request whose cursor it cannot read for one without.
fn has_malformed_cursor(params: Option<&RawValue>) -> bool {
    #[derive(serde::Deserialize)]
    struct Paginated<'a> {
        #[serde(borrow)]
        cursor: Option<&'a RawValue>,
    }
    params
        .and_then(|params| serde_json::from_str::<Paginated<'_>>(params.get()).ok())
        .and_then(|params| params.cursor)
        .is_some_and(|cursor| !cursor.get().starts_with('"'))
}

fn request_message(
    id: &RequestId,
    method: &str,
    params: Option<&RawValue>,
    text: &str,
) -> Result<ClientJsonRpcMessage, Refusal> {
    let unreadable = |error: serde_json::Error| {
        Refusal::new(
            Some(id.clone()),
            ErrorCode::INVALID_PARAMS,
            format!("`params` cannot be read: {error}"),
        )
    };
    // Derived deserializers also take an array for a struct. No method of MCP has array parameters: left to the handler of
    // unknown methods, which knows whether it is the method or the parameters that are wrong.
    if let Some(raw) = params.filter(|raw| !raw.get().starts_with(['{', 'n'])) {
        let params = serde_json::from_str(raw.get()).map_err(unreadable)?;
        let request = ClientRequest::CustomRequest(CustomRequest::new(method, Some(params)));
        return Ok(ClientJsonRpcMessage::request(request, id.clone()));
    }
    if method.ends_with("/list") && has_malformed_cursor(params) {
        return Err(Refusal::new(
            Some(id.clone()),
            ErrorCode::INVALID_PARAMS,
            "`cursor` must be a string",
        ));
    }
    match serde_json::from_str(text).map_err(unreadable)? {
        message @ ClientJsonRpcMessage::Request(_) => Ok(message),
        _ => Err(Refusal::invalid_request(
            Some(id.clone()),
            "the message is not a request",
        )),
    }
}
