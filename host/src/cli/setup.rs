//! Setting up: clients, plugins in and out of a folder, and what looks after all of it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Print the entry that makes an MCP client start toolbay, or write it into the client's own file.
///
/// The entry has the absolute paths of this program and of the plugin folder, since clients are started without your shell's settings. It goes to standard
/// output; standard error says which file it belongs into.
///
/// With --write it is merged into that file: everything else in it stays as it is, comments too; the change is shown, and what was there before is kept
/// beside it. An entry of the same name is brought up to date and keeps keys of your own. A second run changes nothing.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay client-config claude-code\n  toolbay client-config cursor --write\n  toolbay client-config vscode --scope project --dir ./plugins --write"
)]
pub struct ClientConfig {
    /// The client.
    #[arg(value_enum)]
    pub client: Client,
    /// For you in all projects, or for the project in the current folder.
    #[arg(long, value_enum, default_value_t = Scope::User)]
    pub scope: Scope,
    /// What the client calls this server.
    #[arg(long, value_name = "NAME", default_value = "toolbay")]
    pub name: String,
    /// A plugin folder to serve; may be given several times. Without it, the default folder.
    #[arg(long = "dir", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Change the client's file.
    #[arg(long)]
    pub write: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Client {
    ClaudeDesktop,
    ClaudeCode,
    Cursor,
    Vscode,
    Zed,
    Gemini,
    Codex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// In your own settings.
    User,
    /// In a file of the current folder, which others may share.
    Project,
}

/// Put a plugin into a plugin folder: a component, one from the web, or one that was just built.
///
/// The plugin is looked at first; what is no plugin, or would take the name of another, is not put there. Its tools, what it asks for and its digest are
/// printed. Nothing is granted: what asks for something waits for `toolbay grant`, and so does all that comes from the web.
///
/// A component without a manifest of its own brings the NAME.toml that lies beside it. Of a plugin's own folder, `target/NAME.wasm` is taken, as
/// `toolbay build` writes it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay add weather.wasm\n  toolbay add ~/src/weather\n  toolbay add https://example.com/weather.wasm\n  toolbay add https://example.com/weather.wasm --sha256 \"$(cat weather.sha256)\""
)]
pub struct Add {
    /// A component, a plugin's own folder, or an https address.
    #[arg(value_name = "FILE|DIR|URL")]
    pub source: PathBuf,
    /// The plugin folder. Without it, the default folder.
    #[arg(long = "dir", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Replace the plugin of that name.
    #[arg(long)]
    pub replace: bool,
    /// The SHA-256 that the component must have, as 64 hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    pub sha256: Option<String>,
}

/// Delete a plugin's file from a plugin folder.
///
/// What was granted to the plugin, its secrets and its state stay, for when it comes back; the command says how to remove them too.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay remove weather\n  toolbay remove weather --dir ./plugins --yes\n  toolbay remove weather --state"
)]
pub struct Remove {
    /// The plugin's name.
    pub plugin: String,
    /// The plugin folder. Without it, the default folder.
    #[arg(long = "dir", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Also delete the state that the plugin has kept, whether or not its file is still there.
    #[arg(long)]
    pub state: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Show what was called, and what was granted and revoked: one line each, from the audit log.
///
/// The log has no arguments and no results. Times are in UTC.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay logs --since 1h\n  toolbay logs notes --errors\n  toolbay logs -f\n  toolbay logs --json | jq .tool"
)]
pub struct Logs {
    /// Only this plugin (notes), or this tool (notes_search).
    #[arg(value_name = "PLUGIN")]
    pub plugin: Option<String>,
    /// Go on showing what is added.
    #[arg(short, long)]
    pub follow: bool,
    /// Only what is not older than this: 30m, 8h, 7d.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only the last so many lines.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    pub lines: Option<usize>,
    /// Only calls that failed.
    #[arg(long)]
    pub errors: bool,
    /// Print the log's own JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// Look for what may be wrong: folders and permissions, plugins, grants, clients.
///
/// Changes nothing but the cache. Every line is ok, a warning or a problem with a hint; exits with 1 if there is a problem.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay doctor\n  toolbay doctor --dir ./plugins\n  toolbay doctor --json"
)]
pub struct Doctor {
    /// A plugin folder; may be given several times. Without it, the default folder.
    #[arg(long = "dir", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Show what is in force, and where each value comes from: the command line, a variable, toolbay.toml, or the default.
///
/// toolbay.toml lies in the configuration folder; TOOLBAY_CONFIG_DIR moves that. With --example a file is printed that explains every key and sets none.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay config\n  toolbay config --json\n  toolbay config --example > ~/.config/toolbay/toolbay.toml"
)]
pub struct ShowConfig {
    /// A plugin folder, as `toolbay serve` takes it; may be given several times.
    #[arg(long = "dir", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Print a file with every key, its default and what it is for.
    #[arg(long, conflicts_with_all = ["json", "folders"])]
    pub example: bool,
}

/// Print a script that makes a shell complete toolbay's commands.
#[derive(Debug, Args)]
#[command(
    after_help = "Where to put it:\n  bash        toolbay completions bash > ~/.local/share/bash-completion/completions/toolbay\n  zsh         toolbay completions zsh > ~/.zfunc/_toolbay  (and `fpath+=~/.zfunc` in ~/.zshrc)\n  fish        toolbay completions fish > ~/.config/fish/completions/toolbay.fish\n  elvish      toolbay completions elvish >> ~/.config/elvish/rc.elv\n  powershell  toolbay completions powershell >> $PROFILE\n\nExample:\n  source <(toolbay completions bash)"
)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
