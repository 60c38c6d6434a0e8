//! `toolbay check`: what makes a plugin's tools worse. What is looked for is in the crate `toolbay-check`; here is which files are looked at, and how
//! what was found is told.

mod target;
mod tell;

use std::path::{Path, PathBuf};

use anyhow::Result;
use toolbay_check::{Report, Severity};
use toolbay_manifest::PluginInfo;

use super::loaded::{self, Loaded};
use crate::catalog::PluginProblem;
use crate::cli::Check;
use crate::terminal;

/// One component, and what was found.
struct Checked {
    file: PathBuf,
    outcome: Result<Found, PluginProblem>,
}

struct Found {
    info: PluginInfo,
    tools: usize,
    report: Report,
}

/// How many findings of each severity there are in all; what is no plugin counts as an error.
#[derive(Clone, Copy, Default)]
struct Counts {
    errors: usize,
    warnings: usize,
    suggestions: usize,
}

pub(crate) fn run(arguments: &Check) -> Result<u8> {
    super::start_log("error");
    if arguments.list {
        terminal::print(&tell::list(terminal::colours_on_stdout()))?;
        return Ok(super::OK);
    }
    if let Some(code) = &arguments.explain {
        return explain(code);
    }
    let path = arguments.path.as_deref().unwrap_or(Path::new("."));
    let files = match target::find(path) {
        Ok(files) => files,
        Err(refusal) => {
            terminal::say(&format!(
                "error: {}\nhint: {}\n",
                refusal.reason, refusal.hint
            ));
            return Ok(refusal.code);
        }
    };
    let loaded = loaded::load(files.iter().map(PathBuf::as_path))?;
    let checked: Vec<Checked> = files
        .into_iter()
        .zip(loaded)
        .map(|(file, loaded)| check(file, loaded))
        .collect();
    let counts = Counts::of(&checked);
    if arguments.json {
        terminal::print_json(&tell::as_json(&checked, counts))?;
    } else {
        terminal::print(&tell::as_text(&checked, terminal::colours_on_stdout()))?;
    }
    terminal::say(&tell::summary(&checked, counts));
    Ok(if counts.errors + counts.warnings > 0 {
        super::PROBLEM
    } else {
        super::OK
    })
}

fn explain(code: &str) -> Result<u8> {
    match toolbay_check::find(code) {
        Ok(lint) => {
            terminal::print(&tell::explanation(lint, terminal::colours_on_stdout()))?;
            Ok(super::OK)
        }
        Err(nearest) => {
            let hint = match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`toolbay check --list` shows all".to_owned(),
            };
            let code = crate::text::escape(code);
            terminal::say(&format!("error: there is no lint `{code}`\nhint: {hint}\n"));
            Ok(super::FAULT)
        }
    }
}

fn check(file: PathBuf, loaded: Result<Loaded, crate::load::LoadError>) -> Checked {
    let outcome = match loaded {
        Ok(loaded) => Ok(Found {
            report: toolbay_check::check(&loaded.manifest, &loaded.imports),
            tools: loaded.manifest.tools.len(),
            info: loaded.manifest.plugin,
        }),
        Err(error) => Err(error.problem(&file)),
    };
    Checked { file, outcome }
}

impl Counts {
    fn of(checked: &[Checked]) -> Self {
        let mut counts = Self::default();
        for checked in checked {
            match &checked.outcome {
                Ok(found) => {
                    counts.errors += found.report.count(Severity::Error);
                    counts.warnings += found.report.count(Severity::Warning);
                    counts.suggestions += found.report.count(Severity::Suggestion);
                }
                Err(_) => counts.errors += 1,
            }
        }
        counts
    }
}
