use toolbay_sdk::prelude::*;

/// Adds two numbers and returns their sum.
#[tool]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

plugin!(add; settings_text = "
    [plugin]
    name = 'adder'
    description = 'Adds.'
    [tools.add]
    timout = '1s'
");

fn main() {}
