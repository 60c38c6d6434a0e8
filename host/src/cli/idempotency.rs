//! Calls that were made with a key.

use clap::{Args, Subcommand};

/// List and clear the keys of calls that were ended in the middle.
///
/// A tool with an idempotency key is never run twice for the same key. Where a host was killed, or a plugin crashed, after such a call was begun, nobody knows whether its work was done; a retry is
/// refused until somebody has looked.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  toolbay idempotency list\n  toolbay idempotency clear shop_pay 7f1c2a9e"
)]
pub struct ManageKeys {
    #[command(subcommand)]
    pub action: IdempotencyAction,
}

#[derive(Debug, Subcommand)]
pub enum IdempotencyAction {
    List(ListKeys),
    Clear(ClearKey),
}

/// List the calls that run with a key, and those whose end is unknown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  toolbay idempotency list\n  toolbay idempotency list --json")]
pub struct ListKeys {
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Free the key of a call whose end is unknown, so that it can be made again.
///
/// Needs a terminal with a person at it: it refuses in pipes and in the shells of coding assistants.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toolbay idempotency clear shop_pay 7f1c2a9e")]
pub struct ClearKey {
    /// The tool's full name, such as shop_pay.
    pub tool: String,
    /// The key.
    pub key: String,
    /// The caller; the local user unless it came over HTTP with a token.
    #[arg(long, default_value = crate::principal::LOCAL)]
    pub caller: String,
}
