//! The macros of `toolbay-sdk`, which re-exports and documents them: this crate only turns tokens into tokens. What a manifest may
//! say is for `toolbay-manifest`; what the output does when it runs is for `toolbay_sdk::__private`.

#![warn(missing_docs)]

use proc_macro::TokenStream;

mod data;
mod parameters;
mod plugin;
mod tool;

/// Makes a tool of a function. See the crate's documentation for arguments and results.
///
/// The doc comment is the tool's description, and has to be there: a model chooses by it. `#[tool(name = "…")]` gives another name than
/// the function's, `#[tool(title = "…")]` a name for people.
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

/// Makes a plugin of tools and `plugin.toml`: `plugin!(add, text::repeat);`, once in a crate.
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
