//! `cargo xtask test`: every check, each under a heading with the time it took.
//!
//! The order lets each step reuse what an earlier one compiled: everything is a release build, and lints and docs share
//! their metadata. The tests come last but for the conformance suite, so that a run that passes closes with nextest's own summary and the suite's.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use crate::client_setup::{self, Clients};
use crate::conformance;
use crate::guests;
use crate::places::Places;
use crate::terminal::{self, dim, heading, note};
use toolbay_build::Consent;
use toolbay_build::process::{self, BUILD_LIMIT, program};

/// Installing a tool compiles it.
const TOOL_LIMIT: Duration = Duration::from_secs(10 * 60);
const TESTS_LIMIT: Duration = Duration::from_secs(30 * 60);
/// The database of known vulnerabilities comes from a server that not every machine reaches.
const ADVISORIES_LIMIT: Duration = Duration::from_secs(45);

/// The workspaces whose packages are built for the sandbox.
const GUEST_WORKSPACES: [&str; 3] = ["plugins", "tests/guests", "tests/conformance/fixture"];

#[derive(Default)]
struct Report {
    failed: Vec<String>,
    skipped: Vec<String>,
}

impl Report {
    /// Runs one step and says whether it went well. A failure is shown at once; other steps may still be run.
    fn step(&mut self, name: &str, step: impl FnOnce(&mut Self) -> Result<()>) -> bool {
        heading(name);
        let start = Instant::now();
        let result = step(self);
        let took = terminal::duration(start.elapsed());
        match result {
            Ok(()) => {
                note(&dim(&format!("{name}: {took}")));
                true
            }
            Err(error) => {
                terminal::print_error(&error);
                note(&format!("{name}: failed after {took}"));
                self.failed.push(name.to_owned());
                false
            }
        }
    }

    fn skip(&mut self, what: String) {
        note(&format!("skipped: {what}"));
        self.skipped.push(what);
    }

    /// Ends the run if a step failed.
    fn check(&self) -> Result<()> {
        match self.failed.as_slice() {
            [] => Ok(()),
            failed => bail!("failed: {}", failed.join(", ")),
        }
    }
}

