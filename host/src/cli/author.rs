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

/// Build the plugin in a folder: compile it, and write its manifest into the component.
///
/// Finds a compiler for wasm32-wasip2, or sets one up (asking first), runs cargo, asks the component to describe itself in a sandbox without permissions, and puts
/// the finished plugin into the folder's target/NAME.wasm. Prints its size, its tools and what they ask for.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay build\n  toolbay build ./weather ./notes --json\n  toolbay build --install"
)]
pub struct Build {
    /// Folders of plugins' crates. Without any, the current one.
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Install what is missing for wasm32-wasip2 without asking (so does CI=true).
    #[arg(long)]
    pub install: bool,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Make the crate of a new plugin: one good tool, its test, its manifest, ready to build.
///
/// The SDK is the registry's, unless --git or --sdk says otherwise. A toolbay that runs from its own checkout takes the SDK beside it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay new weather --template http\n  toolbay new notes --template files --sdk ~/toolbay/sdk\n  toolbay new sums --git https://example.org/toolbay --tag v0.1.0"
)]
pub struct New {
    /// The plugin's name, which is its folder's too: small letters, digits and `-`. May have a path in front.
    pub name: PathBuf,
    /// What the tool is about.
    #[arg(long, value_enum, default_value_t = Template::Tool)]
    pub template: Template,
    /// Take the SDK from this folder: the one that holds `toolbay-sdk`, or `toolbay-sdk` itself.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["git", "sdk_version"])]
    pub sdk: Option<PathBuf>,
    /// Take the SDK from this repository.
    #[arg(long, value_name = "URL", requires = "tag")]
    pub git: Option<String>,
    /// The repository's tag.
    #[arg(long, value_name = "TAG", requires = "git")]
    pub tag: Option<String>,
    /// Take this version of the SDK from the registry.
    #[arg(long, value_name = "VERSION", conflicts_with = "git")]
    pub sdk_version: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Template {
    /// Computes something from its arguments.
    Tool,
    /// Asks a server on the web.
    Http,
    /// Reads files in a folder of the user's.
    Files,
    /// Offers documents to read, page by page.
    Resource,
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

/// Build the plugin in a folder at every save, and put each good build where a client finds it.
///
/// Publishes into the plugin folder that your client's `toolbay serve` watches, without a break: what does not build never replaces what does, and the first error is
/// shown here, by toolbay_status and in the client's log. Or, with --call, calls a tool after every build and prints what it answers. New permissions are asked for
/// here, in your terminal. Builds quickly rather than well; `toolbay build` makes what is to be shared.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay dev\n  toolbay dev ./weather --into ~/.local/share/toolbay/plugins\n  toolbay dev --call forecast --json '{\"latitude\": 52.5, \"longitude\": 13.4}'"
)]
pub struct Dev {
    /// The folder of the plugin's crate.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// The plugin folder to publish into. Without it, the default one, or with --call one below the crate's target folder.
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
    /// Call this tool after every build and print the result.
    #[arg(long, value_name = "TOOL")]
    pub call: Option<String>,
    /// The call's arguments as one JSON object.
    #[arg(long, value_name = "OBJECT", default_value = "{}", requires = "call")]
    pub json: String,
    /// Take what is granted to those calls from this reviewed file, and ask for nothing.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Install what is missing for wasm32-wasip2 without asking (so does CI=true).
    #[arg(long)]
    pub install: bool,
}

#[allow(
    rustdoc::broken_intra_doc_links,
    reason = "this is the help text, in which tables of plugin.toml stand as they are written"
)]
/// Look for what makes a plugin's tools worse: vague descriptions, missing bounds, permissions that do not fit.
///
/// Takes a plugin's crate, whose component `toolbay build` has made; a component; or a folder of components. Prints what it finds, tool by tool, and nothing
/// where there is nothing. Ends with 1 where it finds errors or warnings; suggestions alone are no failure.
///
/// What is right as it is can be allowed in plugin.toml, with a reason, under [plugin] or [tools.NAME]: allow = { missing-bounds = "a text may be of any length" }
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toolbay check\n  toolbay check plugins/weather\n  toolbay check weather.wasm --json\n  toolbay check --explain god-tool"
)]
pub struct Check {
    /// The crate's folder, a component, or a folder of components; the current folder where nothing is said.
    pub path: Option<PathBuf>,
    /// Print JSON instead of text.
    ///
    /// {"checked": [{"file", "plugin", "version", "findings", "allowed"}, or {"file", "problem"}], "errors", "warnings", "suggestions"}. A finding has "code", "severity",
    /// "message", "why", "instead" and its place: "tool", and one of "argument" and "result" (JSON pointers), "setting" (a key of plugin.toml) and "import".
    #[arg(long)]
    pub json: bool,
    /// Say why a lint matters and what to write instead, with an example.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["path", "list", "json"])]
    pub explain: Option<String>,
    /// List the lints.
    #[arg(long, conflicts_with_all = ["path", "json"])]
    pub list: bool,
}
