//! Debian's package tools: installing packages, and fetching one package from another release of Debian.
//!
//! Which mirror to ask is the machine's own configuration's business: nothing here names a host.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, program};

const UPDATE_LIMIT: Duration = Duration::from_secs(180);
const INSTALL_LIMIT: Duration = Duration::from_secs(20 * 60);
const FETCH_LIMIT: Duration = Duration::from_secs(90);

pub(crate) fn is_there() -> bool {
    process::ask(program("apt-get").arg("--version")).is_some()
}

/// What a person would type to install these packages.
pub(crate) fn install_command(packages: &[String]) -> String {
    let sudo = if is_root() { "" } else { "sudo " };
    format!(
        "{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Runs what [`install_command`] says, visibly.
pub(crate) fn install(packages: &[String]) -> Result<()> {
    // What a person reads goes to standard error: standard output may be for data.
    process::run(as_root().arg("update").stdout(io::stderr()), UPDATE_LIMIT)?;
    process::run(
        as_root()
            .stdout(io::stderr())
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
        INSTALL_LIMIT,
    )
}

/// Downloads one package of another release into `into` and unpacks it there, without installing it.
pub(crate) fn fetch_and_unpack(package: &str, release: &str, into: &Path) -> Result<()> {
    let archive = Archive::of_this_machine()?;
    let work = into.join("apt");
    let parts = work.join("sources");
    for folder in [
        &parts,
        &work.join("lists/partial"),
        &work.join("cache/archives/partial"),
    ] {
        fs::create_dir_all(folder)?;
    }
    fs::write(parts.join("release.sources"), archive.source_list(release))?;
    let apt_get = || {
        let mut command = program("apt-get");
        command
            .current_dir(&work)
            .env("DEBIAN_FRONTEND", "noninteractive");
        for (option, value) in [
            ("Dir::Etc::SourceList", Path::new("/dev/null")),
            ("Dir::Etc::SourceParts", &parts),
            ("Dir::State::Lists", &work.join("lists")),
            ("Dir::Cache", &work.join("cache")),
        ] {
            command
                .arg("-o")
                .arg(format!("{option}={}", value.display()));
        }
        command
    };
    process::run_quietly(apt_get().arg("update"), FETCH_LIMIT)?;
    process::run_quietly(apt_get().args(["download", package]), FETCH_LIMIT)?;
    let file = downloaded(&work)?;
    process::run_quietly(program("dpkg").arg("-x").arg(&file).arg(into), FETCH_LIMIT)?;
    // The lists are twenty times the size of what they were needed for.
    fs::remove_dir_all(&work)?;
    Ok(())
}

fn downloaded(folder: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            return Ok(path);
        }
    }
    bail!("apt-get download left no package")
}

