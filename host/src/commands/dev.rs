//! `toolbay dev`: builds a plugin at every save and publishes what is good, so that the last good build always answers.

mod consent;
mod sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use toolbay_build::cargo::{self, Diagnostic, Stderr};
use toolbay_manifest::SourceManifest;

use self::consent::Consent;
use self::sources::Sources;
use crate::build::{self, Builder, Profile};
use crate::cli::{CallOutput, Dev};
use crate::config::{Config, MAX_COMPONENT, default_plugin_folder};
use crate::dev::{DevNote, Failing};
use crate::digest::Digest;
use crate::discover;
use crate::files::{create_private_folder, read_up_to, write_public};
use crate::host::Host;
use crate::load::{self, Content};
use crate::plugin::{NotReady, Plugin};
use crate::text::escape;
use crate::{terminal, text};

pub(crate) fn run(arguments: &Dev) -> Result<u8> {
    super::start_log("warn");
    let runtime = super::runtime()?;
    let outcome = runtime.block_on(async {
        let session = Session::open(arguments).await?;
        session.follow().await
    });
    super::finish(runtime);
    match outcome {
        Ok(()) => Ok(super::OK),
        Err(error) => {
            terminal::complain(&error);
            Ok(super::PROBLEM)
        }
    }
}

/// One plugin that is being developed.
struct Session {
    name: String,
    /// The crate's folder, without links.
    folder: PathBuf,
    /// The plugin folder, without links.
    into: PathBuf,
    builder: Arc<Builder>,
    host: Arc<Host>,
    sources: Sources,
    consent: Consent,
    note: DevNote,
    /// The component that was published last.
    published: Option<Digest>,
    /// The tool to call after each build, and its arguments.
    call: Option<(String, String)>,
}

/// What was saved makes no plugin; the first error.
struct Bad(String);

/// What a build took.
struct Timing {
    cargo: Duration,
    compile: Duration,
    publish: Duration,
}

impl Session {
    async fn open(arguments: &Dev) -> Result<Self> {
        build::check_folder(&arguments.folder)?;
        let folder = arguments.folder.canonicalize()?;
        let name = plugin_name(&folder)?;
        let call = match &arguments.call {
            Some(tool) => Some((
                full_name(&name, tool),
                super::call::read_arguments(&arguments.json)?,
            )),
            None => None,
        };
        let into = into(arguments, &folder)?;
        let mut config = Config::resolve(std::slice::from_ref(&into))?
            .with_policy(arguments.policy.as_deref())?;
        config.quick_code = true;
        let builder = Builder::find_or_set_up(
            &config,
            toolbay_build::Consent::new(arguments.install),
            &|line| {
                terminal::say(&format!("{line}\n"));
            },
        )?;
        let host = Host::new(config)?;
        host.load_once(false).await;
        check_place(&into, &name, &host)?;
        let earlier = host
            .catalog()
            .plugins
            .iter()
            .find(|plugin| plugin.info.name == name)
            .cloned();
        terminal::say(&format!(
            "{name}: watching {}, publishing into {}; Ctrl-C ends it\n",
            escape(&folder.display().to_string()),
            escape(&into.display().to_string())
        ));
        Ok(Self {
            consent: Consent::new(&host, earlier),
            sources: Sources::watch(&folder)?,
            note: DevNote {
                plugin: name.clone(),
                source: folder.clone(),
                process: i32::try_from(std::process::id())?,
                built: None,
                failing: None,
            },
            published: None,
            builder: Arc::new(builder),
            name,
            folder,
            into,
            host,
            call,
        })
    }

    /// Builds now and at every save, until the person ends it.
    async fn follow(mut self) -> Result<()> {
        self.write_note();
        let mut end = std::pin::pin!(ending());
        loop {
            let round = self.round();
            tokio::select! {
                outcome = round => match outcome {
                    Ok(()) => {}
                    Err(Bad(error)) => self.fails(error),
                },
                () = &mut end => break,
            }
            tokio::select! {
                () = self.sources.saved() => {}
                () = &mut end => break,
            }
        }
        self.consent.end(&self.host);
        let _ = std::fs::remove_file(DevNote::path(&self.into, &self.name));
        if self.note.built.is_some() {
            terminal::say(
                "\nthe last good build stays where it is; `toolbay build` makes the one to share\n",
            );
        }
        Ok(())
    }

