//! Notices that somebody saved one of a plugin's sources. Knows nothing of building.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Editors write a file in several steps: a save is over after this much quiet, or this much time.
const QUIET: Duration = Duration::from_millis(10);
const BURST: Duration = Duration::from_millis(100);

/// The sources of one plugin, watched.
pub(super) struct Sources {
    watcher: RecommendedWatcher,
    saved: mpsc::UnboundedReceiver<()>,
    watched: BTreeSet<PathBuf>,
}

impl Sources {
    /// Watches a crate's folder with all that is in it, but for what is built there.
    ///
    /// # Errors
    ///
    /// Where the system cannot watch it.
    pub(super) fn watch(folder: &Path) -> Result<Self> {
        let (events, saved) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let relevant = match &event {
                Ok(event) => {
                    !matches!(event.kind, EventKind::Access(_))
                        && event.paths.iter().any(|path| is_source(path))
                }
                // Events were lost: better one build too many.
                Err(_) => true,
            };
            if relevant {
                let _ = events.send(());
            }
        })
        .context("files cannot be watched here")?;
        let mut sources = Self {
            watcher,
            saved,
            watched: BTreeSet::new(),
        };
        sources.follow(folder)?;
        Ok(sources)
    }

    /// Watches a folder and what is below it, but for folders of builds and hidden ones: a build folder has thousands of files that change with each build.
    fn follow(&mut self, folder: &Path) -> Result<()> {
        if !self.watched.contains(folder) {
            self.watcher
                .watch(folder, RecursiveMode::NonRecursive)
                .with_context(|| format!("cannot watch {}", folder.display()))?;
            self.watched.insert(folder.to_owned());
        }
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = entry.path();
            if is_folder && !is_left_out(&path) {
                self.follow(&path)?;
            }
        }
        Ok(())
    }

    /// Watches the sources of other crates that a build was made from as well, which cargo lists in a file beside the component; and folders that came into
    /// being meanwhile.
    pub(super) fn follow_build(&mut self, folder: &Path, component: &Path) {
        let list = std::fs::read_to_string(component.with_extension("d")).unwrap_or_default();
        let others = listed(&list)
            .filter_map(|file| file.parent().map(Path::to_owned))
            .filter(|parent| !parent.starts_with(folder));
        let mut folders: BTreeSet<PathBuf> = others.collect();
        folders.insert(folder.to_owned());
        // A folder that went and comes again is another one under the same name.
        self.watched.retain(|watched| watched.is_dir());
        for folder in folders {
            if let Err(error) = self.follow(&folder) {
                tracing::warn!("{error:#}");
            }
        }
    }

    /// Waits for a save, and for its end.
    pub(super) async fn saved(&mut self) {
        if self.saved.recv().await.is_none() {
            // The watcher lives as long as this.
            std::future::pending::<()>().await;
        }
        let burst = tokio::time::sleep(BURST);
        tokio::pin!(burst);
        loop {
            tokio::select! {
                () = &mut burst => return,
                quiet = tokio::time::timeout(QUIET, self.saved.recv()) => {
                    if !matches!(quiet, Ok(Some(()))) { return }
                }
            }
        }
    }
}

/// The files in a list that cargo wrote for `make`: `TARGET: FILE FILE…`, where a space in a name has a backslash before it.
fn listed(list: &str) -> impl Iterator<Item = PathBuf> {
    let files = list
        .lines()
        .find_map(|line| line.split_once(": "))
        .map(|(_, files)| files.replace("\\ ", "\u{0}"))
        .unwrap_or_default();
    files
        .split(' ')
        .filter(|file| !file.is_empty())
        .map(|file| PathBuf::from(file.replace('\u{0}', " ")))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Whether a folder holds what is built, or is hidden.
fn is_left_out(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || folder.join("CACHEDIR.TAG").exists() || name == "target"
}

/// Whether a change at this path may change the plugin. Editors write files of their own beside the one that is saved.
fn is_source(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else {
        return false;
    };
    let of_an_editor = name.ends_with('~')
        || [".swp", ".swx", ".tmp", ".bak"]
            .iter()
            .any(|ending| name.ends_with(ending))
        || name.starts_with('#')
        // Vim tries with this name whether it may write.
        || name == "4913";
    let written_by_the_build = name == "target" || name == "Cargo.lock" || name.ends_with(".wasm");
    !(name.starts_with('.') || of_an_editor || written_by_the_build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_builds_write_is_no_source() {
        for (path, expected) in [
            ("/p/src/lib.rs", true),
            ("/p/plugin.toml", true),
            ("/p/guides/style.md", true),
            ("/p/src/.lib.rs.swp", false),
            ("/p/src/lib.rs~", false),
            ("/p/src/4913", false),
            ("/p/Cargo.lock", false),
            ("/p/target", false),
        ] {
            assert_eq!(is_source(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_list_for_make_is_read() {
        let list = "/t/weather.wasm: /p/src/lib.rs /my\\ sdk/src/lib.rs\n\n/p/src/lib.rs:\n";
        let files: Vec<PathBuf> = listed(list).collect();
        assert_eq!(
            files,
            [
                PathBuf::from("/p/src/lib.rs"),
                PathBuf::from("/my sdk/src/lib.rs")
            ]
        );
    }
}
