//! Folders, files and variables: are they there, are they usable, are they the user's alone?

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use toolbay_build::{Consent, GuestToolchain, Setup, process};

use super::{Check, number};
use crate::audit::reader;
use crate::config::{Config, FILE, Flags, default_plugin_folder};
use crate::discover::exposure;
use crate::host::Host;
use crate::state::{StateError, Store};
use crate::text::{bytes, nearest};
use crate::tokens::TokenStore;

/// The variables that are read.
const VARIABLES: [&str; 5] = [
    "TOOLBAY_CACHE_DIR",
    "TOOLBAY_CONFIG_DIR",
    "TOOLBAY_LOG",
    "TOOLBAY_SECRETS",
    "TOOLBAY_STATE_DIR",
];

/// What is set of ours, and what looks like it.
pub(super) fn variables() -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, value) in std::env::vars_os() {
        let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
        // Ones of the tests move what the tests use.
        if !name.starts_with("TOOLBAY_") || name.starts_with("TOOLBAY_TEST_") {
            continue;
        }
        let shown = format!("{name}={value}");
        checks.push(if !VARIABLES.contains(&name.as_ref()) {
            let hint = nearest(&name, VARIABLES).map_or_else(
                || format!("the variables are {}", VARIABLES.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            Check::warning("variable", format!("{shown} is not read"), hint)
        } else if name == "TOOLBAY_LOG" && crate::commands::log_filter(&value).is_none() {
            Check::warning(
                "variable",
                format!("{shown} is not understood, so it is not used"),
                "write error, warn, info, debug or trace",
            )
        } else {
            Check::ok("variable", shown)
        });
    }
    checks.sort_by(|one, other| one.found.cmp(&other.found));
    checks
}

/// The configuration; where its file is wrong, that is said, and the rest is looked at as if there were none.
pub(super) fn settings(folders: &[PathBuf]) -> anyhow::Result<(Config, Option<Check>)> {
    let file = Config::settings_folder()?.join(FILE);
    let flags = Flags {
        folders,
        ..Flags::default()
    };
    Ok(match Config::with_flags(flags) {
        Ok(config) if file.exists() => (
            config,
            Some(Check::ok("settings", file.display().to_string())),
        ),
        Ok(config) => (config, None),
        Err(error) => {
            let error = format!("{error:#}");
            let (what, hint) = error
                .split_once("\nhint: ")
                .unwrap_or((&error, "`toolbay config --example` shows how it is written"));
            let hint = format!("until it is mended no server of yours starts; {hint}");
            (
                Config::without_file(flags)?,
                Some(Check::problem("settings", what, hint)),
            )
        }
    })
}

/// Who may call over HTTP.
pub(super) fn tokens(config: &Config) -> Check {
    let store = TokenStore::in_folder(&config.settings);
    let file = store.file().display();
    match store.tokens() {
        Ok(tokens) => Check::ok(
            "tokens",
            format!(
                "{} for callers over HTTP; {file}",
                number(tokens.len(), "token")
            ),
        ),
        Err(error) => {
            let error = error.to_string();
            let (what, hint) = error.split_once("; hint: ").unwrap_or((&error, ""));
            Check::problem("tokens", what, hint)
        }
    }
}

/// The folders that everything lies in.
pub(super) fn folders(config: &Config) -> Vec<Check> {
    let mut checks = vec![
        own_folder("config", &config.settings),
        own_folder("state", &config.state),
        own_folder("cache", &config.cache),
    ];
    let is_default = |folder: &Path| default_plugin_folder().is_ok_and(|own| own == folder);
    checks.extend(config.folders.iter().map(|folder| {
        let shown = folder.display();
        if !folder.exists() {
            let hint = if is_default(folder) {
                "`toolbay add FILE` makes it and puts a plugin there".to_owned()
            } else {
                format!("check the name; `toolbay add FILE --dir {shown}` makes it")
            };
            return Check::warning("folder", format!("{shown} is not there"), hint);
        }
        match exposure(folder) {
            Some(why) => Check::warning(
                "folder",
                format!("{shown} is not yours alone: {why}"),
                format!("chmod go-w {shown}, or use another folder"),
            ),
            None => readable(folder, "folder"),
        }
    }));
    checks
}

/// A folder that only toolbay uses, made where it is missing.
fn own_folder(area: &'static str, folder: &Path) -> Check {
    let shown = folder.display();
    if !folder.exists() {
        let parent = folder.ancestors().find(|parent| parent.exists());
        return match parent {
            Some(parent) if is_writable(parent) => {
                Check::ok(area, format!("{shown} (made when it is needed)"))
            }
            _ => Check::problem(
                area,
                format!("{shown} is not there and cannot be made"),
                "check who may write to the folder above it",
            ),
        };
    }
    if !folder.is_dir() || !is_writable(folder) {
        return Check::problem(
            area,
            format!("{shown} is no folder that you may write to"),
            format!(
                "chown and chmod it, or set TOOLBAY_{}_DIR",
                area.to_uppercase()
            ),
        );
    }
    if let Some(why) = exposure(folder) {
        return Check::problem(
            area,
            format!("{shown} is not yours alone: {why}"),
            format!("chmod 700 {shown}"),
        );
    }
    if area == "cache" {
        let (files, size) = size_of(folder);
        return Check::ok(
            area,
            format!("{shown}, {} in {}", bytes(size), number(files, "file")),
        );
    }
    let mode = fs::metadata(folder).map_or(0, |metadata| metadata.mode() & 0o777);
    if mode & 0o077 != 0 {
        return Check::warning(
            area,
            format!("{shown} can be read by other users (mode {mode:03o})"),
            format!("chmod 700 {shown}"),
        );
    }
    Check::ok(area, shown.to_string())
}

fn readable(folder: &Path, area: &'static str) -> Check {
    match fs::read_dir(folder) {
        Ok(_) => Check::ok(area, folder.display().to_string()),
        Err(error) => Check::problem(
            area,
            format!("{} cannot be read: {error}", folder.display()),
            "check that it is a folder and that you may read it",
        ),
    }
}

fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The files below a folder and their size, links not followed.
fn size_of(folder: &Path) -> (usize, u64) {
    let mut total = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => total = (total.0 + 1, total.1 + metadata.len()),
                Err(_) => {}
            }
        }
    }
    total
}

