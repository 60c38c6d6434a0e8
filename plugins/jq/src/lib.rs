//! Runs jq filters over JSON. This file holds the tools; what they do is in the modules.

mod compile;
mod definitions;
mod error;
mod json;
mod query;

pub use error::QueryError;
pub use json::{Layout, MAX_DEPTH};
pub use query::{MAX_RESULTS, Query, Results};