    /// One build, published if it is good and new.
    async fn round(&mut self) -> Result<(), Bad> {
        let started = Instant::now();
        let component = self.cargo().await?;
        let cargo = started.elapsed();
        self.sources.follow_build(&self.folder, &component.file);
        let bytes = read_up_to(&component.file, MAX_COMPONENT)
            .map_err(|error| Bad(format!("{}: {error}", component.file.display())))?;
        let content = Content::of(bytes);
        if self.published.as_ref() == Some(&content.digest) {
            terminal::say(&format!("{}: unchanged\n", self.name));
            self.note.failing = None;
            self.write_note();
            return Ok(());
        }
        let started = Instant::now();
        let plugin = self.load(&content).await?;
        let compile = started.elapsed();
        let settled = tokio::task::block_in_place(|| self.consent.settle(&self.host, &plugin));
        settled.map_err(|error| Bad(format!("{error:#}")))?;
        let started = Instant::now();
        write_public(&plugin.path, &content.bytes)
            .map_err(|error| Bad(format!("cannot write {}: {error}", plugin.path.display())))?;
        self.published = Some(content.digest.clone());
        self.note.built = Some(Utc::now());
        self.note.failing = None;
        self.write_note();
        let timing = Timing {
            cargo,
            compile,
            publish: started.elapsed(),
        };
        terminal::say(&report(&plugin, content.bytes.len(), &timing));
        self.call().await;
        Ok(())
    }

    /// The component of what is saved now.
    async fn cargo(&self) -> Result<cargo::Component, Bad> {
        let (builder, folder) = (self.builder.clone(), self.folder.clone());
        // The first build may take a minute, so cargo shows how far it is; the others are over before anybody could read it.
        let stderr = match self.published {
            None => Stderr::Shown,
            Some(_) => Stderr::Kept,
        };
        let built = tokio::task::spawn_blocking(move || {
            let show = |said: &Diagnostic| terminal::say(&said.rendered);
            let colours = terminal::colours_on_stderr();
            builder.compile(&folder, Profile::Quick, stderr, colours, show)
        });
        let build = built
            .await
            .map_err(|error| Bad(error.to_string()))?
            .map_err(|error| Bad(format!("{error:#}")))?;
        if !build.succeeded {
            return Err(Bad(why(&build)));
        }
        build
            .components
            .into_iter()
            .next()
            .ok_or_else(|| Bad(format!("{:#}", build::no_component(&self.folder))))
    }

    /// Everything that a serving host would do with the component, done before one sees it: what it compiles is in the cache then.
    async fn load(&self, content: &Content) -> Result<Arc<Plugin>, Bad> {
        let path = self.into.join(format!("{}.wasm", self.name));
        let candidate = discover::expected(path.clone(), &self.into);
        let host = &self.host;
        let refused = |error: load::LoadError| {
            let problem = error.problem(&path);
            Bad(format!("{}\nhint: {}", problem.reason, problem.hint))
        };
        let (plugin, _) = load::load(&host.sandbox, &host.config.cache, &candidate, content)
            .await
            .map_err(refused)?;
        if plugin.info.name != self.name {
            return Err(Bad(format!(
                "the plugin is named `{}` now\nhint: end `toolbay dev` and start it again",
                plugin.info.name
            )));
        }
        if let Err(NotReady::Component(error)) = plugin.prepared(&host.sandbox).await {
            return Err(refused(error.into()));
        }
        Ok(Arc::new(plugin))
    }

    /// Calls the tool that was asked for with what is published now.
    async fn call(&self) {
        let Some((tool, arguments)) = &self.call else {
            return;
        };
        self.host.load_once(false).await;
        let started = Instant::now();
        match crate::mcp::call_once(&self.host, tool, arguments).await {
            Ok(result) => {
                terminal::say(&format!("{tool}: {}\n", text::duration(started.elapsed())));
                // Whoever reads the results has read enough.
                let _ = super::call::print(&result, CallOutput::Text);
            }
            Err(unknown) => terminal::say(&format!("error: {unknown}\n")),
        }
    }

