//! What a client waits for before its first call, and what the server's memory comes to.

use std::time::Instant;

use anyhow::{Result, bail};

use super::Bench;
use super::calls::{Latency, many_at_once, microseconds, milliseconds, one_by_one, one_call};
use super::folders::MANY;
use super::report::{BASELINE, Goal, Unit};
use super::server::{Contestant, Server, Streams};
use super::wire::{Calls, Era};

const STARTS: &str = "start";
const MEMORY: &str = "resident memory";

/// From the start of the process to the first answers, with a warm cache.
pub(super) fn start(bench: &mut Bench<'_>) -> Result<()> {
    let native = bench.native(BASELINE);
    let one = bench.folders.host(&bench.folders.one, "bench_");
    let many = bench.folders.host(&bench.folders.many, "p0_");
    for _ in 0..bench.scale(5, 15) {
        // The baseline stands beside each row that it is compared in.
        for (contestant, label, tools, goal) in [
            (&one, "1 plugin", 3 + 1, Goal::None),
            (&native, "1 plugin", 2, Goal::None),
            (&many, "100 plugins", 3 * MANY + 1, Goal::AtMostTimes(2.0)),
            (&native, "100 plugins", 2, Goal::None),
        ] {
            one_start(bench, contestant, label, tools, goal)?;
        }
    }
    Ok(())
}

fn one_start(
    bench: &mut Bench<'_>,
    contestant: &Contestant,
    label: &str,
    tools: usize,
    goal: Goal,
) -> Result<()> {
    let mut server = Server::start(contestant, Streams::Pipes, Era::Legacy)?;
    let handshake = server.introduce()?;
    let start = Instant::now();
    let listed = server.count_tools()?;
    let list = start.elapsed();
    if listed != tools {
        bail!("{} lists {listed} tools, not {tools}", contestant.name);
    }
    let calls = Calls::new(Era::Legacy, &contestant.tool("add"));
    let mut line = Vec::new();
    let first = one_call(&mut server, &calls, &mut line)?;
    server.stop()?;
    let rows = [
        ("process start to handshake", milliseconds(handshake), goal),
        ("tools/list after it", milliseconds(list), Goal::None),
        ("first call after that", first / 1e3, Goal::AtMost(3.0)),
    ];
    for (name, value, goal) in rows {
        let name = format!("{name}, {label}");
        bench.report.add(
            STARTS,
            &name,
            (Unit::Milliseconds, goal),
            contestant.name,
            value,
        );
    }
    Ok(())
}

/// With one plugin, and with a hundred of which ten are used.
pub(super) fn memory(bench: &mut Bench<'_>) -> Result<()> {
    for contestant in bench.contestants() {
        let mut server = Server::open(&contestant, Streams::Pipes, Era::Legacy)?;
        server.count_tools()?;
        one_by_one(&mut server, &contestant.tool("add"), 1000)?;
        bench.report.add(
            MEMORY,
            "1 plugin, after 1,000 calls",
            (Unit::Megabytes, Goal::AtMost(25.0)),
            contestant.name,
            megabytes(server.resident()?),
        );
        server.stop()?;
    }
    let contestant = bench.folders.host(&bench.folders.many, "");
    let mut server = Server::open(&contestant, Streams::Pipes, Era::Legacy)?;
    server.count_tools()?;
    bench.report.add(
        MEMORY,
        "100 plugins, none called",
        (Unit::Megabytes, Goal::None),
        contestant.name,
        megabytes(server.resident()?),
    );
    // In turn, as in use: with the calls of one plugin after those of the other its instances would stay warm.
    let mut samples = Vec::new();
    let tools: Vec<Calls> = (0..10)
        .map(|number| Calls::new(Era::Legacy, &format!("p{number}_add")))
        .collect();
    let mut line = Vec::new();
    for _ in 0..1000 {
        for calls in &tools {
            samples.push(one_call(&mut server, calls, &mut line)?);
        }
    }
    bench.report.add(
        MEMORY,
        "100 plugins, 10 called 1,000 times",
        (Unit::Megabytes, Goal::AtMost(60.0)),
        contestant.name,
        megabytes(server.resident()?),
    );
    let Latency { p50, .. } = super::calls::latency(&mut samples)?;
    bench.report.add(
        MEMORY,
        "p50 of these calls, 10 plugins in turn",
        (Unit::Microseconds, Goal::None),
        contestant.name,
        p50,
    );
    server.stop()
}

/// Memory after many calls against memory after the first ten thousand of them.
pub(super) fn growth(bench: &mut Bench<'_>) -> Result<()> {
    let count = bench.scale(20_000, 1_000_000);
    for contestant in bench.contestants() {
        let mut server = Server::open(&contestant, Streams::Pipes, Era::Legacy)?;
        let tool = contestant.tool("add");
        many_at_once(&mut server, &tool, 10_000)?;
        let before = megabytes(server.resident()?);
        many_at_once(&mut server, &tool, count)?;
        let after = megabytes(server.resident()?);
        let rows = [
            (
                "after 10,000 calls".to_owned(),
                before,
                Unit::Megabytes,
                Goal::None,
            ),
            (
                format!("growth over {count} more"),
                (after / before - 1.0) * 100.0,
                Unit::Percent,
                Goal::AtMost(2.0),
            ),
        ];
        for (name, value, unit, goal) in rows {
            bench
                .report
                .add(MEMORY, &name, (unit, goal), contestant.name, value);
        }
        server.stop()?;
    }
    Ok(())
}

/// From the notice that a call is cancelled to the answer of the next one, which needs the place that it held.
pub(super) fn cancellation(bench: &mut Bench<'_>) -> Result<()> {
    cancellation_in(bench, Era::Legacy, "legacy")?;
    cancellation_in(bench, Era::Modern, "modern")
}

fn cancellation_in(bench: &mut Bench<'_>, era: Era, named: &str) -> Result<()> {
    let contestant = bench.folders.host(&bench.folders.one, "bench_");
    let mut server = Server::open(&contestant, Streams::Pipes, era)?;
    server.count_tools()?;
    let spin = Calls::new(era, &contestant.tool("spin"));
    let add = contestant.tool("add");
    let mut line = Vec::new();
    let mut samples = Vec::new();
    for round in 0..bench.scale(10, 30) {
        let endless = server.new_id();
        line.clear();
        spin.write(&mut line, endless, br#""milliseconds":600000"#);
        server.send(&line)?;
        // These answers show that the call before them is under way.
        one_by_one(&mut server, &add, 50)?;
        let next = server.new_id();
        let cancelled = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{endless}}}}}"#
        );
        line.clear();
        line.extend_from_slice(cancelled.as_bytes());
        line.push(b'\n');
        spin.write(&mut line, next, br#""milliseconds":0"#);
        let start = Instant::now();
        server.send(&line)?;
        server.answer_to(next)?;
        // The first call of the tool loads what the later ones find.
        if round > 0 {
            samples.push(microseconds(start.elapsed()));
        }
    }
    let Latency { p50, p99 } = super::calls::latency(&mut samples)?;
    for (name, value) in [("median", p50), ("slowest", p99)] {
        bench.report.add(
            "cancelling an endless loop",
            &format!("notice to the next call's answer, {named}, {name}"),
            (Unit::Milliseconds, Goal::AtMost(50.0)),
            contestant.name,
            value / 1e3,
        );
    }
    server.stop()
}

#[expect(clippy::cast_precision_loss, reason = "the memory of a process")]
pub(super) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
