//! One module a command, and what all of them share: the log, the runtime, the one error, the exit code.

pub mod add;
pub mod bake;
pub mod build;
pub mod call;
pub mod check;
pub mod client_config;
pub mod compile;
pub mod completions;
pub mod config;
pub mod dev;
pub mod doctor;
pub mod grant;
pub mod grants;
mod idempotency;
pub mod inspect;
pub mod list;
mod loaded;
pub mod logs;
pub mod new;
mod person;
pub mod remove;
pub mod revoke;
pub mod secret;
pub mod serve;
pub mod test;
pub mod token;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{Cli, Command};
use crate::terminal;

/// How a command ended: 0 all is well, 1 something that the user can mend, 2 a fault of the call or of ours.
pub(crate) const OK: u8 = 0;
pub(crate) const PROBLEM: u8 = 1;
pub(crate) const FAULT: u8 = 2;

/// Runs the command and gives the program's exit code.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Call(arguments) => call::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Bake(arguments) => bake::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Grant(arguments) => grant::run(&arguments),
        Command::Revoke(arguments) => revoke::run(&arguments),
        Command::Grants(arguments) => grants::run(&arguments),
        Command::Secret(arguments) => secret::run(&arguments.action),
        Command::Token(arguments) => token::run(&arguments.action),
        Command::Idempotency(arguments) => idempotency::run(&arguments.action),
        Command::Compile { quick, aside } => compile::run(quick, aside),
        Command::Add(arguments) => add::run(&arguments),
        Command::Remove(arguments) => remove::run(&arguments),
        Command::ClientConfig(arguments) => client_config::run(&arguments),
        Command::Logs(arguments) => logs::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) if terminal::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&error);
            ExitCode::from(FAULT)
        }
    }
}

/// Logs go to standard error, at `info` while serving and `error` in commands that print, unless `TOOLBAY_LOG` says otherwise.
fn start_log(default: &str) {
    let wanted = std::env::var("TOOLBAY_LOG").unwrap_or_default();
    let filter = log_filter(if wanted.is_empty() { default } else { &wanted })
        .or_else(|| log_filter(default))
        .unwrap_or_default()
        // rmcp logs what clients send, in warnings too.
        .with_target("rmcp", LevelFilter::ERROR)
        .with_target("wasmtime", LevelFilter::WARN)
        .with_target("notify", LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(terminal::colours_on_stderr());
    // A second call, in a test, leaves the first log in place.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init();
}

/// How much is logged, as in `info,guest=debug`; nothing where that cannot be read.
fn log_filter(wanted: &str) -> Option<Targets> {
    wanted.parse().ok()
}

/// The runtime that answers the protocol and runs light guests.
fn runtime() -> Result<Runtime> {
    let threads = std::thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .max(2);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("toolbay-main")
        // Input, output and timers are looked at after every task: a guest's slice is a millisecond already.
        .event_interval(1)
        .enable_all()
        .build()
        .context("cannot start threads")
}

/// Ends a command's runtime, once what it made for later starts is on the disk.
fn finish(runtime: Runtime) {
    const SAVING: std::time::Duration = std::time::Duration::from_secs(10);
    runtime.shutdown_timeout(SAVING);
}
