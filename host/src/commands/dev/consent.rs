//! What the person at the terminal allows to the builds of their own plugin, so that a save is never in the way of a call: new code and new words follow by
//! themselves, new permissions are asked for.

use std::sync::Arc;

use anyhow::Result;
use toolbay_manifest::PermissionRequest;

use crate::catalog::{Catalog, Listed};
use crate::commands::grant::apply::apply;
use crate::commands::grant::{self, Choice};
use crate::commands::person;
use crate::host::Host;
use crate::permissions::decide::{Held, missing};
use crate::permissions::definition;
use crate::permissions::grants::{Grant, Grants, Mode};
use crate::plugin::Plugin;
use crate::terminal;

/// Who decides about the builds of one session.
pub(super) enum Consent {
    /// The person at the terminal.
    Person {
        /// What was published last, which may still answer.
        earlier: Option<Arc<Plugin>>,
        /// Whether they have seen what an earlier grant was for, and that it is for their own builds now.
        reviewed: bool,
        /// What they refused.
        refused: Vec<String>,
    },
    /// A policy file, or the grants as they are: nothing is changed.
    Nobody,
}

impl Consent {
    /// A policy is not to be added to, and without a person nothing widens a grant.
    pub(super) fn new(host: &Host, earlier: Option<Arc<Plugin>>) -> Self {
        if host.grants.is_policy() {
            return Self::Nobody;
        }
        match person::require("toolbay dev") {
            Ok(()) => Self::Person {
                earlier,
                reviewed: false,
                refused: Vec::new(),
            },
            Err(_) => {
                terminal::say(
                    "note: no person at this terminal, so no grant is changed: tools that ask for more, or whose words change after they were called, are held until `toolbay grant`\n",
                );
                Self::Nobody
            }
        }
    }

    /// Makes the new build's tools run as far as the person allows, before it takes the earlier one's place.
    ///
    /// # Errors
    ///
    /// Where the grants cannot be read or written.
    pub(super) fn settle(&mut self, host: &Host, plugin: &Arc<Plugin>) -> Result<()> {
        let Self::Person {
            earlier,
            reviewed,
            refused,
        } = self
        else {
            return Ok(());
        };
        host.grants.refresh();
        let catalog = Catalog::new(
            vec![plugin.clone()],
            Vec::new(),
            Vec::new(),
            &host.authority(),
        );
        let current = host.grants.current();
        let grants = current.grants.as_ref().map_err(|error| {
            anyhow::anyhow!(
                "{}: {error}\nhint: {}",
                host.grants.file().display(),
                error.hint
            )
        })?;
        let before = grants.of(&plugin.folder, &plugin.info.name).cloned();
        let tools: Vec<Listed<'_>> = catalog.offers().collect();
        let asked = requests(&tools, before.as_ref());
        let other_build = tools
            .iter()
            .any(|listed| matches!(listed.held(), Some(Held::OtherBuild | Held::Redefined)));
        let is_new_question = !asked.is_empty() && *refused != asked;
        let choice = if is_new_question || (other_build && !*reviewed) {
            let choice = grant::ask(
                host,
                &catalog,
                plugin,
                &tools,
                before.as_ref(),
                Mode::Follow,
            )?;
            if choice.is_none() {
                // Asked again only when it asks for something else.
                *refused = asked;
            }
            choice
        } else {
            Some(follow(plugin, &tools, before.as_ref()))
        };
        if let Some(choice) = choice {
            *reviewed = true;
            apply(host, &[choice], |grants| {
                if let Some(earlier) = earlier {
                    keep_valid(grants, earlier, before.as_ref());
                }
            })?;
        }
        *earlier = Some(plugin.clone());
        Ok(())
    }

    /// The session ends: what was kept valid for the build before the last is no longer.
    pub(super) fn end(&self, host: &Host) {
        let Self::Person {
            earlier: Some(last),
            ..
        } = self
        else {
            return;
        };
        let ended = host.grants.change(|grants| {
            let grant = grants.entry(&last.folder, &last.info.name);
            for tool in &last.tools {
                let Some(known) = grant.tools.get_mut(&*tool.label.tool) else {
                    continue;
                };
                known.previous = None;
                if missing(&tool.requested, &known.permissions).is_empty() {
                    known.permissions.clone_from(&tool.requested);
                }
            }
        });
        if let Err(error) = ended {
            tracing::warn!("{error}");
        }
    }
}

/// What a person has to decide about: the tools that ask for more than they have, each with what it asks for.
fn requests(tools: &[Listed<'_>], before: Option<&Grant>) -> Vec<String> {
    let tools = tools
        .iter()
        .filter(|listed| asks_for_more(**listed, before));
    tools
        .map(|listed| {
            let requested = serde_json::to_string(&listed.tool.requested).unwrap_or_default();
            format!("{} {requested}", listed.tool.full_name)
        })
        .collect()
}

fn asks_for_more(listed: Listed<'_>, before: Option<&Grant>) -> bool {
    match listed.held() {
        None => false,
        // What it asks for is looked at only if its words are known, so it may ask for more as well.
        Some(Held::OtherBuild | Held::Redefined) => {
            let known = before.and_then(|before| before.tools.get(&*listed.tool.label.tool));
            let nothing = PermissionRequest::default();
            let allowed = known.map_or(&nothing, |known| &known.permissions);
            !missing(&listed.tool.requested, allowed).is_empty()
        }
        Some(_) => true,
    }
}

/// What was granted, for the new build.
fn follow(plugin: &Arc<Plugin>, tools: &[Listed<'_>], before: Option<&Grant>) -> Choice {
    Choice {
        plugin: plugin.clone(),
        tools: tools
            .iter()
            .filter(|listed| !asks_for_more(**listed, before))
            .map(|listed| listed.tool.clone())
            .collect(),
        mounts: before
            .map(|before| before.mounts.clone().into_iter().collect())
            .unwrap_or_default(),
        mode: Some(Mode::Follow),
        hosts: before.and_then(|before| before.hosts.clone()),
        addresses: before
            .map(|before| before.addresses.clone())
            .unwrap_or_default(),
        lasting: None,
    }
}

/// The build before answers until the new one has taken its place: its words stay known, and what it may do stays allowed.
fn keep_valid(grants: &mut Grants, earlier: &Plugin, before: Option<&Grant>) {
    let grant = grants.entry(&earlier.folder, &earlier.info.name);
    for tool in &earlier.tools {
        let Some(known) = grant.tools.get_mut(&*tool.label.tool) else {
            continue;
        };
        let words = definition::digest(tool).to_string();
        if known.definition.as_deref() != Some(words.as_str()) {
            known.previous = Some(words);
        }
        let allowed = before
            .and_then(|before| before.tools.get(&*tool.label.tool))
            .map(|known| &known.permissions);
        if allowed.is_some_and(|allowed| missing(&tool.requested, allowed).is_empty()) {
            known.permissions.add(&tool.requested);
        }
    }
}
