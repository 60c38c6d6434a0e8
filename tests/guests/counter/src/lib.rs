//! A plugin with a memory, to show that none lasts from call to call.

use std::sync::atomic::{AtomicU32, Ordering};

use toolbay_sdk::prelude::*;

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Returns how often this instance was called: 1 where each call gets a fresh one.
#[tool]
fn next() -> u32 {
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

plugin!(next);
