//! The command line's types, and nothing but them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Gives AI assistants tools that run as sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(
    name = "toolbay",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Serve(Serve),
    List(List),
    Call(Call),
    Bake(Bake),
    Secret(Secret),
    /// Compiles the component on standard input; started by the host itself.
    #[command(name = crate::commands::compile::NAME, hide = true)]
    Compile,
}

/// Serve the plugins of one or more folders to an MCP client over standard input and output.
///
/// This is the command that MCP clients start. The folders are watched: a component that is added, replaced or removed shows up in the running client. Logs
/// go to standard error; TOOLBAY_LOG sets how much (error, warn, info, debug, trace).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  toolbay serve\n  toolbay serve ~/plugins ./target/plugins")]
pub struct Serve {
    #[command(flatten)]
    pub folders: Folders,
}

/// List what is loaded from the plugin folders, and what is not and why.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  toolbay list\n  toolbay list ~/plugins --json")]
pub struct List {
    #[command(flatten)]
    pub folders: Folders,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Call one tool, on the very same path as a call of an MCP client, and print its result.
///
/// Prints the result's text, or with --output json the whole result. Exits with 1 if the call fails.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay call clock_now --json '{\"zone\": \"Europe/Berlin\"}'\n  echo '{\"zone\": \"UTC\"}' | toolbay call clock_now --json -"
)]
pub struct Call {
    /// The tool's full name: PLUGIN_TOOL.
    pub tool: String,
    /// The arguments as one JSON object; `-` reads it from standard input.
    #[arg(long, value_name = "OBJECT", default_value = "{}")]
    pub json: String,
    /// A plugin folder; may be given several times. Without it, the default folder.
    #[arg(long = "dir", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = CallOutput::Text)]
    pub output: CallOutput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CallOutput {
    /// The texts of the result.
    Text,
    /// The whole result, as MCP has it.
    Json,
}

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

/// Keep the secrets that the host adds to plugins' requests.
///
/// They are kept in the system's keyring where there is one, else in a file that only you can read; TOOLBAY_SECRETS=keyring or =file leaves one of them.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Secret {
    #[command(subcommand)]
    pub action: SecretAction,
}

#[derive(Debug, Subcommand)]
pub enum SecretAction {
    Set(SetSecret),
    List(ListSecrets),
    Remove(RemoveSecret),
}

/// Set a secret, from a prompt or from standard input.
///
/// On a terminal the value is asked for and not shown. Else it is what standard input has, without the line break at its end.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay secret set weather api-key\n  pass show weather | toolbay secret set weather api-key"
)]
pub struct SetSecret {
    /// The plugin's name.
    pub plugin: String,
    /// The secret's name in the plugin's manifest.
    pub name: String,
    /// Taken so that it can be refused with a hint.
    #[arg(hide = true)]
    pub value: Option<std::ffi::OsString>,
}

/// List the names of the secrets and where they are kept, never their values.
#[derive(Debug, Args)]
pub struct ListSecrets {
    /// Only those of this plugin.
    pub plugin: Option<String>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Remove a secret wherever it is kept.
#[derive(Debug, Args)]
pub struct RemoveSecret {
    /// The plugin's name.
    pub plugin: String,
    /// The secret's name.
    pub name: String,
}

#[derive(Debug, Args)]
pub struct Folders {
    /// Plugin folders, the first taking precedence. Without any, the default folder ($XDG_DATA_HOME/toolbay/plugins on Linux).
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}
