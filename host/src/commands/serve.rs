//! `toolbay serve`: MCP over standard input and output, or over HTTP.

mod http;

use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, Result};

use crate::cli::Serve;
use crate::config::{Config, Flags, StandIns};
use crate::host::Host;

pub(crate) fn run(arguments: &Serve) -> Result<u8> {
    let flags = Flags {
        folders: &arguments.folders.folders,
        ask: arguments.ask,
        http_hosts: &arguments.http_hosts,
    };
    let mut config = Config::with_flags(flags)?.with_policy(arguments.folders.policy.as_deref())?;
    super::start_log(&config.log);
    config.stand_ins = StandIns {
        clock: arguments.test_clock,
        servers: arguments.test_connect.clone(),
    };
    if config.stand_ins.clock.is_some() || !config.stand_ins.servers.is_empty() {
        tracing::warn!(
            "started for a test: the time or the servers that plugins see are not the real ones"
        );
    }
    if let Some(address) = arguments.http {
        return http::run(arguments, address, config);
    }
    let (input, output) = standard_streams()?;
    let runtime = super::runtime()?;
    let served = runtime.block_on(async {
        let host = Host::new(config)?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), folders = ?host.folders(), "serving");
        host.watch();
        let served = crate::mcp::serve_stdio(host.clone(), input, output).await;
        host.finish().await;
        served
    });
    // A guest may be in the middle of something; the client is gone, and nobody waits for it.
    runtime.shutdown_background();
    served.map(|()| super::OK)
}

/// The transport's own copies of the standard streams. From here on nothing else can write to the original standard output: it is made to point at
/// standard error, so that a stray `print` of some library cannot break the protocol.
fn standard_streams() -> Result<(OwnedFd, OwnedFd)> {
    let stdin = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .context("standard input is closed")?;
    let stdout = rustix::stdio::stdout()
        .try_clone_to_owned()
        .context("standard output is closed")?;
    rustix::stdio::dup2_stdout(std::io::stderr()).context("cannot redirect standard output")?;
    Ok((stdin, stdout))
}
