//! Where the project's files are. Every place that the build makes can be moved by an environment variable.

use std::env;
use std::path::{Path, PathBuf};

/// The project's root, seen from the crate that declares these tests.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the host's folder lies in the project's")
        .to_path_buf()
}

/// The program under test: the one that cargo has built beside these tests, unless `TOOLBAY_TEST_HOST` names another.
pub(crate) fn host() -> PathBuf {
    env::var_os("TOOLBAY_TEST_HOST").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_toolbay")),
        PathBuf::from,
    )
}

/// The component of one of the packages in `tests/guests/`.
pub(crate) fn guest(name: &str) -> PathBuf {
    built("TOOLBAY_TEST_GUESTS", "target/test-guests", name)
}

/// The component of one of the packages in `plugins/`.
pub(crate) fn plugin(name: &str) -> PathBuf {
    built("TOOLBAY_TEST_PLUGINS", "target/plugins", name)
}

/// The official schemas of the protocol, which lie outside the project; nothing where they are not to be had.
pub(crate) fn schemas() -> Option<PathBuf> {
    let folder = env::var_os("TOOLBAY_MCP_SCHEMAS")
        .map_or_else(|| root().join("../shared/mcp"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// Compiled components that tests share, since compiling the same guests in each would take most of their time.
pub(crate) fn shared_cache() -> PathBuf {
    let folder = env::var_os("TOOLBAY_TEST_CACHE")
        .map_or_else(|| root().join("target/test-cache"), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the shared cache's folder can be made");
    folder
}

fn built(variable: &str, default: &str, name: &str) -> PathBuf {
    let folder = env::var_os(variable).map_or_else(|| root().join(default), PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "there is no {}; hint: run `cargo xtask plugins`",
        path.display()
    );
    path
}
