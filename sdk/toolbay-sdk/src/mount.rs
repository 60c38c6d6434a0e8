//! Folders that the user bound to a plugin's mounts. Owns where one is found and which paths stay inside it; what may be done there is the host's.

mod files;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use self::files::{DEFAULT_MAX_FILE, Entry, EntryKind, MAX_FOLDER_ENTRIES, Walk};

use crate::error::ToolError;

/// A folder that was granted.
///
/// The plugin asks for it by purpose, and the user binds a real folder of theirs:
///
/// ```toml
/// [mounts.vault]
/// access = "read"
/// reason = "the notes live here"
///
/// [tools.read]
/// mounts = { vault = "read" }
/// ```
///
/// The usual things are methods here, each with a bound; [`join`](Self::join) gives the path for everything else in [`std::fs`]. Nothing else of the machine's
/// files is in reach, whatever path is named.
///
/// ```
/// use std::fs;
/// use toolbay_sdk::{Mount, ToolError};
///
/// fn read(vault: &Mount, note: &str) -> Result<String, ToolError> {
///     vault.read_to_string(note)
/// }
///
/// // A tool gets it with `toolbay_sdk::mount("vault")?`, a test takes any folder.
/// # let folder = std::env::temp_dir().join(format!("toolbay-sdk-mount-{}", std::process::id()));
/// # fs::create_dir_all(&folder)?;
/// let vault = Mount::at(&folder);
/// fs::write(folder.join("shopping.md"), "milk")?;
/// assert_eq!(read(&vault, "shopping.md")?, "milk");
/// assert_eq!(read(&vault, "../../etc/passwd").unwrap_err().code().as_str(), "validation_error");
/// # fs::remove_dir_all(&folder)?;
/// # Ok::<(), ToolError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    path: PathBuf,
}

/// The folder that the user bound to the mount of this name.
///
/// ```no_run
/// # use toolbay_sdk::mount;
/// let vault = mount("vault")?;
/// let text = vault.read_to_string("2026/november.md")?;
/// # Ok::<(), toolbay_sdk::ToolError>(())
/// ```
///
/// # Errors
/// `permission_denied` if the tool does not have it: its `plugin.toml` does not ask for it. Outside the sandbox there is none; a test makes its own
/// with [`Mount::at`].
pub fn mount(name: &str) -> Result<Mount, ToolError> {
    if !cfg!(target_family = "wasm") {
        return Err(ToolError::unavailable(format!(
            "there is no mount `{name}` outside the sandbox; a test takes a folder with `Mount::at`"
        )));
    }
    // The host shows each mount as a folder at the root.
    let mount = Mount::at("/").join(name).map(Mount::at)?;
    match mount.path.metadata() {
        Ok(folder) if folder.is_dir() => Ok(mount),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let code = ToolError::from(std::io::Error::from(error.kind())).code();
            Err(ToolError::new(
                code,
                format!("the mount `{name}` cannot be used: {error}"),
            ))
        }
        _ => Err(ToolError::permission_denied(format!(
            "this tool has no mount `{name}`; its plugin.toml has to ask for it: `mounts = {{ {name} = \"read\" }}`"
        ))),
    }
}

impl Mount {
    /// A folder of the machine's own, for tests.
    ///
    /// ```
    /// # use toolbay_sdk::Mount;
    /// assert_eq!(Mount::at("/tmp/vault").path(), std::path::Path::new("/tmp/vault"));
    /// ```
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of something in the folder, from a path relative to it such as `2026/november.md`.
    ///
    /// ```
    /// use toolbay_sdk::Mount;
    ///
    /// let vault = Mount::at("/vault");
    /// assert_eq!(vault.join("2026/november.md")?, std::path::Path::new("/vault/2026/november.md"));
    /// for outside in ["/etc/passwd", "../x", "a/../../x", "a\\..\\x", "", "a//b", "."] {
    ///     assert!(vault.join(outside).is_err());
    /// }
    /// # Ok::<(), toolbay_sdk::ToolError>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` if it is absolute, if a part of it is empty, `.` or `..`, or if there is a `\` or a NUL in it. So each thing has one spelling,
    /// and none leads out. The sandbox holds without this; here it is a sentence that a model can act on.
    pub fn join(&self, relative: &str) -> Result<PathBuf, ToolError> {
        let refuse = |why: &str| {
            let said = relative.escape_debug();
            Err(ToolError::validation(format!("the path `{said}` {why}")))
        };
        if relative.is_empty() {
            return Err(ToolError::validation(
                "the path is empty; name something in the folder, such as `2026/november.md`",
            ));
        }
        if relative.starts_with('/') {
            return refuse("is absolute; name what is in the folder without a `/` before it");
        }
        if relative.contains('\\') {
            return refuse("has a `\\` in it; put `/` between its parts");
        }
        if relative.contains('\0') {
            return refuse("has a NUL in it");
        }
        let mut path = self.path.clone();
        for part in relative.split('/') {
            match part {
                "" => {
                    return refuse(
                        "has an empty part; put one `/` between its parts and none at its end",
                    );
                }
                "." | ".." => {
                    return refuse(
                        "has a part `.` or `..`; name it as seen from the folder itself",
                    );
                }
                // `C:` and the like are the beginning of another path on Windows.
                _ if cfg!(windows) && part.contains(':') => return refuse("has a `:` in it"),
                part => path.push(part),
            }
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_refused_say_why() {
        let mount = Mount::at("/vault");
        let paths = [
            "", "/", "/a", "a/", "a//b", ".", "a/./b", "..", "a/..", "a\\b", "a\0b",
        ];
        let said = paths.map(|path| mount.join(path).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @r"
        the path is empty; name something in the folder, such as `2026/november.md`
        the path `/` is absolute; name what is in the folder without a `/` before it
        the path `/a` is absolute; name what is in the folder without a `/` before it
        the path `a/` has an empty part; put one `/` between its parts and none at its end
        the path `a//b` has an empty part; put one `/` between its parts and none at its end
        the path `.` has a part `.` or `..`; name it as seen from the folder itself
        the path `a/./b` has a part `.` or `..`; name it as seen from the folder itself
        the path `..` has a part `.` or `..`; name it as seen from the folder itself
        the path `a/..` has a part `.` or `..`; name it as seen from the folder itself
        the path `a\\b` has a `\` in it; put `/` between its parts
        the path `a\0b` has a NUL in it
        ");
    }

    #[test]
    fn names_that_only_look_dangerous_are_taken() {
        let mount = Mount::at("/vault");
        for path in ["...", "..a", "a..b/c", "~", "-rf", "ä b", "%2e%2e"] {
            assert_eq!(
                mount.join(path).unwrap(),
                Path::new("/vault").join(path),
                "{path}"
            );
        }
    }

    #[test]
    fn outside_the_sandbox_there_is_none() {
        insta::assert_snapshot!(mount("vault").unwrap_err(), @"there is no mount `vault` outside the sandbox; a test takes a folder with `Mount::at`");
    }
}
