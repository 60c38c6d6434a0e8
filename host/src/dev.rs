//! The note that `toolbay dev` keeps beside what it publishes, for the hosts that serve the folder: who develops which plugin from where, how old its last
//! build is, and why there is no newer one. Grants nothing: a host only shows it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::files::{read_up_to, write_public};
use crate::text::{escape, shorten};

const PREFIX: &str = ".toolbay-dev-";
const SUFFIX: &str = ".json";

/// A note is short; anything longer was not written by us.
const MAX_NOTE: u64 = 64 << 10;

/// The most that is shown of an error.
const MAX_ERROR: usize = 1000;

/// One plugin that is being developed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevNote {
    pub(crate) plugin: String,
    /// The folder of its crate.
    pub(crate) source: PathBuf,
    /// The process of `toolbay dev`.
    pub(crate) process: i32,
    /// When the last good build was published, if there was one.
    pub(crate) built: Option<DateTime<Utc>>,
    /// Why what was saved since does not count.
    pub(crate) failing: Option<Failing>,
}

/// Saved sources of which no plugin could be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failing {
    pub(crate) since: DateTime<Utc>,
    /// The first error, with its place.
    pub(crate) error: String,
}

impl DevNote {
    /// Where the note of a plugin lies.
    pub(crate) fn path(folder: &Path, plugin: &str) -> PathBuf {
        folder.join(format!("{PREFIX}{plugin}{SUFFIX}"))
    }

    /// The notes in these folders whose process still runs.
    pub(crate) fn all(folders: &[PathBuf]) -> Vec<Self> {
        let mut notes: Vec<Self> = folders
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| is_note(&entry.file_name().to_string_lossy()))
            .filter_map(|entry| Self::read(&entry.path()))
            .collect();
        notes.sort_by(|one, other| one.plugin.cmp(&other.plugin));
        notes
    }

    /// The note at this path, if it is one and its process still runs. Whatever it says is made safe to show.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let text = read_up_to(path, MAX_NOTE).ok()?;
        let mut note: Self = serde_json::from_slice(&text).ok()?;
        let process = rustix::process::Pid::from_raw(note.process)?;
        rustix::process::test_kill_process(process).ok()?;
        toolbay_manifest::check_plugin_name(&note.plugin).ok()?;
        note.source = escape(&note.source.display().to_string()).into();
        if let Some(failing) = &mut note.failing {
            failing.error = shorten(&escape(&failing.error), MAX_ERROR);
        }
        Some(note)
    }

    /// # Errors
    ///
    /// Whatever the file system says.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        write_public(&Self::path(folder, &self.plugin), &text)
    }

    /// The state in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let built = match self.built {
            Some(built) => format!("its last good build, of {}, answers", moment(built)),
            None => "there is no good build of it yet".to_owned(),
        };
        match &self.failing {
            None => format!("`{}` is being developed: {built}", self.plugin),
            Some(failing) => format!(
                "`{}` does not build since {}: {}; {built}",
                self.plugin,
                moment(failing.since),
                failing.error
            ),
        }
    }

    /// How old the last good build is, in seconds.
    pub(crate) fn build_age(&self) -> Option<u64> {
        let built = SystemTime::from(self.built?);
        built.elapsed().ok().map(|age| age.as_secs())
    }
}

fn is_note(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

pub(crate) fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(process: i32) -> DevNote {
        DevNote {
            plugin: "weather".into(),
            source: "/home/ada/weather".into(),
            process,
            built: Some(DateTime::UNIX_EPOCH),
            failing: Some(Failing {
                since: DateTime::UNIX_EPOCH,
                error: "src/lib.rs:1:1: expected\u{1b}[31m item".into(),
            }),
        }
    }

    #[test]
    fn a_note_is_read_back_without_what_a_terminal_would_act_on() {
        let folder = tempfile::tempdir().unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        note(own).write(folder.path()).unwrap();
        let notes = DevNote::all(&[folder.path().to_owned()]);
        let [note] = notes.as_slice() else {
            panic!("{notes:?}");
        };
        insta::assert_snapshot!(note.sentence(), @"`weather` does not build since 1970-01-01T00:00:00Z: src/lib.rs:1:1: expected\\u{1b}[31m item; its last good build, of 1970-01-01T00:00:00Z, answers");
    }

    #[test]
    fn a_note_of_a_process_that_is_gone_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // No process has this number: Linux ends at 2^22.
        note(i32::MAX).write(folder.path()).unwrap();
        std::fs::write(folder.path().join(".toolbay-dev-broken.json"), "{").unwrap();
        assert_eq!(DevNote::all(&[folder.path().to_owned()]), []);
    }
}
