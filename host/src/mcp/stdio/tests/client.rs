//! A client at the other end, and a small server behind the transport.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, Weak, mpsc};
use std::time::Instant;

use rmcp::ServerHandler;
use rmcp::model::{CustomRequest, CustomResult, ErrorData, PingRequest, ServerRequest};
use rmcp::service::RequestContext;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::super::*;

/// Longer than anything here takes; a test that waits so long has failed.
pub(super) const LONG: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
pub(super) enum Over {
    Pipes,
    Sockets,
}

pub(super) const BOTH: [Over; 2] = [Over::Pipes, Over::Sockets];

pub(super) struct Client {
    pub(super) to_host: Option<File>,
    from_host: Option<File>,
    unread: Vec<u8>,
    connection: Weak<Connection>,
    /// What `Handler` was asked, and the calls that nobody answered by themselves.
    pub(super) handled: mpsc::Receiver<String>,
    pub(super) calls: mpsc::Receiver<CallRequest>,
    closed: CancellationToken,
    runtime: Runtime,
}

/// A host that answers a call to `echo` on the reading thread, panics at `panic` and leaves every other call to the test.
pub(super) fn connect(over: Over, options: StdioOptions) -> Client {
    let (sender, calls) = mpsc::channel();
    let mut client = connect_with(over, options, move |request| {
        match request.params.as_deref().map_or("", RawValue::get) {
            r#""echo""# => answer(request),
            r#""panic""# => panic!("a call that panics at once"),
            _ => drop(sender.send(request)),
        }
    });
    client.calls = calls;
    client
}

pub(super) fn connect_with(
    over: Over,
    options: StdioOptions,
    on_call: impl Fn(CallRequest) + Send + Sync + 'static,
) -> Client {
    let (input, to_host, from_host, output): (OwnedFd, OwnedFd, OwnedFd, OwnedFd) = match over {
        Over::Pipes => {
            let (input, to_host) = rustix::pipe::pipe().unwrap();
            let (from_host, output) = rustix::pipe::pipe().unwrap();
            (input, to_host, from_host, output)
        }
        Over::Sockets => {
            let (input, to_host) = UnixStream::pair().unwrap();
            let (from_host, output) = UnixStream::pair().unwrap();
            (
                input.into(),
                to_host.into(),
                from_host.into(),
                output.into(),
            )
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (transport, closed) = open(input, output, options, Arc::new(on_call)).unwrap();
    // Not to keep the output open.
    let connection = Arc::downgrade(&transport.connection);
    let over = closed.clone();
    let (asked, handled) = mpsc::channel();
    runtime.spawn(async move {
        let handler = Handler {
            asked: Mutex::new(asked),
        };
        let service = rmcp::service::serve_directly(handler, transport, None);
        closed.cancelled().await;
        drop(service);
    });
    Client {
        to_host: Some(File::from(to_host)),
        from_host: Some(File::from(from_host)),
        unread: Vec::new(),
        connection,
        handled,
        calls: mpsc::channel().1,
        closed: over,
        runtime,
    }
}

impl Client {
    pub(super) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.to_host
            .as_mut()
            .unwrap()
            .write_all(bytes.as_ref())
            .unwrap();
    }

    pub(super) fn send(&mut self, line: impl AsRef<str>) {
        self.write(format!("{}\n", line.as_ref()));
    }

    pub(super) fn send_call(&mut self, id: impl std::fmt::Display, params: &str) {
        self.send(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#
        ));
    }

    pub(super) fn close_input(&mut self) {
        self.to_host = None;
    }

    pub(super) fn stop_reading(&mut self) {
        self.from_host = None;
    }

    /// The next line, as it came; `None` at the end.
    pub(super) fn try_line(&mut self) -> Option<String> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.unread[searched..]) {
                let line = self.unread.drain(..=searched + at).collect();
                return Some(
                    String::from_utf8(line)
                        .unwrap()
                        .trim_end_matches('\n')
                        .to_owned(),
                );
            }
            searched = self.unread.len();
            let from_host = self.from_host.as_mut().unwrap();
            let timeout = Timespec {
                tv_sec: 20,
                tv_nsec: 0,
            };
            assert_eq!(
                poll(
                    &mut [PollFd::new(&*from_host, PollFlags::IN)],
                    Some(&timeout)
                ),
                Ok(1),
                "no answer came"
            );
            let mut buffer = vec![0; 256 * 1024];
            let read = from_host.read(&mut buffer).unwrap();
            if read == 0 {
                assert_eq!(self.unread, b"", "the output ended within a line");
                return None;
            }
            self.unread.extend_from_slice(&buffer[..read]);
        }
    }

    #[track_caller]
    pub(super) fn line(&mut self) -> String {
        self.try_line().expect("the output ended")
    }

    #[track_caller]
    pub(super) fn message(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    #[track_caller]
    pub(super) fn expect(&mut self, expected: &str) {
        assert_eq!(self.line(), expected);
    }

    /// Shows that nothing else was sent, and that the host goes on.
    #[track_caller]
    pub(super) fn expect_nothing_more(&mut self) {
        self.send(r#"{"jsonrpc":"2.0","id":"still there?","method":"ping"}"#);
        self.expect(r#"{"jsonrpc":"2.0","id":"still there?","result":{}}"#);
    }

    pub(super) fn in_flight(&self) -> usize {
        self.connection
            .upgrade()
            .map_or(0, |connection| connection.in_flight.len())
    }

    pub(super) fn queued_bytes(&self) -> usize {
        self.connection
            .upgrade()
            .map_or(0, |connection| connection.outbox.queued_bytes())
    }

    pub(super) fn call(&self) -> CallRequest {
        self.calls.recv_timeout(LONG).unwrap()
    }

    /// Waits until everything is over, and says how long that took.
    #[track_caller]
    pub(super) fn wait_until_closed(&self) -> Duration {
        let start = Instant::now();
        self.runtime.block_on(async {
            tokio::time::timeout(LONG, self.closed.cancelled())
                .await
                .expect("not closed");
        });
        start.elapsed()
    }

    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(super) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.try_line()).collect()
    }
}

pub(super) fn answer_line(id: &RequestId, result: &str) -> Vec<u8> {
    format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
        serde_json::to_string(id).unwrap()
    )
    .into_bytes()
}

/// Answers a call with its own parameters.
pub(super) fn answer(request: CallRequest) {
    let line = answer_line(
        &request.id,
        request.params.as_deref().map_or("null", RawValue::get),
    );
    request.reply.send(line);
}

/// Waits for what another thread is about to do.
#[track_caller]
pub(super) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "{what}");
        thread::yield_now();
    }
}

struct Handler {
    asked: Mutex<mpsc::Sender<String>>,
}

impl ServerHandler for Handler {
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let _ = self.asked.lock().unwrap().send(request.method.clone());
        match request.method.as_str() {
            "test/echo" => Ok(CustomResult::new(request.params.unwrap_or_default())),
            "test/wait" | "subscriptions/listen" => {
                context.ct.cancelled().await;
                let _ = self.asked.lock().unwrap().send("cancelled".to_owned());
                Ok(CustomResult::new(Value::Null))
            }
            "test/ask" => {
                let ping = ServerRequest::PingRequest(PingRequest::default());
                let answer = context.peer.send_request(ping).await;
                Ok(CustomResult::new(Value::Bool(answer.is_ok())))
            }
            _ => Err(ErrorData::new(
                ErrorCode::METHOD_NOT_FOUND,
                format!("unknown method: {}", request.method),
                None,
            )),
        }
    }
}
