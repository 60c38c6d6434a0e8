//! The integration tests: the real program, over pipes and sockets, as clients use it. One binary, since each would link
//! everything again.
//!
//! Every line that the host writes in any of them is checked against the official schema of the revision in use, see
//! `support/ledger.rs`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "in tests a failed expectation is a failed test, and figures are printed beside the failures"
)]

#[path = "../support/support.rs"]
mod support;

mod added;
mod asker;
mod author;
mod broken;
mod calls;
mod check;
mod client_config;
mod clients;
mod commands;
mod consent;
mod defects;
mod dev;
mod doctor;
mod escapes;
mod exit;
mod grants;
mod handshake;
mod help;
mod hostile;
mod http;
mod lists;
mod load;
mod logs;
mod network;
mod patterns;
mod plugins;
mod protocol;
mod reload;
mod secrets;
mod services;
mod settings;
mod state;
mod streams;
mod subscriptions;
mod testing;
mod tutorial;

/// What differs from one machine or moment to another, as snapshots show it.
fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"/tmp/\.tmp\w+", "[temporary]"),
        (r"[0-9a-f]{64}", "[digest]"),
        (r"\b[0-9a-f]{12}\b", "[digest]"),
        (
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
            "[time]",
        ),
        (r"up \d+ s, [\d.]+ MiB", "up [duration], [memory]"),
        (r#""uptime_seconds": \d+"#, r#""uptime_seconds": [seconds]"#),
        (r#""memory_mb": [\d.]+"#, r#""memory_mb": [memory]"#),
        (r"at byte \d+", "at byte [place]"),
    ]
}

/// A message as it can be shown where it may be long.
fn brief(message: &serde_json::Value) -> String {
    message.to_string().chars().take(2000).collect()
}
