//! The pinned suite: what it lists for a revision, and a run of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use toolbay_build::process::{self, program};

use super::results::Standing;
use crate::client_setup;
use crate::places::Places;
use crate::terminal::note;

/// The suite allows each of its fifty scenarios half a minute; most take none.
const RUN_LIMIT: Duration = Duration::from_secs(15 * 60);
const LIST_LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Suite {
    node: PathBuf,
    script: PathBuf,
}

/// A scenario that a revision's requirements name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) standing: Standing,
}

impl Suite {
    /// Installs what `xtask/conformance/package-lock.json` names, unless it is there.
    pub(super) fn set_up(places: &Places) -> Result<Self> {
        let (node, modules) = client_setup::node(
            &places.root.join("xtask/conformance"),
            &places.conformance().join("suite"),
        )?;
        let script = modules.join("@modelcontextprotocol/conformance/dist/index.js");
        let suite = Self { node, script };
        let version = process::ask(suite.command().arg("--version"))
            .context("the suite does not say its version")?;
        note(&format!("{version}  {}", places.short(&suite.script)));
        Ok(suite)
    }

    fn command(&self) -> Command {
        let mut command = program(&self.node);
        command.arg(&self.script).env("NO_COLOR", "1");
        command
    }

    /// What a server has to pass, and what is run beside it.
    pub(super) fn list(&self, revision: &str) -> Result<Vec<Listed>> {
        let mut list = self.command();
        list.args(["list", "--requirements", revision]);
        let captured = process::capture(&mut list, LIST_LIMIT)?;
        let listed = parse_list(&captured.stdout);
        if listed.is_empty() {
            bail!(
                "the suite lists nothing for {revision}\n{}{}",
                captured.stdout,
                captured.stderr
            );
        }
        Ok(listed)
    }

    /// Runs a revision's scenarios, or one of them. Each leaves its checks in the folder; how they went is for its reader.
    pub(super) fn run(
        &self,
        url: &str,
        revision: &str,
        scenario: Option<&str>,
        output: &Path,
    ) -> Result<()> {
        let mut run = self.command();
        run.args(["server", "--url", url, "--output-dir"])
            .arg(output);
        match scenario {
            None => run.args(["--requirements", revision]),
            // Extensions are on no revision's own list.
            Some(name) => run.args(["--scenario", name, "--spec-version", revision, "--force"]),
        };
        let captured = process::capture(&mut run, RUN_LIMIT)?;
        fs::write(
            output.join("suite.log"),
            format!("{}{}", captured.stdout, captured.stderr),
        )?;
        // 1 is also what a failed scenario ends with.
        if !matches!(captured.status.code(), Some(0 | 1)) {
            bail!(
                "the suite ended with {}\n{}",
                captured.status,
                captured.stderr
            );
        }
        Ok(())
    }
}

/// Reads what `conformance list --requirements REVISION` prints.
fn parse_list(text: &str) -> Vec<Listed> {
    let mut listed = Vec::new();
    let mut standing = None;
    let mut in_unscored = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix("- ") {
            let name = if in_unscored {
                name.strip_suffix(" [server]")
            } else {
                Some(name)
            };
            if let (Some(name), Some(standing)) = (name, &standing) {
                listed.push(Listed {
                    name: name.to_owned(),
                    standing: Standing::clone(standing),
                });
            }
        } else if trimmed.starts_with("Server scenarios") {
            standing = Some(Standing::Required);
        } else if trimmed.starts_with("Client scenarios") {
            standing = None;
        } else if trimmed.starts_with("Run and reported") {
            in_unscored = true;
            standing = None;
        } else if let Some((reason, _count)) = trimmed.split_once(" (")
            && in_unscored
        {
            standing = Some(Standing::NotScored(reason.to_owned()));
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_scenarios_are_read_with_their_standing() {
        let text = "Required for 2025-11-25 (48 scenarios, frozen; run at the 2025-11-25 wire):\n\n\
            Server scenarios (test against a server):\n  - ping\n  - tools-list\n\n\
            Client scenarios (test against a client):\n  - initialize\n\n\
            Run and reported, but never scored:\n  extension (2):\n    - auth/dpop [client]\n    - tasks-lifecycle [server]\n\
            \x20 pending (1):\n    - server-sse-polling [server]\n\n";
        let expected = [
            ("ping", Standing::Required),
            ("tools-list", Standing::Required),
            (
                "tasks-lifecycle",
                Standing::NotScored("extension".to_owned()),
            ),
            (
                "server-sse-polling",
                Standing::NotScored("pending".to_owned()),
            ),
        ];
        let listed: Vec<_> = parse_list(text)
            .into_iter()
            .map(|one| (one.name, one.standing))
            .collect();
        assert_eq!(
            listed,
            expected.map(|(name, standing)| (name.to_owned(), standing))
        );
    }
}
