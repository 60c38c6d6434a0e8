use toolbay_sdk::prelude::*;

fn add(a: f64, b: f64) -> f64 {
    a + b
}

plugin!(add; settings_text = "[plugin]\nname = 'adder'\ndescription = 'Adds.'");

fn main() {}
