//! `#[tool]`: leaves the function as it is, and puts a hidden type beside it that tells the host about it, for `plugin!` to find.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use toolbay_manifest::check_tool_name;

use crate::function::{self, Options, hidden};
use crate::parameters::{Parameters, take_parameters};

const WHY: &str = "a model chooses tools by it\n\
    help: write a doc comment above the function that says what it does, what it takes and what it returns: `/// Adds two numbers and returns their sum.`";

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let (options, around) = parse_options(attribute)?;
    let mut function = function::parse(item, "tool")?;
    let ident = function.sig.ident.clone();
    let name = options.name(&ident, "tool", check_tool_name)?;
    let title = options.title()?;
    let icons = options.icons()?;
    let description = function::description(&function, "tool", WHY)?;
    let Parameters {
        definition,
        type_of_arguments,
        passed,
        context,
    } = take_parameters(&mut function)?;
    let returned = function::returned_type(&function, "tool")?;
    let visibility = &function.vis;
    let tool = function::stand_in("tool", &ident);
    let (arguments, probe, value) = (hidden("arguments"), hidden("probe"), hidden("value"));

    let call = quote! { #ident(#(#passed),*) };
    let call = match around {
        Some(around) => quote_spanned! { around.span()=> #around(
            &::toolbay_sdk::ToolCall::new(#name, ::toolbay_sdk::__private::context()),
            || #call,
        ) },
        None => call,
    };
    // The spans of the calls below are those of the return type, so that a type which no client could get is reported there.
    let span = returned.span();
    let result = quote_spanned! { span=> #probe.success().tool_result(#value) };
    let schema = quote_spanned! { span=> ::toolbay_sdk::__private::Returned::<#returned>::new().success().output_schema() };
    // A method of the trait may go unused where the type has one of its own.
    let probe_trait = quote! {
        #[allow(unused_imports, reason = "needed for some return types only")]
        use ::toolbay_sdk::__private::ReturnsValue as _;
    };
    let conditions = function::conditions(&function);

    Ok(quote! {
        #function

        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, reason = "stands for the function in `plugin!`")]
        #visibility struct #tool {}

        #(#conditions)*
        const _: () = {
            #definition

            impl ::toolbay_sdk::__private::Tool for #tool {
                const NAME: &'static str = #name;
                const TITLE: ::core::option::Option<&'static str> = #title;
                const DESCRIPTION: &'static str = #description;
                const ICONS: &'static [&'static str] = #icons;

                fn input_schema() -> ::toolbay_sdk::serde_json::Value {
                    ::toolbay_sdk::__private::input_schema::<#type_of_arguments>()
                }

                fn output_schema() -> ::core::option::Option<::toolbay_sdk::serde_json::Value> {
                    #probe_trait
                    #schema
                }

                fn call(
                    #arguments: &str,
                ) -> ::core::result::Result<::toolbay_sdk::ToolResult, ::toolbay_sdk::ToolError> {
                    #probe_trait
                    let #arguments: #type_of_arguments = ::toolbay_sdk::__private::arguments(#arguments)?;
                    #context
                    let #probe = ::toolbay_sdk::__private::Returned::<#returned>::new();
                    let #value = #probe.outcome(#call)?;
                    #result
                }
            }
        };
    })
}

/// The options that all have, and the function around the tool.
fn parse_options(attribute: TokenStream) -> syn::Result<(Options, Option<syn::ExprPath>)> {
    let mut options = Options::default();
    let mut around = None;
    let parser = syn::meta::parser(|meta| {
        if options.take(&meta)? {
            return Ok(());
        }
        if meta.path.is_ident("around") {
            let path: syn::ExprPath = meta.value()?.parse()?;
            around = Some(path);
            return Ok(());
        }
        Err(meta.error("`#[tool]` takes `name = \"…\"`, `title = \"…\"`, `icon = \"…\"` and `around = function`; limits and permissions go into plugin.toml"))
    });
    syn::parse::Parser::parse2(parser, attribute)?;
    Ok((options, around))
}
