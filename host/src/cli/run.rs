//! Serving, listing and calling.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::{StandIn, parse_clock};

/// Serve the plugins of one or more folders to an MCP client over standard input and output, or to several over HTTP.
///
/// This is the command that MCP clients start. The folders are watched: a component that is added, replaced or removed shows up in the running client. Logs
/// go to standard error; TOOLBAY_LOG sets how much (error, warn, info, debug, trace).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay serve\n  toolbay serve ~/plugins ./target/plugins\n  toolbay serve --http 127.0.0.1:8080"
)]
pub struct Serve {
    #[command(flatten)]
    pub folders: Folders,
    /// Let the client ask its user to allow single calls of tools that were not granted what they ask for, where the client can show such a
    /// question. Never for folders. A client may be set to answer by itself, so this is off unless it is given.
    #[arg(long)]
    pub ask: bool,
    /// Serve over HTTP on this address instead, at /mcp; port 0 takes a free one. The first line on standard error says which.
    ///
    /// Without tokens, every program of this machine may call; with `toolbay token add` only who has one. /healthz and /readyz say how the server is.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub http: Option<SocketAddr>,
    /// A name under which clients reach the server, besides those of this machine; may be given several times. Requests that name others are refused.
    #[arg(long = "http-host", value_name = "NAME", requires = "http", value_parser = crate::mcp::check_http_name)]
    pub http_hosts: Vec<String>,
    /// Serve also on an address that other machines can reach. Needs at least one token.
    #[arg(long, requires = "http")]
    pub http_allow_remote: bool,
    /// For a plugin's tests: what time it is for guests, where it stands still.
    #[arg(long, hide = true, value_name = "RFC3339", value_parser = parse_clock)]
    pub test_clock: Option<Duration>,
    /// For a plugin's tests: a server on this machine that answers in place of an origin, or of all with `*`.
    #[arg(long, hide = true, value_name = "ORIGIN=URL")]
    pub test_connect: Vec<StandIn>,
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
    /// Take what is granted from this reviewed file instead of the user's own grants.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
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

#[derive(Debug, Args)]
pub struct Folders {
    /// Plugin folders, the first taking precedence. Without any, the default folder ($XDG_DATA_HOME/toolbay/plugins on Linux).
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Take what is granted from this reviewed file instead of the user's own grants: for servers, CI and tests.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}
