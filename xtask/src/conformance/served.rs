//! The host under test: what it serves, what it is granted, and a process of it that listens on HTTP.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use toolbay_build::process;

use super::bridge::Launch;
use crate::places::Places;
use crate::terminal::note;

/// Reading manifests, and compiling what a first call needs on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
/// The host answers before it compiles anything.
const START_LIMIT: Duration = Duration::from_secs(60);

pub(super) struct Stage {
    /// Where all runs leave what was said.
    pub(super) folder: PathBuf,
    host: Launch,
    plugins: PathBuf,
    policy: PathBuf,
}

/// A host that serves HTTP. Dropping it ends it.
pub(super) struct HttpHost {
    pub(super) url: String,
    child: Child,
}

impl Stage {
    /// Lists the plugins, grants all that they ask for, and calls one, so that no scenario waits for a compiler.
    pub(super) fn new(places: &Places, plugins: &Path) -> Result<Self> {
        let folder = places.conformance();
        for old in ["state", "config"] {
            let old = folder.join(old);
            if old.exists() {
                fs::remove_dir_all(old)?;
            }
        }
        fs::create_dir_all(&folder)?;
        let environment = [
            ("TOOLBAY_STATE_DIR", "state"),
            ("TOOLBAY_CONFIG_DIR", "config"),
            // Stays from run to run.
            ("TOOLBAY_CACHE_DIR", "cache"),
        ];
        let stage = Self {
            host: Launch {
                program: places.host(),
                arguments: Vec::new(),
                environment: environment
                    .map(|(name, part)| (name, folder.join(part)))
                    .into(),
                log: folder.join("set-up.log"),
            },
            plugins: plugins.to_path_buf(),
            policy: folder.join("policy.toml"),
            folder,
        };
        let listed = stage.list()?;
        fs::write(&stage.policy, policy(&names(&listed, "/name")))?;
        stage.warm_up(&listed)?;
        Ok(stage)
    }

    /// What is loaded from the folder.
    fn list(&self) -> Result<Vec<Value>> {
        let mut list = self.host.command();
        list.args(["list", "--json"]).arg(&self.plugins);
        let captured = process::capture(&mut list, LIMIT)?;
        let found: Value = serde_json::from_str(&captured.stdout)
            .with_context(|| format!("`toolbay list` gave no JSON: {}", captured.stderr))?;
        match found.get("plugins").and_then(Value::as_array) {
            Some(plugins) if !plugins.is_empty() => {
                let names = names(plugins, "/name").join(", ");
                note(&format!("plugins: {names}  {}", self.plugins.display()));
                Ok(plugins.clone())
            }
            _ => bail!(
                "no plugin is loaded from {}\n{}{}\nhint: build them with `cargo xtask conformance` without --no-build",
                self.plugins.display(),
                captured.stdout,
                captured.stderr
            ),
        }
    }

    /// Whatever the call comes to, its plugin is compiled then.
    fn warm_up(&self, plugins: &[Value]) -> Result<()> {
        for tool in names(plugins, "/tools/0/name") {
            let mut call = self.host.command();
            call.args(["call", tool, "--policy"])
                .arg(&self.policy)
                .arg("--dir")
                .arg(&self.plugins);
            process::capture(&mut call, LIMIT)?;
        }
        Ok(())
    }

    /// The host on pipes.
    pub(super) fn launch(&self, log: PathBuf) -> Launch {
        Launch {
            arguments: vec![
                "serve".into(),
                (&self.plugins).into(),
                "--policy".into(),
                (&self.policy).into(),
            ],
            log,
            ..self.host.clone()
        }
    }

    /// The host on a port that it chooses.
    pub(super) fn serve_http(&self, log: PathBuf) -> Result<HttpHost> {
        let launch = self.launch(log);
        let mut child = launch
            .command()
            .args(["--http", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("the host does not start")?;
        let stderr = child.stderr.take().context("the host has no stderr")?;
        let mut host = HttpHost {
            url: String::new(),
            child,
        };
        match watch(stderr, launch.log()?).recv_timeout(START_LIMIT) {
            Ok(url) => {
                host.url = url;
                Ok(host)
            }
            Err(_) => bail!(
                "it does not say where it listens\n{}",
                fs::read_to_string(&launch.log)?
            ),
        }
    }
}

impl Drop for HttpHost {
    fn drop(&mut self) {
        // One that has ended by itself is no concern.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands at a place in each of these.
fn names<'a>(plugins: &'a [Value], place: &str) -> Vec<&'a str> {
    plugins
        .iter()
        .filter_map(|plugin| plugin.pointer(place)?.as_str())
        .collect()
}

/// A policy that grants these plugins whatever they ask for.
fn policy(plugins: &[&str]) -> String {
    let mut text = String::from("version = 1\n");
    for plugin in plugins {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n[[grant]]\nplugin = \"{plugin}\"\neverything = true\n"
        );
    }
    text
}

/// Copies what the host says into its log, and tells the address when it comes.
fn watch(stderr: ChildStderr, mut log: File) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // A log that cannot be written is no reason to stop.
            let _ = writeln!(log, "{line}");
            if let Some(url) = address(&line) {
                let _ = tell.send(url);
            }
        }
    });
    told
}

/// The `http://127.0.0.1:PORT/mcp` in a line.
fn address(line: &str) -> Option<String> {
    let (_, from) = line.split_once("http://")?;
    let (authority, _) = from.split_once("/mcp")?;
    let (_, port) = authority.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    Some(format!("http://127.0.0.1:{port}/mcp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_whatever_stands_around_it() {
        for (line, expected) in [
            (
                "serving on http://127.0.0.1:4123/mcp",
                Some("http://127.0.0.1:4123/mcp"),
            ),
            (
                "INFO toolbay: url=\"http://127.0.0.1:9/mcp\" x",
                Some("http://127.0.0.1:9/mcp"),
            ),
            ("see https://example.com/mcp", None),
            ("nothing", None),
        ] {
            assert_eq!(address(line).as_deref(), expected, "{line}");
        }
    }
}
