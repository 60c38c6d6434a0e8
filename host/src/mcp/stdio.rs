//! The stdio transport: newline-delimited JSON-RPC over any two descriptors, equally fast on pipes and on sockets.
//!
//! It owns the protocol's framing: every line is answered, handed on or, where the specification says so, ignored; each
//! request gets exactly one answer, and a cancelled one gets none. What guests answer goes straight to the host, everything
//! else to rmcp. It must not know what a tool is or what a method does.
//!
//! At the end of input, requests under way get a moment to be answered, so that `printf '…' | toolbay serve` prints its
//! answers; then everything is cancelled, what is queued is written, and `Closed` fires: within 700 ms altogether, also
//! when a call hangs or the client does not read.

mod descriptor;
mod envelope;
mod in_flight;
mod lines;
mod outbox;
mod reader;
mod refusal;

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ErrorCode, JsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(super) use self::envelope::{Parsed, parse_line};
use self::in_flight::{InFlight, Ticket};
use self::lines::Lines;
use self::outbox::Outbox;
use self::reader::{Forward, Reader};
pub(super) use self::refusal::Refusal;

/// How long requests under way may still be answered after the end of input.
const ANSWER_GRACE: Duration = Duration::from_millis(300);
/// How long the client has to take what is queued after that.
const FLUSH_GRACE: Duration = Duration::from_millis(400);
/// Messages that wait for rmcp; more of them make the reader pause.
const FORWARD_QUEUE: usize = 256;

#[derive(Clone, Debug)]
pub(crate) struct StdioOptions {
    /// Bytes in one line. A longer one is skipped and answered with an error.
    pub(crate) max_line: usize,
    /// Requests not answered yet; beyond, reading pauses.
    pub(crate) max_in_flight: usize,
    /// Bytes of requests not answered yet; beyond, reading pauses.
    pub(crate) max_queued_input: usize,
    /// Bytes of answers that the client has not taken; beyond, reading pauses.
    pub(crate) max_queued_output: usize,
}

impl Default for StdioOptions {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            max_line: 16 * MIB,
            max_in_flight: 4096,
            max_queued_input: 64 * MIB,
            max_queued_output: 64 * MIB,
        }
    }
}

/// The requests that guests answer. They go straight to the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallMethod {
    CallTool,
    ReadResource,
    GetPrompt,
    Complete,
}

impl CallMethod {
    pub(crate) fn of(method: &str) -> Option<Self> {
        Some(match method {
            "tools/call" => Self::CallTool,
            "resources/read" => Self::ReadResource,
            "prompts/get" => Self::GetPrompt,
            "completion/complete" => Self::Complete,
            _ => return None,
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CallTool => "tools/call",
            Self::ReadResource => "resources/read",
            Self::GetPrompt => "prompts/get",
            Self::Complete => "completion/complete",
        }
    }
}

/// One such request. `params` are as the client wrote them, and may be anything or missing.
pub(crate) struct CallRequest {
    pub(crate) id: RequestId,
    pub(crate) method: CallMethod,
    pub(crate) params: Option<Box<RawValue>>,
    /// Cancelled when the client cancels the call and when the connection ends.
    pub(crate) cancel: CancellationToken,
    pub(crate) reply: Reply,
    /// Whether nothing else of the client's is under way or has come already, nor did with the calls before.
    pub(crate) alone: bool,
}

/// Receives each call on the thread that reads, so it must return soon: within milliseconds now and then, and mostly at once. What it answers on that thread leaves together with
/// the answers to the requests that have come already. A panic is answered as an internal error.
pub(crate) type OnCall = Arc<dyn Fn(CallRequest) + Send + Sync>;

/// Serves one client over two descriptors. `closed` fires when everything is over and written: the host exits then.
///
/// # Errors
/// When a descriptor cannot be examined or a thread cannot be started.
pub(crate) fn open(
    input: OwnedFd,
    output: OwnedFd,
    options: StdioOptions,
    on_call: OnCall,
) -> io::Result<(StdioTransport, CancellationToken)> {
    let connection = Arc::new(Connection {
        max_line: options.max_line,
        in_flight: InFlight::new(options.max_in_flight, options.max_queued_input),
        outbox: Outbox::new(output, options.max_queued_output)?,
        closed: CancellationToken::new(),
    });
    let (forward, forwarded) = mpsc::channel(FORWARD_QUEUE);

    let lines = Lines::new(input, options.max_line);
    let reading = Arc::clone(&connection);
    thread::Builder::new()
        .name("stdio-reader".to_owned())
        .spawn(move || {
            let reader = Reader::new(Arc::clone(&reading), on_call, forward);
            if catch_unwind(AssertUnwindSafe(|| reader.run(lines))).is_err() {
                tracing::error!("the reader panicked");
            }
            reading.outbox.release();
            reading.in_flight.wait_until_all_answered(ANSWER_GRACE);
            reading.in_flight.close();
            // rmcp sees the end only now, and has served until now.
            drop(reader);
            reading.outbox.flush(FLUSH_GRACE);
            reading.end();
        })?;

    let writing = Arc::clone(&connection);
    thread::Builder::new()
        .name("stdio-writer".to_owned())
        .spawn(move || {
            match catch_unwind(AssertUnwindSafe(|| writing.outbox.write_until_closed())) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::info!(%error, "the client no longer reads"),
                Err(_) => tracing::error!("the writer panicked"),
            }
            writing.end();
        })?;

