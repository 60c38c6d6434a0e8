//! The hidden command that compiles one component, run by the host in a process of its own.

use std::io::Write;

use anyhow::Result;

pub(crate) use crate::sandbox::COMPILE_COMMAND as NAME;

pub(crate) fn run(quick: bool, aside: bool) -> Result<u8> {
    let compiled = crate::sandbox::compile_from_stdin(
        std::io::stdin().lock(),
        crate::terminal::raw_stdout(),
        quick,
        aside,
    )?;
    match compiled {
        Ok(()) => Ok(super::OK),
        Err(why) => {
            let _ = std::io::stderr().write_all(why.as_bytes());
            Ok(super::PROBLEM)
        }
    }
}
