//! The compiler for wasm32-wasip2: finds one, or sets one up.
//!
//! In this order: the target installed for the toolchain in use; `rustup target add`; the distribution's second
//! toolchain, which builds the standard library from source. Nothing here knows what is built with it.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use crate::distribution::Distribution;
use crate::process::{self, program};
use crate::{Consent, Setup, apt};

/// The target that plugins are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// A machine without rustup's server often hangs in the download rather than failing.
const RUSTUP_LIMIT: Duration = Duration::from_secs(20);

/// How long a failed `rustup target add` is remembered.
const RUSTUP_RETRY: Duration = Duration::from_secs(24 * 60 * 60);

/// A way to build guests.
#[derive(Debug)]
pub struct GuestToolchain(Kind);

#[derive(Debug)]
enum Kind {
    /// The toolchain in use has the target.
    InUse,
    Distribution(Distribution),
}

/// Whether a C library may be fetched from another release of the distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    Never,
    /// If that was not tried in vain before.
    Once,
    Again,
}

impl GuestToolchain {
    /// Finds a toolchain, or sets one up as far as there is consent to.
    ///
    /// # Errors
    ///
    /// What is missing, with the commands that bring it.
    pub fn find_or_set_up(setup: Setup<'_>) -> Result<Self> {
        if target_is_installed() || rustup_adds_target(setup)? {
            return Ok(Self(Kind::InUse));
        }
        let fetch = match setup.consent {
            Consent::Given => Fetch::Again,
            Consent::Ask | Consent::Refused => Fetch::Once,
        };
        // Twice, since only the installed packages tell which version of the linker belongs to them.
        for _ in 0..2 {
            let missing = match Distribution::find(setup, fetch)? {
                Ok(distribution) => return Ok(Self(Kind::Distribution(distribution))),
                Err(missing) => missing,
            };
            if !apt::is_there() {
                bail!(missing.what_to_install());
            }
            setup.consent.require(
                setup.say,
                &format!(
                    "plugins cannot be built for {TARGET} yet; missing: {}",
                    missing.things.join(", ")
                ),
                &apt::install_command(&missing.packages),
            )?;
            apt::install(&missing.packages).with_context(|| missing.what_to_install())?;
        }
        match Distribution::find(setup, Fetch::Again)? {
            Ok(distribution) => Ok(Self(Kind::Distribution(distribution))),
            Err(missing) => bail!(missing.what_to_install()),
        }
    }

    /// Looks for a toolchain and changes nothing.
    ///
    /// # Errors
    ///
    /// What is missing, with the commands that bring it.
    pub fn find(setup: Setup<'_>) -> Result<Self> {
        if target_is_installed() {
            return Ok(Self(Kind::InUse));
        }
        match Distribution::find(setup, Fetch::Never)? {
            Ok(distribution) => Ok(Self(Kind::Distribution(distribution))),
            Err(missing) => bail!(missing.what_to_install()),
        }
    }

    /// `cargo build` for guests, still without a profile and a package.
    ///
    /// # Errors
    ///
    /// If the linker cannot be put in its place.
    pub fn cargo_build(&self) -> Result<Command> {
        let mut command = match &self.0 {
            Kind::InUse => process::cargo(),
            Kind::Distribution(distribution) => distribution.cargo()?,
        };
        command.args(["build", "--target", TARGET]);
        if self.builds_std() {
            command.args(["-Z", "build-std=std,panic_abort"]);
        }
        Ok(command)
    }

    /// Whether the standard library is built from source, once in each build folder.
    pub fn builds_std(&self) -> bool {
        matches!(self.0, Kind::Distribution(_))
    }

    /// In words.
    pub fn describe(&self) -> String {
        match &self.0 {
            Kind::InUse => format!("the toolchain in use has {TARGET}"),
            Kind::Distribution(distribution) => format!(
                "{TARGET} with the distribution's Rust {} and {}",
                distribution.release,
                distribution.wasi_libc.display()
            ),
        }
    }
}

fn target_is_installed() -> bool {
    let libraries =
        process::ask(program("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    libraries.is_some_and(|folder| {
        fs::read_dir(folder).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
        })
    })
}

fn rustup_adds_target(setup: Setup<'_>) -> Result<bool> {
    if process::ask(program("rustup").arg("--version")).is_none() {
        return Ok(false);
    }
    let failed = setup.folder.join("rustup-target-add-failed");
    let failed_lately = fs::metadata(&failed)
        .and_then(|file| file.modified())
        .is_ok_and(|time| {
            SystemTime::now().duration_since(time).unwrap_or_default() < RUSTUP_RETRY
        });
    if failed_lately {
        return Ok(false);
    }
    (setup.say)(&format!(
        "rustup target add {TARGET} (at most {} s)",
        RUSTUP_LIMIT.as_secs()
    ));
    let tried = process::run_quietly(
        program("rustup").args(["target", "add", TARGET]),
        RUSTUP_LIMIT,
    );
    if tried.is_ok() && target_is_installed() {
        return Ok(true);
    }
    (setup.say)("rustup cannot get it here; looking for the distribution's packages");
    fs::create_dir_all(setup.folder)?;
    fs::write(&failed, "")?;
    Ok(false)
}
