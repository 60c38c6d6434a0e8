//! `cargo xtask bench`: the host beside a native server with the same tools, on this machine, in one run.
//!
//! Both are driven by the same client over real pipes and socket pairs, in alternation, for several rounds; every answer is
//! checked. It starts programs and talks to them, and knows nothing of the host's code.

mod calls;
mod fairness;
mod folders;
mod lines;
mod replace;
mod report;
mod server;
mod start;
mod wire;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use self::folders::Folders;
use self::report::{BASELINE, CONTESTANTS, OURS, Report};
use self::server::{Contestant, forget};
use crate::Setup;
use crate::guests;
use crate::places::Places;
use crate::terminal::{self, dim, heading, note};
use toolbay_build::process::{self, BUILD_LIMIT};

#[derive(Args)]
pub(crate) struct Options {
    /// How often everything is measured; the table has the medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measure fewer calls
    #[arg(long)]
    quick: bool,
    /// Where all figures go [default: target/bench.json]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure what is built already
    #[arg(long)]
    no_build: bool,
    #[command(flatten)]
    setup: Setup,
    /// Measure these only
    #[arg(value_enum)]
    only: Vec<Group>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Latency of calls one after the other
    Sequential,
    /// Calls per second with 16 at once
    InFlight,
    /// Handshake, list and first call
    Start,
    /// Resident memory
    Memory,
    /// Resident memory over many calls
    Growth,
    /// Time until a replaced plugin answers
    Replace,
    /// A light tool beside hostile ones
    Fairness,
    /// Large texts there and back
    Large,
    /// Time until a cancelled call has made room
    Cancel,
}

/// One run: what is measured with, and what came out so far.
struct Bench<'a> {
    places: &'a Places,
    folders: Folders,
    report: Report,
    quick: bool,
    round: u32,
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        return run_optimised();
    }
    if !options.no_build {
        build(places, &options.setup)?;
    }
    heading("what is measured");
    let folders = Folders::make(places)?;
    for contestant in CONTESTANTS {
        forget(&folders.log(&format!("{contestant}.log")));
    }
    folders.warm_up()?;
    let mut bench = Bench {
        places,
        folders,
        report: Report::default(),
        quick: options.quick,
        round: 0,
    };
    let load_before = load();
    for round in 0..options.rounds {
        heading(&format!("round {} of {}", round + 1, options.rounds));
        bench.round = round;
        for group in Group::value_variants() {
            if options.only.is_empty() || options.only.contains(group) {
                group.measure(&mut bench)?;
            }
        }
    }
    heading("medians");
    note(&bench.report.table());
    let load_after = load();
    note(&dim(&format!(
        "{} processors; load before {load_before}, after {load_after}",
        processors()
    )));
    let about = json!({
        "processors": processors(),
        "load_before": load_before,
        "load_after": load_after,
        "rounds": options.rounds,
        "quick": options.quick,
    });
    let json = format!("{:#}\n", bench.report.to_json(about));
    let in_target = places.target.join("bench.json");
    let file = options.json.as_ref().unwrap_or(&in_target);
    fs::write(file, json).with_context(|| format!("{} cannot be written", file.display()))?;
    note(&format!("all figures: {}", places.short(file)));
    Ok(())
}

/// Runs the same command as an optimised program: otherwise the client would be a large part of what it measures.
fn run_optimised() -> Result<()> {
    let mut command = process::cargo();
    command
        .args(["run", "--quiet", "--release", "--package", "xtask", "--"])
        .args(std::env::args_os().skip(1));
    process::run(&mut command, BUILD_LIMIT * 4)
}

fn build(places: &Places, setup: &Setup) -> Result<()> {
    guests::build_host(places)?;
    guests::build_all(places, setup.consent())?;
    heading("the native server");
    let mut command = process::cargo();
    command
        .current_dir(places.root.join("host/benches/native"))
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(places.target.join("native"));
    process::run(&mut command, BUILD_LIMIT).context("the native server does not build")
}

impl Group {
    fn measure(self, bench: &mut Bench<'_>) -> Result<()> {
        let start = Instant::now();
        match self {
            Self::Sequential => calls::sequential(bench),
            Self::InFlight => calls::in_flight(bench),
            Self::Start => start::start(bench),
            Self::Memory => start::memory(bench),
            // Once is enough, and long.
            Self::Growth if bench.round == 0 => start::growth(bench),
            Self::Growth => return Ok(()),
            Self::Replace => replace::replace(bench),
            Self::Fairness => fairness::fairness(bench),
            Self::Large => calls::large(bench),
            Self::Cancel => start::cancellation(bench),
        }
        .with_context(|| format!("measuring {}", self.name()))?;
        note(&dim(&format!(
            "{}: {}",
            self.name(),
            terminal::duration(start.elapsed())
        )));
        Ok(())
    }

    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl Bench<'_> {
    fn scale(&self, quick: usize, full: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// All that have the same tools, in an order that changes from round to round: whoever comes first may find the machine cooler.
    fn contestants(&self) -> Vec<Contestant> {
        let mut all: Vec<Contestant> = CONTESTANTS
            .into_iter()
            .map(|name| match name {
                OURS => self.folders.host(&self.folders.one, "bench_"),
                name => self.native(name),
            })
            .collect();
        let shift = usize::try_from(self.round).unwrap_or(0) % all.len();
        all.rotate_left(shift);
        all
    }

    fn native(&self, name: &'static str) -> Contestant {
        Contestant {
            name,
            tool_prefix: "",
            program: self.places.target.join("native/release/native-server"),
            arguments: if name == BASELINE {
                Vec::new()
            } else {
                vec!["--pipes".into()]
            },
            environment: Vec::new(),
            log: self.folders.log(&format!("{name}.log")),
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The load averages as the kernel writes them; on a busy machine the figures are those of a busy machine.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split(' ').take(3).collect();
    averages.join(" ")
}
