//! What was measured: every sample of every round, the medians of them in one table with ratios, and all of it as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::terminal::{bold, dim};

/// The contestant whose figures the others are divided by.
pub(super) const BASELINE: &str = "native stdio()";
pub(super) const OURS: &str = "toolbay";
pub(super) const CONTESTANTS: [&str; 3] = [OURS, BASELINE, "native stdio_pipes()"];

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unit {
    Microseconds,
    Milliseconds,
    PerSecond,
    Megabytes,
    MegabytesPerSecond,
    Times,
    Percent,
}

/// What is wanted of the host.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Goal {
    None,
    AtMost(f64),
    /// In relation to the baseline.
    AtMostTimes(f64),
    AtLeastTimes(f64),
}

struct Row {
    group: &'static str,
    name: String,
    unit: Unit,
    goal: Goal,
    samples: Vec<(&'static str, Vec<f64>)>,
}

#[derive(Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds one sample; the first one of a name makes the row.
    pub(super) fn add(
        &mut self,
        group: &'static str,
        name: &str,
        (unit, goal): (Unit, Goal),
        contestant: &'static str,
        value: f64,
    ) {
        let at = self
            .rows
            .iter()
            .position(|row| row.group == group && row.name == name);
        let row = match at.and_then(|at| self.rows.get_mut(at)) {
            Some(row) => row,
            None => self.rows.push_mut(Row {
                group,
                name: name.to_owned(),
                unit,
                goal,
                samples: Vec::new(),
            }),
        };
        match row.samples.iter_mut().find(|(name, _)| *name == contestant) {
            Some((_, samples)) => samples.push(value),
            None => row.samples.push((contestant, vec![value])),
        }
    }

    pub(super) fn table(&self) -> String {
        let width = self
            .rows
            .iter()
            .map(|row| row.name.len())
            .max()
            .unwrap_or(0);
        let mut table = format!(
            "{:width$}  {:>12}  {:>14}  {:>20}  {:>10}  {:>15}  goal\n",
            "", "toolbay", "native stdio()", "native stdio_pipes()", "× stdio()", "× stdio_pipes()"
        );
        let mut group = "";
        for row in &self.rows {
            if row.group != group {
                group = row.group;
                let _ = writeln!(table, "{}", bold(group));
            }
            let [ours, stdio, pipes] = CONTESTANTS.map(|contestant| row.median(contestant));
            let shown = |value: Option<f64>| value.map(|value| row.unit.show(value));
            let ratio = |other: Option<f64>| Some(format!("{:.2} ×", ours? / other?));
            let cell = |text: Option<String>| text.unwrap_or_default();
            let _ = writeln!(
                table,
                "{:width$}  {:>12}  {:>14}  {:>20}  {:>10}  {:>15}  {}",
                row.name,
                cell(shown(ours)),
                cell(shown(stdio)),
                cell(shown(pipes)),
                cell(ratio(stdio)),
                cell(ratio(pipes)),
                row.verdict()
            );
        }
        table
    }

    pub(super) fn to_json(&self, about: Value) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::to_json).collect();
        json!({"about": about, "measures": rows})
    }
}

impl Row {
    fn median(&self, contestant: &str) -> Option<f64> {
        let (_, samples) = self.samples.iter().find(|(name, _)| *name == contestant)?;
        median(samples)
    }

    fn meets_goal(&self) -> Option<bool> {
        let ours = self.median(OURS)?;
        let ratio = || Some(ours / self.median(BASELINE)?);
        match self.goal {
            Goal::None => None,
            Goal::AtMost(limit) => Some(ours <= limit),
            Goal::AtMostTimes(limit) => Some(ratio()? <= limit),
            Goal::AtLeastTimes(limit) => Some(ratio()? >= limit),
        }
    }

    fn verdict(&self) -> String {
        let goal = match self.goal {
            Goal::None => return String::new(),
            Goal::AtMost(limit) => format!("≤ {}", self.unit.show(limit)),
            Goal::AtMostTimes(limit) => format!("≤ {limit} ×"),
            Goal::AtLeastTimes(limit) => format!("≥ {limit} ×"),
        };
        match self.meets_goal() {
            Some(true) => format!("{goal} {}", dim("met")),
            Some(false) => format!("{goal} {}", bold("SHORT")),
            None => goal,
        }
    }

    fn to_json(&self) -> Value {
        let figures = self.samples.iter().map(|(contestant, samples)| {
            let figures = json!({"median": median(samples), "samples": samples});
            ((*contestant).to_owned(), figures)
        });
        let ratio = self
            .median(OURS)
            .zip(self.median(BASELINE))
            .map(|(ours, baseline)| ours / baseline);
        json!({
            "group": self.group,
            "name": self.name,
            "unit": self.unit.name(),
            "figures": figures.collect::<serde_json::Map<_, _>>(),
            "ratio_to_stdio": ratio,
            "goal": self.goal.name(),
            "met": self.meets_goal(),
        })
    }
}

impl Goal {
    fn name(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::AtMost(limit) => Some(format!("at most {limit}")),
            Self::AtMostTimes(limit) => Some(format!("at most {limit} times native stdio()")),
            Self::AtLeastTimes(limit) => Some(format!("at least {limit} times native stdio()")),
        }
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::Megabytes => "MB",
            Self::MegabytesPerSecond => "MB/s",
            Self::Times => "×",
            Self::Percent => "%",
        }
    }

    fn show(self, value: f64) -> String {
        let digits = match value.abs() {
            size if size >= 100.0 => 0,
            size if size >= 10.0 => 1,
            _ => 2,
        };
        format!("{value:.digits$} {}", self.name())
    }
}

pub(super) fn median(samples: &[f64]) -> Option<f64> {
    quantile(&mut samples.to_vec(), 0.5)
}

/// The value below which this share of the samples lies.
pub(super) fn quantile(samples: &mut [f64], share: f64) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().checked_sub(1)?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into the samples, of which there are few"
    )]
    let at = (last as f64 * share).round() as usize;
    samples.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_ratios_and_goals() {
        let mut report = Report::default();
        let kind = (Unit::Microseconds, Goal::AtMostTimes(0.8));
        for value in [30.0, 10.0, 20.0] {
            report.add("calls", "p50", kind, OURS, value);
            report.add("calls", "p50", kind, BASELINE, value * 2.0);
        }
        let json = report.to_json(Value::Null);
        let row = &json["measures"][0];
        assert_eq!(row["figures"][OURS]["median"], 20.0);
        assert_eq!(row["ratio_to_stdio"], 0.5);
        assert_eq!(row["met"], true);
    }

    #[test]
    fn quantiles_of_few_samples() {
        assert_eq!(quantile(&mut [], 0.5), None);
        assert_eq!(quantile(&mut [3.0], 0.99), Some(3.0));
        let mut hundred: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!(quantile(&mut hundred, 0.99), Some(100.0));
    }
}
