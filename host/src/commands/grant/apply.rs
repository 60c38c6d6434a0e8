//! From what a person allowed to the entry in `grants.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use chrono::Utc;
use ipnet::IpNet;
use toolbay_manifest::PermissionRequest;

use crate::audit::Event;
use crate::host::Host;
use crate::permissions::definition;
use crate::permissions::grants::{Grant, Grants, Mode};
use crate::plugin::{Plugin, Tool};

/// What a person allowed of one plugin.
pub(in crate::commands) struct Choice {
    pub(in crate::commands) plugin: Arc<Plugin>,
    pub(in crate::commands) tools: Vec<Arc<Tool>>,
    pub(in crate::commands) mounts: BTreeMap<String, PathBuf>,
    /// As before, or exact, where nothing is said.
    pub(in crate::commands) mode: Option<Mode>,
    pub(in crate::commands) hosts: Option<Vec<String>>,
    pub(in crate::commands) addresses: Vec<IpNet>,
    /// For ever, where nothing is said.
    pub(in crate::commands) lasting: Option<Duration>,
}

impl Choice {
    /// The decision, for the audit log.
    pub(in crate::commands) fn event(&self) -> Event {
        let asked = self.tools.iter().flat_map(|tool| {
            let name = &tool.label.tool;
            tool.asks_for()
                .into_iter()
                .map(move |words| format!("{name}: {words}"))
        });
        Event::Granted {
            plugin: self.plugin.info.name.clone(),
            folder: self.plugin.folder.display().to_string(),
            digest: self.plugin.digest.clone(),
            tools: self
                .tools
                .iter()
                .map(|tool| tool.label.tool.to_string())
                .collect(),
            permissions: asked.collect(),
            until: self
                .lasting
                .map(|lasting| std::time::SystemTime::now() + lasting),
        }
    }
}

/// Writes all choices in one change of the file, and whatever else belongs to it.
pub(in crate::commands) fn apply(
    host: &Host,
    choices: &[Choice],
    also: impl FnOnce(&mut Grants),
) -> Result<()> {
    for tool in choices.iter().flat_map(|choice| &choice.tools) {
        host.grants.keep_definition(&definition::definition(tool));
    }
    host.grants.change(|grants| {
        for choice in choices {
            let plugin = &choice.plugin;
            enter(grants.entry(&plugin.folder, &plugin.info.name), choice);
        }
        also(grants);
    })?;
    Ok(())
}

fn enter(grant: &mut Grant, choice: &Choice) {
    let digest = choice.plugin.digest.as_str();
    if grant.digest.as_deref() != Some(digest) {
        // What was granted to another build and is not granted anew now was not looked at in this one.
        for (name, tool) in &mut grant.tools {
            if !choice
                .tools
                .iter()
                .any(|chosen| *chosen.label.tool == **name)
            {
                tool.permissions = PermissionRequest::default();
                tool.expires = None;
            }
        }
    }
    grant.digest = Some(digest.to_owned());
    grant.granted = Some(Utc::now());
    grant.mode = choice.mode.unwrap_or(grant.mode);
    grant.hosts.clone_from(&choice.hosts);
    grant.addresses.clone_from(&choice.addresses);
    grant.mounts.extend(
        choice
            .mounts
            .iter()
            .map(|(name, folder)| (name.clone(), folder.clone())),
    );
    let expires = choice.lasting.map(|lasting| Utc::now() + lasting);
    for tool in &choice.tools {
        let entry = grant.tools.entry(tool.label.tool.to_string()).or_default();
        entry.definition = Some(definition::digest(tool).to_string());
        entry.previous = None;
        entry.permissions = tool.requested.clone();
        entry.expires = if tool.requested.is_empty() {
            None
        } else {
            expires
        };
    }
}
