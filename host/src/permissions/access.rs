//! What a tool's guests may reach: requested ∩ granted, with what was looked up for it. Made when the catalog is built, read by `sandbox/`.

use std::path::PathBuf;

use toolbay_manifest::{Access, Secret, TcpAddress};

use super::network::NetworkAccess;

/// Everything that one tool's guests may reach beyond computing. Nothing is the default of each.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are independent permissions of the manifest"
)]
pub(crate) struct ToolAccess {
    /// Requests over HTTP.
    pub(crate) network: NetworkAccess,
    /// Connections over TCP, and so the look-up of these names.
    pub(crate) tcp: Vec<TcpAddress>,
    /// Folders, each seen by the guest as `/NAME`.
    pub(crate) mounts: Vec<MountAccess>,
    /// Names of the environment variables that it sees.
    pub(crate) env: Vec<String>,
    /// Secrets that the host adds to its requests.
    pub(crate) secrets: Vec<SecretAccess>,
    /// Its plugin's key-value state.
    pub(crate) kv: bool,
    /// The tools that it may call, by the names that it calls them by.
    pub(crate) calls: Vec<String>,
    /// Questions to the user.
    pub(crate) elicit: bool,
    /// Questions to the client's model.
    pub(crate) sample: bool,
    /// Which folders the client works in.
    pub(crate) roots: bool,
    /// Whether it may change nothing, whatever else is said here: no write to a mount or to the state, no method but GET and HEAD, no TCP.
    pub(crate) read_only: bool,
}

/// A folder of the user's that is bound to a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MountAccess {
    /// The mount's name in the manifest.
    pub(crate) name: String,
    /// The bound folder: absolute, without links in it when it was bound.
    pub(crate) folder: PathBuf,
    pub(crate) access: Access,
}

/// A secret that may be added to requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretAccess {
    /// The secret's name in the manifest.
    pub(crate) name: String,
    /// Where it goes.
    pub(crate) secret: Secret,
}
