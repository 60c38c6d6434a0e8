//! The values of the user's secrets, by plugin and by the name that the plugin's manifest gives them: in the operating system's keyring where
//! there is one, else in a file that its owner alone can read. It knows nothing of who may use them, of guests or of requests.
//!
//! A secret is in one place at a time: setting it in one takes it out of the other. So reading looks into the file first, which costs a few
//! microseconds, and asks the keyring only for what is not there. `TOOLBAY_SECRETS` leaves one place only.
//!
//! Everything here may block, the keyring for seconds: call it where that holds nobody up.

mod file;
mod keyring;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toolbay_manifest::check_plugin_name;
use zeroize::Zeroizing;

use self::file::SecretFile;
pub(crate) use self::keyring::KeyringError;
use crate::config::{Config, SecretsIn};
use crate::text::{escape, shorten};

/// A secret shorter than this cannot be told from ordinary text where it is taken out of results.
const MIN_VALUE: usize = 8;

/// Some servers refuse headers that are longer.
const MAX_VALUE: usize = 16 << 10;

/// The longest name of a secret, as manifests have it.
const MAX_NAME: usize = 64;

/// The secrets of this user.
#[derive(Debug)]
pub(crate) struct Secrets {
    kept_in: SecretsIn,
    file: SecretFile,
}

/// Where a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Keyring,
    File,
}

impl Place {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

/// Where a secret went.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) place: Place,
    /// Why it is not in the keyring, where that was not asked for.
    pub(crate) why_not_keyring: Option<String>,
}

/// The names of what is kept.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) secrets: BTreeSet<Listed>,
    /// Where the next secret would go; nothing where the keyring is in trouble.
    pub(crate) place: Option<Place>,
    /// Why the keyring's secrets are not in it, where it was looked for.
    pub(crate) keyring_error: Option<KeyringError>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Listed {
    pub(crate) plugin: String,
    pub(crate) name: String,
    pub(crate) kept_in: Place,
}

/// Why a secret can be neither read nor kept. No sentence of it holds a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("`{}` is not a plugin's name", shorten(&escape(.0), 80))]
    Plugin(String),
    #[error("`{}` is not a secret's name", shorten(&escape(.0), 80))]
    Name(String),
    #[error("the value {0}")]
    Value(&'static str),
    /// What is kept under the name is not a value that can be set.
    #[error("the value that the {} has for secret `{name}` of plugin `{plugin}` cannot be used", .place.as_str())]
    Unusable {
        plugin: String,
        name: String,
        place: Place,
    },
    /// Others could read or replace it.
    #[error("{} is not safe: its mode is {mode:03o}, so other users can read or change it", .path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} is not safe: it belongs to another user", .path.display())]
    Foreign { path: PathBuf },
    #[error("line {line} of {} is not understood", .path.display())]
    Damaged { path: PathBuf, line: usize },
    #[error("cannot use {}: {error}", .path.display())]
    Io {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl SecretError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Plugin(_) => "write the plugin's name as `toolbay list` shows it: lower-case letters, digits and `-`".into(),
            Self::Name(_) => "write the name that the plugin's manifest has under `secrets`: lower-case letters, digits, `-` and `_`".into(),
            Self::Value(_) => "give the secret alone: the plugin's manifest says what is put around it".into(),
            Self::Unusable { plugin, name, .. } => format!("set it anew with `toolbay secret set {plugin} {name}`"),
            Self::Exposed { path, .. } => format!("run `chmod 600 {}`, and replace the secrets in it if others may have read them", shell_word(path)),
            Self::Foreign { path } => format!("run `sudo chown \"$USER\" {0}` if you trust what is in it, else remove it", shell_word(path)),
            Self::Damaged { .. } => "correct that line; every secret is a line `name = \"value\"` below a line `[plugin]`".into(),
            Self::Io { .. } => "check the folder's permissions and the space on the disk".into(),
            Self::Keyring(error) => error.hint(),
        }
    }
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", escape(&text).replace('\'', r"'\''"))
    }
}

impl Secrets {
    /// Reads nothing yet.
    pub(crate) fn open(config: &Config) -> Self {
        Self {
            kept_in: config.secrets,
            file: SecretFile::new(&config.settings),
        }
    }

    /// The file that secrets are kept in where there is no keyring.
    pub(crate) fn file(&self) -> &Path {
        self.file.path()
    }

