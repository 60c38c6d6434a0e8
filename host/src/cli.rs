//! The command line's types, and nothing but them.

mod author;
mod idempotency;
mod run;
mod setup;
mod token;
mod user;

use clap::{Parser, Subcommand};

pub use author::{Bake, Build, Check, Dev, New, Template, Test};
pub use idempotency::{ClearKey, IdempotencyAction, ListKeys, ManageKeys};
pub use run::{Call, CallOutput, Folders, List, Serve};
pub use setup::{Add, Client, ClientConfig, Completions, Doctor, Logs, Remove, Scope, ShowConfig};
pub use token::{AddToken, ListTokens, ManageTokens, RemoveToken, TokenAction};
pub use user::{
    Grant, Inspect, ListSecrets, RemoveSecret, Revoke, Secret, SecretAction, SetSecret, ShowGrants,
};

/// Gives AI assistants tools that run as sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(
    name = "toolbay",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Examples:\n  toolbay add weather.wasm\n  toolbay client-config claude-code --write\n  toolbay call clock_now --json '{\"zone\": \"Europe/Berlin\"}'\n  toolbay doctor"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// `toolbay serve` alone.
#[derive(Debug, Parser)]
struct OnlyServe {
    #[command(flatten)]
    serve: Serve,
}

impl Cli {
    /// What the program was called with. Prints and exits where that asks for help, or cannot be read.
    #[must_use]
    pub fn of_process() -> Self {
        // A client waits for this command at each of its starts, and setting up all the others takes longer than reading it.
        let mut arguments = std::env::args_os().skip(1).peekable();
        if arguments.peek().is_some_and(|first| first == "serve")
            && let Ok(OnlyServe { serve }) = OnlyServe::try_parse_from(arguments)
        {
            return Self {
                command: Command::Serve(serve),
            };
        }
        // Whatever is wrong is said with the whole at hand.
        Self::parse()
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Serve(Serve),
    List(List),
    Call(Call),
    New(New),
    Build(Build),
    Test(Test),
    Dev(Dev),
    Check(Check),
    Bake(Bake),
    Inspect(Inspect),
    Grant(Grant),
    Revoke(Revoke),
    Grants(ShowGrants),
    Secret(Secret),
    Token(ManageTokens),
    Idempotency(ManageKeys),
    Add(Add),
    Remove(Remove),
    ClientConfig(ClientConfig),
    Logs(Logs),
    Doctor(Doctor),
    Config(ShowConfig),
    Completions(Completions),
    /// Compiles the component on standard input; started by the host itself.
    #[command(name = crate::commands::compile::NAME, hide = true)]
    Compile {
        #[arg(long)]
        quick: bool,
        /// Beside others, at a lower priority.
        #[arg(long)]
        aside: bool,
    },
}
