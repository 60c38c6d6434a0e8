//! `toolbay add`: a component from the disk, from a plugin's own folder or from the web, looked at and put into a plugin folder. It grants nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tempfile::TempDir;
use url::Url;

use crate::cli::Add;
use crate::component;
use crate::config::{Config, MAX_COMPONENT};
use crate::discover;
use crate::download::{self, DownloadError};
use crate::files::{Unfinished, write_atomically};
use crate::host::Host;
use crate::load::{self, Content, LoadError};
use crate::plugin::{NotReady, Plugin};
use crate::terminal;
use crate::text::escape;

/// Why nothing was added, and what to do.
struct Refusal {
    problem: String,
    hint: String,
}

impl Refusal {
    fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

impl From<DownloadError> for Refusal {
    fn from(error: DownloadError) -> Self {
        Self::new(error.problem, error.hint)
    }
}

/// A component that was looked at.
struct Found {
    plugin: Plugin,
    content: Content,
    path: PathBuf,
    /// Where the file came from, if it was downloaded.
    origin: Option<String>,
    /// What was downloaded lies here as long as it is needed.
    _staging: Option<TempDir>,
}

pub(crate) fn run(arguments: &Add) -> Result<u8> {
    super::start_log("error");
    let config = Config::resolve(arguments.folder.as_slice())?;
    let runtime = super::runtime()?;
    let outcome = runtime.block_on(add(config, arguments));
    super::finish(runtime);
    match outcome? {
        Ok(code) => Ok(code),
        Err(Refusal { problem, hint }) => {
            terminal::say(&format!(
                "error: {}\nhint: {}\n",
                escape(&problem),
                escape(&hint)
            ));
            Ok(super::PROBLEM)
        }
    }
}

async fn add(config: Config, arguments: &Add) -> Result<Result<u8, Refusal>> {
    let host = Host::new(config)?;
    let found = match find(&host, arguments).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let folder = host
        .folders()
        .first()
        .context("there is no plugin folder")?;
    let target = folder.join(format!("{}.wasm", found.plugin.info.name));
    if is_same_file(&found.path, &target) {
        return Ok(Err(Refusal::new(
            format!("{} is in the plugin folder already", target.display()),
            "`toolbay list` shows it",
        )));
    }
    host.load_once(false).await;
    let name = &found.plugin.info.name;
    let catalog = host.catalog();
    let own = catalog
        .plugins
        .iter()
        .find(|plugin| plugin.info.name == *name);
    let taken = own
        .map(|plugin| plugin.path.clone())
        .or_else(|| target.exists().then(|| target.clone()));
    let is_there = own.is_some_and(|own| own.digest == found.plugin.digest && own.path == target);
    if is_there && found.content.sidecar.is_none() {
        terminal::say("already there; nothing was changed\n");
    } else {
        if let Some(taken) = &taken
            && !arguments.replace
        {
            return Ok(Err(Refusal::new(
                format!("there is a plugin `{name}` already: {}", taken.display()),
                "--replace puts this one in its place",
            )));
        }
        if let Err(refusal) = put(&found, &target) {
            return Ok(Err(refusal));
        }
        if let Some(other) = taken.filter(|taken| *taken != target) {
            let removed = std::fs::remove_file(&other);
            removed.with_context(|| format!("cannot remove {}", other.display()))?;
        }
    }
    host.load_once(true).await;
    report(&host, &target)
}

/// Where the component is, its content, and that it is a plugin that runs.
async fn find(host: &Arc<Host>, arguments: &Add) -> Result<Result<Found, Refusal>> {
    let (path, origin, staging) = match locate(&arguments.source).await? {
        Ok(located) => located,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let candidate =
        discover::single(&path).with_context(|| format!("cannot find {}", path.display()))?;
    let shown = arguments.source.display().to_string();
    let no_plugin = |error: &LoadError| {
        let problem = error.problem(&path);
        Refusal::new(
            format!("{shown} is no plugin: {}", problem.reason),
            problem.hint,
        )
    };
    let content = match load::read(&candidate) {
        Ok(content) => content,
        Err(error) => return Ok(Err(no_plugin(&error))),
    };
    if let Some(wanted) = &arguments.sha256
        && !wanted.eq_ignore_ascii_case(content.digest.as_str())
    {
        return Ok(Err(Refusal::new(
            format!("{shown} has the SHA-256 {}, not {wanted}", content.digest),
            "it is another file than the one that was meant: ask whoever gave you the digest",
        )));
    }
    let plugin = match load::load(&host.sandbox, &host.config.cache, &candidate, &content).await {
        Ok((plugin, _)) => plugin,
        Err(error) => return Ok(Err(no_plugin(&error))),
    };
    if let Err(NotReady::Component(error)) = plugin.prepared(&host.sandbox).await {
        return Ok(Err(no_plugin(&error.into())));
    }
    let origin = origin.or_else(|| {
        let known = || discover::origin(&path).unwrap_or_else(|| "unknown".into());
        candidate.downloaded.then(known)
    });
    Ok(Ok(Found {
        plugin,
        content,
        path,
        origin,
        _staging: staging,
    }))
}

type Located = (PathBuf, Option<String>, Option<TempDir>);

/// The component on the disk, where it came from, and what holds it there.
async fn locate(source: &Path) -> Result<Result<Located, Refusal>> {
    if let Some(text) = source.to_str().filter(|text| text.contains("://")) {
        let url = match download::parse(text) {
            Ok(url) => url,
            Err(error) => return Ok(Err(error.into())),
        };
        return fetch(&url).await;
    }
    if source.is_dir() {
        return Ok(built(source).map(|path| (path, None, None)));
    }
    Ok(match std::fs::canonicalize(source) {
        Ok(path) => Ok((path, None, None)),
        Err(error) => Err(Refusal::new(
            format!("{} cannot be found: {error}", source.display()),
            "name a component, the folder of a plugin's source, or an https address",
        )),
    })
}

async fn fetch(url: &Url) -> Result<Result<Located, Refusal>> {
    let content = match download::fetch(url, MAX_COMPONENT).await {
        Ok(content) => content,
        Err(error) => return Ok(Err(error.into())),
    };
    let staging = TempDir::new().context("cannot make a temporary folder")?;
    let path = staging.path().join("downloaded.wasm");
    std::fs::write(&path, content).context("cannot keep what was downloaded")?;
    Ok(Ok((path, Some(url.to_string()), Some(staging))))
}

/// What `toolbay build` has made of a plugin's source.
fn built(folder: &Path) -> Result<PathBuf, Refusal> {
    let settings = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&settings).map_err(|error| {
        Refusal::new(
            format!("{} cannot be read: {error}", settings.display()),
            "a plugin's own folder has a plugin.toml; for a component, name the file",
        )
    })?;
    let parsed = toml::from_str::<toml::Table>(&text).map_err(|error| {
        Refusal::new(
            format!("{} is not TOML: {}", settings.display(), error.message()),
            "correct the file",
        )
    })?;
    let name = parsed
        .get("plugin")
        .and_then(|plugin| plugin.get("name")?.as_str())
        .filter(|name| toolbay_manifest::check_plugin_name(name).is_ok());
    let Some(name) = name else {
        return Err(Refusal::new(
            format!("{} names no plugin", settings.display()),
            "write `name = \"…\"` under `[plugin]`: lower-case letters, digits and `-`",
        ));
    };
    let path = folder.join("target").join(format!("{name}.wasm"));
    std::fs::canonicalize(&path).map_err(|_| {
        Refusal::new(
            format!("there is no {}", path.display()),
            format!("build it first: toolbay build {}", folder.display()),
        )
    })
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    std::fs::canonicalize(other)
        .is_ok_and(|other| std::fs::canonicalize(one).is_ok_and(|one| one == other))
}

/// Puts the files in place: first the manifest, without which the component might say something else of itself.
fn put(found: &Found, target: &Path) -> Result<(), Refusal> {
    let failed = |path: &Path, error: &std::io::Error| {
        Refusal::new(
            format!("{} cannot be written: {error}", path.display()),
            "check who may write to the folder, and the space on the disk",
        )
    };
    let component =
        Unfinished::write(target, &found.content.bytes).map_err(|error| failed(target, &error))?;
    if let Some(origin) = &found.origin {
        discover::mark_as_downloaded(component.path(), origin).map_err(|error| {
            Refusal::new(
                format!("{} cannot be marked as downloaded: {error}", target.display()),
                "its file system keeps no such marks; use another folder with --dir, or download the file, look at it with `toolbay inspect` and add it from the disk",
            )
        })?;
    }
    let sidecar = target.with_extension("toml");
    let bakes =
        component::inspect(&found.content.bytes).is_ok_and(|found| found.manifest.is_some());
    match &found.content.sidecar {
        Some(text) if !bakes => {
            write_atomically(&sidecar, text).map_err(|error| failed(&sidecar, &error))?;
        }
        _ => match std::fs::remove_file(&sidecar) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(&sidecar, &error));
            }
            _ => {}
        },
    }
    component.finish().map_err(|error| failed(target, &error))
}

/// What is in the folder now.
fn report(host: &Arc<Host>, target: &Path) -> Result<Result<u8, Refusal>> {
    let catalog = host.catalog();
    for warning in &catalog.warnings {
        terminal::say(&format!("warning: {warning}\n"));
    }
    let Some((plugin, tools)) = catalog.by_file().find(|(plugin, _)| plugin.path == *target) else {
        let problem = catalog
            .problems
            .iter()
            .find(|problem| problem.path == *target);
        return Ok(Err(problem.map_or_else(
            || Refusal::new("the plugin was added and is gone again", "add it again"),
            |problem| Refusal::new(problem.reason.clone(), problem.hint.clone()),
        )));
    };
    let mut tools: Vec<_> = tools.collect();
    let text = super::list::plugin_text(host, plugin, tools.iter().copied());
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    terminal::print(&format!("{first}\n  SHA-256 {}\n{rest}", plugin.digest))?;
    tools.retain(|listed| listed.held().is_some());
    if tools.is_empty() {
        terminal::say("nothing of it waits for you: running servers have it already\n");
    } else {
        terminal::say(&format!(
            "to look at what waits and to allow it: {}\n",
            host.grant_command(plugin)
        ));
    }
    Ok(Ok(super::OK))
}
