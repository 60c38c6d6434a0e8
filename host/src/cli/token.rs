//! Who may call over HTTP.

use clap::{Args, Subcommand};

/// Make, list and remove the tokens by which callers over HTTP are told apart.
///
/// As soon as there is one, `toolbay serve --http` answers nobody without. Each caller has a name of its own, under which plugins keep state for it and calls are
/// logged. Only digests of tokens are kept.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  toolbay token add laptop\n  toolbay token add ci --scope admin:delete\n  toolbay token list"
)]
pub struct ManageTokens {
    #[command(subcommand)]
    pub action: TokenAction,
}

#[derive(Debug, Subcommand)]
pub enum TokenAction {
    Add(AddToken),
    List(ListTokens),
    Remove(RemoveToken),
}

/// Make a token and print it, this once.
///
/// Needs a terminal with a person at it: it refuses in pipes and in the shells of coding assistants. Running servers know the token at once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay token add laptop\n  toolbay token add ci --scope admin:delete --scope admin:read"
)]
pub struct AddToken {
    /// The caller's name: small letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// A scope that the caller holds; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
}

/// List the names of the tokens with their scopes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  toolbay token list\n  toolbay token list --json")]
pub struct ListTokens {
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Remove a token. Running servers refuse it at once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toolbay token remove laptop")]
pub struct RemoveToken {
    /// The caller's name.
    pub name: String,
}
