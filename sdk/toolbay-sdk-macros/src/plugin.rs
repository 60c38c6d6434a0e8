//! `plugin!`: reads and checks `plugin.toml` while compiling, puts its settings beside the list of tools, and exports both.

use std::env;
use std::path::PathBuf;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Ident, LitStr, Path, Token};
use toolbay_manifest::{MAX_NAME_CHARS, ManifestError, PackageInfo, SourceManifest};

use crate::tool;

const USUAL_FILE: &str = "plugin.toml";

/// `add, text::repeat; settings = "other.toml"`
struct Input {
    tools: Vec<Path>,
    settings: Settings,
}

enum Settings {
    /// A file, relative to the folder of `Cargo.toml`.
    File(String, Span),
    /// The text itself, for examples and tests that are one file.
    Text(LitStr),
}

impl Parse for Input {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.is_empty() || input.peek(Token![;]) {
            return Err(input.error("name at least one tool: `plugin!(add);`"));
        }
        let mut tools = vec![Path::parse_mod_style(input)?];
        while input.parse::<Option<Token![,]>>()?.is_some() {
            // A comma may stand after the last one too, as in any list that is one a line.
            if input.is_empty() || input.peek(Token![;]) {
                break;
            }
            tools.push(Path::parse_mod_style(input)?);
        }
        let mut settings = Settings::File(USUAL_FILE.to_owned(), Span::call_site());
        if input.parse::<Option<Token![;]>>()?.is_some() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value: LitStr = input.parse()?;
            settings = match key.to_string().as_str() {
                "settings" => Settings::File(value.value(), value.span()),
                "settings_text" => Settings::Text(value),
                _ => return Err(Error::new(key.span(), "write `settings = \"other.toml\"`")),
            };
        }
        if !input.is_empty() {
            return Err(
                input.error("write the tools with `,` between them: `plugin!(add, subtract);`")
            );
        }
        Ok(Self { tools, settings })
    }
}

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let Input { tools, settings } = syn::parse2(input)?;
    refuse_twice(&tools)?;
    let Source {
        text,
        file,
        span,
        tracked,
    } = read(settings)?;
    let source = SourceManifest::from_toml(&text).map_err(|error| in_file(&file, span, &error))?;
    let info = source
        .plugin_info(&package())
        .map_err(|error| in_file(&file, span, &error))?;

    let plugin_name = &info.name;
    let plugin = json(&info)?;
    let mounts = json(&source.mounts)?;
    let mut settings = Vec::new();
    let mut checks = TokenStream::new();
    for (name, tool) in &source.tools {
        let tool = json(tool)?;
        settings.push(quote! { (#name, #tool) });
        checks.extend(quote_spanned! { span=>
            const _: () = ::toolbay_sdk::__private::check_setting_is_listed(TOOLS, #name);
        });
    }
    let limit_in_words = MAX_NAME_CHARS.to_string();
    let tools: Vec<Path> = tools.into_iter().map(type_of_tool).collect();
    for (index, of_tool) in tools.iter().enumerate() {
        checks.extend(quote_spanned! { of_tool.span()=>
            const _: () = ::toolbay_sdk::__private::check_listed_once(TOOLS, #index);
            const _: () = ::toolbay_sdk::__private::check_name_length(
                #plugin_name,
                &<#of_tool as ::toolbay_sdk::__private::Tool>::ENTRY,
                #MAX_NAME_CHARS,
                #limit_in_words,
            );
        });
    }
    let entries = tools.iter().map(
        |of_tool| quote_spanned! { of_tool.span()=> <#of_tool as ::toolbay_sdk::__private::Tool>::ENTRY },
    );

    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, reason = "there is one plugin in a crate, and this name keeps it so")]
        pub struct __toolbay_plugin {}

        const _: () = {
            #tracked
            const TOOLS: &[::toolbay_sdk::__private::ToolEntry] = &[#(#entries),*];
            #checks

            impl ::toolbay_sdk::__private::Plugin for __toolbay_plugin {
                const TOOLS: &'static [::toolbay_sdk::__private::ToolEntry] = TOOLS;
                const PLUGIN: &'static str = #plugin;
                const MOUNTS: &'static str = #mounts;
                const SETTINGS: &'static [(&'static str, &'static str)] = &[#(#settings),*];
            }
        };

        // Natively there is nobody to export to: the crate's own tests call the functions.
        #[cfg(target_family = "wasm")]
        ::toolbay_sdk::__private::export!(__toolbay_plugin with_types_in ::toolbay_sdk::__private::bindings);
    })
}

/// From the path of a function to the path of the type that stands for it.
fn type_of_tool(mut function: Path) -> Path {
    if let Some(last) = function.segments.last_mut() {
        last.ident = tool::type_of_tool(&last.ident);
    }
    function
}

fn refuse_twice(tools: &[Path]) -> syn::Result<()> {
    let text = |path: &Path| quote!(#path).to_string();
    for (index, tool) in tools.iter().enumerate() {
        if tools
            .iter()
            .take(index)
            .any(|earlier| text(earlier) == text(tool))
        {
            let name = tool
                .segments
                .last()
                .map(|segment| segment.ident.to_string())
                .unwrap_or_default();
            return Err(Error::new_spanned(
                tool,
                format!("the tool `{name}` is listed twice"),
            ));
        }
    }
    Ok(())
}

/// The settings' text, what to call them in a message, and where that points to.
struct Source {
    text: String,
    file: String,
    span: Span,
    /// Makes the compiler run again when the file has changed.
    tracked: TokenStream,
}

fn read(settings: Settings) -> syn::Result<Source> {
    let (file, span) = match settings {
        Settings::Text(text) => {
            return Ok(Source {
                file: "the settings".to_owned(),
                span: text.span(),
                text: text.value(),
                tracked: TokenStream::new(),
            });
        }
        Settings::File(file, span) => (file, span),
    };
    let folder = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let text = std::fs::read_to_string(folder.join(&file)).map_err(|error| {
        let message = format!(
            "{file} cannot be read: {error}\n\
             help: write it beside Cargo.toml, beginning with these two lines:\n\
             [plugin]\n\
             name = \"{}\"",
            env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "my-plugin".to_owned()),
        );
        Error::new(span, message)
    })?;
    let tracked = quote! {
        const _: &[u8] = ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #file));
    };
    Ok(Source {
        text,
        file,
        span,
        tracked,
    })
}

/// What cargo tells the compiler about the author's package.
fn package() -> PackageInfo {
    let variable = |name| env::var(name).unwrap_or_default();
    PackageInfo {
        version: variable("CARGO_PKG_VERSION"),
        description: variable("CARGO_PKG_DESCRIPTION"),
        authors: variable("CARGO_PKG_AUTHORS")
            .split(':')
            .filter(|author| !author.is_empty())
            .map(str::to_owned)
            .collect(),
        license: variable("CARGO_PKG_LICENSE"),
        homepage: variable("CARGO_PKG_HOMEPAGE"),
    }
}

fn in_file(file: &str, span: Span, error: &ManifestError) -> Error {
    let help = error
        .hint()
        .map(|hint| format!("\nhelp: {hint}"))
        .unwrap_or_default();
    Error::new(span, format!("{file}: {error}{help}"))
}

fn json(value: &impl serde::Serialize) -> syn::Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(Span::call_site(), error))
}
