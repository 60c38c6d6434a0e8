//! Runs jq filters over JSON. This file holds the tools; what they do is in the modules.

mod arguments;
mod compile;
mod definitions;
mod error;
mod json;
#[cfg(test)]
mod properties;
mod run;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use toolbay_sdk::prelude::*;

pub use arguments::JsonText;
pub use error::QueryError;
pub use json::{Layout, MAX_DEPTH};
pub use run::{MAX_RESULTS, Query, Results};

plugin!(query, text);

/// What a filter gave.
#[data]
pub struct QueryResult {
    /// The results in their order, each a JSON value
    #[schemars(with = "Vec<Value>")]
    pub results: Vec<Box<RawValue>>,
    /// How many results these are
    pub count: usize,
    /// Whether there are more results than `limit`
    pub truncated: bool,
}

/// Selects, filters, counts, groups or reshapes JSON with a jq filter.
///
/// Takes the filter and the JSON, which may be text of up to 8 MiB with one or several values in it, and returns the results as JSON values.
/// The language is jq, but nothing is assigned below null: `.a //= {} | .a.b = 1` instead of `.a.b = 1`. Files, modules and the environment are out of reach, `$ENV` is empty, and local time is UTC.
/// Integers keep all their digits, also when computed with, and so do other numbers that the filter only passes on.
#[tool(title = "Query JSON with jq")]
pub fn query(
    /// The jq filter, such as ".items[] | select(.price > 10) | .name"
    #[schemars(length(min = 1, max = 10_000))]
    filter: &str,
    /// The JSON to work on: as JSON text, such as "{\"a\": 1}" or several values "1 2 3" or lines of JSON, or as a value itself, such as
    /// {"a": 1}. A text is always read as JSON. Without it the filter runs on null
    #[default(JsonText::null())]
    input: JsonText,
    /// Whether to put all values of `input` into one array and run the filter once, instead of once for each value
    #[default(false)]
    slurp: bool,
    /// Values for variables of the filter: {"min": 10} is `$min` in it
    #[default(Map::new())]
    args: Map<String, Value>,
    /// How many results to return: 1 to 1000, and what is beyond is taken as the nearest of these
    limit: Limit<100, 1000>,
) -> Result<QueryResult, ToolError> {
    let query = Query {
        filter,
        input: input.as_str(),
        slurp,
        variables: args,
        limit: limit.get(),
    };
    let Results { items, truncated } = query.run_json(Layout::Compact)?;
    let results = items
        .into_iter()
        .map(RawValue::from_string)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(QueryResult {
        count: results.len(),
        results,
        truncated,
    })
}

/// Turns JSON into plain text with a jq filter, for CSV and TSV, reports, lists of names, and JSON to be shown to people.
///
/// Takes what `query` takes, and returns the results one after the other on lines of their own, as `jq -r` prints them. Where results
/// are worked on further, `query` is the better choice.
#[tool(title = "Turn JSON into text with jq")]
pub fn text(
    /// The jq filter, such as ".[] | [.name, .price] | @csv"
    #[schemars(length(min = 1, max = 10_000))]
    filter: &str,
    /// The JSON to work on: as JSON text, such as "{\"a\": 1}" or several values "1 2 3" or lines of JSON, or as a value itself, such as
    /// {"a": 1}. A text is always read as JSON. Without it the filter runs on null
    #[default(JsonText::null())]
    input: JsonText,
    /// Whether to put all values of `input` into one array and run the filter once, instead of once for each value
    #[default(false)]
    slurp: bool,
    /// Values for variables of the filter: {"min": 10} is `$min` in it
    #[default(Map::new())]
    args: Map<String, Value>,
    /// How many results to return: 1 to 1000, and what is beyond is taken as the nearest of these
    limit: Limit<100, 1000>,
    /// Whether results that are strings are written as they are, without quotes and escapes
    #[default(true)]
    raw: bool,
    /// Whether results that are arrays or objects are written on one line each, instead of indented
    #[default(true)]
    compact: bool,
) -> Result<ToolResult, ToolError> {
    let query = Query {
        filter,
        input: input.as_str(),
        slurp,
        variables: args,
        limit: limit.get(),
    };
    let layout = if compact {
        Layout::Compact
    } else {
        Layout::Pretty
    };
    let Results { items, truncated } = if raw {
        query.run_raw(layout)?
    } else {
        query.run_json(layout)?
    };
    let result = ToolResult::new().text(items.join("\n"));
    Ok(if truncated {
        result.text(format!(
            "(these are the first {} results; there are more)",
            items.len()
        ))
    } else {
        result
    })
}
