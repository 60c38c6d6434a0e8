//! What is known of the client on this connection: whether it shook hands, and what it was shown.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{ErrorData, ProtocolVersion, RequestMetaObject};
use rmcp::service::Peer;

use super::consent::Seal;
use super::logging::LogLevel;
use crate::host::Host;
use crate::principal::Principal;

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Whether `initialize` was answered, so that requests without metadata of their own belong to the legacy era.
    initialized: AtomicBool,
    listed: Mutex<Option<Listed>>,
    /// The least severe log messages that the client wants to have.
    pub(super) log_level: LogLevel,
    /// The way to send the client something unasked.
    peer: OnceLock<Peer<RoleServer>>,
    /// For the states that a client of the modern era keeps while its user thinks.
    pub(super) seal: Arc<Seal>,
    /// Who calls on it.
    pub(super) principal: Principal,
}

/// What the client was shown last.
#[derive(Debug, Clone)]
struct Listed {
    tools: BTreeSet<String>,
    generation: u64,
}

/// Which form of the protocol a request is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// 2024-11-05 to 2025-11-25: a handshake, then requests that rely on it.
    Legacy,
    /// 2026-07-28: every request says its version and the client's capabilities itself.
    Modern,
}

impl Session {
    /// A connection of this principal's, whose states are good on all connections that have the same seal.
    pub(super) fn of(principal: Principal, seal: Arc<Seal>) -> Self {
        Self {
            principal,
            seal,
            ..Self::default()
        }
    }

    pub(super) fn set_initialized(&self) {
        self.initialized.store(true, Ordering::Release);
    }

    pub(super) fn is_initialized(&self) -> bool {
        self.initialized.load(Ordering::Acquire)
    }

    /// The era of a request with this metadata.
    ///
    /// # Errors
    ///
    /// The answer to a request that belongs to neither: an unsupported version, or metadata missing where no handshake was made.
    pub(super) fn era(&self, meta: Option<&RequestMetaObject>) -> Result<Era, ErrorData> {
        const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
        let Some(meta) = meta.filter(|meta| meta.0.0.contains_key(VERSION_KEY)) else {
            return if self.is_initialized() {
                Ok(Era::Legacy)
            } else {
                Err(no_handshake())
            };
        };
        let Some(version) = meta.protocol_version() else {
            return Err(ErrorData::invalid_params(
                format!("_meta `{VERSION_KEY}` must be a string"),
                None,
            ));
        };
        if !ProtocolVersion::KNOWN_VERSIONS.contains(&version) {
            return Err(ErrorData::unsupported_protocol_version(
                version,
                ProtocolVersion::KNOWN_VERSIONS,
            ));
        }
        let missing = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28);
        if !missing.is_empty() {
            return Err(ErrorData::invalid_params(
                format!(
                    "request _meta is missing or has malformed required fields: {}",
                    missing.join(", ")
                ),
                None,
            ));
        }
        Ok(Era::Modern)
    }

    pub(super) fn set_peer(&self, peer: Peer<RoleServer>) {
        // There is one for a connection, and it is set once.
        let _ = self.peer.set(peer);
    }

    pub(super) fn peer(&self) -> Option<&Peer<RoleServer>> {
        self.peer.get()
    }

    /// Remembers what the client was shown, so that the status can say what it has not seen.
    pub(super) fn set_listed(&self, tools: BTreeSet<String>, generation: u64) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Listed { tools, generation });
    }

    pub(super) fn listed(&self) -> Option<BTreeSet<String>> {
        self.listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|listed| listed.tools.clone())
    }

    /// Whether the client was shown a list older than this.
    fn has_older_list(&self, generation: u64) -> bool {
        self.listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|listed| listed.generation < generation)
    }
}

fn no_handshake() -> ErrorData {
    ErrorData::invalid_params(
        "no handshake was made: send `initialize` first, or name `io.modelcontextprotocol/protocolVersion` and `io.modelcontextprotocol/clientCapabilities` in each request's _meta (2026-07-28)",
        None,
    )
}

/// Tells a client of the legacy era when the list of tools has changed. One of the modern era asks for it with `subscriptions/listen`.
pub(super) async fn announce_changes(
    host: Arc<Host>,
    session: Arc<Session>,
    peer: Peer<RoleServer>,
) {
    let mut definitions = host.definitions();
    loop {
        tokio::select! {
            () = host.closing.cancelled() => return,
            changed = definitions.changed() => if changed.is_err() { return },
        }
        let generation = *definitions.borrow_and_update();
        if session.is_initialized()
            && session.has_older_list(generation)
            && peer.notify_tool_list_changed().await.is_err()
        {
            return;
        }
    }
}
