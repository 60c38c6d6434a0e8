//! `plugin!`: reads and checks `plugin.toml` while compiling, puts its settings beside the lists of tools, resources and prompts, and exports
//! what there is.

mod input;

use std::env;
use std::path::PathBuf;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Path};
use toolbay_manifest::{MAX_NAME_CHARS, ManifestError, PackageInfo, SourceManifest};

use self::input::{Input, Settings};
use crate::function;

/// Tools, resources or prompts: what was listed, and what `plugin.toml` sets for them.
struct Listed {
    /// `tool`, `resource` or `prompt`.
    what: &'static str,
    /// The types that stand for the functions.
    types: Vec<Path>,
    /// The trait that these implement.
    of_trait: TokenStream,
    /// Their names in `plugin.toml`, each with its settings as JSON text.
    settings: Vec<(String, String)>,
}

impl Listed {
    fn new(
        what: &'static str,
        functions: Vec<Path>,
        of_trait: TokenStream,
        settings: Vec<(String, String)>,
    ) -> syn::Result<Self> {
        refuse_twice(what, &functions)?;
        Ok(Self {
            what,
            types: functions
                .into_iter()
                .map(|function| stand_in(what, function))
                .collect(),
            of_trait,
            settings,
        })
    }

    /// The list of entries as an expression.
    fn entries(&self) -> TokenStream {
        let of_trait = &self.of_trait;
        let entries = self
            .types
            .iter()
            .map(|of_type| quote_spanned! { of_type.span()=> <#of_type as #of_trait>::ENTRY });
        quote! { &[#(#entries),*] }
    }

    /// The settings as an expression.
    fn settings(&self) -> TokenStream {
        let pairs = self
            .settings
            .iter()
            .map(|(name, json)| quote! { (#name, #json) });
        quote! { &[#(#pairs),*] }
    }

    /// What is checked once the compiler knows the names.
    fn checks(&self, plugin: &str, span: Span) -> TokenStream {
        let (what, of_trait) = (self.what, &self.of_trait);
        let names = self
            .types
            .iter()
            .map(|of_type| quote_spanned! { of_type.span()=> <#of_type as #of_trait>::ENTRY.name });
        let mut checks = quote! { const NAMES: &[&str] = &[#(#names),*]; };
        for (name, _) in &self.settings {
            checks.extend(quote_spanned! { span=>
                const _: () = ::toolbay_sdk::__private::check_setting_is_listed(#what, NAMES, #name);
            });
        }
        let limit_in_words = MAX_NAME_CHARS.to_string();
        for (index, of_type) in self.types.iter().enumerate() {
            checks.extend(quote_spanned! { of_type.span()=>
                const _: () = ::toolbay_sdk::__private::check_listed_once(#what, NAMES, #index);
            });
            checks.extend(if what == "resource" {
                quote_spanned! { of_type.span()=>
                    const _: () = ::toolbay_sdk::__private::check_scheme(#plugin, <#of_type as #of_trait>::ENTRY.uri);
                }
            } else {
                quote_spanned! { of_type.span()=>
                    const _: () = ::toolbay_sdk::__private::check_name_length(
                        #plugin,
                        <#of_type as #of_trait>::ENTRY.name,
                        #MAX_NAME_CHARS,
                        #limit_in_words,
                    );
                }
            });
        }
        quote! { const _: () = { #checks }; }
    }
}

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let input: Input = syn::parse2(input)?;
    let Source {
        text,
        file,
        span,
        tracked,
    } = read(input.settings)?;
    let source = SourceManifest::from_toml(&text).map_err(|error| in_file(&file, span, &error))?;
    let info = source
        .plugin_info(&package())
        .map_err(|error| in_file(&file, span, &error))?;
    let private = quote! { ::toolbay_sdk::__private };
    let tools = Listed::new(
        "tool",
        input.tools,
        quote!(#private::Tool),
        settings(&source.tools)?,
    )?;
    let resources = settings(&source.resources)?;
    let resources = Listed::new(
        "resource",
        input.resources,
        quote!(#private::Resource),
        resources,
    )?;
    let prompts = settings(&source.prompts)?;
    let prompts = Listed::new("prompt", input.prompts, quote!(#private::Prompt), prompts)?;

    let (plugin, mounts) = (json(&info)?, json(&source.mounts)?);
    let checks = [&tools, &resources, &prompts].map(|listed| listed.checks(&info.name, span));
    let entries = [&tools, &resources, &prompts].map(Listed::entries);
    let [tool_entries, resource_entries, prompt_entries] = entries;
    let all_settings = [&tools, &resources, &prompts].map(Listed::settings);
    let [tool_settings, resource_settings, prompt_settings] = all_settings;
    let exports = exports(&tools, &resources, &prompts);

    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, reason = "there is one plugin in a crate, and this name keeps it so")]
        pub struct __toolbay_plugin {}

        const _: () = {
            #tracked
            #(#checks)*

            impl #private::Plugin for __toolbay_plugin {
                const TOOLS: &'static [#private::ToolEntry] = #tool_entries;
                const RESOURCES: &'static [#private::ResourceItem] = #resource_entries;
                const PROMPTS: &'static [#private::PromptItem] = #prompt_entries;
                const PLUGIN: &'static str = #plugin;
                const MOUNTS: &'static str = #mounts;
                const TOOL_SETTINGS: #private::Settings = #tool_settings;
                const RESOURCE_SETTINGS: #private::Settings = #resource_settings;
                const PROMPT_SETTINGS: #private::Settings = #prompt_settings;
            }
        };

        #exports
    })
}

/// The component exports what the plugin has something for. Natively there is nobody to export to: the crate's own tests call the functions.
fn exports(tools: &Listed, resources: &Listed, prompts: &Listed) -> TokenStream {
    let has = |listed: &Listed| !listed.types.is_empty();
    let (has_resources, has_prompts) = (has(resources), has(prompts));
    let interfaces = [
        ("tools", has(tools)),
        ("resources", has_resources),
        ("prompts", has_prompts),
        ("completions", has_resources || has_prompts),
        ("describe", true),
    ];
    let mut exports = TokenStream::new();
    for (interface, _) in interfaces.iter().filter(|(_, is_there)| *is_there) {
        let (module, export) = (
            format_ident!("{interface}"),
            format_ident!("export_{interface}"),
        );
        exports.extend(quote! {
            #[cfg(target_family = "wasm")]
            ::toolbay_sdk::__private::#export!(__toolbay_plugin with_types_in ::toolbay_sdk::__private::bindings::#module);
        });
    }
    exports
}

/// What `plugin.toml` sets, each as JSON text.
fn settings<'a, T: serde::Serialize + 'a>(
    source: impl IntoIterator<Item = (&'a String, &'a T)>,
) -> syn::Result<Vec<(String, String)>> {
    let pair = |(name, settings): (&String, &T)| Ok((name.clone(), json(settings)?));
    source.into_iter().map(pair).collect()
}

/// From the path of a function to the path of the type that stands for it.
fn stand_in(what: &str, mut function: Path) -> Path {
    if let Some(last) = function.segments.last_mut() {
        last.ident = function::stand_in(what, &last.ident);
    }
    function
}

fn refuse_twice(what: &str, functions: &[Path]) -> syn::Result<()> {
    let text = |path: &Path| quote!(#path).to_string();
    for (index, function) in functions.iter().enumerate() {
        let mut earlier = functions.iter().take(index);
        if earlier.any(|earlier| text(earlier) == text(function)) {
            let last = function.segments.last();
            let name = last.map(|segment| segment.ident.to_string());
            return Err(Error::new_spanned(
                function,
                format!("the {what} `{}` is listed twice", name.unwrap_or_default()),
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
