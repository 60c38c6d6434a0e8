//! `toolbay grants`: what is granted, to which build, and until when.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde_json::json;

use crate::cli::ShowGrants;
use crate::config::Config;
use crate::permissions::grants::{Grant, Mode, described};
use crate::permissions::in_words;
use crate::permissions::store::GrantStore;
use crate::terminal;
use crate::text::escape;

pub(crate) fn run(arguments: &ShowGrants) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(&[])?;
    let store = GrantStore::in_folder(&config.settings, &config.state);
    let current = store.current();
    let grants = match &current.grants {
        Ok(grants) => grants,
        Err(error) => bail!(
            "{} cannot be used: {error}\nhint: {}",
            store.file().display(),
            error.hint
        ),
    };
    if arguments.json {
        let all: Vec<_> = grants.grants.iter().map(as_json).collect();
        terminal::print_json(&json!({ "file": store.file(), "grants": all }))?;
        return Ok(super::OK);
    }
    let granting: Vec<&Grant> = grants
        .grants
        .iter()
        .filter(|grant| grant.allows_anything())
        .collect();
    if granting.is_empty() {
        terminal::say(&format!(
            "nothing is granted in {}\n",
            store.file().display()
        ));
    }
    for grant in granting {
        terminal::print(&as_text(grant))?;
    }
    Ok(super::OK)
}

fn as_text(grant: &Grant) -> String {
    let mut text = String::new();
    let folder = grant
        .folder
        .as_ref()
        .map(|folder| escape(&folder.display().to_string()));
    let _ = writeln!(
        text,
        "{}  {}",
        grant.plugin,
        folder.unwrap_or_else(|| "(any folder)".into())
    );
    let build = grant
        .digest
        .as_deref()
        .and_then(|digest| digest.get(..12))
        .unwrap_or("any build");
    let mode = match grant.mode {
        Mode::Exact => format!("for build {build}"),
        Mode::Follow => "for every build that says and asks the same".into(),
    };
    let when = grant
        .granted
        .map(|time| format!(", granted {}", time.format("%Y-%m-%d %H:%M UTC")));
    let _ = writeln!(text, "  {mode}{}", when.unwrap_or_default());
    for (name, folder) in &grant.mounts {
        let _ = writeln!(
            text,
            "  {} = {}",
            escape(name),
            escape(&folder.display().to_string())
        );
    }
    if let Some(hosts) = &grant.hosts {
        let _ = writeln!(text, "  no hosts but {}", escape(&hosts.join(", ")));
    }
    for address in &grant.addresses {
        let _ = writeln!(text, "  may reach {address}");
    }
    if grant.everything {
        let _ = writeln!(text, "  everything that it asks for");
    }
    for (name, tool) in grant
        .tools
        .iter()
        .filter(|(_, tool)| !tool.permissions.is_empty())
    {
        let until = tool
            .expires
            .map(|time| format!(", until {}", time.format("%Y-%m-%d %H:%M UTC")));
        let words = escape(&in_words(&tool.permissions).join("; "));
        let _ = writeln!(
            text,
            "  {}: {words}{}",
            described(name).trim_start_matches("tool ").replace('`', ""),
            until.unwrap_or_default()
        );
    }
    text
}

fn as_json(grant: &Grant) -> serde_json::Value {
    let tools: serde_json::Map<_, _> = grant
        .tools
        .iter()
        .map(|(name, tool)| {
            let entry = json!({ "permissions": tool.permissions, "definition": tool.definition, "expires": tool.expires.map(|time| time.to_rfc3339()) });
            (name.clone(), entry)
        })
        .collect();
    json!({
        "folder": grant.folder,
        "plugin": grant.plugin,
        "mode": grant.mode,
        "digest": grant.digest,
        "granted": grant.granted.map(|time| time.to_rfc3339()),
        "everything": grant.everything,
        "mounts": grant.mounts,
        "hosts": grant.hosts,
        "addresses": grant.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tools": tools,
    })
}
