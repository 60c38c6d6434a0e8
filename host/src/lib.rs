//! Toolbay: an MCP host whose tools run as sandboxed WebAssembly components.
//!
//! The library is what the program is made of. `ARCHITECTURE.md` says where things are and what must stay true.

#[cfg(test)]
mod architecture;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "commands record here; calls and grants do not yet"
    )
)]
mod audit;
mod call;
mod catalog;
pub mod cli;
pub mod commands;
mod component;
pub mod config;
mod digest;
mod discover;
mod files;
mod host;
mod index;
mod inventory;
mod json;
mod load;
mod lock;
mod mcp;
mod permissions;
mod plugin;
mod sandbox;
mod schema;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "commands set them; calls do not read them yet")
)]
mod secrets;
mod state;
mod status;
mod terminal;
mod text;
mod watch;

pub use catalog::PluginProblem;
pub use config::Config;
pub use host::Host;
