//! Where things are and what the user set: flags, environment, `toolbay.toml` and platform defaults, resolved once.

mod file;
mod setting;
mod stand_ins;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde_json::json;
use toolbay_manifest::Rate;
use url::Url;

use self::file::File;
pub(crate) use self::file::{EXAMPLE, FILE};
use self::setting::{Before, Settings, path};
pub(crate) use self::setting::{Origin, Setting};
pub(crate) use self::stand_ins::parse_clock;
pub use self::stand_ins::{StandIn, StandIns};

/// Components larger than this are refused unread: 64 MiB.
pub const MAX_COMPONENT: u64 = 64 << 20;

/// Everything that the host was told about its surroundings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The plugin folders, in order of precedence; absolute.
    pub folders: Vec<PathBuf>,
    /// What may be deleted at any time: compiled code, manifests, the index of folders.
    pub cache: PathBuf,
    /// What the user decided: grants, and secrets where there is no keyring.
    pub settings: PathBuf,
    /// A reviewed file that grants instead of the user's own `grants.toml`.
    pub policy: Option<PathBuf>,
    /// Whether the user may be asked through the client to allow single calls.
    pub ask: bool,
    /// What `toolbay serve` logs, as `TOOLBAY_LOG` has it.
    pub log: String,
    /// Names under which clients reach the server over HTTP, besides those of this machine.
    pub http_hosts: Vec<String>,
    /// How often each caller may call, all tools together.
    pub rate: Option<Rate>,
    /// How many calls of each caller run at once, all tools together.
    pub concurrency: Option<usize>,
    /// Tools that are asked before each call.
    pub middleware_before: Vec<String>,
    /// Tools that hear how each call ended.
    pub middleware_after: Vec<String>,
    /// A second name of `toolbay_status`.
    pub status_alias: Option<String>,
    /// The collector that spans of calls are sent to.
    pub telemetry: Option<Url>,
    /// Every value above, and where it came from.
    pub(crate) origins: Vec<Setting>,
    /// What stands in for the time and for servers, in a plugin's tests.
    pub stand_ins: StandIns,
    /// What plugins and calls leave behind: key-value state, the audit log.
    pub state: PathBuf,
    /// Where secrets are kept.
    pub secrets: SecretsIn,
    /// The program that is started to compile, which is the host's own.
    pub compiler_program: PathBuf,
    /// Whether components are compiled quickly rather than well: for what is replaced a moment later.
    pub quick_code: bool,
}

/// Where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretsIn {
    /// In the keyring where there is one, else in a file.
    #[default]
    Either,
    /// In the keyring and nowhere else.
    Keyring,
    /// In the file and nowhere else.
    File,
}

/// What the command line says before anything else.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags<'a> {
    pub(crate) folders: &'a [PathBuf],
    pub(crate) ask: bool,
    pub(crate) http_hosts: &'a [String],
}

/// The most that `limits.concurrency` may be.
const MAX_CONCURRENCY: usize = 10_000;

impl Config {
    /// Resolves the folders given on the command line, or those of `toolbay.toml` or the default one where none is given.
    ///
    /// `TOOLBAY_CACHE_DIR`, `TOOLBAY_CONFIG_DIR` and `TOOLBAY_STATE_DIR` override the platform's folders (on Linux `toolbay` in `$XDG_CACHE_HOME`,
    /// `$XDG_CONFIG_HOME` and `$XDG_STATE_HOME`). `TOOLBAY_SECRETS` may be `keyring`, `file` or `either`. What is set neither there nor on the command line
    /// is taken from `toolbay.toml` in the settings' folder.
    ///
    /// # Errors
    ///
    /// Where the platform gives no home folder, the current folder is gone, a variable has a value that is not one of its own, or `toolbay.toml` is wrong.
    pub fn resolve(folders: &[PathBuf]) -> Result<Self> {
        Self::with_flags(Flags {
            folders,
            ..Flags::default()
        })
    }

