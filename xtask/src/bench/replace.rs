//! Replacing a plugin under a running host: how long until the new one answers, and whether the old one answered meanwhile.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Bench;
use super::calls::milliseconds;
use super::folders::{place, set, with_manifest};
use super::report::{Goal, Unit};
use super::server::{Server, Streams};
use super::wire::{Era, result};

const GROUP: &str = "replacing a plugin";
const ANSWERS: [&str; 2] = ["Hello, you!", "Good day, you."];
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn replace(bench: &mut Bench<'_>) -> Result<()> {
    let contestant = bench.folders.host(&bench.folders.replaced, "greeter_");
    let path = bench.folders.replaced.join("greeter.wasm");
    let mut server = Server::open(&contestant, Streams::Pipes, Era::Legacy)?;
    server.count_tools()?;
    greet(&mut server)?;
    let mut slowest = 0.0_f64;
    for number in 0..bench.scale(4, 10) {
        // The folder begins with the first build.
        let wanted = (number + 1) % 2;
        let build = bench
            .folders
            .greeters
            .get(wanted)
            .context("there are two builds")?;
        place(&path, &never_compiled(build)?)?;
        let renamed = Instant::now();
        loop {
            let asked = Instant::now();
            let answer = greet(&mut server)?;
            slowest = slowest.max(milliseconds(asked.elapsed()));
            if ANSWERS.get(wanted) == Some(&answer.as_str()) {
                break;
            }
            if !ANSWERS.contains(&answer.as_str()) {
                bail!("neither the old answer nor the new one: {answer}");
            }
            if renamed.elapsed() > LIMIT {
                bail!("the old plugin still answers after {} s", LIMIT.as_secs());
            }
        }
        let took = renamed.elapsed();
        bench.report.add(
            GROUP,
            "rename to the new answer, compile included",
            (Unit::Milliseconds, Goal::AtMost(250.0)),
            contestant.name,
            milliseconds(took),
        );
    }
    bench.report.add(
        GROUP,
        "slowest answer meanwhile",
        (Unit::Milliseconds, Goal::None),
        contestant.name,
        slowest,
    );
    server.stop()?;
    only_compiling(bench)
}

/// The part of it that no host can spare: one compiler run of its own, from a cold cache, beside nothing.
fn only_compiling(bench: &mut Bench<'_>) -> Result<()> {
    let contestant = bench.folders.host(&bench.folders.replaced, "greeter_");
    let path = bench.folders.replaced.join("greeter.wasm");
    for _ in 0..bench.scale(2, 4) {
        let [build, _] = &bench.folders.greeters;
        place(&path, &never_compiled(build)?)?;
        let mut server = Server::open(&contestant, Streams::Pipes, Era::Legacy)?;
        server.count_tools()?;
        let start = Instant::now();
        greet(&mut server)?;
        bench.report.add(
            GROUP,
            "first call to a plugin that was never compiled",
            (Unit::Milliseconds, Goal::None),
            contestant.name,
            milliseconds(start.elapsed()),
        );
        server.stop()?;
    }
    let [build, _] = &bench.folders.greeters;
    place(&path, build)
}

/// The same code and definitions as a version that no cache has seen.
fn never_compiled(build: &[u8]) -> Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    with_manifest(build, |manifest| {
        set(manifest, "/plugin/version", json!(format!("0.1.{now}")))
    })
}

fn greet(server: &mut Server) -> Result<String> {
    let id = server.new_id();
    let call = super::wire::request(
        Era::Legacy,
        id,
        "tools/call",
        r#""name":"greeter_greet","arguments":{"name":"you"}"#,
    );
    server.send(&call)?;
    let result = result(server.answer_to(id)?)?;
    let text = result
        .pointer("/content/0/text")
        .and_then(serde_json::Value::as_str);
    Ok(text.context("an answer without a text")?.to_owned())
}
