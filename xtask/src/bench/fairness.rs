//! A light tool beside hostile ones: what it notices of them, and how they end.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Bench;
use super::calls::{latency, milliseconds, one_by_one};
use super::report::{Goal, Unit};
use super::server::{Contestant, Server, Streams};
use super::start::megabytes;
use super::wire::{Calls, Era, answered_id, check_sum, shown};

const GROUP: &str = "beside hostile plugins";

/// Ten ways to misbehave; every tool has a deadline of 300 ms to 5 s.
const HOSTILE: [&str; 10] = [
    "loop_forever",
    "sleep_forever",
    "grow_slowly",
    "recurse",
    "trap",
    "panic",
    "exit_one",
    "huge_text",
    "invalid_json",
    HARMLESS,
];
/// What it floods is thrown away, so it may come to its end.
const HARMLESS: &str = "flood_stdout";
const CALLS: usize = 200;
/// The deadline that `hostile_loop_forever` declares.
const LOOP_DEADLINE: Duration = Duration::from_millis(300);
/// The guests that were stopped are cleared away after their callers have been answered.
const SETTLING: Duration = Duration::from_secs(2);
/// What a crowd of guests has used is given back a few seconds after it has passed.
const GIVING_BACK: Duration = Duration::from_secs(10);

pub(super) fn fairness(bench: &mut Bench<'_>) -> Result<()> {
    let contestant = bench.folders.host(&bench.folders.mixed, "bench_");
    beside_loops(bench, &contestant)?;
    overshoot(bench, &contestant)?;
    storm(bench, &contestant)
}

/// A light tool alone, and beside two loops that go on for longer than the measurement.
fn beside_loops(bench: &mut Bench<'_>, contestant: &Contestant) -> Result<()> {
    let count = bench.scale(3_000, 10_000);
    let add = contestant.tool("add");
    let mut server = Server::open(contestant, Streams::Pipes, Era::Legacy)?;
    server.count_tools()?;
    one_by_one(&mut server, &add, 500)?;
    let alone = one_by_one(&mut server, &add, count)?;
    let hostile = Calls::new(Era::Legacy, "hostile_loop_for_an_hour");
    let mut line = Vec::new();
    for _ in 0..2 {
        let id = server.new_id();
        hostile.write(&mut line, id, b"");
    }
    server.send(&line)?;
    // Whatever the two do when they start is over after these.
    one_by_one(&mut server, &add, 500)?;
    let beside = one_by_one(&mut server, &add, count)?;
    for (name, value, unit, goal) in [
        (
            "light tool alone, p50",
            alone.p50,
            Unit::Microseconds,
            Goal::None,
        ),
        (
            "light tool alone, p99",
            alone.p99,
            Unit::Microseconds,
            Goal::None,
        ),
        (
            "beside two endless loops, p50",
            beside.p50,
            Unit::Microseconds,
            Goal::None,
        ),
        (
            "beside two endless loops, p99",
            beside.p99,
            Unit::Microseconds,
            Goal::None,
        ),
        (
            "p99 beside two endless loops / alone",
            beside.p99 / alone.p99,
            Unit::Times,
            Goal::AtMost(5.0),
        ),
    ] {
        bench
            .report
            .add(GROUP, name, (unit, goal), contestant.name, value);
    }
    // The loops are under way still: the end of input has to end them.
    let start = Instant::now();
    server.stop()?;
    bench.report.add(
        GROUP,
        "exit at the end of input with two endless loops",
        (Unit::Milliseconds, Goal::None),
        contestant.name,
        milliseconds(start.elapsed()),
    );
    Ok(())
}

/// How long after its deadline an endless loop is answered for.
fn overshoot(bench: &mut Bench<'_>, contestant: &Contestant) -> Result<()> {
    let mut server = Server::open(contestant, Streams::Pipes, Era::Legacy)?;
    server.count_tools()?;
    let calls = Calls::new(Era::Legacy, "hostile_loop_forever");
    let mut samples = Vec::new();
    let mut line = Vec::new();
    for round in 0..=bench.scale(10, 20) {
        let id = server.new_id();
        line.clear();
        calls.write(&mut line, id, b"");
        let start = Instant::now();
        server.send(&line)?;
        let answer = server.answer_to(id)?;
        let took = start.elapsed();
        check_failure(answer)?;
        // The first call loads the plugin within its time.
        if round > 0 {
            samples.push(milliseconds(took) - milliseconds(LOOP_DEADLINE));
        }
    }
    server.stop()?;
    let latency = latency(&mut samples)?;
    for (name, value) in [("median", latency.p50), ("slowest", latency.p99)] {
        bench.report.add(
            GROUP,
            &format!("an endless loop past its deadline, {name}"),
            (Unit::Milliseconds, Goal::AtMost(20.0)),
            contestant.name,
            value,
        );
    }
    Ok(())
}

