//! Values and a text in chunks: never a panic, the same length, the same for any cut, and no value left in the open. The input is the values'
//! lines, an empty line, and the text.
#![no_main]
#![allow(dead_code, reason = "the files under test have more than is used here")]

use std::sync::Arc;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use source::redact::{RedactedStream, Redactor};

#[path = "../../src"]
mod source {
    pub(crate) mod redact;
}

fuzz_target!(|input: &[u8]| {
    let Some(split) = input.windows(2).position(|window| window == b"\n\n") else {
        return;
    };
    let Ok(values) = std::str::from_utf8(&input[..split]) else {
        return;
    };
    let text = &input[split + 2..];
    let values: Vec<&str> = values.lines().filter(|value| value.len() >= 8).collect();
    let redactor = Arc::new(Redactor::new(values.iter().copied()));
    let whole = redactor.redact_bytes(text).into_owned();
    assert_eq!(whole.len(), text.len());
    for value in values {
        // A value of stars covers itself.
        if value.bytes().any(|byte| byte != b'*') {
            let stays = whole.windows(value.len()).any(|window| window == value.as_bytes());
            let was = text.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!stays || !was || value.contains('*'), "a value is left");
        }
    }
    for size in [1, 2, 7, 64] {
        let mut stream = RedactedStream::new(redactor.clone());
        let mut chunked = Vec::new();
        for chunk in text.chunks(size) {
            chunked.extend(stream.push(Bytes::copy_from_slice(chunk)));
        }
        chunked.extend(stream.finish());
        assert_eq!(chunked, whole);
    }
});
