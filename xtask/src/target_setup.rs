//! The compiler for wasm32-wasip2: finds one, or sets one up.
//!
//! In this order: the target installed for the toolchain in use; `rustup target add`; the distribution's second
//! toolchain, which builds the standard library from source. Nothing here knows what is built with it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use crate::places::Places;
use crate::process::{self, program};
use crate::terminal::{Consent, note};
use crate::{apt, wasi_libc};

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// What Debian needs installed: compiler, cargo, the standard library's source, the linkers, a WASI C library.
const DEBIAN_PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "wasi-libc",
];

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

/// The distribution's own toolchain, found whole.
pub(crate) struct Distribution {
    sysroot: PathBuf,
    release: String,
    /// Holds `wasm-component-ld`.
    tools: PathBuf,
    /// Runs as `wasm-ld` when called by that name.
    linker: PathBuf,
    wasi_libc: PathBuf,
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

/// What stands between this machine and a distribution's toolchain.
struct Missing {
    things: Vec<String>,
    packages: Vec<String>,
}

impl Missing {
    fn packages_for(things: Vec<String>) -> Self {
        Self {
            things,
            packages: DEBIAN_PACKAGES.map(str::to_owned).to_vec(),
        }
    }

    fn what_to_install(&self) -> String {
        format!(
            "guests cannot be built for {TARGET}; missing: {}\n\
             hint: install one of these:\n  \
             with rustup and a network:  rustup target add {TARGET}\n  \
             on Debian 12 or newer:      {}",
            self.things.join(", "),
            apt::install_command(&self.packages)
        )
    }
}

impl Distribution {
    /// The toolchain, or what of it is missing.
    fn find(places: &Places, again: bool) -> Result<Result<Self, Missing>> {
        let compiler = Path::new("/usr/bin/rustc");
        let Some(version) = process::ask(own_environment(&mut program(compiler)).arg("-vV")) else {
            return Ok(Err(Missing::packages_for(vec![
                compiler.display().to_string(),
            ])));
        };
        let release = field(&version, "release");
        let oldest = env!("CARGO_PKG_RUST_VERSION");
        let mut things = Vec::new();
        if version_numbers(release) < version_numbers(oldest) {
            things.push(format!(
                "{} of version {oldest} or newer (it is {release})",
                compiler.display()
            ));
        }
        let sysroot =
            process::ask(own_environment(&mut program(compiler)).args(["--print", "sysroot"]))
                .map_or_else(|| PathBuf::from("/usr"), PathBuf::from);
        let rustlib = sysroot.join("lib/rustlib");
        let tools = rustlib.join(field(&version, "host")).join("bin");
        for file in [
            &sysroot.join("bin/cargo"),
            &rustlib.join("src/rust/library/std/Cargo.toml"),
            &tools.join("wasm-component-ld"),
        ] {
            if !file.exists() {
                things.push(file.display().to_string());
            }
        }
        if !things.is_empty() {
            return Ok(Err(Missing::packages_for(things)));
        }
        let own_linker = sysroot.join("bin/rust-lld");
        let Some(linker) = find_linker(&own_linker) else {
            // A link to a linker that is not installed has the package's name.
            let package = fs::read_link(&own_linker).unwrap_or_else(|_| PathBuf::from("lld"));
            let packages = vec![package.display().to_string()];
            return Ok(Err(Missing {
                things: vec!["wasm-ld".to_owned()],
                packages,
            }));
        };
        match wasi_libc::find(places, again) {
            Ok(wasi_libc) => Ok(Ok(Self {
                sysroot,
                release: release.to_owned(),
                tools,
                linker,
                wasi_libc,
            })),
            Err(error) => Ok(Err(Missing::packages_for(vec![format!("{error:#}")]))),
        }
    }

    /// Its cargo, told to use its rustc, its linkers and the WASI C library.
    fn cargo(&self, places: &Places) -> Result<Command> {
        // The component linker looks on PATH for a linker of exactly this name.
        let links = places.guest_target().join("linker");
        let wasm_ld = links.join("wasm-ld");
        if !wasm_ld.exists() {
            fs::create_dir_all(&links)?;
            link(&self.linker, &wasm_ld)
                .with_context(|| format!("{} cannot be made", wasm_ld.display()))?;
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [links, self.tools.clone()]
            .into_iter()
            .chain(env::split_paths(&path));
        let mut command = program(self.sysroot.join("bin/cargo"));
        own_environment(&mut command)
            .env("PATH", env::join_paths(folders)?)
            .env("RUSTC", self.sysroot.join("bin/rustc"))
            // Building the standard library is not stable; the compiler is a released one all the same.
            .env("RUSTC_BOOTSTRAP", "1")
            // Encoded, so that a space in the path separates nothing.
            .env(
                "CARGO_ENCODED_RUSTFLAGS",
                format!("-L\u{1f}native={}", self.wasi_libc.display()),
            );
        Ok(command)
    }
}

/// A linker that works as `wasm-ld` when called so: the distribution's, the one of the toolchain in use, any other.
fn find_linker(own: &Path) -> Option<PathBuf> {
    let in_use = || {
        let version = process::ask(program("rustc").arg("-vV"))?;
        let sysroot = process::ask(program("rustc").args(["--print", "sysroot"]))?;
        let rustlib = Path::new(&sysroot).join("lib/rustlib");
        Some(rustlib.join(field(&version, "host")).join("bin/rust-lld"))
    };
    let on_path = || {
        env::split_paths(&env::var_os("PATH")?)
            .map(|folder| folder.join("wasm-ld"))
            .find(|file| file.exists())
    };
    // `exists` follows links: one to a linker that is not installed does not count.
    [Some(own.to_path_buf()), in_use(), on_path()]
        .into_iter()
        .flatten()
        .find(|linker| linker.exists())
}

/// One line of `rustc -vV`.
fn field<'a>(version: &'a str, name: &str) -> &'a str {
    version
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_default()
}

/// Takes away what belongs to the toolchain in use.
fn own_environment(command: &mut Command) -> &mut Command {
    for name in [
        "RUSTUP_TOOLCHAIN",
        "LD_LIBRARY_PATH",
        "RUSTFLAGS",
        "RUSTC",
        "RUSTC_WRAPPER",
    ] {
        command.env_remove(name);
    }
    command
}

/// `1.96.0` as numbers, so that 1.100 is newer than 1.96.
fn version_numbers(version: &str) -> Vec<u32> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    // A link to a linker that is gone counts as not there, and stands in the way.
    let _ = fs::remove_file(at);
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    fs::copy(to, at).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version_numbers("1.100.0") > version_numbers("1.95"));
        assert!(version_numbers("1.95.0-nightly") > version_numbers("1.94.9"));
    }

    #[test]
    fn what_is_missing_is_listed_with_the_commands_that_bring_it() {
        let message = Missing::packages_for(vec!["/usr/bin/cargo".to_owned()]).what_to_install();
        assert!(message.contains("missing: /usr/bin/cargo\nhint: install one of these:"));
        assert!(message.contains("rustup target add wasm32-wasip2"));
        assert!(message.contains("rustc-web cargo-web rust-web-src rust-web-llvm wasi-libc"));
    }
}
