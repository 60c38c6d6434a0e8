//! The `toolbay` program: parse, run, print one error, exit.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    toolbay::commands::run(toolbay::cli::Cli::parse())
}