    /// The same with all that a command line can say.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub(crate) fn with_flags(flags: Flags<'_>) -> Result<Self> {
        let settings = Self::settings_folder()?;
        let file = File::read(&settings)?;
        Self::of_file(flags, settings, &file)
    }

    /// The same as if there were no `toolbay.toml`, for whoever has to go on without.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub(crate) fn without_file(flags: Flags<'_>) -> Result<Self> {
        Self::of_file(flags, Self::settings_folder()?, &File::default())
    }

    /// The folder of what the user decided.
    ///
    /// # Errors
    ///
    /// Where the platform gives no home folder.
    pub(crate) fn settings_folder() -> Result<PathBuf> {
        match variable_folder("TOOLBAY_CONFIG_DIR")? {
            Some((_, folder)) => Ok(folder),
            None => Ok(project_folders()?.config_dir().to_owned()),
        }
    }

    fn of_file(flags: Flags<'_>, settings: PathBuf, file: &File) -> Result<Self> {
        let mut origins = Settings::default();
        let given = flags
            .folders
            .iter()
            .map(|folder| absolute(folder))
            .collect::<Result<Vec<_>>>()?;
        let folders = origins.pick(
            "folders",
            Before {
                flag: (!given.is_empty()).then_some(("DIR", given)),
                variable: None,
            },
            file.folders("folders")?,
            || Ok(vec![default_plugin_folder()?]),
            |folders| folders.iter().map(|folder| path(folder)).collect(),
        )?;
        let cache = origins.pick(
            "cache",
            Before {
                flag: None,
                variable: variable_folder("TOOLBAY_CACHE_DIR")?,
            },
            file.folder("cache")?,
            || Ok(project_folders()?.cache_dir().to_owned()),
            |folder| path(folder),
        )?;
        let state = origins.pick(
            "state",
            Before {
                flag: None,
                variable: variable_folder("TOOLBAY_STATE_DIR")?,
            },
            file.folder("state")?,
            // Platforms other than Linux have no place of its own for state.
            || {
                let platform = project_folders()?;
                Ok(platform
                    .state_dir()
                    .unwrap_or(platform.data_local_dir())
                    .to_owned())
            },
            |folder| path(folder),
        )?;
        let secrets = origins.pick(
            "secrets",
            Before {
                flag: None,
                variable: variable_secrets()?,
            },
            file.parsed("secrets", "write \"keyring\", \"file\" or \"either\"")?,
            || Ok(SecretsIn::Either),
            |secrets| secrets.as_str().into(),
        )?;
        let log = origins.pick(
            "log",
            Before {
                flag: None,
                variable: variable_log(),
            },
            file.text("log")?,
            || Ok("info".to_owned()),
            |log| log.as_str().into(),
        )?;
        let ask = origins.pick(
            "ask",
            Before {
                flag: flags.ask.then_some(("--ask", true)),
                variable: None,
            },
            file.flag("ask")?,
            || Ok(false),
            |ask| (*ask).into(),
        )?;
        let hosts =
            (!flags.http_hosts.is_empty()).then_some(("--http-host", flags.http_hosts.to_vec()));
        let http_hosts = origins.pick(
            "http.hosts",
            Before {
                flag: hosts,
                variable: None,
            },
            file.http_names("http.hosts")?,
            || Ok(Vec::new()),
            |hosts| json!(hosts),
        )?;
        let rate = origins.pick(
            "limits.rate",
            Before::default(),
            file.parsed::<Rate>(
                "limits.rate",
                "write a number and `/s`, `/m` or `/h`: \"600/m\"",
            )?
            .map(file::At::some),
            || Ok(None),
            |rate| rate.map(|rate| rate.to_string()).into(),
        )?;
        let concurrency = origins.pick(
            "limits.concurrency",
            Before::default(),
            file.count("limits.concurrency", MAX_CONCURRENCY)?
                .map(file::At::some),
            || Ok(None),
            |most| json!(most),
        )?;
        let mut around = |key| {
            let written = file.tool_names(key)?;
            origins.pick(
                key,
                Before::default(),
                written,
                || Ok(Vec::new()),
                |tools| json!(tools),
            )
        };
        let middleware_before = around("middleware.before")?;
        let middleware_after = around("middleware.after")?;
        let status_alias = origins.pick(
            "status.alias",
            Before::default(),
            file.tool_name("status.alias")?.map(file::At::some),
            || Ok(None),
            |alias| json!(alias),
        )?;
        let telemetry = origins.pick(
            "telemetry.otlp",
            Before::default(),
            file.address("telemetry.otlp")?.map(file::At::some),
            || Ok(None),
            |collector| json!(collector.as_ref().map(Url::as_str)),
        )?;
        Ok(Self {
            folders,
            cache,
            settings,
            state,
            policy: None,
            ask,
            log,
            http_hosts,
            rate,
            concurrency,
            middleware_before,
            middleware_after,
            status_alias,
            telemetry,
            origins: origins.0,
            stand_ins: StandIns::default(),
            secrets,
            compiler_program: own_program()?,
            quick_code: false,
        })
    }

    /// Whether the folders are those that every command finds by itself.
    pub(crate) fn has_own_folders(&self) -> bool {
        let origin = self.origins.iter().find(|setting| setting.key == "folders");
        origin.is_some_and(|setting| !matches!(setting.origin, Origin::Flag { .. }))
    }

    /// Takes the grants from this file, and from nowhere else.
    ///
    /// # Errors
    ///
    /// Where the current folder is gone.
    pub fn with_policy(mut self, policy: Option<&Path>) -> Result<Self> {
        self.policy = policy.map(absolute).transpose()?;
        Ok(self)
    }
}