/// Whether plugins can be built here, which their authors need. Only looked for.
pub(super) fn target(config: &Config) -> Check {
    if process::ask(process::program("cargo").arg("--version")).is_none() {
        return Check::ok(
            "target",
            "there is no cargo here; only authors of plugins need it",
        );
    }
    let found = GuestToolchain::find(Setup {
        folder: &config.cache.join("toolchain"),
        consent: Consent::Refused,
        say: &|_| {},
    });
    match found {
        Ok(toolchain) => Check::ok("target", toolchain.describe()),
        Err(error) => {
            let error = format!("{error:#}");
            let (what, hint) = error
                .split_once("hint: ")
                .unwrap_or((&error, "`toolbay build` sets it up, after asking"));
            let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
            let hint = hint.split_whitespace().collect::<Vec<_>>().join(" ");
            let found = format!("{what} (only authors of plugins need it)");
            Check::warning("target", found, hint)
        }
    }
}

/// The store and the audit log.
pub(super) async fn state(host: &Host) -> Vec<Check> {
    let mut checks = Vec::new();
    let store = Store::new(&host.config.state);
    if store.path().exists() {
        let size = fs::metadata(store.path()).map_or(0, |metadata| metadata.len());
        let shown = store.path().display().to_string();
        checks.push(match store.kept_by("", "").await {
            Ok(_) => Check::ok("state", format!("{shown}, {}", bytes(size))),
            Err(error) => {
                // The hints in its sentences are for plugins and models, which must not learn paths.
                let what = error.to_string();
                let what = what.split("; hint: ").next().unwrap_or_default();
                let hint = match error {
                    StateError::Damaged(_) => {
                        "move state.db, state.db-wal and state.db-shm elsewhere; then an empty state is begun"
                    }
                    StateError::Newer { .. } => "update this toolbay",
                    _ => "look at the file and at the space on the disk",
                };
                Check::problem("state", format!("{shown}: {what}"), hint)
            }
        });
    }
    let log = reader::files(&host.config.state);
    let Some(current) = log.first() else {
        return checks;
    };
    let size = log
        .iter()
        .filter_map(|file| fs::metadata(file).ok())
        .map(|metadata| metadata.len())
        .sum();
    let shown = format!(
        "{}, {} in {}",
        current.display(),
        bytes(size),
        number(log.len(), "file")
    );
    checks.push(if rustix::fs::access(current, Access::WRITE_OK).is_ok() {
        Check::ok("log", shown)
    } else {
        Check::problem(
            "log",
            format!("{shown}, cannot be written"),
            format!("chmod 600 {}", current.display()),
        )
    });
    checks
}
