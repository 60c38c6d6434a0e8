//! The transport as a client meets it: over real pipes and socket pairs, with rmcp behind it.

mod client;
mod end;
mod pressure;
mod protocol;
