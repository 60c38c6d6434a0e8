//! `toolbay serve --http`: MCP for several clients over HTTP.

use std::net::SocketAddr;

use anyhow::{Result, bail};

use crate::cli::Serve;
use crate::config::Config;
use crate::host::Host;
use crate::mcp::{HTTP_PATH, Listening};
use crate::terminal;
use crate::tokens::TokenStore;

pub(super) fn run(arguments: &Serve, address: SocketAddr, config: Config) -> Result<u8> {
    let tokens = TokenStore::in_folder(&config.settings);
    if !address.ip().is_loopback() {
        check_remote(arguments, address, &tokens)?;
    }
    let runtime = super::super::runtime()?;
    let served = runtime.block_on(async {
        let listening = Listening::on(address).await?;
        // The first line, and in this form: scripts read it.
        terminal::say(&format!(
            "serving http://{}{HTTP_PATH}\n",
            listening.address
        ));
        let host = Host::new(config)?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            address = %listening.address,
            folders = ?host.folders(),
            tokens = tokens.are_required(),
            "serving over HTTP"
        );
        host.watch();
        let hosts = &host.config.http_hosts;
        let served = crate::mcp::serve_http(host.clone(), listening, hosts, tokens).await;
        host.finish().await;
        served
    });
    runtime.shutdown_background();
    served.map(|()| super::super::OK)
}

/// Whoever can reach this address must have a token, and whoever starts the server must mean it.
fn check_remote(arguments: &Serve, address: SocketAddr, tokens: &TokenStore) -> Result<()> {
    if !arguments.http_allow_remote {
        bail!(
            "{address} can be reached from other machines\nhint: serve on 127.0.0.1, or add --http-allow-remote if that is meant; callers need tokens then, and what they send is not encrypted, so that a proxy with TLS belongs in front"
        );
    }
    if tokens.tokens()?.is_empty() {
        bail!(
            "{address} can be reached from other machines, and there is no token to tell callers by\nhint: `toolbay token add NAME` makes one"
        );
    }
    Ok(())
}
