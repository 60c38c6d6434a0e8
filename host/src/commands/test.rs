//! `toolbay test`: runs the tests of a plugin's crate, with its component built beforehand and this program at hand to run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cli::Test;
use crate::terminal;

/// What `testing` of the SDK looks for.
const PROGRAM: &str = "TOOLBAY_BIN";
const COMPONENT: &str = "TOOLBAY_TEST_COMPONENT";
const COMPONENTS: &str = "TOOLBAY_TEST_COMPONENTS";

pub(crate) fn run(arguments: &Test) -> Result<u8> {
    let folders = match arguments.folders.as_slice() {
        [] => vec![PathBuf::from(".")],
        folders => folders.to_vec(),
    };
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let mut failed = Vec::new();
    for folder in &folders {
        let Some(components) = build(&program, folder, arguments.install)? else {
            return Ok(super::PROBLEM);
        };
        let mut cargo = cargo_test(folder, &arguments.cargo);
        cargo.env(PROGRAM, &program);
        match components.as_slice() {
            [component] => cargo.env(COMPONENT, component),
            components => cargo.env(COMPONENTS, folder_of(components)?),
        };
        let status = cargo
            .status()
            .context("cannot run cargo; install Rust from https://rustup.rs")?;
        if !status.success() {
            failed.push(folder);
        }
    }
    for folder in &failed {
        terminal::say(&format!(
            "error: the tests of {} failed\n",
            folder.display()
        ));
    }
    Ok(if failed.is_empty() {
        super::OK
    } else {
        super::PROBLEM
    })
}

/// Builds the plugins in a folder and gives their files; nothing where that failed, which was said.
fn build(program: &Path, folder: &Path, install: bool) -> Result<Option<Vec<PathBuf>>> {
    let mut build = Command::new(program);
    build.args(["build", "--json"]).arg(folder);
    if install {
        build.arg("--install");
    }
    let built = build
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start this program again")?;
    if !built.status.success() {
        return Ok(None);
    }
    let plugins: Value = serde_json::from_slice(&built.stdout)?;
    let file = |plugin: &Value| plugin.get("file")?.as_str().map(PathBuf::from);
    let files = plugins.as_array().into_iter().flatten().filter_map(file);
    Ok(Some(files.collect()))
}

fn cargo_test(folder: &Path, arguments: &[String]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).arg("test").args(arguments);
    cargo
}

/// Where the components of a workspace lie.
fn folder_of(components: &[PathBuf]) -> Result<&Path> {
    match components.first().and_then(|component| component.parent()) {
        Some(folder) => Ok(folder),
        None => bail!("the build made no component"),
    }
}
