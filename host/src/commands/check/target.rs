//! Which components are meant: a file, the one that `toolbay build` made of a crate, or all in a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use toolbay_manifest::SourceManifest;

use crate::commands::{FAULT, PROBLEM};
use crate::discover;
use crate::files::read_up_to;
use crate::text::escape;

/// A larger `plugin.toml` is none.
const MAX_SETTINGS: u64 = 4 << 20;

/// Why there is nothing to check.
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) hint: String,
    pub(super) code: u8,
}

fn refusal(code: u8, reason: String, hint: String) -> Refusal {
    Refusal { reason, hint, code }
}

pub(super) fn find(path: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let shown = escape(&path.display().to_string());
    let metadata = fs::metadata(path).map_err(|error| {
        let hint = "name a plugin's crate, a component, or a folder of components";
        refusal(
            FAULT,
            format!("cannot look at {shown}: {error}"),
            hint.into(),
        )
    })?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    if path.join("Cargo.toml").is_file() {
        return of_crate(path).map(|component| vec![component]);
    }
    let found = discover::discover(&[path.to_owned()]).map_err(|(folder, error)| {
        let hint = "check the folder's permissions".to_owned();
        refusal(
            FAULT,
            format!(
                "cannot read {}: {error}",
                escape(&folder.display().to_string())
            ),
            hint,
        )
    })?;
    if found.is_empty() {
        let hint = "name a plugin's crate, which has a Cargo.toml, or a component".to_owned();
        return Err(refusal(
            FAULT,
            format!("there is no plugin in {shown}"),
            hint,
        ));
    }
    Ok(found.into_iter().map(|candidate| candidate.path).collect())
}

/// The component that was built from a crate, if it was and nothing has changed since.
fn of_crate(folder: &Path) -> Result<PathBuf, Refusal> {
    let shown = escape(&folder.display().to_string());
    let build = || format!("toolbay build {shown}");
    let settings = folder.join("plugin.toml");
    let text = read_up_to(&settings, MAX_SETTINGS).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => {
                format!("{shown} is no plugin's crate: it has no plugin.toml")
            }
            _ => format!(
                "cannot read {}: {error}",
                escape(&settings.display().to_string())
            ),
        };
        let hint =
            "write one, beginning with [plugin] and name = \"…\", or name a component".to_owned();
        refusal(PROBLEM, reason, hint)
    })?;
    let source = SourceManifest::from_toml(&String::from_utf8_lossy(&text)).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| "correct it".to_owned());
        refusal(
            PROBLEM,
            format!("{}: {error}", escape(&settings.display().to_string())),
            hint,
        )
    })?;
    let component = folder
        .join("target")
        .join(format!("{}.wasm", source.plugin.name));
    let built = match modified(&component) {
        Ok(built) => built,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let reason = format!(
                "the plugin `{}` is not built: there is no {}",
                source.plugin.name,
                escape(&component.display().to_string())
            );
            return Err(refusal(PROBLEM, reason, build()));
        }
        Err(error) => {
            let reason = format!(
                "cannot look at {}: {error}",
                escape(&component.display().to_string())
            );
            return Err(refusal(PROBLEM, reason, build()));
        }
    };
    match newest_source(folder) {
        Some((changed, source)) if changed > built => {
            let source = source
                .strip_prefix(folder)
                .unwrap_or(&source)
                .display()
                .to_string();
            let reason = format!(
                "{} is older than {}",
                escape(&component.display().to_string()),
                escape(&source)
            );
            Err(refusal(PROBLEM, reason, build()))
        }
        _ => Ok(component),
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

/// The file that was changed last of those that a build reads.
fn newest_source(folder: &Path) -> Option<(SystemTime, PathBuf)> {
    let mut files: Vec<PathBuf> = ["plugin.toml", "Cargo.toml", "build.rs"]
        .iter()
        .map(|name| folder.join(name))
        .collect();
    below(&folder.join("src"), &mut files);
    files
        .into_iter()
        .filter_map(|file| Some((modified(&file).ok()?, file)))
        .max()
}

/// Every file below a folder; links are not followed, so that there is an end.
fn below(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(&entry.path(), files),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}
