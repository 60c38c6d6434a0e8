//! What was found, as text and as JSON, and the lints' own documentation. Everything that comes from a plugin is escaped.

use std::fmt::Write as _;

use serde_json::{Value, json};
use toolbay_check::{Finding, Lint, Severity, lints};

use super::{Checked, Counts, Found};
use crate::terminal::{Colour, paint};
use crate::text::escape;

fn colour(severity: Severity) -> Colour {
    match severity {
        Severity::Error => Colour::Red,
        Severity::Warning => Colour::Yellow,
        Severity::Suggestion => Colour::Green,
    }
}

/// Every finding, grouped by tool. Why a lint matters is said where it comes first.
pub(super) fn as_text(checked: &[Checked], colours: bool) -> String {
    let mut text = String::new();
    let mut explained: Vec<&str> = Vec::new();
    for checked in checked {
        let Ok(found) = &checked.outcome else {
            continue;
        };
        let plugin = &found.info.name;
        let mut heading = None;
        for finding in &found.report.findings {
            let group = match &finding.place.tool {
                Some(tool) => format!("{plugin}_{tool}"),
                None => plugin.clone(),
            };
            if heading.as_ref() != Some(&group) {
                let space = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{space}{}", escape(&group));
                heading = Some(group);
            }
            text.push_str(&as_lines(
                finding,
                !explained.contains(&finding.lint.code),
                colours,
            ));
            explained.push(finding.lint.code);
        }
    }
    text
}

fn as_lines(finding: &Finding, with_reason: bool, colours: bool) -> String {
    let lint = finding.lint;
    let mut lines = format!(
        "  {}: ",
        paint(
            &format!("{}[{}]", lint.severity.as_str(), lint.code),
            colour(lint.severity),
            colours
        )
    );
    let inside = finding.place.inside();
    if !inside.is_empty() {
        let _ = write!(lines, "{}: ", escape(&inside));
    }
    let _ = writeln!(lines, "{}", escape(&finding.message));
    let mut aside = |word: &str, said: &str| {
        let _ = writeln!(lines, "    {word}: {}", escape(said));
    };
    if with_reason {
        aside("why", lint.why);
    }
    aside("write", &finding.instead);
    lines
}

/// One sentence on standard error, and how to learn more.
pub(super) fn summary(checked: &[Checked], counts: Counts) -> String {
    let mut text = String::new();
    for checked in checked {
        if let Err(problem) = &checked.outcome {
            let file = escape(&checked.file.display().to_string());
            let _ = writeln!(
                text,
                "error: {file} is no plugin: {}\nhint: {}",
                problem.reason, problem.hint
            );
        }
    }
    let found: Vec<&Found> = checked
        .iter()
        .filter_map(|checked| checked.outcome.as_ref().ok())
        .collect();
    if found.is_empty() {
        return text;
    }
    let tools = count(found.iter().map(|found| found.tools).sum(), "tool");
    let of = match found.as_slice() {
        [one] => format!("{} ({tools})", one.info.name),
        several => format!("{} ({tools})", count(several.len(), "plugin")),
    };
    let parts = [
        (counts.errors, "error"),
        (counts.warnings, "warning"),
        (counts.suggestions, "suggestion"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| count(number, word))
        .collect();
    let allowed: usize = found
        .iter()
        .flat_map(|found| &found.report.allowed)
        .map(|allowed| allowed.findings)
        .sum();
    let allowed = if allowed > 0 {
        format!(", {allowed} allowed")
    } else {
        String::new()
    };
    let said = if parts.is_empty() {
        "nothing to report".to_owned()
    } else {
        parts.join(", ")
    };
    let _ = writeln!(text, "{of}: {said}{allowed}");
    let first = found.iter().flat_map(|found| &found.report.findings).next();
    if let Some(finding) = first {
        let _ = writeln!(text, "hint: toolbay check --explain {}", finding.lint.code);
    }
    text
}

fn count(number: usize, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// The form that `--help` promises.
pub(super) fn as_json(checked: &[Checked], counts: Counts) -> Value {
    let entry = |checked: &Checked| match &checked.outcome {
        Ok(found) => json!({
            "file": checked.file,
            "plugin": found.info.name,
            "version": found.info.version,
            "findings": found.report.findings.iter().map(finding).collect::<Vec<_>>(),
            "allowed": found.report.allowed,
        }),
        Err(problem) => json!({
            "file": checked.file,
            "problem": { "reason": problem.reason, "hint": problem.hint },
        }),
    };
    json!({
        "checked": checked.iter().map(entry).collect::<Vec<_>>(),
        "errors": counts.errors,
        "warnings": counts.warnings,
        "suggestions": counts.suggestions,
    })
}

fn finding(finding: &Finding) -> Value {
    let mut entry = json!({ "code": finding.lint.code, "severity": finding.lint.severity });
    let place = serde_json::to_value(&finding.place).unwrap_or_default();
    if let (Value::Object(entry), Value::Object(place)) = (&mut entry, place) {
        entry.extend(place);
        entry.insert("message".into(), finding.message.clone().into());
        entry.insert("why".into(), finding.lint.why.into());
        entry.insert("instead".into(), finding.instead.clone().into());
    }
    entry
}

/// One line a lint.
pub(super) fn list(colours: bool) -> String {
    let width = lints()
        .iter()
        .map(|lint| lint.code.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for lint in lints() {
        let code = format!("{:width$}", lint.code);
        let severity = format!("{:10}", lint.severity.as_str());
        let _ = writeln!(
            text,
            "{}  {}  {}",
            code,
            paint(&severity, colour(lint.severity), colours),
            lint.finds
        );
    }
    text
}

/// Everything about one lint.
pub(super) fn explanation(lint: &Lint, colours: bool) -> String {
    let severity = paint(lint.severity.as_str(), colour(lint.severity), colours);
    let mut text = format!("{} ({severity}): {}\n", lint.code, lint.finds);
    let _ = writeln!(text, "\nWhy: {}.\n\n{}", lint.why, lint.advice);
    for (heading, example) in [("Instead of", lint.bad), ("write", lint.good)] {
        let _ = writeln!(text, "\n{}", heading);
        for line in example.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let own = ["unused-allow", "unknown-allow"].contains(&lint.code);
    if !own {
        let _ = writeln!(
            text,
            "\nWhere it is right as it is, say why in plugin.toml, under [plugin] or [tools.NAME]:\n    allow = {{ {} = \"…\" }}",
            lint.code
        );
    }
    text
}
