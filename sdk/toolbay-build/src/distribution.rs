//! The distribution's own Rust toolchain, which builds the standard library for the sandbox from source.
//!
//! Knows what belongs to it, how to tell what is missing, and how to call it; installing is the caller's business.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, program};
use crate::target_setup::{Fetch, TARGET};
use crate::{Setup, apt, wasi_libc};

/// What Debian needs installed: compiler, cargo, the standard library's source, the linkers, a WASI C library.
const DEBIAN_PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "wasi-libc",
];

/// The distribution's own toolchain, found whole.
#[derive(Debug)]
pub(crate) struct Distribution {
    sysroot: PathBuf,
    pub(crate) release: String,
    /// Holds `wasm-component-ld`.
    tools: PathBuf,
    /// Runs as `wasm-ld` when called by that name.
    linker: PathBuf,
    pub(crate) wasi_libc: PathBuf,
    /// Holds the linker under the name that it is looked for.
    links: PathBuf,
}

/// What stands between this machine and a distribution's toolchain.
pub(crate) struct Missing {
    pub(crate) things: Vec<String>,
    pub(crate) packages: Vec<String>,
}

impl Missing {
    fn packages_for(things: Vec<String>) -> Self {
        Self {
            things,
            packages: DEBIAN_PACKAGES.map(str::to_owned).to_vec(),
        }
    }

    pub(crate) fn what_to_install(&self) -> String {
        format!(
            "plugins cannot be built for {TARGET}; missing: {}\n\
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
    pub(crate) fn find(setup: Setup<'_>, fetch: Fetch) -> Result<Result<Self, Missing>> {
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
        match wasi_libc::find(setup, fetch) {
            Ok(wasi_libc) => Ok(Ok(Self {
                sysroot,
                release: release.to_owned(),
                tools,
                linker,
                wasi_libc,
                links: setup.folder.join("linker"),
            })),
            Err(error) => Ok(Err(Missing::packages_for(vec![format!("{error:#}")]))),
        }
    }

    /// Its cargo, told to use its rustc, its linkers and the WASI C library.
    pub(crate) fn cargo(&self) -> Result<Command> {
        // The component linker looks on PATH for a linker of exactly this name.
        let wasm_ld = self.links.join("wasm-ld");
        if !wasm_ld.exists() {
            fs::create_dir_all(&self.links)?;
            link(&self.linker, &wasm_ld)
                .with_context(|| format!("{} cannot be made", wasm_ld.display()))?;
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [self.links.clone(), self.tools.clone()]
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
