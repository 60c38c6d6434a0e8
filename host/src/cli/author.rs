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
