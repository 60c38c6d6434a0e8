//! Decides about plugins with the grants of one moment, and keeps the pins: which version of a plugin was first called.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;

use super::binding::{self, Forbidden};
use super::decide::{Decision, Held, Subject, decide};
use super::definition;
use super::store::{Current, GrantStore};
use crate::plugin::{Plugin, Tool};

/// The grants of one moment.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    current: Arc<Current>,
    file: PathBuf,
    is_policy: bool,
    forbidden: Arc<Forbidden>,
}

impl Authority {
    pub(crate) fn new(store: &GrantStore, forbidden: Arc<Forbidden>) -> Self {
        Self {
            current: store.current(),
            file: store.file().to_owned(),
            is_policy: store.is_policy(),
            forbidden,
        }
    }

    /// Counts the times that the grants were read anew.
    pub(crate) fn revision(&self) -> u64 {
        self.current.revision
    }

    /// What is wrong with the grants: the file, the problem and what to do.
    pub(crate) fn problem(&self) -> Option<(PathBuf, String, String)> {
        let error = self.current.grants.as_ref().err()?;
        let problem = format!("nothing is granted: {}", error.problem);
        Some((self.file.clone(), problem, error.hint.clone()))
    }

    /// May this tool run, and with what reach?
    pub(crate) fn decide(&self, plugin: &Plugin, tool: &Tool) -> Decision {
        let mut decision = self.decision(plugin, tool);
        if let Decision::Allowed(allowance) = &mut decision {
            // A policy is the word of whoever wrote it; nothing is added to it.
            allowance.unpinned &= !self.is_policy;
        }
        decision
    }

    fn decision(&self, plugin: &Plugin, tool: &Tool) -> Decision {
        let subject = Subject {
            digest: plugin.digest.as_str(),
            downloaded: plugin.downloaded,
            tool: &tool.label.tool,
            definition: &|| definition::digest(tool).to_string(),
            requested: &tool.requested,
            read_only: tool.annotations.read_only,
        };
        let grants = match &self.current.grants {
            Ok(grants) => grants,
            // What needs no grant works all the same.
            Err(_) if tool.requested.is_empty() && !plugin.downloaded => {
                return decide(subject, None, Utc::now(), |folder| self.bindable(folder));
            }
            Err(_) => return Decision::Held(Held::NoGrants),
        };
        let grant = grants.of(&plugin.folder, &plugin.info.name);
        decide(subject, grant, Utc::now(), |folder| self.bindable(folder))
    }
}

impl Authority {
    /// A folder is looked at again each time: what was bound may have become a link, or a place that no mount may reach.
    fn bindable(&self, folder: &Path) -> Result<(), String> {
        match binding::check(folder, &self.forbidden) {
            Ok(real) if real == folder => Ok(()),
            Ok(real) => Err(format!(
                "{} now leads to {}",
                folder.display(),
                real.display()
            )),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Puts the plugin's version on record, at its first call. Blocks on the file system.
pub(crate) fn pin(store: &GrantStore, plugin: &Plugin) {
    let name = &plugin.info.name;
    for tool in &plugin.tools {
        store.keep_definition(&definition::definition(tool));
    }
    let pinned = store.change(|grants| {
        let grant = grants.entry(&plugin.folder, name);
        // The digest that permissions hang on is changed by a person alone.
        if !grant.allows_anything() {
            grant.digest = Some(plugin.digest.to_string());
        }
        for tool in &plugin.tools {
            let known = grant.tools.entry(tool.label.tool.to_string()).or_default();
            if known.definition.is_none() {
                known.definition = Some(definition::digest(tool).to_string());
            }
        }
    });
    if let Err(error) = pinned {
        tracing::warn!(plugin = %name, "cannot put the plugin's version on record: {error}");
    }
}
