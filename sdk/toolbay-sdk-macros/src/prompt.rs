//! `#[prompt]`: leaves the function as it is, and puts a hidden type beside it that tells the host about it, for `plugin!` to find.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Ident};
use toolbay_manifest::{
    MAX_DESCRIPTION_CHARS, MAX_FIELD_CHARS, check_argument_name, check_prompt_name, check_text,
};

use crate::completers::Completers;
use crate::function::{self, hidden, optional_text};
use crate::texts::{self, TextParameter, TextParameters};

const WHY: &str = "people choose prompts by it\n\
    help: write a doc comment above the function that says what it is for: `/// Asks for a summary of a note.`";

/// What stands in the brackets of `#[prompt(…)]`.
#[derive(Default)]
struct Options {
    common: function::Options,
    completers: Completers,
}

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let options = parse_options(attribute)?;
    let mut function = function::parse(item, "prompt")?;
    let ident = function.sig.ident.clone();
    let name = options.common.name(&ident, "prompt", check_prompt_name)?;
    let title = options.common.title()?;
    let icons = options.common.icons()?;
    let description = function::description(&function, "prompt", WHY)?;
    let TextParameters {
        parameters,
        read,
        passed,
    } = texts::take(&mut function, "prompt")?;
    let arguments = arguments(&parameters)?;
    let named = |argument: &Ident| {
        let mut all = parameters.iter();
        all.find(|parameter| parameter.ident == *argument)
            .map(|parameter| parameter.name.clone())
    };
    let (completers, completer_list) = options.completers.expand("argument", named)?;
    let returned = function::returned_type(&function, "prompt")?;
    let prompt = function::stand_in("prompt", &ident);
    let (visibility, conditions) = (&function.vis, function::conditions(&function));
    let (texts, get) = (hidden("texts"), hidden("get"));
    // With the span of the return type, so that a type which is no message is reported there.
    let call = quote_spanned! { returned.span()=>
        <#returned as ::toolbay_sdk::__private::PromptOutput>::prompt_result(#ident(#(#passed),*))
    };

    Ok(quote! {
        #function

        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, reason = "stands for the function in `plugin!`")]
        #visibility struct #prompt {}

        #(#conditions)*
        const _: () = {
            #completers

            impl ::toolbay_sdk::__private::Prompt for #prompt {
                const ENTRY: ::toolbay_sdk::__private::PromptItem = ::toolbay_sdk::__private::PromptItem {
                    name: #name,
                    title: #title,
                    description: #description,
                    icons: #icons,
                    arguments: #arguments,
                    completers: #completer_list,
                    get: #get,
                };
            }

            #[allow(unused_variables, reason = "not every prompt has arguments")]
            fn #get(
                #texts: &str,
            ) -> ::core::result::Result<::toolbay_sdk::PromptResult, ::toolbay_sdk::ToolError> {
                #read
                #call
            }
        };
    })
}

fn arguments(parameters: &[TextParameter]) -> syn::Result<TokenStream> {
    let mut arguments = TokenStream::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let name = &parameter.name;
        let span = parameter.ident.span();
        check_argument_name(name)
            .map_err(|broken| function::error(span, "the argument's name", &broken))?;
        if parameters
            .iter()
            .take(index)
            .any(|earlier| earlier.name == *name)
        {
            return Err(Error::new(
                span,
                format!("there are two arguments `{name}`"),
            ));
        }
        let title = optional_text(
            parameter.title.as_ref(),
            |title| check_text(title, MAX_FIELD_CHARS, false),
            "the argument's title",
        )?;
        let description = if parameter.description.is_empty() {
            quote! { ::core::option::Option::None }
        } else {
            check_text(&parameter.description, MAX_DESCRIPTION_CHARS, true)
                .map_err(|broken| function::error(span, "the doc comment", &broken))?;
            let text = &parameter.description;
            quote! { ::core::option::Option::Some(#text) }
        };
        let required = !parameter.is_optional;
        arguments.extend(quote! {
            ::toolbay_sdk::__private::PromptArgument {
                name: #name,
                title: #title,
                description: #description,
                required: #required,
            },
        });
    }
    Ok(quote! { &[#arguments] })
}

fn parse_options(attribute: TokenStream) -> syn::Result<Options> {
    let mut options = Options::default();
    let parser = syn::meta::parser(|meta| {
        if options.common.take(&meta)? {
            return Ok(());
        }
        if meta.path.is_ident("complete") {
            return options.completers.take(&meta);
        }
        Err(meta.error("`#[prompt]` takes `name = \"…\"`, `title = \"…\"`, `icon = \"…\"` and `complete(argument = function)`; limits and permissions go into plugin.toml"))
    });
    syn::parse::Parser::parse2(parser, attribute)?;
    Ok(options)
}
