//! What one call takes into the sandbox: the tool's access, who calls, the secrets' values, and where its use is noted.

use std::sync::Arc;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::access::ToolAccess;
use super::usage::Usage;

/// The reach of one call.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) access: Arc<ToolAccess>,
    pub(crate) principal: Arc<str>,
    /// The canonical folder that the plugin was loaded from: with its name, whose key-value state it reaches.
    pub(crate) scope: Arc<str>,
    pub(crate) secrets: Arc<[SecretValue]>,
    pub(crate) usage: Usage,
    /// Whether its requests are made again.
    pub(crate) retry: Option<Retry>,
}

/// How often a request is made again that a server cannot answer for a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) max: u32,
    /// Whether the call has an idempotency key.
    pub(crate) keyed: bool,
    /// When the call is over.
    pub(crate) until: Instant,
}

/// A secret with its value, for one call. The guest never sees it.
#[derive(Clone)]
pub(crate) struct SecretValue {
    pub(crate) name: String,
    /// The one host that it is sent to.
    pub(crate) host: String,
    pub(crate) header: String,
    /// The header's value, with `{}` for the secret.
    pub(crate) format: String,
    pub(crate) value: Zeroizing<String>,
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SecretValue({})", self.name)
    }
}

impl Reach {
    /// Nothing at all: for trials and descriptions.
    pub(crate) fn nothing() -> Self {
        Self {
            access: Arc::default(),
            principal: crate::principal::LOCAL.into(),
            scope: "".into(),
            secrets: Arc::default(),
            usage: Usage::default(),
            retry: None,
        }
    }
}
