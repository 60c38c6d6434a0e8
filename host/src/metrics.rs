//! Counts of what was called, as Prometheus reads them (text format 0.0.4). A tool's counts lie with the tool, so a call adds to them without waiting for anybody; they begin anew with a
//! new build, which Prometheus takes as it takes a restart. Names are plugins' and tools', codes are the host's own: nothing of a call's content is counted by.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::host::Host;

/// Upper bounds of a call's duration, in microseconds.
const BOUNDS: [u64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000, 30_000_000,
];

/// How calls end: well, or with one of the codes.
const OUTCOMES: [&str; 12] = [
    "ok",
    "validation_error",
    "not_found",
    "permission_denied",
    "rate_limited",
    "network_error",
    "timeout",
    "conflict",
    "cancelled",
    "limit_exceeded",
    "unavailable",
    "internal",
];

/// What one tool's calls came to.
#[derive(Debug, Default)]
pub(crate) struct ToolMetrics {
    outcomes: [AtomicU64; OUTCOMES.len()],
    /// One more for what is longer than all bounds.
    durations: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl ToolMetrics {
    /// Counts a call that ended so: with the code of its error, or well.
    pub(crate) fn count(&self, code: Option<&str>, took: Duration) {
        let code = code.unwrap_or("ok");
        let place = OUTCOMES.iter().position(|known| *known == code);
        if let Some(outcome) = place.and_then(|place| self.outcomes.get(place)) {
            outcome.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(duration) = self.durations.get(place) {
            duration.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// The whole page.
pub(crate) fn page(host: &Host) -> String {
    let catalog = host.catalog();
    let mut page = Page::default();
    page.head(
        "toolbay_calls_total",
        "counter",
        "Calls of tools, resources and prompts by how they ended.",
    );
    for listed in catalog.offers() {
        let tool = listed.tool;
        for (outcome, count) in OUTCOMES.iter().zip(&tool.metrics.outcomes) {
            let count = count.load(Ordering::Relaxed);
            // What never happened need not be told for each of a thousand tools.
            if count > 0 {
                let (plugin, name) = (&tool.label.plugin, &tool.label.tool);
                page.line(
                    "toolbay_calls_total",
                    &[("plugin", plugin), ("tool", name), ("outcome", outcome)],
                    count,
                );
            }
        }
    }
    page.head(
        "toolbay_call_duration_seconds",
        "histogram",
        "How long calls took, waiting included.",
    );
    for listed in catalog.offers() {
        let (metrics, label) = (&listed.tool.metrics, &listed.tool.label);
        let all: u64 = metrics
            .durations
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum();
        if all == 0 {
            continue;
        }
        let labels = [("plugin", &*label.plugin), ("tool", &*label.tool)];
        let mut so_far = 0;
        for (bound, count) in BOUNDS.iter().zip(&metrics.durations) {
            so_far += count.load(Ordering::Relaxed);
            let bound = seconds(*bound);
            let labels = [labels[0], labels[1], ("le", &bound)];
            page.line("toolbay_call_duration_seconds_bucket", &labels, so_far);
        }
        let labels_of_all = [labels[0], labels[1], ("le", "+Inf")];
        page.line("toolbay_call_duration_seconds_bucket", &labels_of_all, all);
        let sum = seconds(metrics.micros.load(Ordering::Relaxed));
        page.line("toolbay_call_duration_seconds_sum", &labels, sum);
        page.line("toolbay_call_duration_seconds_count", &labels, all);
    }
    let (hits, misses) = host.answers.counts();
    page.head(
        "toolbay_cache_lookups_total",
        "counter",
        "Look-ups of kept answers by whether there was one.",
    );
    page.line("toolbay_cache_lookups_total", &[("result", "hit")], hits);
    page.line("toolbay_cache_lookups_total", &[("result", "miss")], misses);
    page.head(
        "toolbay_plugins",
        "gauge",
        "Plugin files by whether they are served.",
    );
    page.line(
        "toolbay_plugins",
        &[("state", "served")],
        catalog.plugins.len() as u64,
    );
    page.line(
        "toolbay_plugins",
        &[("state", "broken")],
        catalog.problems.len() as u64,
    );
    let crashing = catalog
        .plugins
        .iter()
        .filter(|plugin| plugin.breaker.open_for() > 0)
        .count();
    page.head(
        "toolbay_plugins_crashing",
        "gauge",
        "Plugins that keep crashing and are not run for a while.",
    );
    page.line("toolbay_plugins_crashing", &[], crashing as u64);
    page.head(
        "toolbay_uptime_seconds",
        "gauge",
        "How long the host has been running.",
    );
    page.line("toolbay_uptime_seconds", &[], host.uptime().as_secs());
    if let Some(bytes) = crate::status::resident_memory() {
        page.head(
            "process_resident_memory_bytes",
            "gauge",
            "The host's resident memory.",
        );
        page.line("process_resident_memory_bytes", &[], bytes);
    }
    page.0
}

fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Names of plugins and tools have no character that would have to be escaped.
    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_count_and_every_duration_its_bucket() {
        let metrics = ToolMetrics::default();
        for outcome in OUTCOMES {
            metrics.count((outcome != "ok").then_some(outcome), Duration::ZERO);
        }
        let counts = metrics
            .outcomes
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts.collect::<Vec<_>>(), [1; OUTCOMES.len()]);
        for (micros, place) in [(100, 0), (101, 1), (30_000_000, 11), (30_000_001, 12)] {
            let metrics = ToolMetrics::default();
            metrics.count(None, Duration::from_micros(micros));
            assert_eq!(
                metrics.durations[place].load(Ordering::Relaxed),
                1,
                "{micros}"
            );
        }
        assert_eq!(seconds(2_500), "0.0025");
        assert_eq!(seconds(30_000_000), "30");
    }
}
