//! Write tools, resources and prompts for models in a few lines of Rust. Each is an ordinary function; the host runs every call of it in a fresh sandbox.
//!
//! A whole plugin that adds two numbers:
//!
//! ```
//! use toolbay_sdk::prelude::*;
//!
//! /// Adds two numbers and returns their sum.
//! #[tool]
//! fn add(a: f64, b: f64) -> f64 {
//!     a + b
//! }
//!
//! # #[cfg(all())]
//! # plugin!(add; settings_text = "[plugin]\nname = 'adder'\ndescription = 'Adds.'");
//! # #[cfg(any())]
//! plugin!(add);
//!
//! // It stays an ordinary function.
//! # fn main() {
//! assert_eq!(add(1.0, 2.0), 3.0);
//! # }
//! ```
//!
//! and beside its `Cargo.toml` the file `plugin.toml`:
//!
//! ```toml
//! [plugin]
//! name = "adder"
//! description = "Adds numbers."
//! ```
//!
//! `Cargo.toml` needs `crate-type = ["cdylib"]` and this one dependency; `cargo build --release --target wasm32-wasip2` makes the component.
//! The functions stay ordinary ones, so `cargo test` tests them natively. Since each call gets a fresh instance, small and quick code
//! pays: `[profile.release]` with `opt-level = "s"`, `lto = true`, `codegen-units = 1`, `panic = "abort"`, `strip = true`.
//!
//! A tool in another module is named by its path: `plugin!(add, text::repeat)`. What is exported is what is listed: a plugin of tools is not asked for anything else.
//!
//! # Arguments
//! Each parameter of a tool is an argument of the same name. Its doc comment is its description, its type gives its schema.
//! - `Option<T>` may be left out; `#[default(expression)]` gives one that may be left out a value.
//! - `&str`, `&[T]` and `&T` are borrowed from what was sent.
//! - `#[schemars(range(min = 1, max = 5))]`, `#[schemars(length(max = 200))]`, `#[schemars(regex(pattern = "…"))]` bound it: the host checks before
//!   the tool runs. `#[serde(…)]` works as on a field.
//! - [`Date`], [`DateTime`], [`Email`] and [`Url`] are texts of a known form, checked before the tool runs and taken apart already.
//! - An argument that the tool does not have is refused.
//!
//! Types of your own carry [`#[data]`](macro@data), which makes them usable in arguments and results. A tool may instead take one struct
//! as all its arguments: mark the parameter with `#[arguments]`.
//!
//! ```
//! use toolbay_sdk::prelude::*;
//!
//! /// What to look for.
//! #[data]
//! struct Search {
//!     /// A word that must be there
//!     word: String,
//!     /// How many results at most
//!     #[serde(default = "ten")]
//!     #[schemars(range(min = 1, max = 100))]
//!     limit: u32,
//! }
//!
//! fn ten() -> u32 { 10 }
//!
//! /// Searches the notes for a word and returns their titles.
//! #[tool(title = "Search notes")]
//! fn search(#[arguments] search: Search) -> Vec<String> {
//!     vec![format!("{} ({})", search.word, search.limit)]
//! }
//! # fn main() {}
//! ```
//!
//! # Results
//! What a tool may return, alone or in a `Result<_, E>` whose error becomes a [`ToolError`] (`?` does it):
//!
//! | type | what the client gets |
//! |---|---|
//! | `String`, `&str` | the text |
//! | `()` | the text `done` |
//! | a struct or map that serializes to an object | structured content with an output schema, and the same as JSON text |
//! | any other value that serializes: a number, a list, an enum | the same, wrapped: `{"result": value}` |
//! | [`WithText`]`<T>` | structured content of `T` with its schema, and a text of your own in place of its JSON |
//! | [`ToolResult`] | whatever you build: images, links, text beside structured content |
//!
//! A list that may be long is given a page at a time: take `cursor: Option<Cursor>` and `limit: Limit`, and return a [`Page`].
//!
//! JSON has no infinite number and no `NaN` (they become `null`, which no number's schema allows): return an error instead.
//!
//! # Resources and prompts
//! A resource is something to read by its URI, a prompt is messages that a person chooses. Both are functions too, with an attribute of their own, and are listed behind
//! the tools; a plugin may have any of the three.
//!
//! ```
//! use toolbay_sdk::prelude::*;
//!
//! /// One note, as Markdown.
//! #[resource("notes://note/{+path}", mime_type = "text/markdown", list = notes)]
//! fn note(path: &str) -> Result<String, ToolError> {
//!     Err(ToolError::not_found(format!("there is no note `{path}`")))
//! }
//!
//! fn notes(_cursor: Option<&str>) -> Vec<ResourceEntry> {
//!     vec![ResourceEntry::new("notes://note/shopping.md", "shopping").title("Shopping")]
//! }
//!
//! /// Asks for a summary of a note.
//! #[prompt(complete(style = styles))]
//! fn summarise(
//!     /// The note's path
//!     path: &str,
//!     /// In which style
//!     style: Option<&str>,
//! ) -> String {
//!     format!("Summarise notes://note/{path} in {} style.", style.unwrap_or("plain"))
//! }
//!
//! fn styles(typed: &str, _settled: &Settled) -> Completion {
//!     Completion::matching(["plain", "poetic"], typed)
//! }
//!
//! # #[cfg(all())]
//! # plugin!(resources(note); prompts(summarise); settings_text = "[plugin]\nname = 'notes'\ndescription = 'Keeps notes.'");
//! # #[cfg(any())]
//! plugin!(resources(note); prompts(summarise));
//! # fn main() {}
//! ```
//!
//! Which types each takes and returns stands at [`#[resource]`](macro@resource) and [`#[prompt]`](macro@prompt). Their limits and permissions are
//! `[resources.NAME]` and `[prompts.NAME]` in `plugin.toml`; both only ever read.
//!
//! # The call's context
//! A parameter of type [`&Context`](Context) is no argument: with it a tool, a resource or a prompt tells its client how far it is, sends log messages, looks
//! whether it is cancelled, says which resources changed, and asks: the user with a form ([`Context::elicit`]) or a page, the client's model
//! ([`Context::sample`]), or for the folders that the client works in. A question waits for its answer, so the code goes on below it.
//!
//! # Errors
//! [`ToolError`] has a constructor for each code on the wire. A panic ends the call with an `internal` error, and its message goes to the host's log.
//!
//! # What a plugin can reach
//! Nothing, unless its `plugin.toml` asks for it, by tool, resource and prompt, and the user grants it. Then:
//! - [`http`]: requests to servers.
//! - [`kv`]: the plugin's own state, kept from call to call.
//! - [`mount`](fn@mount): folders of the user's, read and written with the methods of [`Mount`] or with [`std::fs`].
//! - [`std::env::var`]: environment variables.
//! - the user, the client's model and its folders, through the [`Context`]: `elicit = true`, `sample = true`, `roots = true`.
//!
//! Each works in the component; called natively, in `cargo test`, `kv` is a map in memory, a test takes any folder as a [`Mount`], requests are refused, and a
//! [`Context`] keeps what was said and answers what the test gave it. A component imports only what its code uses. What is to be told to the person who runs the host goes to [`log`].
//!
//! # Tests
//! The functions are tested by calling them. [`testing`] runs the tools in the real sandbox, from the same `cargo test`, with servers, folders, secrets and a clock
//! of the test's own.
//!
//! # Settings
//! `plugin.toml` holds what the code cannot say: limits and permissions of each tool, as `[tools.NAME]`. It is checked when the
//! plugin is compiled. What is not said there has the defaults: 10 s (30 s with network), 64 MiB of memory, 256 KiB of output, nothing allowed.

