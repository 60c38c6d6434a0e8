//! Whether a request or a connection may be made: the patterns of the manifest matched against requests, and addresses told apart by what
//! they are for. Decides only; the sandbox asks here before it does anything.

use ipnet::IpNet;
use toolbay_manifest::NetworkPattern;

/// The requests that a tool may make.
#[derive(Debug, Clone, Default)]
pub(crate) struct NetworkAccess {
    /// A request must match one of these.
    pub(crate) patterns: Vec<NetworkPattern>,
    /// Where the user narrowed the grant: the only hosts, as `host`, `host:port`, `*.host` or an address.
    pub(crate) only_hosts: Option<Vec<String>>,
    /// Addresses that are not public and that the user allowed by naming them, such as `10.1.2.3/32`.
    pub(crate) addresses: Vec<IpNet>,
}

impl NetworkAccess {
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}