    /// The value of a secret, or nothing where none was set. Never makes the keyring ask the user for anything.
    ///
    /// # Errors
    ///
    /// Where a place cannot be looked into, and where what is there cannot be put into a header.
    pub(crate) fn get(
        &self,
        plugin: &str,
        name: &str,
    ) -> Result<Option<Zeroizing<String>>, SecretError> {
        check_names(plugin, name)?;
        let usable = |place, value: Zeroizing<String>| match check_value(&value) {
            Ok(()) => Ok(Some(value)),
            Err(_) => Err(SecretError::Unusable {
                plugin: plugin.to_owned(),
                name: name.to_owned(),
                place,
            }),
        };
        if self.looks_into_file()
            && let Some(value) = self.file.get(plugin, name)?
        {
            return usable(Place::File, value);
        }
        if !self.looks_into_keyring() {
            return Ok(None);
        }
        match keyring::get(plugin, name) {
            Ok(Some(value)) => usable(Place::Keyring, value),
            Ok(None) => Ok(None),
            Err(KeyringError::Absent(_)) if self.looks_into_file() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a value, replacing the one that there was. A keyring that is locked asks the user to unlock it.
    ///
    /// # Errors
    ///
    /// Where it could not be kept. A keyring in trouble is an error, and never a reason to write into the file instead.
    pub(crate) fn set(&self, plugin: &str, name: &str, value: &str) -> Result<Kept, SecretError> {
        check_names(plugin, name)?;
        check_value(value)?;
        let mut why_not_keyring = None;
        if self.looks_into_keyring() {
            match keyring::set(plugin, name, value) {
                Ok(()) => {
                    if self.looks_into_file() {
                        self.file.remove(plugin, name)?;
                    }
                    return Ok(Kept {
                        place: Place::Keyring,
                        why_not_keyring: None,
                    });
                }
                Err(KeyringError::Absent(why)) if self.looks_into_file() => {
                    why_not_keyring = Some(why);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.file.set(plugin, name, value)?;
        Ok(Kept {
            place: Place::File,
            why_not_keyring,
        })
    }

    /// Forgets a value wherever it is. Says whether there was one.
    ///
    /// # Errors
    ///
    /// Where a place could not be looked into; what another one had is removed by then.
    pub(crate) fn remove(&self, plugin: &str, name: &str) -> Result<bool, SecretError> {
        check_names(plugin, name)?;
        let in_file = self.looks_into_file() && self.file.remove(plugin, name)?;
        if !self.looks_into_keyring() {
            return Ok(in_file);
        }
        match keyring::remove(plugin, name) {
            Ok(in_keyring) => Ok(in_file || in_keyring),
            Err(KeyringError::Absent(_)) if self.looks_into_file() => Ok(in_file),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of all secrets.
    ///
    /// # Errors
    ///
    /// Where the file cannot be used. Trouble with the keyring is part of the listing.
    pub(crate) fn list(&self) -> Result<Listing, SecretError> {
        let mut secrets = BTreeSet::new();
        let mut add = |names: Vec<(String, String)>, kept_in| {
            secrets.extend(names.into_iter().map(|(plugin, name)| Listed {
                plugin,
                name,
                kept_in,
            }));
        };
        if self.looks_into_file() {
            add(self.file.list()?, Place::File);
        }
        let (place, keyring_error) = if !self.looks_into_keyring() {
            (Some(Place::File), None)
        } else {
            match keyring::list() {
                Ok(names) => {
                    add(names, Place::Keyring);
                    (Some(Place::Keyring), None)
                }
                Err(error @ KeyringError::Absent(_)) if self.looks_into_file() => {
                    (Some(Place::File), Some(error))
                }
                Err(error) => (None, Some(error)),
            }
        };
        Ok(Listing {
            secrets,
            place,
            keyring_error,
        })
    }

    fn looks_into_file(&self) -> bool {
        self.kept_in != SecretsIn::Keyring
    }

    fn looks_into_keyring(&self) -> bool {
        self.kept_in != SecretsIn::File
    }
}

/// Whether there can be a secret of this name.
pub(crate) fn check_names(plugin: &str, name: &str) -> Result<(), SecretError> {
    check_plugin_name(plugin).map_err(|_| SecretError::Plugin(plugin.to_owned()))?;
    let lower = |byte: &u8| byte.is_ascii_lowercase();
    let is_name = name.as_bytes().first().is_some_and(lower)
        && name.len() <= MAX_NAME
        && name
            .bytes()
            .all(|byte| lower(&byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if is_name {
        Ok(())
    } else {
        Err(SecretError::Name(name.to_owned()))
    }
}

/// Whether the value can stand in a header, and nowhere ends a line of it.
fn check_value(value: &str) -> Result<(), SecretError> {
    let problem = if value.len() < MIN_VALUE {
        "has fewer than 8 bytes, too few to be found again where it has to be hidden"
    } else if value.len() > MAX_VALUE {
        "is longer than 16 KiB, which servers do not take in a header"
    } else if value.bytes().any(|byte| byte.is_ascii_control()) {
        "has line breaks or other control characters, which cannot stand in a header"
    } else if !value.is_ascii() {
        "has characters beyond ASCII, which cannot stand in a header"
    } else if value.trim() != value {
        "begins or ends with a space"
    } else {
        return Ok(());
    };
    Err(SecretError::Value(problem))
}

#[cfg(test)]
mod tests;
