use toolbay_sdk::prelude::*;

/// Adds two numbers and returns their sum.
#[tool]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

plugin!(add; settings = "examples/adder.toml");
