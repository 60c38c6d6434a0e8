//! What an author does with a plugin of their own.

use std::path::PathBuf;

use clap::Args;

/// Write a component's manifest into the component, so that hosts can list its tools without running it.
///
/// Asks the component to describe itself, in a sandbox with no permissions, and puts the answer into its custom section `toolbay:manifest`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  toolbay bake target/wasm32-wasip2/release/weather.wasm weather.wasm"
)]
pub struct Bake {
    /// The component as the compiler made it.
    pub input: PathBuf,
    /// Where to write the component with its manifest; replaced whole.
    pub output: PathBuf,
}

/// Run the tests of a plugin's crate: its functions natively, its tools in the real sandbox.
///
/// Builds the component, as `toolbay build` does, and runs `cargo test` with it. Tests that use `toolbay_sdk::testing` call tools in a sandbox of their own, with
/// what they grant, and with a clock, servers and folders of theirs. Exits with 1 if the build or a test fails.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay test\n  toolbay test ./weather ./notes\n  toolbay test -- --test sandbox forecast"
)]
pub struct Test {
    /// Folders of plugins' crates. Without any, the current one.
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Install what is missing for wasm32-wasip2 without asking (so does CI=true).
    #[arg(long)]
    pub install: bool,
    /// Arguments of `cargo test`.
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    pub cargo: Vec<String>,
}
