//! The `toolbay` program: parse, run, print one error, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    give_memory_back();
    toolbay::commands::run(toolbay::cli::Cli::of_process())
}

/// Makes the C library return large blocks to the system when they are freed. By default it learns from them to keep such
/// blocks, and has an arena for each thread to keep them in: a burst of large results would stay resident for good.
/// Fewer arenas than four would make the reader and the workers, who free what the others allocated, wait for one another.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_memory_back() {
    const LARGE: libc::c_int = 256 << 10;
    const ARENAS: libc::c_int = 4;
    // SAFETY: `mallopt` may be called at any time; no other thread exists yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_memory_back() {}
