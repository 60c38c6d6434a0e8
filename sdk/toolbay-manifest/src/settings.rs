//! What `plugin.toml` may say about one tool, and what holds where it says nothing: the limits, the permissions asked for, and the
//! annotations that clients see, derived from both.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;

use crate::permissions::PermissionRequest;
use crate::services::Services;
use crate::units::{ByteSize, TimeSpan};

/// How long a call may take where nothing is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call may take where nothing is said and `network` or `tcp` is asked for.
pub const DEFAULT_TIMEOUT_WITH_NETWORK: Duration = Duration::from_secs(30);
/// How many bytes of memory a call may have where nothing is said: 64 MiB.
pub const DEFAULT_MEMORY: u64 = 64 << 20;
/// How many bytes of result a model gets at once where nothing is said: 256 KiB.
pub const DEFAULT_OUTPUT: u64 = 256 << 10;
/// How many bytes a result may have in all where nothing is said: 64 MiB.
pub const DEFAULT_MAX_RESULT: u64 = 64 << 20;
/// How many calls of one tool run at once where nothing is said.
pub const DEFAULT_CONCURRENCY: usize = 8;
/// The longest `timeout` that may be asked for.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(3600);
/// The most `memory` that may be asked for, in bytes: 4 GiB, all that a 32-bit component can address.
pub const MAX_MEMORY: u64 = 4 << 30;
/// The least `memory` that may be asked for, in bytes: one page of WebAssembly.
pub const MIN_MEMORY: u64 = 64 << 10;
/// The most `concurrency` that may be asked for.
pub const MAX_CONCURRENCY: usize = 1000;

/// Everything that `plugin.toml` may set for one tool. The fields are what is written; the methods are what holds.
///
/// ```
/// use std::time::Duration;
/// use toolbay_manifest::ToolSettings;
///
/// let settings = ToolSettings::default();
/// assert_eq!(settings.timeout(), Duration::from_secs(10));
/// assert_eq!(settings.memory(), 64 * 1024 * 1024);
/// assert_eq!(settings.output(), 256 * 1024);
/// assert_eq!(settings.max_result(), 64 * 1024 * 1024);
/// assert_eq!(settings.concurrency(), 8);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ToolSettings {
    /// Whether the tool changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Whether what the tool changes may be lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive: Option<bool>,
    /// Whether a second call with the same arguments changes nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
    /// How long a call may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// How much memory a call may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// How much of a result a model gets at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<ByteSize>,
    /// How large a result may be in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_result: Option<ByteSize>,
    /// How many calls run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// What the host does around its calls.
    #[serde(flatten)]
    pub services: Services,
    /// Findings of `toolbay check` that the author wants in this tool, by the lint's code, each with the reason. Nothing else reads it.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub allow: IndexMap<String, String>,
    /// Why it asks, by the permission's key (`network`, `kv`, …): shown when granting. A mount has a reason of its own.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub reasons: IndexMap<String, String>,
    /// What the tool asks for.
    #[serde(flatten)]
    pub permissions: PermissionRequest,
}

impl ToolSettings {
    /// How long a call may take: 10 s, or 30 s where `network` or `tcp` is asked for, unless set.
    pub fn timeout(&self) -> Duration {
        let default = if self.permissions.reaches_network() {
            DEFAULT_TIMEOUT_WITH_NETWORK
        } else {
            DEFAULT_TIMEOUT
        };
        self.timeout.map_or(default, TimeSpan::duration)
    }

    /// How many bytes of memory a call may have: 64 MiB unless set.
    pub fn memory(&self) -> u64 {
        self.memory.map_or(DEFAULT_MEMORY, ByteSize::bytes)
    }

    /// How many bytes of a result a model gets at once: 256 KiB unless set.
    pub fn output(&self) -> u64 {
        self.output.map_or(DEFAULT_OUTPUT, ByteSize::bytes)
    }

