//! How fast calls are: one after the other, sixteen at once, and with large texts. Every answer is checked.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Bench;
use super::report::{Goal, Unit, quantile};
use super::server::{Contestant, Server, Streams, as_client};
use super::wire::{Calls, Era, answered_id, check_sum, check_text};

pub(super) const IN_FLIGHT: usize = 16;
const WARM_UP: usize = 500;
const MIB: usize = 1024 * 1024;

pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// Both eras, pipes and sockets, on one processor and on all.
pub(super) fn sequential(bench: &mut Bench<'_>) -> Result<()> {
    each_setting(bench, |bench, contestant, streams, era, pinned| {
        let count = bench.scale(2_000, 10_000);
        let latency = as_client(pinned, || {
            let mut server = Server::open(contestant, streams, era)?;
            one_by_one(&mut server, &contestant.tool("add"), WARM_UP)?;
            let latency = one_by_one(&mut server, &contestant.tool("add"), count)?;
            server.stop()?;
            Ok(latency)
        })?;
        let goals = if pinned {
            (Goal::AtMostTimes(0.8), Goal::AtMostTimes(1.0))
        } else {
            (Goal::None, Goal::None)
        };
        let setting = setting(streams, era, pinned);
        for (name, value, goal) in [("p50", latency.p50, goals.0), ("p99", latency.p99, goals.1)] {
            bench.report.add(
                "one call after the other",
                &format!("{name}, {setting}"),
                (Unit::Microseconds, goal),
                contestant.name,
                value,
            );
        }
        Ok(())
    })
}

pub(super) fn in_flight(bench: &mut Bench<'_>) -> Result<()> {
    each_setting(bench, |bench, contestant, streams, era, pinned| {
        let count = bench.scale(10_000, 50_000);
        let rate = as_client(pinned, || {
            let mut server = Server::open(contestant, streams, era)?;
            many_at_once(&mut server, &contestant.tool("add"), WARM_UP)?;
            let rate = many_at_once(&mut server, &contestant.tool("add"), count)?;
            server.stop()?;
            Ok(rate)
        })?;
        let goal = if pinned {
            Goal::None
        } else {
            Goal::AtLeastTimes(2.0)
        };
        bench.report.add(
            "calls per second, 16 in flight",
            &setting(streams, era, pinned),
            (Unit::PerSecond, goal),
            contestant.name,
            rate,
        );
        Ok(())
    })
}

/// A text there and back, one after the other. The longest line that either server takes has 16 MiB.
pub(super) fn large(bench: &mut Bench<'_>) -> Result<()> {
    let sizes = [
        ("1 MiB", MIB, bench.scale(20, 60)),
        ("16 MiB", 16 * MIB - 4096, bench.scale(3, 8)),
    ];
    for streams in Streams::BOTH {
        for contestant in bench.contestants() {
            for (name, bytes, count) in sizes {
                let rate = as_client(false, || {
                    let mut server = Server::open(&contestant, streams, Era::Legacy)?;
                    let rate = echoes(&mut server, &contestant.tool("echo"), bytes, count)?;
                    server.stop()?;
                    Ok(rate)
                })?;
                bench.report.add(
                    "echo, bytes in and out",
                    &format!("{name}, {}", streams.name()),
                    (Unit::MegabytesPerSecond, Goal::AtLeastTimes(0.8)),
                    contestant.name,
                    rate,
                );
            }
        }
    }
    Ok(())
}

fn setting(streams: Streams, era: Era, pinned: bool) -> String {
    let processors = if pinned { "one CPU" } else { "all CPUs" };
    format!("{}, {}, {processors}", streams.name(), era.name())
}