impl SecretsIn {
    fn as_str(self) -> &'static str {
        match self {
            Self::Either => "either",
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

impl FromStr for SecretsIn {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "either" => Ok(Self::Either),
            "keyring" => Ok(Self::Keyring),
            "file" => Ok(Self::File),
            _ => Err("which is none of `keyring`, `file` and `either`"),
        }
    }
}

fn variable_secrets() -> Result<Option<(&'static str, SecretsIn)>> {
    const VARIABLE: &str = "TOOLBAY_SECRETS";
    let Some(value) = non_empty(VARIABLE) else {
        return Ok(None);
    };
    match value.to_string_lossy().parse() {
        Ok(secrets) => Ok(Some((VARIABLE, secrets))),
        Err(problem) => bail!("{VARIABLE} is {value:?}, {problem}; or unset it"),
    }
}

fn variable_log() -> Option<(&'static str, String)> {
    const VARIABLE: &str = "TOOLBAY_LOG";
    let value = non_empty(VARIABLE)?;
    Some((VARIABLE, value.to_string_lossy().into_owned()))
}

/// `$XDG_DATA_HOME/toolbay/plugins` on Linux, the native place elsewhere.
///
/// # Errors
///
/// Where the platform gives no home folder.
pub fn default_plugin_folder() -> Result<PathBuf> {
    Ok(project_folders()?.data_dir().join("plugins"))
}

fn project_folders() -> Result<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "toolbay")
        .context("no home folder is known; set HOME, or TOOLBAY_CACHE_DIR and a plugin folder")
}

/// The folder that the variable names.
fn variable_folder(variable: &'static str) -> Result<Option<(&'static str, PathBuf)>> {
    match non_empty(variable) {
        Some(folder) => Ok(Some((variable, absolute(Path::new(&folder))?))),
        None => Ok(None),
    }
}

fn non_empty(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    std::path::absolute(folder)
        .with_context(|| format!("cannot tell where {} is", folder.display()))
}

/// The running program itself. On Linux this names the file that was started even if another one has taken its path since.
fn own_program() -> Result<PathBuf> {
    let linux = Path::new("/proc/self/exe");
    if linux.exists() {
        Ok(linux.to_owned())
    } else {
        std::env::current_exe().context("cannot find the path of this program")
    }
}