    let closed = connection.closed.clone();
    Ok((
        StdioTransport {
            connection,
            forwarded,
        },
        closed,
    ))
}

/// What the two threads, rmcp and the calls under way share.
struct Connection {
    max_line: usize,
    in_flight: InFlight,
    outbox: Outbox,
    closed: CancellationToken,
}

impl Connection {
    /// Before each line. False when the connection has ended.
    fn wait_for_room(&self) -> bool {
        // What is held back may be what the client waits for before it goes on.
        self.in_flight.wait_for_room(|| self.outbox.release()) && self.outbox.wait_for_room()
    }

    /// Ends at once: cancels everything and drops what is not written yet.
    fn end(&self) {
        self.in_flight.close();
        self.outbox.close();
        self.closed.cancel();
    }
}

/// Where the answer to one call goes. Dropped without an answer, as by a panic, it answers with an internal error.
pub(crate) struct Reply {
    connection: Arc<Connection>,
    id: RequestId,
    ticket: Ticket,
    sent: bool,
}

impl Reply {
    fn new(connection: Arc<Connection>, id: RequestId, ticket: Ticket) -> Self {
        Self {
            connection,
            id,
            ticket,
            sent: false,
        }
    }

    /// Sends the answer: a whole JSON-RPC message without a newline. A spare byte of capacity saves a copy of a large one.
    /// After a cancellation nothing is sent.
    pub(crate) fn send(mut self, line: Vec<u8>) {
        self.answer(line);
    }

    /// Where messages go that belong to the call and come before its answer, such as its progress.
    pub(crate) fn notes(&self) -> Notes {
        Notes {
            connection: Arc::clone(&self.connection),
            id: self.id.clone(),
            ticket: self.ticket,
        }
    }

    /// Ready when the client has taken enough of the answers before. Awaited before a call runs, this bounds the memory
    /// that answers take while a client does not read.
    pub(crate) async fn room(&self) {
        self.connection.outbox.room().await;
    }

    fn answer(&mut self, line: Vec<u8>) {
        self.sent = true;
        let outbox = &self.connection.outbox;
        if self
            .connection
            .in_flight
            .answer_call(&self.id, self.ticket, || outbox.enqueue(line))
        {
            outbox.write_queued();
        }
    }
}

/// Sends what belongs to a call, until that is answered or cancelled.
pub(crate) struct Notes {
    connection: Arc<Connection>,
    id: RequestId,
    ticket: Ticket,
}

impl Notes {
    /// Sends a message: a whole JSON-RPC notification without a newline.
    pub(crate) fn send(&self, line: Vec<u8>) {
        let outbox = &self.connection.outbox;
        if self
            .connection
            .in_flight
            .while_waiting(&self.id, self.ticket, || outbox.enqueue(line))
        {
            outbox.write_queued();
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.sent {
            let refusal = Refusal::new(
                Some(self.id.clone()),
                ErrorCode::INTERNAL_ERROR,
                "internal error",
            );
            self.answer(refusal.to_line());
        }
    }
}

/// The side that rmcp sees.
pub(crate) struct StdioTransport {
    connection: Arc<Connection>,
    forwarded: mpsc::Receiver<Forward>,
}

impl Transport<RoleServer> for StdioTransport {
    type Error = io::Error;

    /// Queues the message before it returns, so messages leave in the order of the calls. The future of a notification
    /// or request is ready when there is room for the next one, which slows its sender down to the client's pace.
    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let connection = Arc::clone(&self.connection);
        let outcome = connection.send(&message);
        let is_answer = matches!(
            message,
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)
        );
        async move {
            outcome?;
            if !is_answer {
                connection.outbox.room().await;
            }
            Ok(())
        }
    }

    /// Safe to drop at any time: a message is either taken or still there.
    async fn receive(&mut self) -> Option<rmcp::model::ClientJsonRpcMessage> {
        let forward = tokio::select! {
            biased;
            forward = self.forwarded.recv() => forward?,
            () = self.connection.closed.cancelled() => return None,
        };
        if forward.charged > 0 {
            self.connection.in_flight.release(forward.charged);
        }
        Some(forward.message)
    }

    /// Nothing to do: the threads end with the input.
    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Connection {
    fn send(&self, message: &ServerJsonRpcMessage) -> io::Result<()> {
        let line = serde_json::to_vec(message)?;
        let id = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        let Some(id) = id else {
            self.outbox.push(line);
            return Ok(());
        };
        if self
            .in_flight
            .answer_forwarded(id, || self.outbox.enqueue(line))
        {
            self.outbox.write_queued();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
