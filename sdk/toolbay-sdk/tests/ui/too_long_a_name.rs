use toolbay_sdk::prelude::*;

/// Adds two numbers and returns their sum.
#[tool]
fn add_two_numbers_and_return_the_sum_of_both(a: f64, b: f64) -> f64 {
    a + b
}

plugin!(add_two_numbers_and_return_the_sum_of_both; settings_text = "[plugin]\nname = 'adder'\ndescription = 'Adds.'");

fn main() {}
