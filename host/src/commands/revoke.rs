//! `toolbay revoke`: takes back what was granted. Needs no person: it only ever narrows.

use std::path::PathBuf;

use anyhow::{Result, bail};
use toolbay_manifest::PermissionRequest;

use crate::audit::{Audit, Event};
use crate::cli::Revoke;
use crate::config::Config;
use crate::permissions::grants::{Grant, Grants};
use crate::permissions::store::GrantStore;
use crate::terminal;

pub(crate) fn run(arguments: &Revoke) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(&arguments.folders)?;
    let store = GrantStore::in_folder(&config.settings, &config.state);
    let folders = if arguments.folders.is_empty() {
        None
    } else {
        Some(canonical(&config.folders))
    };
    let current = store.current();
    let grants = match &current.grants {
        Ok(grants) => grants,
        Err(error) => bail!(
            "{} cannot be used as it is: {error}\nhint: {}",
            store.file().display(),
            error.hint
        ),
    };
    if let Err(problem) = check(grants, arguments, folders.as_deref()) {
        terminal::say(&problem);
        return Ok(super::PROBLEM);
    }
    store.change(|grants| {
        for grant in grants
            .grants
            .iter_mut()
            .filter(|grant| concerns(grant, arguments, folders.as_deref()))
        {
            revoke(grant, &arguments.tools);
        }
    })?;
    let audit = Audit::start(&config);
    for grant in grants
        .grants
        .iter()
        .filter(|grant| concerns(grant, arguments, folders.as_deref()))
    {
        audit.record_blocking(Event::Revoked {
            plugin: grant.plugin.clone(),
            folder: grant
                .folder
                .as_deref()
                .unwrap_or(std::path::Path::new(""))
                .display()
                .to_string(),
            tools: arguments.tools.clone(),
        });
    }
    let what = if arguments.tools.is_empty() {
        arguments.plugin.clone()
    } else {
        arguments.tools.join(", ")
    };
    terminal::say(&format!(
        "revoked: {what}; running servers follow at once\n"
    ));
    Ok(super::OK)
}

fn check(grants: &Grants, arguments: &Revoke, folders: Option<&[PathBuf]>) -> Result<(), String> {
    let concerned: Vec<&Grant> = grants
        .grants
        .iter()
        .filter(|grant| concerns(grant, arguments, folders))
        .collect();
    let name = &arguments.plugin;
    if concerned.iter().all(|grant| !grant.allows_anything()) {
        return Err(format!(
            "error: nothing is granted to `{name}`\nhint: `toolbay grants` shows what is granted\n"
        ));
    }
    for tool in &arguments.tools {
        if !concerned.iter().any(|grant| grant.tools.contains_key(tool)) {
            return Err(format!(
                "error: nothing is granted to the tool `{tool}` of `{name}`\nhint: `toolbay grants` shows what is granted\n"
            ));
        }
    }
    Ok(())
}

fn concerns(grant: &Grant, arguments: &Revoke, folders: Option<&[PathBuf]>) -> bool {
    let here = folders.is_none_or(|folders| {
        grant
            .folder
            .as_ref()
            .is_some_and(|folder| folders.contains(folder))
    });
    grant.plugin == arguments.plugin && here
}

/// The pins stay: what is known of a plugin is not forgotten because it may do less.
fn revoke(grant: &mut Grant, tools: &[String]) {
    grant.everything = false;
    for (_, tool) in grant
        .tools
        .iter_mut()
        .filter(|(name, _)| tools.is_empty() || tools.contains(name))
    {
        tool.permissions = PermissionRequest::default();
        tool.expires = None;
    }
    if !grant.allows_anything() {
        grant.mounts.clear();
        grant.hosts = None;
        grant.addresses.clear();
    }
}

fn canonical(folders: &[PathBuf]) -> Vec<PathBuf> {
    folders
        .iter()
        .map(|folder| std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone()))
        .collect()
}
