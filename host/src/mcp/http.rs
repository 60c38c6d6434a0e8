//! The Streamable HTTP transport, for several clients at once: a listener, connections with limits, and an end that lets running calls finish.
//!
//! rmcp's own service speaks the protocol. In front of it stands [`entry`], which decides who gets that far; behind it [`handler`], which makes a
//! connection's requests the host's. Neither knows what a tool is.

mod answer;
mod body;
mod entry;
mod handler;
mod places;
mod rules;
mod sessions;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::entry::Entry;
use self::rules::Rules;
pub(crate) use self::rules::check_name;
use crate::host::Host;
use crate::tokens::TokenStore;

/// Where MCP is spoken.
pub(crate) const PATH: &str = "/mcp";

/// How much a server takes on. Beyond, callers wait or are told to come back.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Connections open at once; beyond, nobody is let in until one closes.
    pub(super) connections: usize,
    /// Requests that are being answered at once.
    pub(super) requests: usize,
    /// Streams that clients keep open to be told of changes.
    pub(super) streams: usize,
    /// Sessions of clients of the legacy era.
    pub(super) sessions: usize,
    /// How long a session may lie unused.
    pub(super) session_idle: Duration,
    /// Bytes in one request's body.
    pub(super) body: usize,
    /// Bytes of all bodies that are being read or worked on, in KiB.
    pub(super) bodies_kib: usize,
    /// How long a client may take to send a request's head, or to begin one on a connection that it keeps open.
    pub(super) head_time: Duration,
    /// How long it may take to send the body.
    pub(super) body_time: Duration,
    /// Bytes in a request's head, and fields in it.
    pub(super) head: usize,
    pub(super) head_fields: usize,
    /// How long running calls may go on after the server was told to end.
    pub(super) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests: 256,
            streams: 256,
            sessions: 256,
            session_idle: Duration::from_secs(30 * 60),
            body: 4 << 20,
            bodies_kib: 64 << 10,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            head: 32 << 10,
            head_fields: 100,
            drain: Duration::from_secs(10),
        }
    }
}

/// A port that is listened on, and what was asked for about it.
pub(crate) struct Listening {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    /// What the server is told to end with.
    signals: [Signal; 2],
}

impl Listening {
    /// Listens. From here on a signal to end is not lost, and connections wait to be let in.
    ///
    /// # Errors
    ///
    /// Where the address cannot be had.
    pub(crate) async fn on(address: SocketAddr) -> Result<Self> {
        let signals = [
            signal(SignalKind::terminate()).context("cannot wait for signals")?,
            signal(SignalKind::interrupt()).context("cannot wait for signals")?,
        ];
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr().context("the port is not known")?;
        Ok(Self {
            listener,
            address,
            signals,
        })
    }
}

/// Serves clients until the process is told to end by SIGTERM or SIGINT.
///
/// # Errors
///
/// None at the moment: what goes wrong with one client ends that client's connection.
pub(crate) async fn serve_http(
    host: Arc<Host>,
    listening: Listening,
    hosts: &[String],
    tokens: TokenStore,
) -> Result<()> {
    let Listening {
        listener,
        address,
        mut signals,
    } = listening;
    let limits = Limits::default();
    let is_remote = !address.ip().is_loopback();
    let rules = Rules::new(address.port(), hosts);
    let entry = Arc::new(Entry::new(
        host.clone(),
        rules,
        tokens,
        is_remote,
        limits.clone(),
    ));
    tokio::spawn(entry.clone().forget_idle_sessions());
    let connections = Connections {
        entry: entry.clone(),
        limits: limits.clone(),
        room: Arc::new(Semaphore::new(limits.connections)),
        ending: CancellationToken::new(),
    };
    tokio::select! {
        () = connections.accept(listener) => {}
        () = told_to_end(&mut signals) => {}
    }
    // The port is closed by now: `accept` had it.
    tracing::info!("ending: running calls may finish");
    entry.begin_to_end();
    tokio::select! {
        finished = entry.is_idle(limits.drain) => if !finished {
            tracing::warn!("calls were still running and are cancelled");
        },
        () = told_to_end(&mut signals) => tracing::warn!("told to end again: running calls are cancelled"),
    }
    host.close();
    entry.cancel_everything();
    entry.is_idle(CANCELLING).await;
    connections.end().await;
    Ok(())
}

/// How long cancelled calls may take to be written down.
const CANCELLING: Duration = Duration::from_secs(1);
/// How long clients may take to read what was sent to them last.
const LAST_BYTES: Duration = Duration::from_secs(1);

async fn told_to_end([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

struct Connections {
    entry: Arc<Entry>,
    limits: Limits,
    room: Arc<Semaphore>,
    ending: CancellationToken,
}

impl Connections {
    /// Lets clients in for as long as it is polled.
    async fn accept(&self, listener: TcpListener) {
        /// So long nobody is let in where the system has no room for more.
        const PAUSE: Duration = Duration::from_millis(100);
        loop {
            // Never closed, so it is always given at some time.
            let Ok(place) = self.room.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serving = serve(
                        self.entry.clone(),
                        stream,
                        self.limits.clone(),
                        self.ending.clone(),
                    );
                    tokio::spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a client could not be let in");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Closes all connections, each once what was answered on it is sent.
    async fn end(&self) {
        self.ending.cancel();
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(LAST_BYTES * 2, self.room.acquire_many(all)).await;
    }
}

/// Serves one connection to its end.
async fn serve(entry: Arc<Entry>, stream: TcpStream, limits: Limits, ending: CancellationToken) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let entry = entry.clone();
        async move { Ok::<_, Infallible>(entry.answer(request, local.ip()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_header_size(limits.head)
        .max_headers(limits.head_fields)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(LAST_BYTES, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
