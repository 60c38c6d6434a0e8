//! The compiler for wasm32-wasip2: finds one, or sets one up.
//!
//! In this order: the target installed for the toolchain in use; `rustup target add`; the distribution's second
//! toolchain, which builds the standard library from source. Nothing here knows what is built with it.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::distribution::Distribution;
use crate::places::Places;
use crate::process::{self, program};
use crate::terminal::{Consent, note};

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// A machine without rustup's server often hangs in the download rather than failing.
const RUSTUP_LIMIT: Duration = Duration::from_secs(20);

/// How long a failed `rustup target add` is remembered.
const RUSTUP_RETRY: Duration = Duration::from_secs(24 * 60 * 60);

/// A way to build guests.
pub(crate) enum GuestToolchain {
    /// The toolchain in use has the target.
    InUse,
    Distribution(Distribution),
}

impl GuestToolchain {
    pub(crate) fn find_or_set_up(places: &Places, consent: Consent) -> Result<Self> {
        if target_is_installed() {
            return Ok(Self::InUse);
        }
        if rustup_adds_target(places)? {
            return Ok(Self::InUse);
        }
        // Twice, since only the installed packages tell which version of the linker belongs to them.
        for _ in 0..2 {
            let missing = match Distribution::find(places, consent == Consent::Given)? {
                Ok(distribution) => return Ok(Self::Distribution(distribution)),
                Err(missing) => missing,
            };
            if !apt::is_there() {
                bail!(missing.what_to_install());
            }
            consent.require(
                &format!(
                    "guests cannot be built for {TARGET} yet; missing: {}",
                    missing.things.join(", ")
                ),
                &apt::install_command(&missing.packages),
            )?;
            apt::install(&missing.packages).with_context(|| missing.what_to_install())?;
        }
        match Distribution::find(places, true)? {
            Ok(distribution) => Ok(Self::Distribution(distribution)),
            Err(missing) => bail!(missing.what_to_install()),
        }
    }

    /// `cargo build` for guests, still without a manifest.
    pub(crate) fn cargo_build(&self, places: &Places) -> Result<Command> {
        let mut command = match self {
            Self::InUse => process::cargo(),
            Self::Distribution(distribution) => distribution.cargo(places)?,
        };
        command.arg("build");
        if let Self::Distribution(_) = self {
            command.args(["-Z", "build-std=std,panic_abort"]);
        }
        command.args(["--release", "--target", TARGET, "--target-dir"]);
        command.arg(places.guest_target());
        Ok(command)
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::InUse => format!("the toolchain in use has {TARGET}"),
            Self::Distribution(distribution) => format!(
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

fn rustup_adds_target(places: &Places) -> Result<bool> {
    if process::ask(program("rustup").arg("--version")).is_none() {
        return Ok(false);
    }
    let failed = places.guest_target().join("rustup-target-add-failed");
    let failed_lately = fs::metadata(&failed)
        .and_then(|file| file.modified())
        .is_ok_and(|time| {
            SystemTime::now().duration_since(time).unwrap_or_default() < RUSTUP_RETRY
        });
    if failed_lately {
        return Ok(false);
    }
    note(&format!(
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
    note("rustup cannot get it here; looking for the distribution's packages");
    fs::create_dir_all(places.guest_target())?;
    fs::write(&failed, "")?;
    Ok(false)
}
