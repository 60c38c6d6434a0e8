//! The macros of `toolbay-sdk`, which re-exports and documents them: this crate only turns tokens into tokens. What a manifest may
//! say is for `toolbay-manifest`; what the output does when it runs is for `toolbay_sdk::__private`.

#![warn(missing_docs)]

use proc_macro::TokenStream;

mod completers;
mod data;
mod function;
mod parameters;
mod plugin;
mod prompt;
mod resource;
mod texts;
mod tool;

/// Makes a tool of a function. See the crate's documentation for arguments and results.
///
/// The doc comment is the tool's description, and has to be there: a model chooses by it. `#[tool(name = "…")]` gives another name than
/// the function's, `#[tool(title = "…")]` a name for people, `#[tool(icon = "https://…")]` an icon, and more than one where it is repeated.
///
/// A parameter of type `&Context` is no argument but the call's [`Context`](../toolbay_sdk/struct.Context.html).
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Repeats a text and returns all of it as one line.
/// #[tool(name = "repeat_text", title = "Repeat a text")]
/// fn repeat(
///     /// What to repeat
///     #[schemars(length(max = 1000))]
///     text: &str,
///     /// How often
///     #[schemars(range(max = 100))]
///     #[default(2)]
///     times: usize,
/// ) -> Result<String, ToolError> {
///     if text.contains('\n') {
///         return Err(ToolError::validation("`text` has more than one line; give one line"));
///     }
///     Ok(text.repeat(times))
/// }
///
/// fn main() {
///     assert_eq!(repeat("ab", 2).unwrap(), "abab");
/// }
/// ```
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(attribute.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a resource of a function: something that a client can read by its URI.
///
/// The URI begins with the plugin's name. With variables it is a template of many: `{name}` is one segment, `{+path}` several, `{?from,limit}` at the end are
/// query variables. The function's parameters are the variables, by name: `&str`, `String`, and whatever is read from a text; `Option<T>` or
/// `#[default(…)]` for query variables; and `&Context`, which is none of them. What it returns, alone or in a `Result`, is a text (`String`, `&str`), bytes
/// (`Vec<u8>`), `Json<T>`, `ResourcePart` or `Vec<ResourcePart>`. The doc comment is the description.
///
/// Behind the URI may stand:
/// - `name = "…"`: another name than the function's. `title = "…"`: a name for people.
/// - `mime_type = "…"`, `size = 120` (bytes; only without variables), `icon = "https://…"`, `audience = "user, assistant"`, `priority = 0.5`.
/// - `list = function`: which resources are there; a `fn(Option<&str>)` from a cursor to a `ResourcePage`, or to a `Vec<ResourceEntry>` where there are few.
/// - `complete(variable = function)`: proposals for a variable; a `fn(&str, &Settled)` from what was typed to a `Completion` or a `Vec<String>`.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// One note, as Markdown.
/// #[resource("notes://note/{+path}", mime_type = "text/markdown", list = notes, complete(path = paths))]
/// fn note(path: &str) -> Result<String, ToolError> {
///     match path {
///         "shopping.md" => Ok("milk".to_owned()),
///         _ => Err(ToolError::not_found(format!("there is no note `{path}`"))),
///     }
/// }
///
/// fn notes(_cursor: Option<&str>) -> Vec<ResourceEntry> {
///     vec![ResourceEntry::new("notes://note/shopping.md", "shopping")]
/// }
///
/// fn paths(typed: &str, _settled: &Settled) -> Completion {
///     Completion::matching(["shopping.md"], typed)
/// }
///
/// # #[cfg(all())]
/// # plugin!(resources(note); settings_text = "[plugin]\nname = 'notes'\ndescription = 'Notes.'");
/// # #[cfg(any())]
/// plugin!(resources(note));
///
/// # fn main() {
/// assert_eq!(note("shopping.md").unwrap(), "milk");
/// # }
/// ```
#[proc_macro_attribute]
pub fn resource(attribute: TokenStream, item: TokenStream) -> TokenStream {
    resource::expand(attribute.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a prompt of a function: messages that a person chooses, filled in with arguments.
///
/// Each parameter is an argument of the same name, and its doc comment the argument's description. On the wire all are texts; a parameter is `&str`, `String`, or
/// whatever is read from a text; `Option<T>` and `#[default(…)]` may be left out. `#[argument(name = "…", title = "…")]` at a parameter gives another name, and
/// one for people. `&Context` is no argument. What the function returns, alone or in a `Result`, is what the user says (`String`, `&str`), `PromptMessage`,
/// `Vec<PromptMessage>`, or a `PromptResult`.
///
/// In the brackets may stand `name = "…"`, `title = "…"`, `icon = "https://…"` and `complete(argument = function)`: proposals for an argument, from a
/// `fn(&str, &Settled)` that returns a `Completion` or a `Vec<String>`.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Asks for a summary of a text.
/// #[prompt(title = "Summarise", complete(style = styles))]
/// fn summarise(
///     /// The text
///     text: &str,
///     /// In which style
///     #[default("plain")]
///     style: &str,
///     /// How many words at most
///     words: Option<u32>,
/// ) -> String {
///     let words = words.map(|words| format!(" in at most {words} words")).unwrap_or_default();
///     format!("Summarise this in {style} style{words}:\n{text}")
/// }
///
/// fn styles(typed: &str, _settled: &Settled) -> Completion {
///     Completion::matching(["plain", "poetic"], typed)
/// }
///
/// # #[cfg(all())]
/// # plugin!(prompts(summarise); settings_text = "[plugin]\nname = 'notes'\ndescription = 'Notes.'");
/// # #[cfg(any())]
/// plugin!(prompts(summarise));
///
/// # fn main() {
/// assert_eq!(summarise("…", "poetic", Some(5)), "Summarise this in poetic style in at most 5 words:\n…");
/// # }
/// ```
#[proc_macro_attribute]
pub fn prompt(attribute: TokenStream, item: TokenStream) -> TokenStream {
    prompt::expand(attribute.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct or enum usable in arguments and results, with no other dependency than `toolbay-sdk`.
///
/// It derives serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`; `#[serde(…)]` and `#[schemars(…)]` on the type, its fields
/// and variants work as ever, and doc comments become descriptions. Derive more (`Debug`, `Clone`) beside it as you like.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// A colour by its parts.
/// #[data]
/// #[derive(Debug, PartialEq)]
/// #[serde(rename_all = "camelCase")]
/// struct Colour {
///     /// From 0 to 255
///     red_part: u8,
/// }
///
/// fn main() {
///     let colour: Colour = serde_json::from_str(r#"{"redPart": 7}"#).unwrap();
///     assert_eq!(colour, Colour { red_part: 7 });
/// }
/// ```
#[proc_macro_attribute]
pub fn data(attribute: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(attribute.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a plugin of tools, resources, prompts and `plugin.toml`: `plugin!(add, text::repeat; resources(note); prompts(summarise));`, once in a crate. Each of
/// the three may be left out: `plugin!(add);`, `plugin!(resources(note));`.
///
/// It reads `plugin.toml` beside the crate's `Cargo.toml`, which has to name the plugin; version, description, authors, licence and homepage
/// come from `Cargo.toml` where it does not say them. `plugin!(add; settings = "other.toml")` reads another file, relative to the
/// same folder, for packages with more than one plugin.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Adds two numbers and returns their sum.
/// #[tool]
/// fn add(a: f64, b: f64) -> f64 {
///     a + b
/// }
///
/// # #[cfg(all())]
/// # plugin!(add; settings_text = "[plugin]\nname = 'adder'\ndescription = 'Adds.'");
/// # #[cfg(any())]
/// plugin!(add);
/// # fn main() {}
/// ```
#[proc_macro]
pub fn plugin(input: TokenStream) -> TokenStream {
    plugin::expand(input.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
