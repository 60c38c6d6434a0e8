//! What a tool asks for, in the plain words that a person decides by.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use toolbay_manifest::{Access, Mount, NetworkPattern, PermissionRequest, Secret};

use crate::catalog::{Catalog, Listed};
use crate::text::escape;

/// One sentence for each thing that is asked, with the author's reason where there is one. All of it is escaped.
pub(crate) fn plain(
    asked: &PermissionRequest,
    reasons: &IndexMap<String, String>,
    mounts: &IndexMap<String, Mount>,
) -> Vec<String> {
    let reason = |key: &str| reasons.get(key).map(String::as_str);
    let mut sentences = Vec::new();
    let mut say = |sentence: String, reason: Option<&str>| {
        let reason = reason
            .map(|reason| format!(" (\"{}\")", escape(reason)))
            .unwrap_or_default();
        sentences.push(format!("{sentence}{reason}"));
    };
    for (name, access) in &asked.mounts {
        let may = match access {
            Access::Read => "read every file in",
            Access::ReadWrite => "read, change, create and delete files in",
        };
        let why = mounts.get(name).and_then(|mount| mount.reason.as_deref());
        say(
            format!("{may} the folder that you choose for `{}`", escape(name)),
            why.or(reason("mounts")),
        );
    }
    for pattern in &asked.network {
        say(network(pattern), reason("network"));
    }
    for address in &asked.tcp {
        say(
            format!(
                "open connections to {}, and say anything over them",
                escape(&address.to_string())
            ),
            reason("tcp"),
        );
    }
    for (name, secret) in &asked.secrets {
        say(secret_sentence(name, secret), reason("secrets"));
    }
    for name in &asked.env {
        say(
            format!("see your environment variable {}", escape(name)),
            reason("env"),
        );
    }
    if asked.kv {
        say(
            "keep small values between calls, apart from other plugins'".into(),
            reason("kv"),
        );
    }
    if !asked.calls.is_empty() {
        say(
            format!("call the tools {}", escape(&asked.calls.join(", "))),
            reason("calls"),
        );
    }
    if asked.elicit {
        say("ask you questions while it runs".into(), reason("elicit"));
    }
    if asked.sample {
        say(
            "have the assistant's model write something for it".into(),
            reason("sample"),
        );
    }
    if asked.roots {
        say(
            "learn which folders the assistant works in".into(),
            reason("roots"),
        );
    }
    sentences
}

fn network(pattern: &NetworkPattern) -> String {
    let may = match pattern.methods() {
        [] => "send any request to".to_owned(),
        methods if !pattern.writes() => format!("fetch ({}) from", methods.join(", ")),
        methods => format!("send requests ({}) to", methods.join(", ")),
    };
    let url = pattern.url();
    let any_host = url
        .split_once("://")
        .is_some_and(|(_, rest)| rest == "*" || rest.starts_with("*/") || rest.starts_with("*:"));
    let whom = if any_host {
        format!("any public server on the internet, {}", escape(url))
    } else {
        escape(url)
    };
    format!("{may} {whom}")
}

fn secret_sentence(name: &str, secret: &Secret) -> String {
    format!(
        "have your secret `{}` sent to {} in the header {} (the plugin itself does not see it)",
        escape(name),
        escape(&secret.host),
        escape(&secret.header)
    )
}

/// What a tool reaches through the tools that it calls, however many steps away: each as its name and what that one asks for.
pub(crate) fn through_calls(catalog: &Catalog, start: Listed<'_>) -> Vec<String> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> = called(start);
    let mut lines = Vec::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(listed) = catalog
            .all_tools()
            .find(|listed| listed.tool.full_name == name)
        else {
            lines.push(format!("call {}, which is not installed", escape(&name)));
            continue;
        };
        let asks_for = plain(
            &listed.tool.requested,
            &listed.tool.reasons,
            &listed.plugin.mounts,
        );
        lines.extend(
            asks_for
                .iter()
                .map(|sentence| format!("{sentence} (through {name})")),
        );
        open.extend(called(listed));
    }
    lines.sort();
    lines
}

/// The full names of the tools that one calls; a name without a plugin before it is one of its own plugin's.
fn called(listed: Listed<'_>) -> Vec<String> {
    let own = &listed.plugin.info.name;
    let siblings = &listed.plugin.tools;
    listed
        .tool
        .requested
        .calls
        .iter()
        .map(|name| {
            if siblings.iter().any(|tool| *tool.label.tool == **name) {
                format!("{own}_{name}")
            } else {
                name.clone()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_permission_has_its_sentence() {
        let asked = PermissionRequest::from_json(json!({
            "network": ["GET,HEAD https://example.com/docs/*", "POST https://example.com/v1", "https://example.org"],
            "tcp": ["db.internal:5432"],
            "mounts": {"vault": "read", "outbox": "read-write"},
            "env": ["REGION"],
            "secrets": {"token": {"host": "example.com", "header": "Authorization", "format": "Bearer {}"}},
            "kv": true,
            "calls": ["jq_query"],
            "elicit": true,
            "sample": true,
            "roots": true,
        }))
        .unwrap();
        let reasons = IndexMap::from([("network".to_owned(), "to read the docs".to_owned())]);
        let mounts = IndexMap::from([(
            "vault".to_owned(),
            Mount {
                access: Access::Read,
                reason: Some("the notes live here\u{1b}".into()),
            },
        )]);
        insta::assert_snapshot!(plain(&asked, &reasons, &mounts).join("\n"), @r#"
        read every file in the folder that you choose for `vault` ("the notes live here\u{1b}")
        read, change, create and delete files in the folder that you choose for `outbox`
        fetch (GET, HEAD) from https://example.com/docs/* ("to read the docs")
        send requests (POST) to https://example.com/v1 ("to read the docs")
        send any request to https://example.org ("to read the docs")
        open connections to db.internal:5432, and say anything over them
        have your secret `token` sent to example.com in the header Authorization (the plugin itself does not see it)
        see your environment variable REGION
        keep small values between calls, apart from other plugins'
        call the tools jq_query
        ask you questions while it runs
        have the assistant's model write something for it
        learn which folders the assistant works in
        "#);
    }
}
