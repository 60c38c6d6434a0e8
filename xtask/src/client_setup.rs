//! The MCP clients of other languages that the tests drive the host with, in exact versions, under `target/`.
//!
//! What cannot be had is left out, and the caller is told which checks that costs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::places::Places;
use crate::terminal::note;
use toolbay_build::process::{self, program};

const INSTALL_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The oldest Node.js that the Inspector runs on, and the conformance suite too, where no newer one comes with the packages.
const OLDEST_NODE: (u32, u32) = (22, 19);

/// Where the tests find the clients; they skip what is not there.
#[derive(Default)]
pub(crate) struct Clients {
    python: Option<PathBuf>,
    node: Option<(PathBuf, PathBuf)>,
}

impl Clients {
    /// Hands the places on to the tests.
    pub(crate) fn tell(&self, tests: &mut Command) {
        if let Some(python) = &self.python {
            tests.env("TOOLBAY_TEST_PYTHON", python);
        }
        if let Some((node, modules)) = &self.node {
            tests
                .env("TOOLBAY_TEST_NODE", node)
                .env("TOOLBAY_TEST_NODE_MODULES", modules);
        }
    }
}

/// Sets up what can be set up; `skip` is told of the rest.
pub(crate) fn set_up(places: &Places, skip: &mut dyn FnMut(String)) -> Clients {
    let pinned = places.root.join("xtask/clients");
    let into = places.target.join("test-clients");
    let mut clients = Clients::default();
    match python(&pinned, &into.join("python")) {
        Ok(python) => {
            note(&format!("Python client: {}", places.short(&python)));
            clients.python = Some(python);
        }
        Err(error) => skip(format!(
            "tests with the Python client: {}",
            first_line(&error)
        )),
    }
    match node(&pinned, &into.join("node")) {
        Ok((node, modules)) => {
            note(&format!("TypeScript clients: {}", places.short(&modules)));
            clients.node = Some((node, modules));
        }
        Err(error) => skip(format!(
            "tests with the TypeScript clients: {}",
            first_line(&error)
        )),
    }
    clients
}

/// What a sentence says of an error.
pub(crate) fn first_line(error: &anyhow::Error) -> String {
    format!("{error:#}")
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A virtual environment with the pinned packages; its interpreter.
fn python(pinned: &Path, into: &Path) -> Result<PathBuf> {
    let python = match env::consts::OS {
        "windows" => into.join("Scripts/python.exe"),
        _ => into.join("bin/python"),
    };
    let requirements = pinned.join("requirements.txt");
    once(into, &[&requirements], || {
        process::run_quietly(
            program("python3").args(["-m", "venv"]).arg(into),
            INSTALL_LIMIT,
        )
        .context("no virtual environment can be made")?;
        let mut install = program(&python);
        install
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(&requirements);
        process::run_quietly(&mut install, INSTALL_LIMIT)
            .context("its packages cannot be installed")
    })?;
    Ok(python)
}

/// The pinned packages, and a Node.js that runs them all.
pub(crate) fn node(pinned: &Path, into: &Path) -> Result<(PathBuf, PathBuf)> {
    let files = ["package.json", "package-lock.json"].map(|name| pinned.join(name));
    once(into, &[&files[0], &files[1]], || {
        for file in &files {
            fs::copy(file, into.join(file.file_name().unwrap_or_default()))?;
        }
        // No package's own script runs: none of these needs one.
        let mut install = program("npm");
        install
            .current_dir(into)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        process::run_quietly(&mut install, INSTALL_LIMIT)
            .context("the packages cannot be installed")
    })?;
    let modules = into.join("node_modules");
    let brought = modules.join(".bin/node");
    if brought.exists() {
        return Ok((brought, modules));
    }
    let version = process::ask(program("node").arg("--version")).context("there is no Node.js")?;
    if !is_new_enough(&version) {
        bail!(
            "Node.js {}.{} or newer is needed, and this is {version}",
            OLDEST_NODE.0,
            OLDEST_NODE.1
        );
    }
    Ok((PathBuf::from("node"), modules))
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse().unwrap_or(0));
    let major_minor: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    major_minor >= OLDEST_NODE
}

/// Fills a folder anew unless it was filled whole from the same files.
fn once(folder: &Path, from: &[&Path], fill: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut wanted = String::new();
    for file in from {
        wanted += &fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
    }
    let stamp = folder.join("filled-from");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fill()?;
    fs::write(stamp, wanted)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_as_numbers() {
        for (version, expected) in [
            ("v20.20.2", false),
            ("v22.9.0", false),
            ("v22.19.0", true),
            ("v24.1.0", true),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
