use toolbay_sdk::prelude::*;

/// Adds two numbers and returns their sum.
#[tool(timeout = "5s")]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// Adds two numbers and returns their sum.
#[tool(name = "addNumbers")]
fn add_numbers(a: f64, b: f64) -> f64 {
    a + b
}

/// Adds two numbers and returns their sum.
#[tool]
fn add_pair((a, b): (f64, f64)) -> f64 {
    a + b
}

/// Adds two numbers and returns their sum.
#[tool]
fn add_more(a: f64, #[defualt(1.0)] b: f64) -> f64 {
    a + b
}

#[data]
struct Pair {
    a: f64,
    b: f64,
}

/// Adds the numbers of a pair and another and returns their sum.
#[tool]
fn add_to_pair(#[arguments] pair: Pair, c: f64) -> f64 {
    pair.a + pair.b + c
}

#[data(Debug)]
struct Single {
    a: f64,
}

fn main() {}
