//! Building the host, and the guests into finished components.
//!
//! cargo builds two workspaces of guests into one build folder; each component then gets its manifest baked in by the
//! release host, which alone knows how to run one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toolbay_build::cargo::{self, Component, Diagnostic};
use toolbay_build::process::{self, BUILD_LIMIT, program};
use toolbay_build::{Consent, GuestToolchain, Setup, names_preview1};

use crate::places::Places;
use crate::terminal::{self, dim, heading, note};

pub(crate) fn build_host(places: &Places) -> Result<()> {
    heading("the host, as a release build (some minutes the first time)");
    process::run(
        process::cargo().current_dir(&places.root).args([
            "build",
            "--release",
            "--package",
            "toolbay",
        ]),
        BUILD_LIMIT,
    )
    .context("the host does not build")?;
    note(&format!(
        "{}  {}",
        places.short(&places.host()),
        dim(&size(&places.host())?)
    ));
    Ok(())
}

pub(crate) fn build_plugins(places: &Places, consent: Consent) -> Result<()> {
    build(places, consent, &[("plugins", "plugins", places.plugins())])
}

/// The plugins that the conformance suite asks for.
pub(crate) fn build_fixture(places: &Places, consent: Consent) -> Result<()> {
    build(places, consent, &[fixture(places)])
}

fn fixture(places: &Places) -> (&'static str, &'static str, PathBuf) {
    (
        "the plugins of the conformance suite",
        "tests/conformance/fixture",
        places.fixture(),
    )
}

pub(crate) fn build_all(places: &Places, consent: Consent) -> Result<()> {
    build(
        places,
        consent,
        &[
            ("plugins", "plugins", places.plugins()),
            (
                "the guests of the tests",
                "tests/guests",
                places.test_guests(),
            ),
            fixture(places),
        ],
    )
}

fn build(places: &Places, consent: Consent, workspaces: &[(&str, &str, PathBuf)]) -> Result<()> {
    heading("the WebAssembly target");
    let toolchain = GuestToolchain::find_or_set_up(Setup {
        folder: &places.target,
        consent,
        say: &note,
    })?;
    note(&toolchain.describe());
    for (name, folder, results) in workspaces {
        let folder = places.root.join(folder);
        if !folder.join("Cargo.toml").is_file() {
            note(&format!(
                "{} is not there: nothing to build",
                places.short(&folder)
            ));
            continue;
        }
        heading(name);
        let components = cargo_build(places, &toolchain, &folder)?;
        finish(places, &components, results)?;
    }
    Ok(())
}

/// Builds one workspace.
fn cargo_build(
    places: &Places,
    toolchain: &GuestToolchain,
    workspace: &Path,
) -> Result<Vec<Component>> {
    let mut command = toolchain.cargo_build()?;
    command
        .current_dir(workspace)
        .args(["--release", "--workspace", "--target-dir"])
        .arg(places.guest_target());
    let show = |said: &Diagnostic| terminal::talk(&said.rendered);
    let build = cargo::build(
        &mut command,
        terminal::has_colours(),
        cargo::Stderr::Shown,
        BUILD_LIMIT,
        show,
    )?;
    if !build.succeeded {
        bail!("{} does not build", places.short(workspace));
    }
    Ok(build.components)
}

/// Puts each component in its place, with its manifest inside. What is newer than all it was made from stays.
fn finish(places: &Places, components: &[Component], results: &Path) -> Result<()> {
    fs::create_dir_all(results)?;
    let baker = Baker::find(places);
    for component in components {
        let result = results.join(format!("{}.wasm", component.package));
        if !is_newer(&result, &[&component.file, &places.host()]) {
            let partial = results.join(format!(".{}.partial", component.package));
            baker.bake(&component.file, &partial)?;
            fs::rename(&partial, &result)?;
        }
        let mut remarks = vec![size(&result)?];
        if names_preview1(&fs::read(&result)?) {
            remarks.push("with the preview-1 adapter".to_owned());
        }
        note(&format!(
            "{}  {}",
            places.short(&result),
            dim(&remarks.join(", "))
        ));
    }
    remove_leftovers(components, results)
}

/// The step that writes a component's manifest into it.
enum Baker {
    Host(PathBuf),
    /// There is no release host to do it: the component works all the same, its manifest is asked of it when loaded.
    None,
}

impl Baker {
    fn find(places: &Places) -> Self {
        let host = places.host();
        let help = process::ask(program(&host).args(["bake", "--help"]));
        if help.is_some_and(|help| !help.is_empty()) {
            return Self::Host(host);
        }
        note("no release host to bake the manifests in: the components are copied as they are");
        Self::None
    }

    fn bake(&self, from: &Path, to: &Path) -> Result<()> {
        match self {
            Self::Host(host) => process::run_quietly(
                program(host).arg("bake").arg(from).arg(to),
                std::time::Duration::from_secs(60),
            )
            .with_context(|| format!("{} gets no manifest", from.display())),
            Self::None => {
                fs::copy(from, to)?;
                Ok(())
            }
        }
    }
}

/// A package that was renamed or removed must not leave a component that later runs still find.
fn remove_leftovers(components: &[Component], results: &Path) -> Result<()> {
    for entry in fs::read_dir(results)? {
        let path = entry?.path();
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_component = path
            .extension()
            .is_some_and(|extension| extension == "wasm");
        if is_component && !components.iter().any(|component| component.package == stem) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn is_newer(result: &Path, sources: &[&Path]) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let Some(made) = time(result) else {
        return false;
    };
    sources
        .iter()
        .all(|source| time(source).is_none_or(|changed| changed < made))
}

fn size(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path)
        .with_context(|| format!("{} was not built", path.display()))?
        .len();
    Ok(terminal::size(bytes))
}
