//! What a user decides: looking at a plugin, granting, secrets.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Show what a component is before it is put into a folder: its tools as a model will see them, what it asks for, what it imports.
///
/// Nothing of it runs but, where it carries no manifest and has none beside it, its own description of itself, in a sandbox without permissions.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay inspect weather.wasm\n  toolbay inspect weather.wasm --json"
)]
pub struct Inspect {
    /// The component.
    pub file: PathBuf,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Look at what a plugin asks for, and allow it.
///
/// Shows in plain words what each tool of the plugin wants to do and what has changed since it was last granted, and asks. Needs a terminal with a person at it:
/// it refuses in pipes and in the shells of coding assistants. Running servers follow at once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay grant notes --mount vault=~/Notes\n  toolbay grant web --hosts docs.rs,*.wikipedia.org --for 8h\n  toolbay grant --pending"
)]
pub struct Grant {
    /// The plugin's name.
    #[arg(required_unless_present = "pending", conflicts_with = "pending")]
    pub plugin: Option<String>,
    /// All plugins with a tool that waits for a grant.
    #[arg(long)]
    pub pending: bool,
    /// Bind a folder to a mount of the plugin; may be given several times. It is asked for where it is missing.
    #[arg(long = "mount", value_name = "NAME=DIR", conflicts_with = "pending")]
    pub mounts: Vec<String>,
    /// Only these tools of the plugin.
    #[arg(
        long,
        value_name = "TOOL",
        value_delimiter = ',',
        conflicts_with = "pending"
    )]
    pub tools: Vec<String>,
    /// Only for this long: 30m, 8h.
    #[arg(long = "for", value_name = "TIME")]
    pub lasting: Option<String>,
    /// Narrow the network to these hosts (`docs.rs`, `*.wikipedia.org`, `127.0.0.1:8080`), whatever the plugin asks for.
    #[arg(
        long,
        value_name = "HOST",
        value_delimiter = ',',
        conflicts_with = "pending"
    )]
    pub hosts: Vec<String>,
    /// Allow connections to this address or range although it is not public; may be given several times.
    #[arg(long = "address", value_name = "ADDRESS", conflicts_with = "pending")]
    pub addresses: Vec<String>,
    /// Good for any later build that says and asks the same.
    #[arg(long, conflicts_with = "exact")]
    pub follow: bool,
    /// Good for this build alone; the default.
    #[arg(long)]
    pub exact: bool,
    /// A plugin folder; may be given several times. Without it, the default folder.
    #[arg(long = "dir", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

/// Take back what a plugin was granted. Running servers follow at once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay revoke notes\n  toolbay revoke notes --tools create,append"
)]
pub struct Revoke {
    /// The plugin's name.
    pub plugin: String,
    /// Only these tools of the plugin.
    #[arg(long, value_name = "TOOL", value_delimiter = ',')]
    pub tools: Vec<String>,
    /// Only where the plugin lies in this folder; may be given several times. Without it, wherever it lies.
    #[arg(long = "dir", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

/// Show what is granted, to which build, and until when.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  toolbay grants\n  toolbay grants --json")]
pub struct ShowGrants {
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Keep the secrets that the host adds to plugins' requests.
///
/// They are kept in the system's keyring where there is one, else in a file that only you can read; TOOLBAY_SECRETS=keyring or =file leaves one of them.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  toolbay secret set weather api-key\n  toolbay secret list"
)]
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
#[command(after_help = "Examples:\n  toolbay secret list\n  toolbay secret list weather --json")]
pub struct ListSecrets {
    /// Only those of this plugin.
    pub plugin: Option<String>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Remove a secret wherever it is kept.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toolbay secret remove weather api-key")]
pub struct RemoveSecret {
    /// The plugin's name.
    pub plugin: String,
    /// The secret's name.
    pub name: String,
}
