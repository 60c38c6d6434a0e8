//! `toolbay test`: runs the tests of a plugin's crate, with its component built beforehand and this program at hand to run it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::build;
use crate::cli::Test;
use crate::terminal;

/// What `testing` of the SDK looks for.
const PROGRAM: &str = "TOOLBAY_BIN";
const COMPONENT: &str = "TOOLBAY_TEST_COMPONENT";
const COMPONENTS: &str = "TOOLBAY_TEST_COMPONENTS";

pub(crate) fn run(arguments: &Test) -> Result<u8> {
    super::start_log("error");
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let mut failed = Vec::new();
    for folder in build::folders(&arguments.folders) {
        let built = match build::all(std::slice::from_ref(&folder), arguments.install) {
            Ok(built) => built,
            Err(error) => {
                terminal::complain(&error);
                return Ok(super::PROBLEM);
            }
        };
        let components: Vec<PathBuf> = built.into_iter().map(|built| built.file).collect();
        let mut cargo = cargo_test(&folder, &arguments.cargo);
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
