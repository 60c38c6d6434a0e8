//! The tools that `cargo xtask bench` measures. The native server beside it, `host/benches/native`, has the first two as well.

use std::time::{Duration, Instant};

use toolbay_sdk::prelude::*;

/// Adds two numbers and returns their sum.
#[tool]
fn add(
    /** The first number */
    a: f64,
    /** The second number */
    b: f64,
) -> f64 {
    a + b
}

/// Returns the text that it gets.
#[tool]
fn echo(
    /** Any text, also a very long one */
    text: String,
) -> String {
    text
}

/// Keeps the processor busy for as long as asked.
#[tool]
fn spin(
    /** How long, in milliseconds */
    milliseconds: u32,
) -> u32 {
    let end = Instant::now() + Duration::from_millis(milliseconds.into());
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    milliseconds
}

plugin!(add, echo, spin);
