//! From a plugin's crate to a plugin: cargo makes the component, the component describes itself in the sandbox, and its manifest is written into it.
//! Shared by the commands `build`, `test` and `dev`; knows nothing of printing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use toolbay_build::cargo::{self, Component, Diagnostic};
use toolbay_build::process::BUILD_LIMIT;
use toolbay_build::{Consent, GuestToolchain, Setup};
use toolbay_manifest::Manifest;

use crate::config::{Config, MAX_COMPONENT};
use crate::digest::Digest;
use crate::files::{read_up_to, write_public};
use crate::host::Host;

/// The profile of `toolbay dev`: what was compiled before is kept, and what was changed is compiled quickly rather than well.
const QUICK: &str = "toolbay-dev";

/// How carefully cargo compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// To be used and shared: the crate's release profile, without names and debug information.
    Release,
    /// To be tried a moment later.
    Quick,
}

/// A compiler for plugins.
pub(crate) struct Builder {
    toolchain: GuestToolchain,
    /// One build folder for all crates where the standard library is built from source: that takes a minute, once.
    shared_target: Option<PathBuf>,
}

/// A component that is a plugin.
pub(crate) struct Plugin {
    pub(crate) manifest: Manifest,
    /// With the manifest inside.
    pub(crate) bytes: Vec<u8>,
}

impl Builder {
    /// Finds the compiler, or sets it up as far as there is consent to.
    ///
    /// # Errors
    ///
    /// What is missing and how to get it.
    pub(crate) fn find_or_set_up(
        config: &Config,
        consent: Consent,
        say: &dyn Fn(&str),
    ) -> Result<Self> {
        let folder = config.cache.join("toolchain");
        let toolchain = GuestToolchain::find_or_set_up(Setup {
            folder: &folder,
            consent,
            say,
        })?;
        let own_choice = std::env::var_os("CARGO_TARGET_DIR").is_some();
        let shared_target =
            (toolchain.builds_std() && !own_choice).then(|| config.cache.join("build"));
        Ok(Self {
            toolchain,
            shared_target,
        })
    }

    /// Runs cargo in a crate's folder. A build that fails is no error of this function.
    ///
    /// # Errors
    ///
    /// If cargo cannot be run or does not end.
    pub(crate) fn compile(
        &self,
        folder: &Path,
        profile: Profile,
        stderr: cargo::Stderr,
        colours: bool,
        diagnostic: impl FnMut(&Diagnostic),
    ) -> Result<cargo::Build> {
        let mut command = self.toolchain.cargo_build()?;
        command.current_dir(folder);
        set_profile(&mut command, profile);
        if let Some(target) = &self.shared_target {
            command.arg("--target-dir").arg(target);
        }
        cargo::build(&mut command, colours, stderr, BUILD_LIMIT, diagnostic)
    }
}

fn set_profile(command: &mut Command, profile: Profile) {
    let settings: &[&str] = match profile {
        Profile::Release => {
            command.arg("--release");
            &["profile.release.strip='symbols'"]
        }
        Profile::Quick => {
            command.args(["--profile", QUICK]);
            &[
                "profile.toolbay-dev.inherits='release'",
                "profile.toolbay-dev.opt-level=1",
                "profile.toolbay-dev.lto='off'",
                "profile.toolbay-dev.codegen-units=16",
                "profile.toolbay-dev.incremental=true",
                "profile.toolbay-dev.debug=false",
                "profile.toolbay-dev.strip='symbols'",
                // What others wrote is compiled once, and well: it makes the component small, and so everything after it quick.
                "profile.toolbay-dev.package.'*'.opt-level='s'",
            ]
        }
    };
    for setting in settings {
        command.args(["--config", setting]);
    }
}

/// Makes sure that this is the folder of a plugin's crate, or of a workspace of such.
///
/// # Errors
///
/// Where it is not; the message says what is missing.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    let shown = folder.display();
    if !folder.is_dir() {
        bail!(
            "{shown} is no folder\nhint: name the folder of a plugin's crate, or make one with `toolbay new NAME`"
        );
    }
    if !folder.join("Cargo.toml").is_file() {
        bail!(
            "{shown} has no Cargo.toml, so it is no crate\nhint: name the folder of a plugin's crate, or make one with `toolbay new NAME`"
        );
    }
    Ok(())
}

/// Why cargo's result holds no component, where it holds none.
pub(crate) fn no_component(folder: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "{} builds, but no component comes out of it\nhint: its Cargo.toml needs\n  [lib]\n  crate-type = [\"cdylib\"]",
        folder.display()
    )
}

/// Asks a component for its manifest, in a sandbox without permissions, and writes the answer into it.
///
/// # Errors
///
/// A component that is no plugin, or describes itself wrongly.
pub(crate) async fn finish(host: &Host, component: &Component) -> Result<Plugin> {
    let file = component.file.display();
    let bytes = read_up_to(&component.file, MAX_COMPONENT)
        .with_context(|| format!("cannot read {file}"))?;
    bake(host, &bytes)
        .await
        .with_context(|| format!("{} is no plugin", component.package))
}

/// The same with bytes.
///
/// # Errors
///
/// As [`finish`].
pub(crate) async fn bake(host: &Host, component: &[u8]) -> Result<Plugin> {
    crate::component::inspect(component)
        .map_err(|error| anyhow::anyhow!("{error}\nhint: {}", error.hint()))?;
    let prepared = host
        .sandbox
        .prepare(&Digest::of(component), component)
        .await?;
    let described = host
        .sandbox
        .describe(&prepared)
        .await
        .context("it cannot be asked for its manifest")?;
    let manifest = Manifest::from_json(&described).map_err(|error| {
        let hint = error
            .hint()
            .unwrap_or_else(|| "correct plugin.toml or the code, and build again".into());
        anyhow::anyhow!("it describes itself wrongly: {error}\nhint: {hint}")
    })?;
    let bytes = toolbay_manifest::section::bake(component, &manifest.to_json())?;
    Ok(Plugin { manifest, bytes })
}

/// Where the finished plugin of a crate lies.
pub(crate) fn result_path(folder: &Path, plugin: &str) -> PathBuf {
    folder.join("target").join(format!("{plugin}.wasm"))
}

/// Puts a finished plugin in its place, whole.
///
/// # Errors
///
/// Whatever the file system says.
pub(crate) fn write_result(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    write_public(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
