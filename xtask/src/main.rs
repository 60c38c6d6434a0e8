//! The developer's commands, run as `cargo xtask VERB`.
//!
//! Parses the command line, runs one verb, prints one error. What the verbs do lives in the modules; none of them
//! knows the host's or the plugins' code: they only start programs and look at the files that come out.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks on its terminal"
)]

mod bench;
mod checks;
mod client;
mod client_setup;
mod conformance;
mod demo;
mod demo_changes;
mod demo_script;
mod demo_view;
mod guests;
mod places;
mod terminal;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::places::Places;
use toolbay_build::Consent;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The developer's own commands of Toolbay"
)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build the plugins and the guests of the tests; sets up the WebAssembly target first where it is missing
    Plugins(Setup),
    /// Build target/release/toolbay and target/plugins/*.wasm
    Build(Setup),
    /// Run every check: format, lints, docs, dependencies, tests, conformance
    Test {
        #[command(flatten)]
        setup: Setup,
        /// Leave out the docs, the dependency check, the clients of other languages and the conformance suite
        #[arg(long)]
        quick: bool,
        /// Handed to nextest: run only the tests whose names contain one of these
        #[arg(last = true, value_name = "FILTER")]
        filters: Vec<String>,
    },
    /// Build everything, then show a running host that follows its folder
    Demo(Setup),
    /// Run the official conformance suite of MCP against the host, over HTTP and over pipes
    Conformance(conformance::Options),
    /// Measure the host beside a native server with the same tools
    Bench(bench::Options),
}

#[derive(Args)]
pub(crate) struct Setup {
    /// Install missing packages and tools without asking (so does CI=true)
    #[arg(long)]
    install: bool,
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    match run(command_line.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    let places = Places::find()?;
    match verb {
        Verb::Plugins(setup) => guests::build_all(&places, setup.consent()),
        Verb::Build(setup) => {
            guests::build_host(&places)?;
            guests::build_plugins(&places, setup.consent())
        }
        Verb::Test {
            setup,
            quick,
            filters,
        } => checks::run(&places, setup.consent(), quick, &filters),
        Verb::Demo(setup) => demo::run(&places, setup.consent()),
        Verb::Conformance(options) => conformance::run(&places, &options),
        Verb::Bench(options) => bench::run(&places, &options),
    }
}

impl Setup {
    pub(crate) fn consent(&self) -> Consent {
        Consent::new(self.install)
    }
}
