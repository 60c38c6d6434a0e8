//! Tools that take more time than they have.

use std::hint::black_box;
use std::time::Duration;

use wasip2::clocks::monotonic_clock;
use wasip2::io::poll;

use crate::{Answer, text};

/// The same as `loop_forever`, with a deadline that no test reaches.
pub(crate) fn loop_for_an_hour(arguments: &str) -> Answer {
    loop_forever(arguments)
}

pub(crate) fn loop_forever(_: &str) -> Answer {
    let mut count = 0_u64;
    loop {
        count = black_box(count).wrapping_add(1);
    }
}

/// Is mostly in the host, and never for long.
pub(crate) fn nap_often(_: &str) -> Answer {
    loop {
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// The same as `sleep_forever`, with a deadline that no test reaches.
pub(crate) fn sleep_for_an_hour(arguments: &str) -> Answer {
    sleep_forever(arguments)
}

pub(crate) fn sleep_forever(_: &str) -> Answer {
    std::thread::sleep(Duration::from_secs(1 << 30));
    text("awake")
}

pub(crate) fn wait_for_many(_: &str) -> Answer {
    let pollables: Vec<_> = (0..1000)
        .map(|_| monotonic_clock::subscribe_duration(u64::MAX))
        .collect();
    let borrowed: Vec<_> = pollables.iter().collect();
    text(poll::poll(&borrowed).len().to_string())
}
