//! What a scenario came to, read from the `checks.json` that the suite leaves of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Whether a scenario counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Required,
    /// Run for the record, and why.
    NotScored(String),
    /// About HTTP itself: over pipes it tests the bridge, not the host.
    Bridge,
}

impl Standing {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Required => "required".to_owned(),
            Self::NotScored(reason) => format!("not scored: {reason}"),
            Self::Bridge => "the bridge's own".to_owned(),
        }
    }
}

/// One scenario of one revision over one transport.
pub(super) struct Row {
    pub(super) scenario: String,
    pub(super) era: &'static str,
    pub(super) transport: &'static str,
    pub(super) standing: Standing,
    pub(super) checks: Vec<Check>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Passed,
    Failed,
    /// A SHOULD that is not met; the suite counts it nowhere.
    Warned,
    /// Said without judging.
    Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// Nothing could be checked.
    Skipped,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Row {
    pub(super) fn count(&self, status: Status) -> usize {
        self.with(status).count()
    }

    pub(super) fn with(&self, status: Status) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(move |check| check.status == status)
    }

    /// Whether it counts and does not pass.
    pub(super) fn is_missed(&self) -> bool {
        self.standing == Standing::Required && self.outcome() != Outcome::Passed
    }

    pub(super) fn outcome(&self) -> Outcome {
        if self.count(Status::Failed) > 0 {
            Outcome::Failed
        } else if self.count(Status::Passed) > 0 {
            Outcome::Passed
        } else {
            Outcome::Skipped
        }
    }
}

/// The checks of a scenario. One that broke off without leaving any has failed.
pub(super) fn read(output: &Path, scenario: &str) -> Result<Vec<Check>> {
    for entry in fs::read_dir(output)? {
        let entry = entry?;
        if scenario_of(&entry.file_name().to_string_lossy()) == Some(scenario) {
            let path = entry.path().join("checks.json");
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let checks: Vec<Value> = serde_json::from_str(&text)
                .with_context(|| format!("{} is not a list of checks", path.display()))?;
            return Ok(checks.iter().map(check).collect());
        }
    }
    Ok(vec![Check {
        name: "the scenario ran".to_owned(),
        status: Status::Failed,
        message: "it left no checks: see suite.log".to_owned(),
    }])
}

/// The scenario in `server-SCENARIO-2026-11-26T08-07-44-123Z`.
fn scenario_of(folder: &str) -> Option<&str> {
    const TIME: usize = "-2026-11-26T08-07-44-123Z".len();
    let rest = folder.strip_prefix("server-")?;
    rest.get(..rest.len().checked_sub(TIME)?)
}

fn check(check: &Value) -> Check {
    let text = |key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default();
    Check {
        name: text("name").to_owned(),
        status: match text("status") {
            "SUCCESS" => Status::Passed,
            "FAILURE" => Status::Failed,
            "WARNING" => Status::Warned,
            _ => Status::Told,
        },
        message: if text("errorMessage").is_empty() {
            text("description").to_owned()
        } else {
            text("errorMessage").to_owned()
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_folder_tells_its_scenario() {
        for (folder, expected) in [
            ("server-ping-2026-11-26T08-07-44-123Z", Some("ping")),
            (
                "server-json-schema-2020-12-2026-11-26T08-07-44-123Z",
                Some("json-schema-2020-12"),
            ),
            ("suite.log", None),
            ("server-x", None),
        ] {
            assert_eq!(scenario_of(folder), expected, "{folder}");
        }
    }

    #[test]
    fn one_failed_check_fails_a_scenario_and_none_passed_skips_it() {
        for (statuses, expected) in [
            (&["SUCCESS", "WARNING", "INFO"][..], Outcome::Passed),
            (&["SUCCESS", "FAILURE"], Outcome::Failed),
            (&["SKIPPED", "INFO"], Outcome::Skipped),
            (&[], Outcome::Skipped),
        ] {
            let checks = statuses
                .iter()
                .map(|status| check(&json!({"name": "N", "status": status, "description": "d"})));
            let row = Row {
                scenario: "s".to_owned(),
                era: "2025-11-25",
                transport: "http",
                standing: Standing::Required,
                checks: checks.collect(),
            };
            assert_eq!(row.outcome(), expected, "{statuses:?}");
        }
    }
}
