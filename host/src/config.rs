//! Where things are: flags, environment and platform defaults, resolved once.

mod stand_ins;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

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

impl Config {
    /// Resolves the folders given on the command line, or the default one where none is given.
    ///
    /// `TOOLBAY_CACHE_DIR`, `TOOLBAY_CONFIG_DIR` and `TOOLBAY_STATE_DIR` override the platform's folders (on Linux `toolbay` in `$XDG_CACHE_HOME`,
    /// `$XDG_CONFIG_HOME` and `$XDG_STATE_HOME`). `TOOLBAY_SECRETS` may be `keyring` or `file`.
    ///
    /// # Errors
    ///
    /// Where the platform gives no home folder, the current folder is gone, or a variable has a value that is not one of its own.
    pub fn resolve(folders: &[PathBuf]) -> Result<Self> {
        let folders = if folders.is_empty() {
            vec![default_plugin_folder()?]
        } else {
            folders.to_vec()
        };
        let folders = folders
            .iter()
            .map(|folder| absolute(folder))
            .collect::<Result<_>>()?;
        Ok(Self {
            folders,
            cache: folder("TOOLBAY_CACHE_DIR", |platform| platform.cache_dir())?,
            settings: folder("TOOLBAY_CONFIG_DIR", |platform| platform.config_dir())?,
            // Platforms other than Linux have no place of its own for state.
            state: folder("TOOLBAY_STATE_DIR", |platform| {
                platform.state_dir().unwrap_or(platform.data_local_dir())
            })?,
            policy: None,
            ask: false,
            stand_ins: StandIns::default(),
            secrets: secrets_in()?,
            compiler_program: own_program()?,
            quick_code: false,
        })
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

fn secrets_in() -> Result<SecretsIn> {
    const VARIABLE: &str = "TOOLBAY_SECRETS";
    match non_empty(VARIABLE) {
        None => Ok(SecretsIn::Either),
        Some(value) if value == "keyring" => Ok(SecretsIn::Keyring),
        Some(value) if value == "file" => Ok(SecretsIn::File),
        Some(value) => bail!("{VARIABLE} is {value:?}; it may be `keyring` or `file`, or unset"),
    }
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

/// The folder that the variable names, or the platform's.
fn folder(
    variable: &str,
    platform: impl Fn(&directories::ProjectDirs) -> &Path,
) -> Result<PathBuf> {
    match non_empty(variable) {
        Some(folder) => absolute(Path::new(&folder)),
        None => Ok(platform(&project_folders()?).to_owned()),
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