/// Runs one measurement for each setting and, next to each other, for each contestant.
fn each_setting(
    bench: &mut Bench<'_>,
    mut measure: impl FnMut(&mut Bench<'_>, &Contestant, Streams, Era, bool) -> Result<()>,
) -> Result<()> {
    for pinned in [true, false] {
        for streams in Streams::BOTH {
            for era in Era::BOTH {
                for contestant in bench.contestants() {
                    measure(bench, &contestant, streams, era, pinned).with_context(|| {
                        format!("{}, {}", contestant.name, setting(streams, era, pinned))
                    })?;
                }
            }
        }
    }
    Ok(())
}

/// Calls `add` one time after the other.
pub(super) fn one_by_one(server: &mut Server, tool: &str, count: usize) -> Result<Latency> {
    let calls = Calls::new(server.era(), tool);
    let mut samples = Vec::with_capacity(count);
    let mut line = Vec::new();
    for _ in 0..count {
        samples.push(one_call(server, &calls, &mut line)?);
    }
    latency(&mut samples)
}

/// The time of one call, in microseconds.
pub(super) fn one_call(server: &mut Server, calls: &Calls, line: &mut Vec<u8>) -> Result<f64> {
    let id = server.new_id();
    line.clear();
    calls.write_add(line, id);
    let start = Instant::now();
    server.send(line)?;
    let answer = server.next_answer()?;
    let took = start.elapsed();
    check_sum(answer, id)?;
    Ok(microseconds(took))
}

pub(super) fn latency(samples: &mut [f64]) -> Result<Latency> {
    let p50 = quantile(samples, 0.5).context("nothing was measured")?;
    let p99 = quantile(samples, 0.99).context("nothing was measured")?;
    Ok(Latency { p50, p99 })
}

/// Keeps sixteen calls under way until so many are answered; the answers in a second. What has come is answered with as many
/// new calls, in one write, as a client does that has an event loop.
pub(super) fn many_at_once(server: &mut Server, tool: &str, count: usize) -> Result<f64> {
    let calls = Calls::new(server.era(), tool);
    let mut waiting: Vec<u64> = Vec::with_capacity(IN_FLIGHT);
    let (mut sent, mut answered) = (0, 0);
    let mut lines = Vec::new();
    let start = Instant::now();
    while answered < count {
        lines.clear();
        while waiting.len() < IN_FLIGHT && sent < count {
            let id = server.new_id();
            calls.write_add(&mut lines, id);
            waiting.push(id);
            sent += 1;
        }
        if !lines.is_empty() {
            server.send(&lines)?;
        }
        take_answer(server.next_answer()?, &mut waiting)?;
        answered += 1;
        while let Some(answer) = server.next_answer_if_there() {
            take_answer(answer, &mut waiting)?;
            answered += 1;
        }
    }
    Ok(per_second(count, start.elapsed()))
}

fn take_answer(answer: &[u8], waiting: &mut Vec<u64>) -> Result<()> {
    let id = answered_id(answer).context("an answer without an id")?;
    let at = waiting.iter().position(|waiting| *waiting == id);
    waiting.swap_remove(at.context("an answer that nobody waits for")?);
    check_sum(answer, id)
}

/// Megabytes a second, of what goes in and what comes out.
fn echoes(server: &mut Server, tool: &str, bytes: usize, count: usize) -> Result<f64> {
    let text = text(bytes);
    let arguments = [br#""text":""#.as_slice(), &text, b"\""].concat();
    let calls = Calls::new(server.era(), tool);
    let mut line = Vec::with_capacity(bytes + 4096);
    let mut took = Duration::ZERO;
    // The first one is not counted.
    for round in 0..=count {
        let id = server.new_id();
        line.clear();
        calls.write(&mut line, id, &arguments);
        let start = Instant::now();
        server.send(&line)?;
        let answer = server.next_answer()?;
        if round > 0 {
            took += start.elapsed();
        }
        check_text(answer, id, &text)?;
    }
    Ok(per_second(2 * bytes * count, took) / 1e6)
}

/// Lines of prose as they stand in JSON, with something to escape in each and a letter outside ASCII.
fn text(bytes: usize) -> Vec<u8> {
    const LINE: &str =
        r#"A line of ordinary prose, with a \"quoted\" word, a naïve letter, and its end.\n"#;
    let mut text = LINE.repeat(bytes / LINE.len()).into_bytes();
    text.resize(bytes, b'.');
    text
}

pub(super) fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and bytes of one measurement"
)]
fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
