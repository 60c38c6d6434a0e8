//! Markdown notes in a folder of the user's: tools that find and write them, each note as a resource, and a prompt. This file holds what the host sees; what it does is in
//! the modules.

mod note;
mod prompts;
#[cfg(test)]
mod properties;
mod resources;
mod search;
#[cfg(test)]
mod testing;
mod time;
mod tools;
mod vault;
mod walk;

use toolbay_sdk::WithText;
use toolbay_sdk::prelude::*;

pub use note::NoteInfo;
pub use search::{Found, Line, Match, SearchPage, Skipped};
pub use tools::{ListPage, NoteText, Written};
use vault::Vault;

plugin!(list, search, read, create, append; resources(note); prompts(summarise));

/// Lists Markdown notes, in the folder itself and in its subfolders, in the order of their paths.
///
/// Returns for each its path, which the other tools take, its title, its size and when it was last changed, a page at a time. Hidden
/// files and links are left out.
#[tool(title = "List notes")]
pub fn list(
    /// A subfolder to list, such as "2026/projects"; without it all notes are listed
    #[schemars(length(min = 1, max = 1000))]
    folder: Option<&str>,
    /// How many notes to return: 1 to 100, and what is beyond is taken as the nearest of these
    limit: Limit,
    /// The `next_cursor` of the page before, for the page after it
    #[schemars(length(min = 1, max = 4000))]
    cursor: Option<&str>,
) -> Result<ListPage, ToolError> {
    tools::list(&Vault::open()?, folder, limit.get(), cursor)
}

/// Searches the text and the names of Markdown notes, without regard to upper and lower case.
///
/// Returns the notes that match, in the order of their paths, each with up to three matching lines and their numbers, which `read` takes. A page
/// may be short or empty and still have a next one: each call looks through a bounded number of notes.
#[tool(title = "Search notes")]
pub fn search(
    /// What to look for: words, such as "invoice november"
    #[schemars(length(min = 1, max = 200))]
    query: &str,
    /// Whether a note must hold all the words somewhere, or the query as it is on one line
    #[default(Match::AllWords)]
    mode: Match,
    /// A subfolder to search, such as "2026/projects"; without it all notes are searched
    #[schemars(length(min = 1, max = 1000))]
    folder: Option<&str>,
    /// How many notes to return: 1 to 100, and what is beyond is taken as the nearest of these
    limit: Limit,
    /// The `next_cursor` of the page before, for the page after it
    #[schemars(length(min = 1, max = 4000))]
    cursor: Option<&str>,
) -> Result<SearchPage, ToolError> {
    let query = search::Query::new(query, mode)?;
    tools::search(&Vault::open()?, &query, folder, limit.get(), cursor)
}

/// Reads one Markdown note, or some lines of a long one.
///
/// Returns its text as it is, with front matter, and its title, size and date. Where it does not end with the lines returned, `next_line`
/// says where to go on.
#[tool(title = "Read a note")]
pub fn read(
    /// The note's path in the folder, such as "2026/shopping.md", as `list` and `search` return it
    #[schemars(length(min = 4, max = 1000))]
    note: &str,
    /// The first line to return, counted from 1
    #[schemars(range(min = 1))]
    #[default(1)]
    from_line: u64,
    /// How many lines to return: 1 to 2000, and what is beyond is taken as the nearest of these
    #[default(1000)]
    lines: u64,
) -> Result<WithText<NoteText>, ToolError> {
    tools::read(&Vault::open()?, note, from_line, lines)
}

/// Creates a Markdown note with a text. It never replaces one: if there is a note of this path already, nothing is changed.
///
/// Takes the path, in whose last part the name ends in .md, and creates the subfolders in it that are not there yet.
#[tool(title = "Create a note")]
pub fn create(
    ctx: &Context,
    /// Where the note goes in the folder, such as "2026/shopping.md"
    #[schemars(length(min = 4, max = 1000))]
    note: &str,
    /// The text in Markdown. A heading such as "# Shopping" in its first line gives the note its title
    #[schemars(length(max = 500_000))]
    text: &str,
) -> Result<Written, ToolError> {
    let written = tools::create(&Vault::open()?, note, text)?;
    ctx.resource_list_changed();
    Ok(written)
}

/// Adds a text at the end of a Markdown note that exists, on lines of its own. Nothing else in the note is changed.
#[tool(title = "Append to a note")]
pub fn append(
    ctx: &Context,
    /// The note's path in the folder, such as "2026/shopping.md", as `list` and `search` return it
    #[schemars(length(min = 4, max = 1000))]
    note: &str,
    /// The text to add, in Markdown
    #[schemars(length(min = 1, max = 500_000))]
    text: &str,
) -> Result<Written, ToolError> {
    let written = tools::append(&Vault::open()?, note, text)?;
    ctx.resource_updated(&resources::uri(note));
    Ok(written)
}

/// One Markdown note, as it is in the folder. Its path is the one that `list` and `search` return.
#[resource(
    "notes://note/{+path}",
    title = "Note",
    mime_type = "text/markdown",
    list = resources::list,
    complete(path = resources::paths)
)]
pub fn note(path: &str) -> Result<String, ToolError> {
    resources::read(&Vault::open()?, path)
}

/// Asks for a summary of one note, with the note in it.
#[prompt(title = "Summarise a note", complete(note = resources::paths, style = prompts::styles))]
pub fn summarise(
    /// The note's path in the folder, such as "2026/shopping.md"
    note: &str,
    /// How the summary is written: "bullets", "one sentence" or whatever you like
    style: Option<&str>,
) -> Result<Vec<PromptMessage>, ToolError> {
    prompts::summarise(&Vault::open()?, note, style)
}