    /// How many bytes a result may have in all: 64 MiB unless set.
    pub fn max_result(&self) -> u64 {
        self.max_result.map_or(DEFAULT_MAX_RESULT, ByteSize::bytes)
    }

    /// How many calls run at once: 8 unless set.
    pub fn concurrency(&self) -> usize {
        self.concurrency.map_or(DEFAULT_CONCURRENCY, |concurrency| {
            usize::try_from(concurrency).unwrap_or(MAX_CONCURRENCY)
        })
    }

    /// What the tool asks for.
    pub fn permissions(&self) -> &PermissionRequest {
        &self.permissions
    }

    /// What clients are told about the tool's effects.
    ///
    /// ```
    /// use toolbay_manifest::{PermissionRequest, ToolSettings};
    ///
    /// let pure = ToolSettings::default().annotations();
    /// assert!(pure.read_only && pure.idempotent && !pure.destructive && !pure.open_world);
    ///
    /// let permissions = PermissionRequest { kv: true, ..PermissionRequest::default() };
    /// let writing = ToolSettings { permissions, ..ToolSettings::default() }.annotations();
    /// assert!(!writing.read_only && !writing.idempotent && writing.destructive && !writing.open_world);
    /// ```
    pub fn annotations(&self) -> Annotations {
        let asked = &self.permissions;
        let read_only = self.read_only.unwrap_or_else(|| asked.is_empty());
        // Another tool may do what this one cannot.
        let could_change = asked.writes() || !asked.calls.is_empty();
        Annotations {
            read_only,
            destructive: !read_only && self.destructive.unwrap_or(could_change),
            idempotent: self.idempotent.unwrap_or(read_only),
            open_world: asked.reaches_network(),
        }
    }
}

/// MCP's tool annotations, derived from the manifest and true of what the sandbox lets the tool do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are four independent hints of the protocol"
)]
pub struct Annotations {
    /// `readOnlyHint`: set by the author, or nothing at all is asked for.
    pub read_only: bool,
    /// `destructiveHint`: not read-only, and set by the author or able to change something.
    pub destructive: bool,
    /// `idempotentHint`: set by the author, or read-only.
    pub idempotent: bool,
    /// `openWorldHint`: `network` or `tcp` is asked for.
    pub open_world: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(permissions: PermissionRequest) -> ToolSettings {
        ToolSettings {
            permissions,
            ..ToolSettings::default()
        }
    }

    #[test]
    fn the_network_gives_more_time() {
        let network = vec!["GET https://example.com".parse().unwrap()];
        let settings = asking(PermissionRequest {
            network,
            ..PermissionRequest::default()
        });
        assert_eq!(settings.timeout(), DEFAULT_TIMEOUT_WITH_NETWORK);
        let tcp = vec!["db:5432".parse().unwrap()];
        let settings = asking(PermissionRequest {
            tcp,
            ..PermissionRequest::default()
        });
        assert_eq!(settings.timeout(), DEFAULT_TIMEOUT_WITH_NETWORK);
        let short = ToolSettings {
            timeout: Some(TimeSpan::from_millis(500)),
            ..settings
        };
        assert_eq!(short.timeout(), Duration::from_millis(500));
    }

    #[test]
    fn annotations_are_true() {
        let calls = asking(PermissionRequest {
            calls: vec!["other".to_owned()],
            ..PermissionRequest::default()
        });
        assert!(!calls.annotations().read_only && calls.annotations().destructive);
        let network = vec!["GET https://example.com".parse().unwrap()];
        let fetch = asking(PermissionRequest {
            network,
            ..PermissionRequest::default()
        });
        assert!(
            !fetch.annotations().read_only
                && !fetch.annotations().destructive
                && fetch.annotations().open_world
        );
        let said = ToolSettings {
            read_only: Some(true),
            ..fetch
        };
        assert!(said.annotations().read_only && said.annotations().idempotent);
        let modest = ToolSettings {
            read_only: Some(false),
            ..ToolSettings::default()
        };
        assert!(!modest.annotations().read_only && !modest.annotations().destructive);
    }
}
