//! Which WASI C library the guests are linked with, where Rust's own is not installed.
//!
//! An old one speaks WASI preview 1, so that the linker puts an adapter into every component, which each fresh instance
//! then pays for. One that speaks WASI 0.2 itself is taken wherever it can be had.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::target_setup::Fetch;
use crate::{Setup, apt};

/// Where Debian's `wasi-libc` puts its libraries, the better one first.
const INSTALLED: [&str; 2] = ["usr/lib/wasm32-wasip2", "usr/lib/wasm32-wasi"];

/// Debian releases whose `wasi-libc` may be better than the machine's own: forky's needs no adapter at all, trixie's
/// still does, but it is two years younger than bookworm's. The package holds no code for the machine itself and
/// depends on nothing, so it may come from any release.
const OTHER_RELEASES: [&str; 2] = ["forky", "trixie"];

/// The folder to link with, fetched into the folder of the set-up if the installed library is an old one.
pub(crate) fn find(setup: Setup<'_>, fetch: Fetch) -> Result<PathBuf> {
    let installed = best_below(Path::new("/"));
    if let Some(library) = installed.as_ref().filter(|library| !needs_adapter(library)) {
        return Ok(library.clone());
    }
    let fetched = setup.folder.join("wasi-libc");
    let mut found = OTHER_RELEASES
        .iter()
        .find_map(|release| best_below(&fetched.join(release)));
    // Having failed once, asking the mirror every time would only cost time.
    let tried = fetched.join("not-available");
    let may_fetch = match fetch {
        Fetch::Never => false,
        Fetch::Once => !tried.exists(),
        Fetch::Again => true,
    };
    if found.is_none() && may_fetch && apt::is_there() {
        found = fetch_into(&fetched, setup.say)?;
        if found.is_none() {
            fs::create_dir_all(&fetched)?;
            fs::write(&tried, "")?;
        }
    }
    let Some(library) = found.or(installed) else {
        bail!("there is no WASI C library\nhint: install the package wasi-libc");
    };
    if needs_adapter(&library) && fetch != Fetch::Never {
        (setup.say)(&format!(
            "note: linking with {}, which speaks WASI preview 1: the components carry an adapter and start slower",
            library.display()
        ));
    }
    Ok(library)
}

/// Tries the other releases in turn; none of them being there is no error.
fn fetch_into(into: &Path, say: &dyn Fn(&str)) -> Result<Option<PathBuf>> {
    for release in OTHER_RELEASES {
        // Unpacked beside its place and moved there whole, so that a stop midway leaves nothing half done.
        let partial = into.join("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir_all(&partial)?;
        match apt::fetch_and_unpack("wasi-libc", release, &partial) {
            Ok(()) if best_below(&partial).is_some() => {
                let place = into.join(release);
                fs::rename(&partial, &place)?;
                say(&format!(
                    "wasi-libc of Debian {release} is in {}",
                    place.display()
                ));
                return Ok(best_below(&place));
            }
            Ok(()) => say(&format!(
                "note: wasi-libc of Debian {release} has no library for wasm32-wasip2"
            )),
            Err(error) => {
                let reason = format!("{error:#}");
                let first_line = reason.lines().next().unwrap_or_default();
                say(&format!(
                    "note: wasi-libc of Debian {release} is not to be had: {first_line}"
                ));
            }
        }
        fs::remove_dir_all(&partial)?;
    }
    Ok(None)
}

fn best_below(root: &Path) -> Option<PathBuf> {
    INSTALLED
        .iter()
        .map(|folder| root.join(folder))
        .find(|folder| folder.join("libc.a").is_file())
}

/// Whether the library calls WASI preview 1.
fn needs_adapter(library: &Path) -> bool {
    fs::read(library.join("libc.a")).is_ok_and(|bytes| names_preview1(&bytes))
}

/// Whether a library or a component mentions WASI preview 1's only module.
pub fn names_preview1(bytes: &[u8]) -> bool {
    let module = b"wasi_snapshot_preview1";
    bytes.windows(module.len()).any(|window| window == module)
}
