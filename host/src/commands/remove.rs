//! `toolbay remove`: deletes a plugin's files, and says what else there is of it.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::cli::Remove;
use crate::config::Config;
use crate::discover::{self, Candidate};
use crate::host::Host;
use crate::load;
use crate::terminal;
use crate::text::{bytes, escape, nearest};

pub(crate) fn run(arguments: &Remove) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(arguments.folder.as_slice())?;
    let runtime = super::runtime()?;
    let outcome = runtime.block_on(remove(config, arguments));
    super::finish(runtime);
    outcome
}

async fn remove(config: Config, arguments: &Remove) -> Result<u8> {
    let host = Host::new(config)?;
    let name = &arguments.plugin;
    let folder = host.folders().first().cloned().unwrap_or_default();
    let found = find(&host, name).await?;
    let scope = std::fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
    let scope = scope.to_string_lossy().into_owned();
    let store = crate::state::Store::new(&host.config.state);
    let kept = store.kept_by(&scope, name).await?;
    if found.files.is_empty() && !(arguments.state && kept > 0) {
        let hint = nearest(name, found.names.iter().map(String::as_str)).map_or_else(
            || "`toolbay list` shows the plugins".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        terminal::say(&format!(
            "error: there is no plugin `{}` in {}\nhint: {hint}\n",
            escape(name),
            escape(&folder.display().to_string())
        ));
        return Ok(super::PROBLEM);
    }
    let mut question = String::new();
    for file in &found.files {
        let _ = writeln!(question, "  {}", escape(&file.display().to_string()));
    }
    if arguments.state && kept > 0 {
        let _ = writeln!(question, "  {} of state", bytes(kept));
    }
    if !arguments.yes && !confirm(&question)? {
        return Ok(super::PROBLEM);
    }
    for file in &found.files {
        std::fs::remove_file(file).with_context(|| format!("cannot delete {}", file.display()))?;
    }
    if arguments.state {
        store.forget(&scope, name).await?;
    }
    terminal::say(&format!("deleted:\n{question}"));
    let kept = if arguments.state { 0 } else { kept };
    terminal::say(&remaining(&host, arguments, kept));
    Ok(super::OK)
}

/// Asks a person, where there is one.
fn confirm(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        terminal::say(&format!(
            "error: nobody is there to ask whether to delete\n{question}hint: --yes deletes without asking\n"
        ));
        return Ok(false);
    }
    terminal::say(&format!("delete:\n{question}"));
    let answer = terminal::ask("sure? [y/N] ").context("cannot read the answer")?;
    let sure = answer.is_some_and(|answer| matches!(answer.to_lowercase().as_str(), "y" | "yes"));
    if !sure {
        terminal::say("nothing was deleted\n");
    }
    Ok(sure)
}

struct Found {
    files: Vec<PathBuf>,
    /// The plugins that there are.
    names: Vec<String>,
}

/// The files of the plugin: those that say so, or else a broken one that is called so.
async fn find(host: &Arc<Host>, name: &str) -> Result<Found> {
    let candidates = discover::discover(host.folders())
        .map_err(|(folder, error)| anyhow::anyhow!("cannot read {}: {error}", folder.display()))?;
    let mut found = Found {
        files: Vec::new(),
        names: Vec::new(),
    };
    let mut broken = Vec::new();
    for candidate in &candidates {
        let loaded = match load::read(candidate) {
            Ok(content) => load::load(&host.sandbox, &host.config.cache, candidate, &content).await,
            Err(error) => Err(error),
        };
        match loaded {
            Ok((plugin, _)) => {
                if plugin.info.name == name {
                    found.files.extend(files(candidate));
                }
                found.names.push(plugin.info.name.clone());
            }
            Err(_) if candidate.path.file_stem().is_some_and(|stem| stem == name) => {
                broken.extend(files(candidate));
            }
            Err(_) => {}
        }
    }
    if found.files.is_empty() {
        found.files = broken;
    }
    Ok(found)
}

/// The component first: without its manifest it might say something else of itself.
fn files(candidate: &Candidate) -> impl Iterator<Item = PathBuf> {
    let sidecar = candidate
        .sidecar
        .as_ref()
        .map(|sidecar| sidecar.path.clone());
    std::iter::once(candidate.path.clone()).chain(sidecar)
}

/// What stays, and how to remove it.
fn remaining(host: &Host, arguments: &Remove, kept: u64) -> String {
    let name = &arguments.plugin;
    let folder = arguments.folder.as_ref().map(|folder| {
        let folder = escape(&folder.display().to_string());
        format!(" --dir '{}'", folder.replace('\'', r"'\''"))
    });
    let folder = folder.unwrap_or_default();
    let mut text = String::new();
    let grants = host.grants.current();
    let canonical = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let folders: Vec<PathBuf> = host.folders().iter().map(canonical).collect();
    let is_granted = grants.grants.as_ref().is_ok_and(|grants| {
        grants.grants.iter().any(|grant| {
            let here = grant
                .folder
                .as_ref()
                .is_some_and(|own| folders.contains(own));
            grant.plugin == *name && here && grant.allows_anything()
        })
    });
    if is_granted {
        let _ = writeln!(
            text,
            "what was granted to it stays; to take it back: toolbay revoke {name}{folder}"
        );
    }
    if let Ok(listing) = host.secrets.list() {
        for secret in listing
            .secrets
            .iter()
            .filter(|secret| secret.plugin == *name)
        {
            let _ = writeln!(
                text,
                "its secret `{0}` stays; to remove it: toolbay secret remove {name} {0}",
                escape(&secret.name)
            );
        }
    }
    if kept > 0 {
        let _ = writeln!(
            text,
            "{} of its state stay; to delete them: toolbay remove {name} --state{folder}",
            bytes(kept)
        );
    }
    text
}
