use toolbay_sdk::prelude::*;

/// Adds two numbers and returns their sum.
#[tool]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// Adds two whole numbers and returns their sum.
#[tool(name = "add")]
fn add_whole(a: i64, b: i64) -> i64 {
    a + b
}

plugin!(add, add_whole; settings_text = "[plugin]\nname = 'adder'\ndescription = 'Adds.'");

fn main() {}
