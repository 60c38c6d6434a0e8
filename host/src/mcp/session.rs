//! What is known of the client on this connection: whether it shook hands, and what it was shown.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{ErrorData, ProtocolVersion, RequestMetaObject};
use rmcp::service::Peer;

use super::logging::SessionLevel;
use super::subscriptions::{Preparing, Subscriptions};
use super::tasks::Tasks;
use crate::catalog::Generation;
use crate::client::Abilities;
use crate::principal::Principal;

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Whether `initialize` was answered, so that requests without metadata of their own belong to the legacy era.
    initialized: AtomicBool,
    waits: AtomicBool,
    listed: Mutex<Option<Listed>>,
    /// The generation of the list of resources that the client was shown last, plus one; 0 where it was shown none.
    resources: AtomicU64,
    /// The same of prompts.
    prompts: AtomicU64,
    /// The resources that a client of the legacy era has subscribed to.
    pub(super) subscriptions: Subscriptions,
    /// Requests to listen that are about to be acknowledged.
    pub(super) preparing: Preparing,
    /// The least severe log messages that the client wants to have.
    pub(super) log_level: SessionLevel,
    /// What a client of the legacy era said in its handshake that it can be asked.
    abilities: OnceLock<Abilities>,
    /// Who calls on it.
    pub(super) principal: Principal,
    /// The caller's tasks.
    pub(super) tasks: Arc<Tasks>,
    /// The way to send the client something unasked.
    peer: OnceLock<Peer<RoleServer>>,
}

/// What the client was shown last.
#[derive(Debug, Clone)]
struct Listed {
    tools: BTreeSet<String>,
    generation: u64,
}

/// Which lists a client was shown in an older form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Older {
    pub(super) tools: bool,
    pub(super) resources: bool,
    pub(super) prompts: bool,
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
    /// A connection of this principal's.
    pub(super) fn of(principal: Principal, tasks: Arc<Tasks>) -> Self {
        Self {
            principal,
            tasks,
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

    pub(super) fn set_abilities(&self, abilities: Abilities) {
        // A second handshake changes nothing.
        let _ = self.abilities.set(abilities);
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.abilities.get().copied().unwrap_or_default()
    }

    /// There is no client that would give up a call: the command line's.
    pub(super) fn set_waits(&self) {
        self.waits.store(true, Ordering::Release);
    }

    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::Acquire)
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

    pub(super) fn resources_listed(&self, generation: u64) {
        self.resources.store(generation + 1, Ordering::Relaxed);
    }

    pub(super) fn prompts_listed(&self, generation: u64) {
        self.prompts.store(generation + 1, Ordering::Relaxed);
    }

    /// Which lists the client was shown in an older form than these.
    pub(super) fn older_lists(&self, now: Generation) -> Older {
        let tools = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_older = |listed: &AtomicU64, now| {
            let listed = listed.load(Ordering::Relaxed);
            listed > 0 && listed - 1 < now
        };
        Older {
            tools: tools
                .as_ref()
                .is_some_and(|listed| listed.generation < now.tools),
            resources: is_older(&self.resources, now.resources),
            prompts: is_older(&self.prompts, now.prompts),
        }
    }
}

fn no_handshake() -> ErrorData {
    ErrorData::invalid_params(
        "no handshake was made: send `initialize` first, or name `io.modelcontextprotocol/protocolVersion` and `io.modelcontextprotocol/clientCapabilities` in each request's _meta (2026-07-28)",
        None,
    )
}