#![warn(missing_docs)]

mod around;
mod ask;
mod calendar;
mod calls;
mod completion;
mod content;
mod context;
mod error;
mod fields;
mod formats;
mod health;
pub mod http;
pub mod kv;
pub mod log;
mod mount;
mod page;
mod prompt;
mod resource;
mod result;
pub mod sanitize;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[doc(hidden)]
pub mod __private;

pub use around::ToolCall;
pub use ask::{
    Action, Answer, Answers, FormAnswer, Questions, Root, SampleRequest, SampleResult, Supports,
};
pub use calls::call_tool;
pub use completion::{Completion, Settled};
pub use content::{Content, Icon, IconTheme, ResourceLink, Role};
pub use context::{Context, LogLevel, Quantity, Total};
#[cfg(not(target_family = "wasm"))]
pub use context::{Message, Report};
pub use error::{ErrorCode, ToolError};
pub use fields::{Fields, Partial};
pub use formats::{Date, DateTime, Email, Url};
pub use health::{Health, HealthStatus};
pub use mount::{DEFAULT_MAX_FILE, Entry, EntryKind, MAX_FOLDER_ENTRIES, Mount, Walk, mount};
pub use page::{Cursor, Limit, Page};
pub use prompt::{PromptMessage, PromptResult};
pub use resource::{Json, ResourceEntry, ResourcePage, ResourcePart};
pub use result::{ToolResult, WithText};
pub use schemars;
pub use serde;
pub use serde_json;
pub use toolbay_sdk_macros::{data, plugin, prompt, resource, tool};

/// What almost every plugin needs: `use toolbay_sdk::prelude::*;`.
///
/// It is a list by hand, so that nothing comes in unseen. `Deserialize`, `Serialize` and `JsonSchema` are here for bounds and for
/// crates that depend on `serde` themselves; [`#[data]`](macro@crate::data) derives all three without that.
pub mod prelude {
    pub use crate::schemars::{self, JsonSchema};
    pub use crate::serde::{Deserialize, Serialize};
    pub use crate::serde_json::{self, json};
    pub use crate::{
        Action, Answer, Answers, Completion, Content, Context, Cursor, Date, DateTime, Email,
        ErrorCode, Json, Limit, LogLevel, Page, PromptMessage, PromptResult, Questions,
        ResourceEntry, ResourceLink, ResourcePage, ResourcePart, Role, Root, SampleRequest,
        SampleResult, Settled, Supports, ToolError, ToolResult, Url, data, plugin, prompt,
        resource, tool,
    };
}