    /// Tells why what was saved does not count, here and to the hosts.
    fn fails(&mut self, error: String) {
        let answers = match self.note.built {
            Some(_) => "the last good build goes on answering",
            None => "there is no good build yet",
        };
        terminal::say(&format!(
            "{}: {error}\n{}: {answers}\n",
            self.name, self.name
        ));
        let since = match &self.note.failing {
            Some(failing) => failing.since,
            None => Utc::now(),
        };
        let error = error.replace('\n', "; ");
        self.note.failing = Some(Failing { since, error });
        self.write_note();
    }

    fn write_note(&self) {
        if let Err(error) = self.note.write(&self.into) {
            tracing::warn!(folder = %self.into.display(), %error, "hosts cannot be told how the build goes");
        }
    }
}

/// Ends when the person or the system asks for it.
async fn ending() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

/// The name in the crate's `plugin.toml`.
fn plugin_name(folder: &Path) -> Result<String> {
    let file = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "cannot read {}\nhint: name the folder of one plugin's crate",
            file.display()
        )
    })?;
    let source = SourceManifest::from_toml(&text).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| "correct it".into());
        anyhow::anyhow!("{}: {error}\nhint: {hint}", file.display())
    })?;
    Ok(source.plugin.name)
}

/// A tool may be named with the plugin's name or without.
fn full_name(plugin: &str, tool: &str) -> String {
    if tool.starts_with(&format!("{plugin}_")) {
        tool.to_owned()
    } else {
        format!("{plugin}_{tool}")
    }
}

/// The folder to publish into, made if it is missing.
fn into(arguments: &Dev, folder: &Path) -> Result<PathBuf> {
    let into = match (&arguments.into, &arguments.call) {
        (Some(into), _) => into.clone(),
        (None, Some(_)) => folder.join("target/toolbay-dev"),
        (None, None) => default_plugin_folder()?,
    };
    create_private_folder(&into).with_context(|| format!("cannot make {}", into.display()))?;
    into.canonicalize()
        .with_context(|| format!("cannot find {}", into.display()))
}

/// Whatever would make a host serve something else than what is published.
fn check_place(into: &Path, name: &str, host: &Host) -> Result<()> {
    let own = into.join(format!("{name}.wasm"));
    if let Some(note) = DevNote::read(&DevNote::path(into, name)) {
        bail!(
            "process {} develops `{name}` in {} already, from {}\nhint: end that `toolbay dev` first, or publish into another folder with --into",
            note.process,
            into.display(),
            note.source.display()
        );
    }
    let sidecar = own.with_extension("toml");
    if sidecar.exists() {
        bail!(
            "{} would be taken for the manifest of what is built\nhint: remove it; the crate's own plugin.toml is part of the build",
            sidecar.display()
        );
    }
    let catalog = host.catalog();
    let other = catalog
        .plugins
        .iter()
        .find(|plugin| plugin.info.name == name && plugin.path != own);
    if let Some(other) = other {
        bail!(
            "{} has the plugin `{name}` already\nhint: move it away, or publish into another folder with --into",
            other.path.display()
        );
    }
    Ok(())
}

/// Why cargo did not build: the compiler's first error, or cargo's own.
fn why(build: &cargo::Build) -> String {
    if let Some(first) = &build.first_error {
        let place = first.place.as_deref().unwrap_or_default();
        let separator = if place.is_empty() { "" } else { ": " };
        return format!("{place}{separator}{}", first.message);
    }
    let mut lines = build.stderr.lines().map(str::trim);
    let error = lines
        .find_map(|line| line.strip_prefix("error: "))
        .unwrap_or("cargo does not build it; it says why above");
    let causes: Vec<&str> = lines
        .filter(|line| !line.is_empty() && *line != "Caused by:")
        .take(4)
        .collect();
    [&[error], causes.as_slice()].concat().join(": ")
}

fn report(plugin: &Plugin, size: usize, timing: &Timing) -> String {
    let tools: Vec<&str> = plugin
        .tools
        .iter()
        .map(|tool| tool.full_name.as_str())
        .collect();
    format!(
        "{}: published {} ({}); cargo {} ms, compile {} ms, publish {} ms\n",
        plugin.info.name,
        tools.join(", "),
        text::bytes(size as u64),
        timing.cargo.as_millis(),
        timing.compile.as_millis(),
        timing.publish.as_millis()
    )
}
