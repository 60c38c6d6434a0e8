//! Tools that end their instance instead of returning.

use std::hint::black_box;

use crate::{Answer, text};

pub(crate) fn abort(_: &str) -> Answer {
    std::process::abort()
}

pub(crate) fn divide_by_zero(arguments: &str) -> Answer {
    // Past the compiler's own check, the division itself traps.
    let zero = black_box(arguments.len()) - arguments.len();
    text(black_box(1_usize).wrapping_div(zero).to_string())
}

pub(crate) fn exit_one(_: &str) -> Answer {
    std::process::exit(1)
}

pub(crate) fn exit_zero(_: &str) -> Answer {
    std::process::exit(0)
}

pub(crate) fn out_of_bounds(_: &str) -> Answer {
    // SAFETY: there is none: the address lies behind the end of the memory, and the engine must stop the read.
    let byte = unsafe { std::ptr::read_volatile(black_box(0xffff_0000_usize) as *const u8) };
    text(byte.to_string())
}

pub(crate) fn panic(_: &str) -> Answer {
    panic!("this plugin panics \u{1b}[31min red\u{1b}[0m")
}

#[cfg(target_arch = "wasm32")]
pub(crate) fn trap(_: &str) -> Answer {
    core::arch::wasm32::unreachable()
}

/// Only so that the crate also checks natively.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn trap(_: &str) -> Answer {
    std::process::abort()
}
