//! What the integration tests share: the real `toolbay` program driven as a client drives it, with every line that it
//! writes checked. Knows the protocol's messages and nothing of the host's insides.

pub(crate) mod assembled;
pub(crate) mod author;
pub(crate) mod command;
pub(crate) mod folder;
pub(crate) mod host;
pub(crate) mod http_client;
#[expect(
    dead_code,
    reason = "the sandbox's own tests use the rest of it: https and slow servers"
)]
pub(crate) mod http_server;
mod ledger;
pub(crate) mod paths;
mod reader;
mod schemas;
pub(crate) mod session;
pub(crate) mod wire;

pub(crate) use folder::Folder;
pub(crate) use host::{Host, Start};
pub(crate) use reader::first_nasty;
pub(crate) use session::{Era, Session, everywhere};
pub(crate) use wire::Wire;

use std::time::Duration;

/// How long a test waits for something that must come. Generous, since many tests share few cores; what must be quick is
/// measured where it matters.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
