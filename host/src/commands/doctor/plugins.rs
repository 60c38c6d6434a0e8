//! Plugins, and what was granted to them and is kept for them.

use std::path::Path;

use chrono::Utc;

use super::{Check, number};
use crate::catalog::Catalog;
use crate::health::{self, Condition};
use crate::host::Host;
use crate::permissions::decide::Held;
use crate::permissions::grants::Grant;
use crate::principal::Principal;
use crate::secrets::Place;

/// What plugins say of the things that they depend on.
pub(super) async fn health(host: &Host) -> Vec<Check> {
    let said = health::ask_all(host, &Principal::local()).await;
    let checks = said.into_iter().map(|health| {
        let found = health.sentence().replacen("Health: ", "", 1);
        let hint = "what it says is the plugin's own; `toolbay logs` has the call";
        match health.status {
            Condition::Healthy | Condition::Unknown => Check::ok("health", found),
            Condition::Degraded => Check::warning("health", found, hint),
            Condition::Unhealthy => Check::problem("health", found, hint),
        }
    });
    checks.collect()
}

pub(super) fn plugins(host: &Host) -> Vec<Check> {
    let catalog = host.catalog();
    let mut checks = Vec::new();
    for (plugin, tools) in catalog.by_file() {
        let tools: Vec<_> = tools.collect();
        let about = format!(
            "{} {}, {}, {}",
            plugin.info.name,
            plugin.info.version,
            number(
                tools.iter().filter(|listed| listed.tool.is_tool()).count(),
                "tool"
            ),
            plugin.path.display()
        );
        let held: Vec<_> = tools
            .iter()
            .filter(|listed| listed.held().is_some())
            .collect();
        let Some(first) = held.first().and_then(|listed| listed.held()) else {
            checks.push(Check::ok("plugin", about));
            continue;
        };
        let names: Vec<&str> = held
            .iter()
            .map(|listed| listed.tool.full_name.as_str())
            .collect();
        // The others may be held for other reasons; the review tells each.
        let found = format!(
            "{about}; waits for you: {}, which {}",
            names.join(", "),
            first.clause()
        );
        let hint = match first {
            Held::NoGrants => "the line about grants says what is wrong with the file".into(),
            _ => host.grant_command(plugin),
        };
        checks.push(Check::warning("plugin", found, hint));
    }
    let around = host.middleware.iter();
    let around = around.flat_map(|middleware| middleware.problems(&catalog));
    checks.extend(around.map(|problem| {
        let hint = "put a plugin with that tool into a folder (`toolbay list` has the names), or take the name out";
        Check::problem("settings", problem, hint)
    }));
    for problem in &catalog.problems {
        let earlier = if problem.serving_earlier {
            " (an earlier version is still served)"
        } else {
            ""
        };
        let area = if problem.path == host.grants.file() {
            "grants"
        } else {
            "plugin"
        };
        checks.push(Check::problem(
            area,
            format!("{}: {}{earlier}", problem.path.display(), problem.reason),
            problem.hint.clone(),
        ));
    }
    checks
}

pub(super) fn grants(host: &Host) -> Vec<Check> {
    let file = host.grants.file().display();
    let current = host.grants.current();
    // What is wrong with the file is among the plugins' problems already.
    let Ok(grants) = &current.grants else {
        return Vec::new();
    };
    if grants.grants.is_empty() {
        return vec![Check::ok(
            "grants",
            format!("nothing is granted and no plugin pinned yet; {file}"),
        )];
    }
    let (granting, pins): (Vec<&Grant>, Vec<&Grant>) = grants
        .grants
        .iter()
        .partition(|grant| grant.allows_anything());
    let mut checks = vec![Check::ok(
        "grants",
        format!(
            "{}, {} without one, {file}",
            number(granting.len(), "grant"),
            number(pins.len(), "pinned plugin")
        ),
    )];
    let catalog = host.catalog();
    for grant in granting {
        checks.extend(gone(host, &catalog, grant));
        checks.extend(expired(grant));
    }
    checks
}

/// A grant for a plugin that is not there. One in a folder that was not looked at may be.
fn gone(host: &Host, catalog: &Catalog, grant: &Grant) -> Option<Check> {
    let folder = grant.folder.as_deref()?;
    let looked_at = host
        .folders()
        .iter()
        .any(|own| std::fs::canonicalize(own).is_ok_and(|own| own == folder));
    let is_there = catalog
        .plugins
        .iter()
        .any(|plugin| plugin.info.name == grant.plugin && plugin.folder == folder);
    if is_there || (folder.exists() && !looked_at) {
        return None;
    }
    Some(Check::warning(
        "grants",
        format!(
            "the plugin `{}` is gone from {}, and what was granted to it stays",
            grant.plugin,
            folder.display()
        ),
        revoke(&grant.plugin, folder),
    ))
}

fn expired(grant: &Grant) -> Option<Check> {
    let now = Utc::now();
    let over: Vec<&str> = grant
        .tools
        .iter()
        .filter(|(_, tool)| tool.expires.is_some_and(|expires| expires <= now))
        .map(|(name, _)| name.as_str())
        .collect();
    if over.is_empty() {
        return None;
    }
    let folder = grant.folder.as_deref()?;
    Some(Check::warning(
        "grants",
        format!(
            "the time is over for which `{}` was granted {}",
            grant.plugin,
            over.join(", ")
        ),
        format!("grant it anew, or: {}", revoke(&grant.plugin, folder)),
    ))
}

fn revoke(plugin: &str, folder: &Path) -> String {
    let folder = folder.display().to_string().replace('\'', r"'\''");
    format!("toolbay revoke {plugin} --dir '{folder}'")
}

pub(super) fn secrets(host: &Host) -> Vec<Check> {
    let listing = match host.secrets.list() {
        Ok(listing) => listing,
        Err(error) => {
            return vec![Check::problem("secrets", error.to_string(), error.hint())];
        }
    };
    let count = number(listing.secrets.len(), "secret");
    vec![match (listing.place, listing.keyring_error) {
        (None, Some(error)) => Check::warning(
            "secrets",
            format!("the keyring cannot be used: {error}"),
            error.hint(),
        ),
        (Some(Place::File), _) => Check::ok(
            "secrets",
            format!("{count}; new ones go to {}", host.secrets.file().display()),
        ),
        _ => Check::ok(
            "secrets",
            format!("{count}; new ones go to the system's keyring"),
        ),
    }]
}
