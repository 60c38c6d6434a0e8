//! May this tool run, and with what reach? Requested ∩ granted, for the component and the definition that were granted. Decided for every
//! tool when a catalog is built, so that a call only looks the decision up.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use toolbay_manifest::{Access, PermissionRequest};

use super::access::{MountAccess, SecretAccess, ToolAccess};
use super::grants::{Grant, Mode, ToolGrant};
use super::network::{NetworkAccess, covers};

/// What is decided about one tool.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    Allowed(Allowance),
    Held(Held),
}

/// What an allowed tool may do.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    pub(crate) access: Arc<ToolAccess>,
    /// After this it is held until it is granted anew.
    pub(crate) expires: Option<DateTime<Utc>>,
    /// Whether the plugin's version is not on record yet: its first call pins it.
    pub(crate) unpinned: bool,
}

/// Why a tool is listed and not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// It asks for what nobody has granted yet.
    NotGranted,
    /// It asks for more than was granted; the lines that are missing.
    Widened(Vec<String>),
    /// What a model reads of it is not what was known when the plugin was pinned or granted.
    Redefined,
    /// The grant was for another build of the component.
    OtherBuild,
    /// The grant was for some time only.
    Expired,
    /// A mount has no folder, or one that may not be used; the reason.
    Unbound { mount: String, why: String },
    /// The file is marked as downloaded, and nobody has looked at it.
    Downloaded,
    /// The grants themselves cannot be read, so nothing is granted.
    NoGrants,
}

/// What of a plugin and one of its tools the decision depends on.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The component's digest.
    pub(crate) digest: &'a str,
    /// Whether the file is marked as downloaded.
    pub(crate) downloaded: bool,
    pub(crate) tool: &'a str,
    /// The digest of the tool's definition, made only where there is a pin to compare it with.
    pub(crate) definition: &'a dyn Fn() -> String,
    pub(crate) requested: &'a PermissionRequest,
    pub(crate) read_only: bool,
}

impl Held {
    /// Whether what the tool says of itself has not been seen by a person, so that a model should not read it either.
    pub(crate) fn hides_definition(&self) -> bool {
        matches!(self, Self::Redefined | Self::Downloaded)
    }

    /// The state in one clause about the tool.
    pub(crate) fn clause(&self) -> String {
        match self {
            Self::NotGranted => "asks for permissions that were not granted".into(),
            Self::Widened(lines) => {
                format!("asks for more than was granted: {}", lines.join("; "))
            }
            Self::Redefined => {
                "has changed what it says of itself since the user came to know it".into()
            }
            Self::OtherBuild => "is of another build than the one that was granted".into(),
            Self::Expired => "was granted for a time that is over".into(),
            Self::Unbound { mount, why } => format!("has no folder for its mount `{mount}`: {why}"),
            Self::Downloaded => {
                "came in a file that is marked as downloaded and was not reviewed yet".into()
            }
            Self::NoGrants => {
                "asks for permissions, and the file with the grants cannot be read".into()
            }
        }
    }
}

/// The decision about one tool. `bindable` says why a folder may not be bound to a mount.
pub(crate) fn decide(
    subject: Subject<'_>,
    grant: Option<&Grant>,
    now: DateTime<Utc>,
    bindable: impl Fn(&Path) -> Result<(), String>,
) -> Decision {
    match allow(subject, grant, now, bindable) {
        Ok(allowance) => Decision::Allowed(allowance),
        Err(held) => Decision::Held(held),
    }
}

fn allow(
    subject: Subject<'_>,
    grant: Option<&Grant>,
    now: DateTime<Utc>,
    bindable: impl Fn(&Path) -> Result<(), String>,
) -> Result<Allowance, Held> {
    let same_build = grant.is_some_and(|grant| {
        grant
            .digest
            .as_deref()
            .is_none_or(|pin| pin == subject.digest)
    });
    let reviewed = grant.is_some_and(|grant| grant.granted.is_some() || grant.folder.is_none());
    if subject.downloaded && !(reviewed && same_build) {
        return Err(Held::Downloaded);
    }
    let known = grant.and_then(|grant| grant.tools.get(subject.tool));
    let pinned = known.and_then(|known| known.definition.as_deref());
    if let Some(pinned) = pinned {
        let definition = (subject.definition)();
        let previous = known.and_then(|known| known.previous.as_deref());
        if definition != pinned && previous != Some(definition.as_str()) {
            return Err(Held::Redefined);
        }
    }
    if subject.requested.is_empty() {
        let on_record = grant.is_some_and(|grant| grant.everything || grant.folder.is_none())
            || (pinned.is_some() && (same_build || grant.is_some_and(Grant::allows_anything)));
        return Ok(Allowance {
            access: Arc::default(),
            expires: None,
            unpinned: !on_record,
        });
    }
    let grant = grant.ok_or(Held::NotGranted)?;
    let expires = if grant.everything {
        None
    } else {
        granted(subject, known, now)?
    };
    // A change of what is asked for is told before a change of code: it is the one to look at.
    if grant.mode == Mode::Exact && !same_build {
        return Err(Held::OtherBuild);
    }
    let access = access(subject, grant, bindable)?;
    Ok(Allowance {
        access: Arc::new(access),
        expires,
        unpinned: false,
    })
}

