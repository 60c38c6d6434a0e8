use toolbay_sdk::prelude::*;

#[prompt]
fn no_description(text: &str) -> String {
    text.to_owned()
}

/// Asks for a summary.
#[prompt(arguments = "text")]
fn unknown_option(text: &str) -> String {
    text.to_owned()
}

/// Asks for a summary.
#[prompt(complete(txt = texts))]
fn completes_nothing(text: &str) -> String {
    text.to_owned()
}

/// Asks for a summary.
#[prompt]
fn a_list(texts: Vec<String>) -> String {
    texts.join("")
}

/// Asks for a summary.
#[prompt]
fn a_number() -> u32 {
    7
}

/// Asks for a summary.
#[prompt]
fn twice(#[argument(name = "text")] first: &str, text: &str) -> String {
    format!("{first}{text}")
}

/// Asks for a summary.
#[prompt]
fn bounded(#[schemars(length(max = 7))] text: &str) -> String {
    text.to_owned()
}

fn main() {}
