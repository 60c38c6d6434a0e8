//! What a plugin asks for. Owns how each permission is written; decides nothing: what is granted, and whether a request matches, is the
//! host's.

mod host;
mod network;
mod path;

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::Serialize;

pub use self::host::{Host, HostPattern};
pub use self::network::{HTTP_METHODS, NetworkPattern, Scheme, TcpAddress};
pub use self::path::{PathPattern, path_fault};

/// How a folder may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Only looked at: `read`.
    Read,
    /// Looked at and changed: `read-write`.
    ReadWrite,
}

impl FromStr for Access {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "read" => Ok(Self::Read),
            "read-write" => Ok(Self::ReadWrite),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read => "read",
            Self::ReadWrite => "read-write",
        })
    }
}

/// A folder asked for by its purpose. The user binds a real folder to it when granting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// The most that any tool of the plugin may do in it.
    pub access: Access,
    /// Why the plugin wants it, shown when granting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A secret of the user's that the host puts into a request's header. The plugin never sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// The one host it is sent to.
    pub host: String,
    /// The header's name.
    pub header: String,
    /// The header's value, with `{}` for the secret; the secret alone if nothing else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Everything that one tool, resource or prompt asks for. Nothing is the default of each.
///
/// ```
/// use toolbay_manifest::PermissionRequest;
///
/// let asked = PermissionRequest { kv: true, ..PermissionRequest::default() };
/// assert!(!asked.is_empty());
/// assert!(asked.writes());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PermissionRequest {
    /// Requests over HTTP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<NetworkPattern>,
    /// Connections over TCP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tcp: Vec<TcpAddress>,
    /// Folders that the manifest declares in its own `mounts`, by name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub mounts: IndexMap<String, Access>,
    /// Environment variables, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Secrets that the host adds to requests, by a name of the author's.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub secrets: IndexMap<String, Secret>,
    /// The plugin's own key-value state.
    #[serde(skip_serializing_if = "is_false")]
    pub kv: bool,
    /// Tools that it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// Questions to the user.
    #[serde(skip_serializing_if = "is_false")]
    pub elicit: bool,
    /// Questions to the client's model.
    #[serde(skip_serializing_if = "is_false")]
    pub sample: bool,
    /// The folders that the client works in.
    #[serde(skip_serializing_if = "is_false")]
    pub roots: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's `skip_serializing_if` passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl PermissionRequest {
    /// Adds what another asks for. Where both have a secret or a mount of one name, this one's secret stays, and the wider access.
    ///
    /// ```
    /// use toolbay_manifest::PermissionRequest;
    ///
    /// let mut both = PermissionRequest::from_json(serde_json::json!({"env": ["REGION"]}))?;
    /// both.add(&PermissionRequest::from_json(serde_json::json!({"env": ["REGION", "LANG"], "kv": true}))?);
    /// assert_eq!(both.env, ["REGION", "LANG"]);
    /// assert!(both.kv);
    /// # Ok::<(), toolbay_manifest::ManifestError>(())
    /// ```
    pub fn add(&mut self, other: &Self) {
        fn add_to<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
            for item in more {
                if !list.contains(item) {
                    list.push(item.clone());
                }
            }
        }
        add_to(&mut self.network, &other.network);
        add_to(&mut self.tcp, &other.tcp);
        add_to(&mut self.env, &other.env);
        add_to(&mut self.calls, &other.calls);
        for (name, access) in &other.mounts {
            let own = self.mounts.entry(name.clone()).or_insert(*access);
            *own = (*own).max(*access);
        }
        for (name, secret) in &other.secrets {
            self.secrets
                .entry(name.clone())
                .or_insert_with(|| secret.clone());
        }
        self.kv |= other.kv;
        self.elicit |= other.elicit;
        self.sample |= other.sample;
        self.roots |= other.roots;
    }

    /// Reads permissions by themselves, with the keys of a tool in a manifest and no others: what a grant holds.
    ///
    /// ```
    /// let granted = serde_json::json!({"network": ["GET https://example.com"], "kv": true});
    /// let granted = toolbay_manifest::PermissionRequest::from_json(granted)?;
    /// assert!(granted.kv);
    /// # Ok::<(), toolbay_manifest::ManifestError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and a hint.
    pub fn from_json(value: serde_json::Value) -> Result<Self, crate::ManifestError> {
        crate::decode::permissions(value)
    }

    /// Whether nothing is asked: such a tool works as soon as it is dropped in.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first permission with which something outside could be changed, as it is written in the manifest.
    pub(crate) fn first_writing(&self) -> Option<String> {
        let network = self
            .network
            .iter()
            .find(|pattern| pattern.writes())
            .map(|pattern| format!("network = [\"{pattern}\"]"));
        let mount = || {
            let (name, _) = self
                .mounts
                .iter()
                .find(|(_, access)| **access == Access::ReadWrite)?;
            Some(format!("mounts = {{ {name} = \"read-write\" }}"))
        };
        let tcp = || {
            self.tcp
                .first()
                .map(|address| format!("tcp = [\"{address}\"]"))
        };
        network
            .or_else(mount)
            .or_else(tcp)
            .or_else(|| self.kv.then(|| "kv = true".to_owned()))
    }

    /// Whether something outside could be changed: a network method other than `GET` and `HEAD`, any `tcp`, a mount that may be written, or `kv`.
    pub fn writes(&self) -> bool {
        self.first_writing().is_some()
    }

    /// Whether it reaches beyond this machine's own files and state: any `network` or `tcp`.
    pub fn reaches_network(&self) -> bool {
        !self.network.is_empty() || !self.tcp.is_empty()
    }
}
