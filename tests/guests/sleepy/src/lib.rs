//! A plugin that waits, for tests that need a call to be running.

use std::time::Duration;

use toolbay_sdk::prelude::*;

/// Sleeps and returns how long it slept, in milliseconds.
#[tool]
fn nap(
    /** How long, in milliseconds */
    milliseconds: u32,
) -> u32 {
    std::thread::sleep(Duration::from_millis(milliseconds.into()));
    milliseconds
}

plugin!(nap);
