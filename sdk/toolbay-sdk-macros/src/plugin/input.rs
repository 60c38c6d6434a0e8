//! What stands in the brackets of `plugin!`.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Path, Token};

const USUAL_FILE: &str = "plugin.toml";

/// `add, text::repeat; resources(note); prompts(summarise); settings = "other.toml"`
pub(super) struct Input {
    pub(super) tools: Vec<Path>,
    pub(super) resources: Vec<Path>,
    pub(super) prompts: Vec<Path>,
    pub(super) settings: Settings,
}

pub(super) enum Settings {
    /// A file, relative to the folder of `Cargo.toml`.
    File(String, Span),
    /// The text itself, for examples and tests that are one file.
    Text(LitStr),
}

impl Parse for Input {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut read = Self {
            tools: Vec::new(),
            resources: Vec::new(),
            prompts: Vec::new(),
            settings: Settings::File(USUAL_FILE.to_owned(), Span::call_site()),
        };
        let start = input.span();
        if !is_section(input) && !input.is_empty() && !input.peek(Token![;]) {
            read.tools = paths(input)?;
        } else if !input.is_empty() && !input.peek(Token![;]) {
            read.section(input)?;
        }
        while input.parse::<Option<Token![;]>>()?.is_some() && !input.is_empty() {
            read.section(input)?;
        }
        if !input.is_empty() {
            return Err(input.error(
                "write the tools with `,` between them, and what else there is behind `;`: `plugin!(add, subtract; resources(note); prompts(summarise));`",
            ));
        }
        if read.tools.is_empty() && read.resources.is_empty() && read.prompts.is_empty() {
            return Err(Error::new(
                start,
                "name at least one tool, resource or prompt: `plugin!(add);`",
            ));
        }
        Ok(read)
    }
}

/// Whether `resources(…)` or `prompts(…)` comes next; a tool's path has no brackets behind it.
fn is_section(input: ParseStream) -> bool {
    input.peek(Ident) && input.peek2(syn::token::Paren)
}

/// Paths with commas between them, up to `;` or the end.
fn paths(input: ParseStream) -> syn::Result<Vec<Path>> {
    let mut paths = vec![Path::parse_mod_style(input)?];
    while input.parse::<Option<Token![,]>>()?.is_some() {
        // A comma may stand after the last one too, as in any list that is one a line.
        if input.is_empty() || input.peek(Token![;]) {
            break;
        }
        paths.push(Path::parse_mod_style(input)?);
    }
    Ok(paths)
}

impl Input {
    /// What may stand behind a `;`.
    fn section(&mut self, input: ParseStream) -> syn::Result<()> {
        let key: Ident = input.parse()?;
        let list = match key.to_string().as_str() {
            "resources" => &mut self.resources,
            "prompts" => &mut self.prompts,
            "settings" if input.peek(Token![=]) => {
                input.parse::<Token![=]>()?;
                let file: LitStr = input.parse()?;
                self.settings = Settings::File(file.value(), file.span());
                return Ok(());
            }
            "settings_text" if input.peek(Token![=]) => {
                input.parse::<Token![=]>()?;
                self.settings = Settings::Text(input.parse()?);
                return Ok(());
            }
            _ => {
                return Err(Error::new(
                    key.span(),
                    "write `resources(note)`, `prompts(summarise)` or `settings = \"other.toml\"`",
                ));
            }
        };
        let inside;
        syn::parenthesized!(inside in input);
        if !inside.is_empty() {
            list.extend(paths(&inside)?);
        }
        if !inside.is_empty() {
            return Err(inside.error("write the names with `,` between them"));
        }
        Ok(())
    }
}
