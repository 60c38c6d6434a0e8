//! What was loaded from a set of folders last time, kept so that the next start reads one small file instead of every component.
//!
//! An entry counts only while the file's size, times, inode and device are the same. It saves reading, never checking: code runs only from
//! bytes whose digest is the entry's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toolbay_manifest::Manifest;

use crate::digest::Digest;
use crate::discover::{Candidate, Fingerprint};
use crate::files::{read_if_there, write_atomically};
use crate::plugin::Plugin;

/// A larger index is made anew.
const MAX_INDEX: u64 = 256 << 20;

/// No file system in use has coarser times than this.
const CLOCK_TICK: std::time::Duration = std::time::Duration::from_millis(20);

/// Changes with the form of the file; an index of another form is ignored.
const FORM: u32 = 1;

/// The index of one list of folders.
#[derive(Debug, Default)]
pub(crate) struct Index {
    path: PathBuf,
    entries: BTreeMap<PathBuf, Entry>,
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    file: Fingerprint,
    sidecar: Option<Fingerprint>,
    digest: Digest,
    manifest: String,
}

#[derive(Serialize, Deserialize)]
struct File {
    form: u32,
    host: String,
    entries: BTreeMap<PathBuf, Entry>,
}

impl Index {
    /// Reads the index, or starts an empty one where there is none that can be used.
    pub(crate) fn open(cache: &Path, folders: &[PathBuf]) -> Self {
        let key = Digest::of(
            folders
                .iter()
                .flat_map(|folder| [folder.as_os_str().as_encoded_bytes(), b"\0"])
                .collect::<Vec<_>>()
                .concat()
                .as_slice(),
        );
        let path = cache.join("index").join(format!("{}.json", key.short()));
        let file = read_if_there(&path, MAX_INDEX)
            .ok()
            .flatten()
            .and_then(|text| serde_json::from_slice::<File>(&text).ok());
        let entries = file
            .filter(|file| file.form == FORM && file.host == env!("CARGO_PKG_VERSION"))
            .map(|file| file.entries)
            .unwrap_or_default();
        Self {
            path,
            entries,
            changed: false,
        }
    }

    /// The plugin as it was loaded last time, if the candidate's files have not changed since.
    pub(crate) fn plugin(&self, candidate: &Candidate) -> Option<Plugin> {
        let entry = self.entries.get(&candidate.path)?;
        let unchanged = candidate.file.as_ref().ok() == Some(&entry.file)
            && candidate
                .sidecar
                .as_ref()
                .map(|sidecar| &sidecar.fingerprint)
                == entry.sidecar.as_ref();
        if !unchanged {
            return None;
        }
        let manifest = Manifest::from_json(&entry.manifest).ok()?;
        Some(Plugin::new(
            candidate,
            entry.digest.clone(),
            &manifest,
            None,
        ))
    }

    /// Remembers what a candidate turned out to be.
    pub(crate) fn remember(&mut self, candidate: &Candidate, digest: &Digest, manifest: &Manifest) {
        let Ok(file) = candidate.file else { return };
        // A file changed twice within one tick of the file system's clock looks unchanged, so a very new one is not trusted to its times.
        if file.age() < CLOCK_TICK {
            return;
        }
        let entry = Entry {
            file,
            sidecar: candidate
                .sidecar
                .as_ref()
                .map(|sidecar| sidecar.fingerprint),
            digest: digest.clone(),
            manifest: manifest.to_json(),
        };
        self.changed |= self
            .entries
            .insert(candidate.path.clone(), entry.clone())
            .as_ref()
            != Some(&entry);
    }

    /// Forgets files that are no longer there.
    pub(crate) fn keep_only<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        let present: std::collections::HashSet<&Path> = paths.collect();
        let before = self.entries.len();
        self.entries
            .retain(|path, _| present.contains(path.as_path()));
        self.changed |= self.entries.len() != before;
    }

    /// The writing of the index, if it changed since it was read or written. A failure costs the next start some time and nothing else.
    pub(crate) fn save(&mut self) -> Option<impl FnOnce() + Send + 'static> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let file = File {
            form: FORM,
            host: env!("CARGO_PKG_VERSION").into(),
            entries: self.entries.clone(),
        };
        let path = self.path.clone();
        Some(move || {
            let written = serde_json::to_vec(&file)
                .map_err(std::io::Error::other)
                .and_then(|text| write_atomically(&path, &text));
            if let Err(error) = written {
                tracing::warn!(path = %path.display(), %error, "cannot keep the index of the plugin folders");
            }
        })
    }
}
