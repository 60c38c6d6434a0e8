//! Toolbay: an MCP host whose tools run as sandboxed WebAssembly components.
//!
//! The library is what the program is made of. `ARCHITECTURE.md` says where things are and what must stay true.

#[cfg(test)]
mod architecture;
mod audit;
mod breaker;
mod build;
mod cache;
mod call;
mod catalog;
mod changes;
pub mod cli;
mod client;
mod clients;
pub mod commands;
mod component;
pub mod config;
mod dev;
mod digest;
mod discover;
mod download;
mod file_changes;
mod files;
mod health;
mod host;
mod index;
mod inventory;
mod json;
mod load;
mod lock;
mod mcp;
mod metrics;
mod outbound;
mod owner;
mod parked;
mod permissions;
mod plugin;
mod principal;
mod rate;
mod redact;
mod results;
mod sandbox;
mod scaffold;
mod schema;
mod seal;
mod secrets;
mod state;
mod status;
mod telemetry;
mod terminal;
mod text;
mod tls;
mod tokens;
mod turns;
mod watch;

pub use catalog::PluginProblem;
pub use config::Config;
pub use host::Host;