/// Two hundred hostile calls of ten kinds at once, and light calls one after the other until the last of them is answered.
fn storm(bench: &mut Bench<'_>, contestant: &Contestant) -> Result<()> {
    let mut server = Server::open(contestant, Streams::Pipes, Era::Legacy)?;
    server.count_tools()?;
    let add = contestant.tool("add");
    let alone = one_by_one(&mut server, &add, bench.scale(2_000, 5_000))?;
    // Each kind once, and alone: what loading the plugin takes is no part of what a crowd leaves behind.
    let (mut light, mut waiting) = (Vec::new(), HashMap::new());
    for kind in HOSTILE {
        send_hostile(&mut server, &[kind], 1, &mut waiting)?;
        call_beside(&mut server, &add, &mut waiting, &mut light)?;
    }
    thread::sleep(SETTLING);
    let before = megabytes(server.resident()?);

    light.clear();
    let start = Instant::now();
    send_hostile(&mut server, &HOSTILE, CALLS, &mut waiting)?;
    call_beside(&mut server, &add, &mut waiting, &mut light)?;
    let took = start.elapsed();
    let at_the_end = megabytes(server.resident()?);
    thread::sleep(GIVING_BACK);
    let after = megabytes(server.resident()?);
    // A host that keeps a little of each crowd is found out by a second one.
    send_hostile(&mut server, &HOSTILE, CALLS, &mut waiting)?;
    call_beside(&mut server, &add, &mut waiting, &mut light)?;
    thread::sleep(GIVING_BACK);
    let again = megabytes(server.resident()?);
    server.stop()?;

    let beside = latency(&mut light)?;
    for (name, value, unit, goal) in [
        (
            "200 hostile calls of ten kinds, all answered",
            milliseconds(took),
            Unit::Milliseconds,
            Goal::None,
        ),
        (
            "light tool beside them, p50",
            beside.p50,
            Unit::Microseconds,
            Goal::None,
        ),
        (
            "light tool beside them, p99",
            beside.p99,
            Unit::Microseconds,
            Goal::None,
        ),
        (
            "p99 beside them / alone",
            beside.p99 / alone.p99,
            Unit::Times,
            Goal::None,
        ),
        ("memory before", before, Unit::Megabytes, Goal::None),
        (
            "memory at their end",
            at_the_end,
            Unit::Megabytes,
            Goal::None,
        ),
        ("memory 10 s later", after, Unit::Megabytes, Goal::None),
        (
            "memory 10 s after another 200",
            again,
            Unit::Megabytes,
            Goal::None,
        ),
        (
            "memory 10 s later against before",
            (after.max(again) / before - 1.0) * 100.0,
            Unit::Percent,
            Goal::AtMost(10.0),
        ),
    ] {
        bench
            .report
            .add(GROUP, name, (unit, goal), contestant.name, value);
    }
    Ok(())
}

/// Sends hostile calls, each of the kinds in turn, in one write.
fn send_hostile(
    server: &mut Server,
    kinds: &[&'static str],
    count: usize,
    waiting: &mut HashMap<u64, &'static str>,
) -> Result<()> {
    let mut lines = Vec::new();
    for kind in kinds.iter().copied().cycle().take(count) {
        let id = server.new_id();
        Calls::new(Era::Legacy, &format!("hostile_{kind}")).write(&mut lines, id, b"");
        waiting.insert(id, kind);
    }
    server.send(&lines)
}

/// Calls the light tool again and again until nothing hostile waits any more. Every answer is taken once, and every light one is
/// right.
fn call_beside(
    server: &mut Server,
    tool: &str,
    waiting: &mut HashMap<u64, &'static str>,
    samples: &mut Vec<f64>,
) -> Result<()> {
    let calls = Calls::new(Era::Legacy, tool);
    let mut line = Vec::new();
    while !waiting.is_empty() {
        let id = server.new_id();
        line.clear();
        calls.write_add(&mut line, id);
        let start = Instant::now();
        server.send(&line)?;
        loop {
            let answer = server.next_answer()?;
            if answered_id(answer) == Some(id) {
                samples.push(super::calls::microseconds(start.elapsed()));
                check_sum(answer, id)?;
                break;
            }
            let answered = answered_id(answer).and_then(|id| waiting.remove(&id));
            let kind = answered.context("an answer that nobody waits for")?;
            if kind != HARMLESS {
                check_failure(answer).with_context(|| format!("hostile_{kind}"))?;
            }
        }
    }
    Ok(())
}

fn check_failure(answer: &[u8]) -> Result<()> {
    if memchr::memmem::find(answer, br#""isError":true"#).is_none() {
        bail!("a hostile call that did not fail: {}", shown(answer));
    }
    Ok(())
}
