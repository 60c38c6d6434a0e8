//! The Model Context Protocol: the only place that names rmcp, and while serving the only one that touches stdout.
//!
//! What guests answer goes straight from the transport to [`calls`]; every other request goes through rmcp to [`server`], inside [`guard`].

mod calls;
mod client;
mod convert;
mod dialogue;
mod guard;
mod http;
mod logging;
mod pages;
mod params;
mod resources;
mod server;
mod session;
mod stdio;
mod subscriptions;
mod tasks;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use anyhow::{Context, Result};

use self::guard::Guard;
use self::server::Server;
use self::session::Session;
use self::stdio::{StdioOptions, StdioTransport};
use crate::host::Host;

pub(crate) use self::http::{
    Listening, PATH as HTTP_PATH, check_name as check_http_name, serve_http,
};

/// Serves one client on these two descriptors, which may be pipes, sockets, terminals or files, until its input ends.
///
/// # Errors
///
/// Where the descriptors cannot be used or the protocol's loop fails.
pub(crate) async fn serve_stdio(host: Arc<Host>, input: OwnedFd, output: OwnedFd) -> Result<()> {
    let session = Arc::new(Session::default());
    let on_call = calls::dispatcher(
        host.clone(),
        session.clone(),
        tokio::runtime::Handle::current(),
    );
    let (transport, closed): (StdioTransport, _) =
        stdio::open(input, output, StdioOptions::default(), on_call)
            .context("cannot read from standard input")?;
    let server = Server::new(host.clone(), session.clone());
    let running =
        rmcp::service::serve_directly(Guard::new(server, session.clone()), transport, None);
    session.set_peer(running.peer().clone());
    tokio::spawn(subscriptions::announce(
        host.clone(),
        session.clone(),
        running.peer().clone(),
    ));
    tokio::spawn(logging::announce_builds(
        host.clone(),
        session,
        running.peer().clone(),
    ));
    closed.cancelled().await;
    host.close();
    // What rmcp still drains is of no use to a client that is gone, so its task is left to the runtime's shutdown.
    drop(running);
    Ok(())
}

/// One call without a client: the result as a client of the legacy era would get it.
pub(crate) async fn call_once(
    host: &Arc<Host>,
    tool: &str,
    arguments: &str,
) -> Result<serde_json::Value, String> {
    calls::once(host, tool, arguments)
        .await
        .map_err(|error| error.message.into_owned())
}
