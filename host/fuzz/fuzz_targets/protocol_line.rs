//! A line from a client: never a panic, and never an answer that is not one line of JSON.
#![no_main]
#![allow(dead_code, reason = "the files under test have more than is used here")]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/json.rs"]
mod json;
#[path = "../../src/text.rs"]
mod text;

#[path = "../../src/mcp/stdio"]
mod stdio {
    pub(crate) mod envelope;
    pub(crate) mod refusal;
}

fuzz_target!(|line: &[u8]| {
    let _ = stdio::envelope::parse_line(line);
    let _ = stdio::envelope::refuse_too_long(line, 1 << 20);
    if let Ok(text) = std::str::from_utf8(line) {
        // What is accepted here is what serde_json accepts, but for keys that are there twice.
        if let Ok(value) = json::parse(text) {
            assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), value);
        }
    }
});
