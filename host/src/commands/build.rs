//! `toolbay build`: makes a plugin of the crate in a folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use toolbay_build::cargo::{Diagnostic, Stderr};
use toolbay_build::{Consent, names_preview1};
use toolbay_manifest::{Manifest, ToolSettings};

use crate::build::{self, Builder, Profile};
use crate::cli::Build;
use crate::config::Config;
use crate::digest::Digest;
use crate::host::Host;
use crate::permissions::words::plain;
use crate::text::escape;
use crate::{terminal, text};

/// One plugin that was built.
pub(super) struct Built {
    pub(super) file: PathBuf,
    pub(super) manifest: Manifest,
    size: usize,
    digest: Digest,
    /// Whether the compiler's C library is an old one, which costs each call some time.
    has_adapter: bool,
}

pub(crate) fn run(arguments: &Build) -> Result<u8> {
    super::start_log("error");
    let folders = folders(&arguments.folders);
    let built = match all(&folders, arguments.install) {
        Ok(built) => built,
        Err(error) => {
            terminal::complain(&error);
            return Ok(super::PROBLEM);
        }
    };
    if arguments.json {
        terminal::print_json(&built.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        for built in &built {
            terminal::print(&as_text(built))?;
        }
    }
    for adapted in built.iter().filter(|built| built.has_adapter) {
        terminal::say(&format!(
            "note: {} carries the adapter of an old WASI C library, and each call of it starts slower\n",
            adapted.manifest.plugin.name
        ));
    }
    Ok(super::OK)
}

/// The folders named, or the current one.
pub(super) fn folders(named: &[PathBuf]) -> Vec<PathBuf> {
    if named.is_empty() {
        vec![PathBuf::from(".")]
    } else {
        named.to_vec()
    }
}

/// Builds the plugins in all these folders, telling on standard error what goes on.
///
/// # Errors
///
/// The first thing that goes wrong.
pub(super) fn all(folders: &[PathBuf], install: bool) -> Result<Vec<Built>> {
    for folder in folders {
        build::check_folder(folder)?;
    }
    let config = Config::resolve(&[])?;
    let builder = Builder::find_or_set_up(&config, Consent::new(install), &|line| {
        terminal::say(&format!("{line}\n"));
    })?;
    let runtime = super::runtime()?;
    let built = runtime.block_on(async {
        let host = Host::new(config)?;
        let mut built = Vec::new();
        for folder in folders {
            built.extend(one(&builder, &host, folder).await?);
        }
        Ok(built)
    });
    super::finish(runtime);
    built
}

async fn one(builder: &Builder, host: &Arc<Host>, folder: &Path) -> Result<Vec<Built>> {
    let show = |said: &Diagnostic| terminal::say(&said.rendered);
    let colours = terminal::colours_on_stderr();
    let build = builder.compile(folder, Profile::Release, Stderr::Shown, colours, show)?;
    if !build.succeeded {
        anyhow::bail!(
            "{} does not build\nhint: correct what the compiler says above",
            folder.display()
        );
    }
    if build.components.is_empty() {
        return Err(build::no_component(folder));
    }
    let mut built = Vec::new();
    for component in &build.components {
        let plugin = build::finish(host, component).await?;
        let file = build::result_path(folder, &plugin.manifest.plugin.name);
        build::write_result(&file, &plugin.bytes)?;
        built.push(Built {
            file: std::path::absolute(&file)?,
            size: plugin.bytes.len(),
            digest: Digest::of(&plugin.bytes),
            has_adapter: names_preview1(&plugin.bytes),
            manifest: plugin.manifest,
        });
    }
    Ok(built)
}

fn as_text(built: &Built) -> String {
    let plugin = &built.manifest.plugin;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}  {} {}, {}, SHA-256 {}",
        shown(&built.file),
        plugin.name,
        escape(&plugin.version),
        text::bytes(built.size as u64),
        built.digest.short()
    );
    for (name, settings) in offers(built) {
        let wants = plain(
            settings.permissions(),
            &settings.reasons,
            &built.manifest.mounts,
        );
        let asks = if wants.is_empty() {
            "asks for nothing"
        } else {
            "wants to"
        };
        let _ = writeln!(out, "  {name}  {asks}");
        for sentence in wants {
            let _ = writeln!(out, "    {sentence}");
        }
    }
    out
}

/// Everything that the plugin offers: what it is called, and what it may ask for.
fn offers(built: &Built) -> impl Iterator<Item = (String, &ToolSettings)> {
    let manifest = &built.manifest;
    let plugin = &manifest.plugin.name;
    let tools = manifest.tools.iter();
    let tools = tools.map(move |(name, tool)| (format!("{plugin}_{name}"), &tool.settings));
    let resources = manifest.resources.values();
    let resources = resources.map(|it| {
        (
            format!("resource {}", escape(it.uri.as_str())),
            &it.settings,
        )
    });
    let prompts = manifest.prompts.iter();
    let prompts = prompts.map(move |(name, it)| (format!("prompt {plugin}_{name}"), &it.settings));
    tools.chain(resources).chain(prompts)
}

/// The path as it is shortest from here.
fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = file.strip_prefix(&here).unwrap_or(file);
    escape(&short.display().to_string())
}

fn as_json(built: &Built) -> serde_json::Value {
    let manifest = &built.manifest;
    let tools: Vec<_> = manifest
        .tools
        .iter()
        .map(|(name, tool)| {
            let settings = &tool.settings;
            json!({
                "name": format!("{}_{name}", manifest.plugin.name),
                "wants_to": plain(settings.permissions(), &settings.reasons, &manifest.mounts),
            })
        })
        .collect();
    json!({
        "plugin": manifest.plugin.name,
        "version": manifest.plugin.version,
        "file": built.file,
        "size": built.size,
        "digest": built.digest,
        "tools": tools,
    })
}
