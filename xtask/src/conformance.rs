//! `cargo xtask conformance`: the official suite of MCP against the host, over HTTP as the suite speaks it and over pipes through a bridge.
//!
//! This file says what runs in which order; the suite's own sources say what is asked of a server, and `tests/conformance/README.md` how to read the
//! result.

mod bridge;
mod report;
mod results;
mod served;
mod suite;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use self::bridge::Bridge;
use self::results::{Row, Standing};
use self::served::Stage;
use self::suite::{Listed, Suite};
use crate::places::Places;
use crate::terminal::{heading, note};
use crate::{Setup, client_setup, guests};

/// How many scenarios an error names; all are in the table.
const NAMED: usize = 6;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    only: Only,
    /// Take the host and the plugins as they were built last
    #[arg(long)]
    no_build: bool,
    /// Serve this folder instead of the plugins that the suite asks for
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
}

/// What of it is run.
#[derive(Args, Default)]
struct Only {
    /// Only this revision of the protocol
    #[arg(long)]
    era: Option<Era>,
    /// Only this transport
    #[arg(long)]
    transport: Option<Transport>,
    /// Only this scenario, wherever it is listed
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
}

/// A revision of the protocol that the suite has requirements for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Era {
    #[value(name = "2025-11-25")]
    Legacy,
    #[value(name = "2026-07-28")]
    Modern,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transport {
    Http,
    Stdio,
}

impl Era {
    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Modern => "2026-07-28",
        }
    }
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Stdio => "stdio",
        }
    }

    /// What the suite's standing of a scenario comes to here: of a scenario about HTTP itself, only the bridge is tested over pipes.
    fn standing(self, listed: &Listed) -> Standing {
        match self {
            Self::Stdio if is_about_http(&listed.name) => Standing::Bridge,
            _ => listed.standing.clone(),
        }
    }
}

fn is_about_http(scenario: &str) -> bool {
    ["dns-rebinding-protection", "server-session-lifecycle"].contains(&scenario)
        || ["server-sse-", "http-"]
            .iter()
            .any(|start| scenario.starts_with(start))
}

pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    if !options.no_build {
        guests::build_host(places)?;
        guests::build_fixture(places, options.setup.consent())?;
    }
    heading("the conformance suite");
    let suite = Suite::set_up(places).context("the conformance suite cannot be had")?;
    let plugins = options.plugins.clone().unwrap_or_else(|| places.fixture());
    let stage = Stage::new(places, &plugins)?;
    let rows = all(&suite, &stage, &options.only)?;
    if let (Some(scenario), true) = (&options.only.scenario, rows.is_empty()) {
        bail!(
            "no scenario is named {scenario}\nhint: see `cargo xtask conformance` without --scenario"
        );
    }
    heading("results");
    report::print(&rows, |_| true);
    conclude(places, &stage, &rows)
}

/// The same as one of the checks of `cargo xtask test`, with what was built for it: shows only what is required and does not pass. `skip` is told where
/// the suite cannot be had.
pub(crate) fn check(places: &Places, skip: &mut dyn FnMut(String)) -> Result<()> {
    let suite = match Suite::set_up(places) {
        Ok(suite) => suite,
        Err(error) => {
            skip(format!(
                "the conformance suite: {}",
                client_setup::first_line(&error)
            ));
            return Ok(());
        }
    };
    let stage = Stage::new(places, &places.fixture())?;
    let rows = all(&suite, &stage, &Only::default())?;
    report::print(&rows, Row::is_missed);
    conclude(places, &stage, &rows)
}

fn all(suite: &Suite, stage: &Stage, only: &Only) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for era in Era::value_variants() {
        for transport in Transport::value_variants() {
            if only.era.is_none_or(|only| only == *era)
                && only.transport.is_none_or(|only| only == *transport)
            {
                let scenario = only.scenario.as_deref();
                rows.extend(one(suite, stage, *era, *transport, scenario)?);
            }
        }
    }
    Ok(rows)
}

/// Leaves the results for programs, says where all that was said is, and is an error where something required does not pass.
fn conclude(places: &Places, stage: &Stage, rows: &[Row]) -> Result<()> {
    let json = places.target.join("conformance.json");
    fs::write(&json, report::json(rows)?)
        .with_context(|| format!("{} cannot be written", json.display()))?;
    note(&format!("\nthe same as JSON: {}", places.short(&json)));
    note(&format!(
        "what the host and the suite said: {}",
        places.short(&stage.folder)
    ));
    verdict(rows)
}

/// One revision over one transport.
fn one(
    suite: &Suite,
    stage: &Stage,
    era: Era,
    transport: Transport,
    scenario: Option<&str>,
) -> Result<Vec<Row>> {
    let mut listed = suite.list(era.name())?;
    listed.retain(|listed| scenario.is_none_or(|only| only == listed.name));
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let name = format!("{}-{}", era.name(), transport.name());
    note(&format!(
        "{} over {}: {} {}",
        era.name(),
        transport.name(),
        listed.len(),
        if listed.len() == 1 {
            "scenario"
        } else {
            "scenarios"
        }
    ));
    let output = stage.folder.join(&name);
    if output.exists() {
        fs::remove_dir_all(&output)?;
    }
    fs::create_dir_all(&output)?;
    let log = output.join("host.log");
    let run = |url: &str| suite.run(url, era.name(), scenario, &output);
    match transport {
        Transport::Http => {
            let host = stage
                .serve_http(log)
                .with_context(|| format!("{name}: the host does not serve HTTP"))?;
            run(&host.url)
        }
        Transport::Stdio => {
            let bridge = Bridge::start(stage.launch(log))?;
            run(&bridge.url)
        }
    }
    .with_context(|| name.clone())?;
    let row = |listed: &Listed| {
        let checks = results::read(&output, &listed.name)?;
        Ok(Row {
            scenario: listed.name.clone(),
            era: era.name(),
            transport: transport.name(),
            standing: transport.standing(listed),
            checks,
        })
    };
    listed.iter().map(row).collect()
}

/// An error that names what is required and does not pass.
fn verdict(rows: &[Row]) -> Result<()> {
    let failed: Vec<String> = rows
        .iter()
        .filter(|row| row.is_missed())
        .map(|row| format!("{} ({}, {})", row.scenario, row.era, row.transport))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let named = failed.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let more = match failed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    bail!(
        "required and not passed: {}{more}\nhint: run one with `cargo xtask conformance --no-build --scenario NAME`",
        named.join(", ")
    )
}
