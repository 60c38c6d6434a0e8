//! The file `secrets.toml` in the settings folder: a table for each plugin, a line for each secret. It is read only while nobody but its owner
//! can read or change it, and written whole under a lock.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::SecretError;
use crate::files::{Unfinished, create_private_folder};
use crate::lock::Lock;

const FILE: &str = "secrets.toml";
const LOCK: &str = "secrets.lock";

/// A larger file was not written by this program.
const MAX_FILE: u64 = 16 << 20;

/// How long to wait for another command that changes the file.
const PATIENCE: Duration = Duration::from_secs(5);

const HEADER: &str = "# The secrets of Toolbay's plugins, written by `toolbay secret set`, which keeps no comments.\n\n";

/// Values by plugin and name.
type Entries = BTreeMap<String, BTreeMap<String, Value>>;

/// A value that leaves nothing in memory when it is dropped.
#[derive(Clone)]
struct Value(Zeroizing<String>);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|value| Self(Zeroizing::new(value)))
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[derive(Debug)]
pub(super) struct SecretFile {
    path: PathBuf,
    lock: PathBuf,
}

impl SecretFile {
    pub(super) fn new(settings: &Path) -> Self {
        Self {
            path: settings.join(FILE),
            lock: settings.join(LOCK),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn get(
        &self,
        plugin: &str,
        name: &str,
    ) -> Result<Option<Zeroizing<String>>, SecretError> {
        let mut entries = self.read()?;
        let secrets = entries.get_mut(plugin);
        Ok(secrets
            .and_then(|secrets| secrets.remove(name))
            .map(|value| value.0))
    }

    pub(super) fn set(&self, plugin: &str, name: &str, value: &str) -> Result<(), SecretError> {
        let value = Value(Zeroizing::new(value.to_owned()));
        let _lock = self.lock()?;
        let mut entries = self.read()?;
        entries
            .entry(plugin.to_owned())
            .or_default()
            .insert(name.to_owned(), value);
        self.write(&entries)
    }

    /// Says whether it was there.
    pub(super) fn remove(&self, plugin: &str, name: &str) -> Result<bool, SecretError> {
        let there = |entries: &Entries| {
            entries
                .get(plugin)
                .is_some_and(|secrets| secrets.contains_key(name))
        };
        // Where there is nothing to remove, no file and no lock are made either.
        if !there(&self.read()?) {
            return Ok(false);
        }
        let _lock = self.lock()?;
        let mut entries = self.read()?;
        let found = entries
            .get_mut(plugin)
            .and_then(|secrets| secrets.remove(name))
            .is_some();
        entries.retain(|_, secrets| !secrets.is_empty());
        self.write(&entries)?;
        Ok(found)
    }

    pub(super) fn list(&self) -> Result<Vec<(String, String)>, SecretError> {
        let entries = self.read()?;
        let names = |(plugin, secrets): (&String, &BTreeMap<String, Value>)| {
            let plugin = plugin.clone();
            secrets
                .keys()
                .map(move |name| (plugin.clone(), name.clone()))
                .collect::<Vec<_>>()
        };
        Ok(entries.iter().flat_map(names).collect())
    }

    fn read(&self) -> Result<Entries, SecretError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::new()),
            Err(error) => return Err(self.io(error)),
        };
        // Of the open file, since another could take its name meanwhile.
        self.check_owner(&file)?;
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_FILE)
            .read_to_string(&mut text)
            .map_err(|error| self.io(error))?;
        toml::from_str(&text).map_err(|error| {
            // The error itself would show the line, and so perhaps a secret.
            let place = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().get(..place).unwrap_or_default();
            SecretError::Damaged {
                path: self.path.clone(),
                line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            }
        })
    }

    fn check_owner(&self, file: &File) -> Result<(), SecretError> {
        let metadata = file.metadata().map_err(|error| self.io(error))?;
        let path = || self.path.clone();
        if !metadata.is_file() {
            return Err(self.io(io::Error::other("it is not a regular file")));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(SecretError::Foreign { path: path() });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed { path: path(), mode });
        }
        Ok(())
    }

    fn write(&self, entries: &Entries) -> Result<(), SecretError> {
        let text = toml::to_string(entries)
            .map(Zeroizing::new)
            .map_err(|error| self.io(io::Error::other(error)))?;
        let text = Zeroizing::new([HEADER, &text].concat());
        Unfinished::write(&self.path, text.as_bytes())
            .and_then(Unfinished::finish_durably)
            .map_err(|error| self.io(error))
    }

    fn lock(&self) -> Result<Lock, SecretError> {
        create_private_folder(self.path.parent().unwrap_or(Path::new(".")))
            .and_then(|()| Lock::take(&self.lock, PATIENCE))
            .map_err(|error| self.io(error))
    }

    fn io(&self, error: io::Error) -> SecretError {
        SecretError::Io {
            path: self.path.clone(),
            error,
        }
    }
}
