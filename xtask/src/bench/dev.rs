//! The author's loop: `toolbay dev` beside a running host, from saving a source to the new answer, and what of that is cargo's. Sources that do not
//! build are saved in between, and a client calls all the while: an answer that is lost or wrong ends the run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use toolbay_build::process::{self, program};

use super::Bench;
use super::calls::milliseconds;
use super::report::{Goal, OURS, Unit};
use super::server::{Server, Streams};
use super::wire::{Era, result};
use crate::terminal::{dim, note};

const GROUP: &str = "toolbay dev, a component of about 250 KB";
const LIMIT: Duration = Duration::from_secs(300);
const NAME: &str = "rounds";
/// Between two calls.
const PAUSE: Duration = Duration::from_millis(2);

/// What `toolbay dev` said of one build.
struct Published {
    cargo: f64,
    compile: f64,
    publish: f64,
}

pub(super) fn dev(bench: &mut Bench<'_>) -> Result<()> {
    let place = bench.places.target.join("bench/dev");
    let first = first_number();
    let source = scaffold(bench, &place, first)?;
    let folder = place.join("plugins");
    let mut developer = Developer::start(bench, &place, &folder)?;
    developer.published()?;
    let mut server = Server::open(
        &bench.folders.host(&folder, "rounds_"),
        Streams::Pipes,
        Era::Legacy,
    )?;
    server.count_tools()?;
    let saves = bench.scale(10, 100);
    let (mut calls, mut broken) = (0_u64, 0_u64);
    for save in first + 1..=first + saves {
        if save % 4 == 0 {
            write(&source, &code("{{", save))?;
            while !developer.said("goes on answering")? {
                calls += 1;
                expect(number(&mut server)?, save - 1, save)?;
            }
            broken += 1;
        }
        write(&source, &code("{", save))?;
        let saved = Instant::now();
        loop {
            calls += 1;
            let answer = number(&mut server)?;
            expect(answer, save - 1, save)?;
            if answer == save {
                break;
            }
            if saved.elapsed() > LIMIT {
                bail!("build {save} does not answer");
            }
        }
        let total = milliseconds(saved.elapsed());
        let published = developer.published()?;
        let mut add = |name: &str, goal, value| {
            bench
                .report
                .add(GROUP, name, (Unit::Milliseconds, goal), OURS, value);
        };
        add("save to the new answer", Goal::None, total);
        add("of it cargo", Goal::None, published.cargo);
        add("of it ours", Goal::AtMost(150.0), total - published.cargo);
        add("  compile and check", Goal::None, published.compile);
        add("  publish", Goal::None, published.publish);
        add(
            "  notice the save, notice and take in the build",
            Goal::None,
            total - published.cargo - published.compile - published.publish,
        );
    }
    server.stop()?;
    let size = fs::metadata(folder.join("rounds.wasm"))?.len();
    note(&dim(&format!(
        "{saves} saves and {broken} that do not build, {calls} calls answered, none lost; the component has {size} bytes"
    )));
    Ok(())
}

/// A crate of its own, with the SDK of this repository; gives its source.
fn scaffold(bench: &Bench<'_>, place: &Path, first: usize) -> Result<PathBuf> {
    if place.exists() {
        fs::remove_dir_all(place)?;
    }
    fs::create_dir_all(place.join("plugins"))?;
    let mut new = program(bench.places.host());
    new.current_dir(place)
        .args(["new", NAME, "--sdk"])
        .arg(bench.places.root.join("sdk"));
    process::run_quietly(&mut new, LIMIT)?;
    let folder = place.join(NAME);
    fs::remove_dir_all(folder.join("tests"))?;
    fs::write(folder.join("plugin.toml"), "[plugin]\nname = \"rounds\"\n")?;
    let source = folder.join("src/lib.rs");
    write(&source, &code("{", first))?;
    Ok(source)
}

/// Where a run begins to count, so that no other has left compiled code of the same builds in the cache.
fn first_number() -> usize {
    /// More than one run has saves; and what is counted to stays a `u32`.
    const STEP: u64 = 200;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs());
    usize::try_from(seconds % (u64::from(u32::MAX) / STEP - 1) * STEP).unwrap_or(0) + 1
}

fn code(brace: &str, number: usize) -> String {
    format!(
        "use toolbay_sdk::prelude::*;\n\n/// Tells which build this is and returns its number.\n#[tool]\nfn number() -> u32 {brace}\n    {number}\n}}\n\nplugin!(number);\n"
    )
}

/// As careful editors do it: whole, under another name, then renamed.
fn write(source: &Path, text: &str) -> Result<()> {
    let beside = source.with_extension("tmp");
    fs::write(&beside, text)?;
    Ok(fs::rename(&beside, source)?)
}

fn expect(answer: usize, one: usize, other: usize) -> Result<()> {
    if answer != one && answer != other {
        bail!("the answer is {answer}, neither {one} nor {other}");
    }
    Ok(())
}

/// One call, at the pace of a busy client rather than of a load test, which would leave the compilers no processor.
fn number(server: &mut Server) -> Result<usize> {
    thread::sleep(PAUSE);
    let id = server.new_id();
    let call = super::wire::request(
        Era::Legacy,
        id,
        "tools/call",
        r#""name":"rounds_number","arguments":{}"#,
    );
    server.send(&call)?;
    let result = result(server.answer_to(id)?)?;
    let number = result.pointer("/structuredContent/result");
    let number = number.and_then(serde_json::Value::as_u64);
    let number = number.with_context(|| format!("a call failed: {result}"))?;
    Ok(usize::try_from(number)?)
}

/// A running `toolbay dev`.
struct Developer {
    child: Child,
    lines: Receiver<String>,
}

impl Developer {
    fn start(bench: &Bench<'_>, place: &Path, folder: &Path) -> Result<Self> {
        let host = bench.folders.host(folder, "");
        let mut command: Command = program(bench.places.host());
        for (name, value) in &host.environment {
            command.env(name, value);
        }
        let mut child = command
            .arg("dev")
            .arg(place.join(NAME))
            .arg("--into")
            .arg(folder)
            .arg("--install")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().context("stderr is a pipe")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for the next build.
    fn published(&mut self) -> Result<Published> {
        loop {
            let line = self
                .lines
                .recv_timeout(LIMIT)
                .context("`toolbay dev` published nothing")?;
            if line.contains(": published ") {
                return figures(&line).with_context(|| format!("no figures: {line}"));
            }
        }
    }

    /// Whether it has said this by now; what it said before that is passed over.
    fn said(&mut self, text: &str) -> Result<bool> {
        while let Ok(line) = self.lines.try_recv() {
            if line.contains(text) {
                return Ok(true);
            }
        }
        if self.child.try_wait()?.is_some() {
            bail!("`toolbay dev` has ended");
        }
        Ok(false)
    }
}

impl Drop for Developer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `… ; cargo 812 ms, compile 24 ms, publish 0 ms`
fn figures(line: &str) -> Option<Published> {
    let (_, figures) = line.rsplit_once("; ")?;
    let figure = |name: &str| {
        let part = figures.split(", ").find(|part| part.starts_with(name))?;
        part.split(' ').nth(1)?.parse().ok()
    };
    Some(Published {
        cargo: figure("cargo")?,
        compile: figure("compile")?,
        publish: figure("publish")?,
    })
}
