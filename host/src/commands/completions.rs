//! `toolbay completions`: a script that makes a shell complete the commands.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, Completions};
use crate::terminal;

pub(crate) fn run(arguments: &Completions) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "toolbay", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(super::OK)
}