fn as_root() -> Command {
    let mut command = if is_root() {
        program("apt-get")
    } else {
        let mut command = program("sudo");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Where this machine gets its own release of Debian from.
#[derive(Debug, PartialEq, Eq)]
struct Archive {
    uri: String,
    signed_by: Option<String>,
}

impl Archive {
    fn of_this_machine() -> Result<Self> {
        let os_release =
            fs::read_to_string("/etc/os-release").context("/etc/os-release cannot be read")?;
        let field = |name: &str| {
            os_release
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(|value| value.trim_matches('"').to_owned())
        };
        if field("ID").as_deref() != Some("debian") {
            bail!("this is not Debian");
        }
        let codename = field("VERSION_CODENAME").context("/etc/os-release names no release")?;
        let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
        if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
            files.extend(entries.flatten().map(|entry| entry.path()));
        }
        files.sort();
        files
            .iter()
            .filter_map(|file| {
                let text = fs::read_to_string(file).ok()?;
                match file.extension()?.to_str()? {
                    "list" => Self::in_one_line_format(&text, &codename),
                    "sources" => Self::in_deb822(&text, &codename),
                    _ => None,
                }
            })
            .next()
            .with_context(|| format!("no source list in /etc/apt names {codename}"))
    }

    /// `deb [signed-by=FILE] URI SUITE COMPONENT…`
    fn in_one_line_format(text: &str, suite: &str) -> Option<Self> {
        text.lines().find_map(|line| {
            let rest = line.trim().strip_prefix("deb")?;
            let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
            let (options, rest) = match rest.strip_prefix('[') {
                Some(bracketed) => bracketed.split_once(']')?,
                None => ("", rest),
            };
            let mut words = rest.split_whitespace();
            let uri = words.next()?.to_owned();
            if words.next()? != suite || !words.any(|component| component == "main") {
                return None;
            }
            let signed_by = options
                .split_whitespace()
                .find_map(|option| option.strip_prefix("signed-by="))
                .map(str::to_owned);
            Some(Self { uri, signed_by })
        })
    }

    /// Paragraphs of `Field: value`, as apt writes them since Debian 12.
    fn in_deb822(text: &str, suite: &str) -> Option<Self> {
        let uncommented: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        uncommented
            .split(|line| line.trim().is_empty())
            .find_map(|paragraph| {
                let field = |name: &str| {
                    paragraph.iter().find_map(|line| {
                        let (key, value) = line.split_once(':')?;
                        key.eq_ignore_ascii_case(name).then(|| value.trim())
                    })
                };
                let lists = |name: &str, wanted: &str| {
                    field(name)
                        .is_some_and(|value| value.split_whitespace().any(|word| word == wanted))
                };
                let enabled =
                    field("Enabled").is_none_or(|value| value.eq_ignore_ascii_case("yes"));
                if !enabled
                    || !lists("Types", "deb")
                    || !lists("Suites", suite)
                    || !lists("Components", "main")
                {
                    return None;
                }
                Some(Self {
                    uri: field("URIs")?.split_whitespace().next()?.to_owned(),
                    // A key written out in the list itself starts on the next line: then apt's own keys must do.
                    signed_by: field("Signed-By")
                        .filter(|value| !value.is_empty())
                        .map(str::to_owned),
                })
            })
    }

    fn source_list(&self, release: &str) -> String {
        let signed_by = match &self.signed_by {
            Some(keys) => format!("Signed-By: {keys}\n"),
            None => String::new(),
        };
        // Without `Targets`, apt also fetches what only a graphical package browser reads.
        format!(
            "Types: deb\nURIs: {}\nSuites: {release}\nComponents: main\nTargets: Packages\n{signed_by}",
            self.uri
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(uri: &str, signed_by: Option<&str>) -> Archive {
        Archive {
            uri: uri.to_owned(),
            signed_by: signed_by.map(str::to_owned),
        }
    }

    #[test]
    fn the_archive_is_found_in_one_line_lists() {
        let cases = [
            (
                "deb http://mirror.test/debian bookworm main",
                Some(archive("http://mirror.test/debian", None)),
            ),
            (
                "# deb http://old.test/debian bookworm main\n\
                 deb http://mirror.test/security bookworm-security main\n\
                 deb [arch=amd64 signed-by=/keys.gpg] http://mirror.test/debian bookworm contrib main",
                Some(archive("http://mirror.test/debian", Some("/keys.gpg"))),
            ),
            ("deb-src http://mirror.test/debian bookworm main", None),
            ("deb http://mirror.test/debian bookworm contrib", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Archive::in_one_line_format(text, "bookworm"),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn the_archive_is_found_in_deb822_lists() {
        let security = "Types: deb\nURIs: http://mirror.test/security\nSuites: bookworm-security\nComponents: main\n";
        let own = "Types: deb deb-src\n# a comment\nURIs: http://mirror.test/debian http://second.test\n\
                   Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /keys.gpg\n";
        assert_eq!(
            Archive::in_deb822(&format!("{security}\n{own}"), "bookworm"),
            Some(archive("http://mirror.test/debian", Some("/keys.gpg")))
        );
        assert_eq!(
            Archive::in_deb822(&format!("Enabled: no\n{own}"), "bookworm"),
            None
        );
        assert_eq!(Archive::in_deb822(security, "bookworm"), None);
    }

    #[test]
    fn another_release_is_asked_of_the_same_archive() {
        assert_eq!(
            archive("http://mirror.test/debian", Some("/keys.gpg")).source_list("trixie"),
            "Types: deb\nURIs: http://mirror.test/debian\nSuites: trixie\nComponents: main\nTargets: Packages\n\
             Signed-By: /keys.gpg\n"
        );
    }
}
