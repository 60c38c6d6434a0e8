//! Who may do what: what a tool asks for, what was granted, and what follows. Decisions are made here and enforced in `sandbox/`.

pub(crate) mod access;
pub(crate) mod authority;
pub(crate) mod binding;
pub(crate) mod decide;
pub(crate) mod definition;
pub(crate) mod grants;
pub(crate) mod network;
pub(crate) mod reach;
pub(crate) mod store;
pub(crate) mod tcp;
pub(crate) mod usage;
pub(crate) mod words;

use toolbay_manifest::PermissionRequest;

/// What the request asks for, one short phrase a kind of permission; empty where it asks for nothing.
pub(crate) fn in_words(request: &PermissionRequest) -> Vec<String> {
    let list = |items: Vec<String>| items.join(", ");
    let mut words = Vec::new();
    if !request.network.is_empty() {
        words.push(format!(
            "network {}",
            list(request.network.iter().map(ToString::to_string).collect())
        ));
    }
    if !request.tcp.is_empty() {
        words.push(format!(
            "tcp {}",
            list(request.tcp.iter().map(ToString::to_string).collect())
        ));
    }
    if !request.mounts.is_empty() {
        words.push(format!(
            "mounts {}",
            list(
                request
                    .mounts
                    .iter()
                    .map(|(name, access)| format!("{name} ({access})"))
                    .collect()
            )
        ));
    }
    if !request.env.is_empty() {
        words.push(format!("env {}", list(request.env.clone())));
    }
    if !request.secrets.is_empty() {
        words.push(format!(
            "secrets {}",
            list(request.secrets.keys().cloned().collect())
        ));
    }
    if !request.calls.is_empty() {
        words.push(format!("calls {}", list(request.calls.clone())));
    }
    for (asked, word) in [
        (request.kv, "kv"),
        (request.elicit, "elicit"),
        (request.sample, "sample"),
    ] {
        if asked {
            words.push(word.to_owned());
        }
    }
    words
}
