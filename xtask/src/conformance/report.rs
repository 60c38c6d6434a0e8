//! The results for a person, as one table, and for a program, as JSON.

use anyhow::Result;
use serde_json::{Value, json};

use super::results::{Check, Outcome, Row, Standing, Status};
use crate::terminal::{bad, dim, good, note};

/// How much of a message a person is shown; the rest is in the JSON.
const SHOWN: usize = 300;

/// Prints those rows that are asked for, and the sums of all.
pub(super) fn print(rows: &[Row], shown: impl Fn(&Row) -> bool) {
    let width = rows
        .iter()
        .map(|row| row.scenario.len())
        .max()
        .unwrap_or_default();
    for row in rows.iter().filter(|row| shown(row)) {
        print_row(row, width);
    }
    note("");
    for (run, rows) in by_run(rows) {
        note(&summary(&run, &rows));
    }
}

fn print_row(row: &Row, width: usize) {
    let outcome = match (row.outcome(), &row.standing) {
        (Outcome::Passed, _) => good("passed "),
        (Outcome::Failed, Standing::Required) => bad("FAILED "),
        (Outcome::Failed, _) => "failed ".to_owned(),
        (Outcome::Skipped, Standing::Required) => bad("SKIPPED"),
        (Outcome::Skipped, _) => dim("skipped"),
    };
    let counted = row.count(Status::Passed) + row.count(Status::Failed);
    note(&format!(
        "{:<width$}  {}  {:<5}  {outcome}  {:>2} of {counted:<2}  {}",
        row.scenario,
        row.era,
        row.transport,
        row.count(Status::Passed),
        dim(&row.standing.name()),
    ));
    for check in row.with(Status::Failed) {
        note(&format!("    {}: {}", check.name, line(&check.message)));
    }
    for check in row.with(Status::Warned) {
        let warning = format!("    warning: {}: {}", check.name, line(&check.message));
        note(&dim(&warning));
    }
}

/// `2025-11-25 over http: 30 of 30 required passed, 2 warnings; 1 of 3 that do not count`.
fn summary(run: &str, rows: &[&Row]) -> String {
    let passed = |rows: &[&&Row]| {
        rows.iter()
            .filter(|row| row.outcome() == Outcome::Passed)
            .count()
    };
    let (required, others): (Vec<&&Row>, Vec<&&Row>) = rows
        .iter()
        .partition(|row| row.standing == Standing::Required);
    let warnings: usize = required.iter().map(|row| row.count(Status::Warned)).sum();
    let warnings = match warnings {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        many => format!(", {many} warnings"),
    };
    format!(
        "{run}: {} of {} required passed{warnings}; {} of {} that do not count",
        passed(&required),
        required.len(),
        passed(&others),
        others.len()
    )
}

/// The rows of each revision and transport, in the order they ran.
fn by_run(rows: &[Row]) -> Vec<(String, Vec<&Row>)> {
    let mut runs: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in rows {
        let name = format!("{} over {}", row.era, row.transport);
        match runs.last_mut() {
            Some((last, rows)) if *last == name => rows.push(row),
            _ => runs.push((name, vec![row])),
        }
    }
    runs
}

/// A message on one line, as far as a person reads. It may quote the server, so nothing in it reaches the terminal raw.
fn line(message: &str) -> String {
    let mut text: String = message
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .take(SHOWN)
        .collect();
    if message.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

pub(super) fn json(rows: &[Row]) -> Result<String> {
    let checks = |row: &Row, status: Status| -> Vec<Value> {
        let entry = |check: &Check| json!({"check": check.name, "message": check.message});
        row.with(status).map(entry).collect()
    };
    let scenarios: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "scenario": row.scenario,
                "era": row.era,
                "transport": row.transport,
                "counts": row.standing == Standing::Required,
                "standing": row.standing.name(),
                "outcome": row.outcome().name(),
                "passed": row.count(Status::Passed),
                "failed": row.count(Status::Failed),
                "failures": checks(row, Status::Failed),
                "warnings": checks(row, Status::Warned),
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&json!({ "scenarios": scenarios }))? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        assert_eq!(line("a\n\x1b[31mb"), "a  [31mb");
        assert_eq!(line(&"x".repeat(400)).chars().count(), SHOWN + 1);
    }
}
