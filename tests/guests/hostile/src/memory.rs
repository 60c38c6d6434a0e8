//! Tools that want more memory, stack, handles or random bytes than there are.

use std::hint::black_box;

use wasip2::clocks::monotonic_clock;
use wasip2::random::random;

use crate::{Answer, text};

/// Asks for a lot of random bytes at a time, again and again.
pub(crate) fn drain_random(_: &str) -> Answer {
    loop {
        black_box(random::get_random_bytes(1 << 20));
    }
}

/// Makes handles in the host and keeps them all.
pub(crate) fn fill_tables(_: &str) -> Answer {
    let mut kept = Vec::new();
    loop {
        kept.push(monotonic_clock::subscribe_duration(u64::MAX));
    }
}

pub(crate) fn grow_at_once(_: &str) -> Answer {
    let bytes = vec![1_u8; black_box(1 << 30)];
    text(bytes.len().to_string())
}

pub(crate) fn grow_slowly(_: &str) -> Answer {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 64 << 10]));
    }
}

/// Asks the host for more random bytes than any machine has memory for.
pub(crate) fn huge_random(_: &str) -> Answer {
    text(
        random::get_random_bytes(black_box(u64::MAX))
            .len()
            .to_string(),
    )
}

pub(crate) fn recurse(arguments: &str) -> Answer {
    text(deeper(arguments.len() as u64).to_string())
}

#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if black_box(frame)[5] == u64::MAX {
        return 0;
    }
    // What follows the call keeps the compiler from making a loop of this.
    deeper(depth + 1) + black_box(frame)[3]
}