/// Declared ⊆ granted, or why not.
fn granted(
    subject: Subject<'_>,
    known: Option<&ToolGrant>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Held> {
    let known = known
        .filter(|known| !known.permissions.is_empty())
        .ok_or(Held::NotGranted)?;
    if known.expires.is_some_and(|expires| expires <= now) {
        return Err(Held::Expired);
    }
    let missing = missing(subject.requested, &known.permissions);
    if missing.is_empty() {
        Ok(known.expires)
    } else {
        Err(Held::Widened(missing))
    }
}

/// What is requested and not granted, as the lines of a manifest.
pub(crate) fn missing(requested: &PermissionRequest, granted: &PermissionRequest) -> Vec<String> {
    let mut lines = Vec::new();
    let mut text_list = |key: &str, missing: Vec<String>| {
        if !missing.is_empty() {
            let items: Vec<String> = missing.iter().map(|item| format!("\"{item}\"")).collect();
            lines.push(format!("{key} = [{}]", items.join(", ")));
        }
    };
    let network = requested.network.iter().filter(|wanted| {
        !granted
            .network
            .iter()
            .any(|allowed| covers(allowed, wanted))
    });
    text_list("network", network.map(ToString::to_string).collect());
    let tcp = requested
        .tcp
        .iter()
        .filter(|wanted| !granted.tcp.contains(wanted));
    text_list("tcp", tcp.map(ToString::to_string).collect());
    text_list("env", without(&requested.env, &granted.env));
    text_list("calls", without(&requested.calls, &granted.calls));
    for (name, access) in &requested.mounts {
        if granted
            .mounts
            .get(name)
            .is_none_or(|allowed| allowed < access)
        {
            lines.push(format!("mounts = {{ {name} = \"{access}\" }}"));
        }
    }
    for (name, secret) in &requested.secrets {
        if granted.secrets.get(name) != Some(secret) {
            lines.push(format!(
                "secrets = {{ {name} = {{ host = \"{}\", header = \"{}\" }} }}",
                secret.host, secret.header
            ));
        }
    }
    for (wanted, allowed, key) in [
        (requested.kv, granted.kv, "kv"),
        (requested.elicit, granted.elicit, "elicit"),
        (requested.sample, granted.sample, "sample"),
        (requested.roots, granted.roots, "roots"),
    ] {
        if wanted && !allowed {
            lines.push(format!("{key} = true"));
        }
    }
    lines
}

fn without(requested: &[String], granted: &[String]) -> Vec<String> {
    requested
        .iter()
        .filter(|wanted| !granted.contains(wanted))
        .cloned()
        .collect()
}

/// What a tool gets that the user allows for one call: all that it asks for. Nothing where a folder would have to be chosen, where nobody has
/// seen what the tool says of itself, or where the grants are in no state to be decided by.
pub(crate) fn once(
    held: &Held,
    requested: &PermissionRequest,
    read_only: bool,
) -> Option<Allowance> {
    let may_be_asked = matches!(
        held,
        Held::NotGranted | Held::Widened(_) | Held::OtherBuild | Held::Expired
    );
    if !may_be_asked || requested.is_empty() || !requested.mounts.is_empty() {
        return None;
    }
    let access = reach(requested, &Grant::default(), Vec::new(), read_only);
    Some(Allowance {
        access: Arc::new(access),
        expires: None,
        unpinned: false,
    })
}

/// What the guests of an allowed tool may reach.
fn access(
    subject: Subject<'_>,
    grant: &Grant,
    bindable: impl Fn(&Path) -> Result<(), String>,
) -> Result<ToolAccess, Held> {
    let requested = subject.requested;
    let mut mounts = Vec::new();
    for (name, access) in &requested.mounts {
        let unbound = |why: String| Held::Unbound {
            mount: name.clone(),
            why,
        };
        let folder = grant
            .mounts
            .get(name)
            .ok_or_else(|| unbound("none was named when it was granted".into()))?;
        bindable(folder).map_err(unbound)?;
        mounts.push(MountAccess {
            name: name.clone(),
            folder: folder.clone(),
            access: if subject.read_only {
                Access::Read
            } else {
                *access
            },
        });
    }
    Ok(reach(requested, grant, mounts, subject.read_only))
}

fn reach(
    requested: &PermissionRequest,
    grant: &Grant,
    mounts: Vec<MountAccess>,
    read_only: bool,
) -> ToolAccess {
    ToolAccess {
        network: NetworkAccess {
            patterns: requested.network.clone(),
            only_hosts: grant.hosts.clone(),
            addresses: grant.addresses.clone(),
        },
        tcp: requested.tcp.clone(),
        mounts,
        env: requested.env.clone(),
        secrets: requested
            .secrets
            .iter()
            .map(|(name, secret)| SecretAccess {
                name: name.clone(),
                secret: secret.clone(),
            })
            .collect(),
        kv: requested.kv,
        calls: requested.calls.clone(),
        elicit: requested.elicit,
        sample: requested.sample,
        roots: requested.roots,
        read_only,
    }
}

#[cfg(test)]
mod tests;
