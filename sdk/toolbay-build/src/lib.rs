//! From a plugin's crate to a component as the compiler makes it: finds the compiler for wasm32-wasip2 or sets one up, runs cargo, and reads what
//! came out of it. Used by `toolbay` for authors and by `cargo xtask` for this repository; knows neither manifests nor the sandbox.

mod apt;
pub mod cargo;
mod consent;
mod distribution;
pub mod process;
mod target_setup;
mod wasi_libc;

use std::path::Path;

pub use consent::Consent;
pub use target_setup::{GuestToolchain, TARGET};
pub use wasi_libc::names_preview1;

/// What finding and setting up the compiler needs from whoever asks for it.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// Where things are kept from run to run: a C library, a link to the linker, what was tried in vain.
    pub folder: &'a Path,
    /// Whether packages may be installed on this machine.
    pub consent: Consent,
    /// Takes what there is to tell on the way, a line at a time.
    pub say: &'a dyn Fn(&str),
}