pub(crate) fn run(
    places: &Places,
    consent: Consent,
    quick: bool,
    filters: &[String],
) -> Result<()> {
    print_versions();
    require_nextest(consent)?;
    let mut report = Report::default();

    report.step("format", |_| format(places));
    let built = report.step("build the host and the tests", |_| {
        let tests = ["nextest", "run", "--release", "--workspace", "--no-run"];
        cargo_run(cargo(places).args(tests))
    }) && report.step("build the guests", |_| guests::build_all(places, consent));
    if !built {
        return report.check();
    }

    report.step("lints", |_| lints(places));
    let mut clients = Clients::default();
    if quick {
        report.skip(
            "docs, dependency check, clients of other languages and the conformance suite (--quick)"
                .to_owned(),
        );
    } else {
        report.step("docs", |_| {
            cargo_run(
                cargo(places)
                    .args(["doc", "--release", "--no-deps", "--workspace"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            )
        });
        report.step("dependencies", |report| {
            dependencies(places, consent, report)
        });
        report.step("clients of other languages", |report| {
            clients = client_setup::set_up(places, &mut |what| report.skip(what));
            Ok(())
        });
    }
    report.step("examples in the docs", |_| {
        cargo_run(cargo(places).args(["test", "--release", "--doc", "--workspace"]))
    });
    report.step("tests of the plugins' own code", |_| {
        let mut tests = guest_cargo(places, "plugins", "nextest");
        // Some run their tools in the sandbox: in the host and with the components that were built above.
        tests
            .env("TOOLBAY_BIN", places.host())
            .env("TOOLBAY_TEST_COMPONENTS", places.plugins())
            .env("TOOLBAY_CACHE_DIR", places.target.join("test-cache"));
        cargo_run(tests.args(["run", "--workspace", "--no-tests", "pass"]))
    });

    if !report.skipped.is_empty() {
        heading("skipped");
        for what in &report.skipped {
            note(what);
        }
    }
    heading("tests");
    let mut tests = cargo(places);
    tests
        .args([
            "nextest",
            "run",
            "--release",
            "--workspace",
            "--profile",
            "ci",
        ])
        .args(filters);
    clients.tell(&mut tests);
    let tested = process::run(&mut tests, TESTS_LIMIT);
    // Who names some tests wants those.
    if !quick && filters.is_empty() {
        report.step("conformance", |report| {
            conformance::check(places, &mut |what| report.skip(what))
        });
    }
    report.check()?;
    tested
}

/// Those that are there.
fn guest_workspaces(places: &Places) -> impl Iterator<Item = &'static str> {
    GUEST_WORKSPACES
        .into_iter()
        .filter(|folder| places.root.join(folder).join("Cargo.toml").is_file())
}

/// cargo, in the workspace.
fn cargo(places: &Places) -> Command {
    let mut cargo = process::cargo();
    cargo.current_dir(&places.root);
    cargo
}

/// cargo with a verb, in a workspace of guests, building for this machine.
fn guest_cargo(places: &Places, workspace: &str, verb: &str) -> Command {
    let mut cargo = process::cargo();
    cargo
        .current_dir(places.root.join(workspace))
        .arg(verb)
        .env("CARGO_TARGET_DIR", places.native_guest_target());
    cargo
}

fn cargo_run(command: &mut Command) -> Result<()> {
    process::run(command, BUILD_LIMIT)
}

fn format(places: &Places) -> Result<()> {
    let mut unformatted = Vec::new();
    for workspace in std::iter::once(".").chain(guest_workspaces(places)) {
        let mut check = process::cargo();
        check
            .current_dir(places.root.join(workspace))
            // The names of the files say enough; the difference is one command away.
            .args(["fmt", "--all", "--check", "--", "-l"]);
        if process::run(&mut check, BUILD_LIMIT).is_err() {
            unformatted.push(workspace);
        }
    }
    if unformatted.is_empty() {
        return Ok(());
    }
    bail!(
        "not formatted: {}\nhint: run `cargo fmt --all` there",
        unformatted.join(", ")
    )
}

fn lints(places: &Places) -> Result<()> {
    let mut results = vec![cargo_run(
        cargo(places)
            .args(["clippy", "--release", "--workspace", "--all-targets"])
            .args(["--", "-D", "warnings"]),
    )];
    for workspace in guest_workspaces(places) {
        let mut clippy = guest_cargo(places, workspace, "clippy");
        results.push(cargo_run(clippy.args([
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])));
    }
    results.into_iter().collect()
}

fn dependencies(places: &Places, consent: Consent, report: &mut Report) -> Result<()> {
    let command = "cargo install cargo-deny --locked";
    if process::ask(program("cargo-deny").arg("--version")).is_none() {
        if consent != Consent::Given {
            report.skip(format!(
                "licences, sources and bans of dependencies: there is no cargo-deny; `{command}`"
            ));
            return Ok(());
        }
        note(&format!("running {command}"));
        let mut install = program("cargo");
        install.args(["install", "cargo-deny", "--locked"]);
        if let Err(error) = process::run(&mut install, TOOL_LIMIT) {
            report.skip(format!(
                "licences, sources and bans of dependencies: {error:#}"
            ));
            return Ok(());
        }
    }
    let config = places.root.join(".cargo/deny.toml");
    let deny = |workspace: &str, checks: &[&str]| {
        let mut deny = program("cargo-deny");
        deny.current_dir(places.root.join(workspace))
            .args(["--workspace", "--all-features", "--config"])
            .arg(&config)
            .arg("check")
            .args(checks);
        deny
    };
    for workspace in std::iter::once(".").chain(guest_workspaces(places)) {
        process::run(
            &mut deny(workspace, &["bans", "licenses", "sources"]),
            BUILD_LIMIT,
        )?;
    }
    let mut fetch = program("cargo-deny");
    fetch.current_dir(&places.root).args(["fetch", "db"]);
    if process::run_quietly(&mut fetch, ADVISORIES_LIMIT).is_err() {
        report.skip(
            "known vulnerabilities of dependencies: their database cannot be fetched here"
                .to_owned(),
        );
        return Ok(());
    }
    for workspace in std::iter::once(".").chain(guest_workspaces(places)) {
        process::run(&mut deny(workspace, &["advisories"]), BUILD_LIMIT)?;
    }
    Ok(())
}

fn require_nextest(consent: Consent) -> Result<()> {
    if process::ask(process::cargo().args(["nextest", "--version"])).is_some() {
        return Ok(());
    }
    consent.require(
        &note,
        "cargo-nextest is not installed",
        "cargo install cargo-nextest --locked",
    )?;
    process::run(
        program("cargo").args(["install", "cargo-nextest", "--locked"]),
        2 * TOOL_LIMIT,
    )
}

/// What this run's result depends on besides the code.
fn print_versions() {
    heading("tools");
    let tools: [(&str, &[&str]); 7] = [
        ("rustc", &["--version"]),
        ("cargo", &["--version"]),
        ("cargo-nextest", &["nextest", "--version"]),
        ("cargo-deny", &["--version"]),
        ("python3", &["--version"]),
        ("node", &["--version"]),
        ("npm", &["--version"]),
    ];
    for (tool, arguments) in tools {
        let version =
            process::ask(program(tool).args(arguments)).ok_or_else(|| anyhow!("not found"));
        let version = version.unwrap_or_else(|absent| absent.to_string());
        note(&format!(
            "{tool:<14} {}",
            version.lines().next().unwrap_or_default()
        ));
    }
}
