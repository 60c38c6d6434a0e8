//! `#[tool]`: leaves the function as it is, and puts a hidden type beside it that tells the host about it, for `plugin!` to find.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprLit, ItemFn, Lit, LitStr, Meta, ReturnType, Type, parse_quote,
};
use toolbay_manifest::{
    Broken, MAX_DESCRIPTION_CHARS, MAX_FIELD_CHARS, check_text, check_tool_name,
};

use crate::parameters::{Parameters, take_parameters};

/// What stands in the brackets of `#[tool(…)]`.
#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    title: Option<LitStr>,
}

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let options = parse_options(attribute)?;
    let mut function: ItemFn = syn::parse2(item.clone()).map_err(|_| {
        Error::new(
            item.into_iter()
                .next()
                .map_or_else(Span::call_site, |token| token.span()),
            "`#[tool]` goes on a function",
        )
    })?;
    refuse_what_no_tool_can_be(&function)?;

    let ident = function.sig.ident.clone();
    let (name, name_span) = match &options.name {
        Some(name) => (name.value(), name.span()),
        None => (ident.unraw().to_string(), ident.span()),
    };
    check_tool_name(&name).map_err(|broken| error(name_span, "the tool's name", &broken))?;
    let title = options.title.map(|title| {
        let text = title.value();
        check_text(&text, MAX_FIELD_CHARS, false)
            .map_err(|broken| error(title.span(), "the title", &broken))
            .map(|()| text)
    });
    let title = match title.transpose()? {
        Some(title) => quote! { ::core::option::Option::Some(#title) },
        None => quote! { ::core::option::Option::None },
    };
    let description = description(&function, &ident)?;
    let Parameters {
        definition,
        type_of_arguments,
        passed,
    } = take_parameters(&mut function)?;
    let returned = returned_type(&function)?;
    let visibility = &function.vis;
    let tool = type_of_tool(&ident);
    let (arguments, probe, value) = (hidden("arguments"), hidden("probe"), hidden("value"));

    // The spans of the calls below are those of the return type, so that a type which no client could get is reported there.
    let span = returned.span();
    let result = quote_spanned! { span=> #probe.success().tool_result(#value) };
    let schema = quote_spanned! { span=> ::toolbay_sdk::__private::Returned::<#returned>::new().success().output_schema() };
    // A method of the trait may go unused where the type has one of its own.
    let probe_trait = quote! {
        #[allow(unused_imports, reason = "needed for some return types only")]
        use ::toolbay_sdk::__private::ReturnsValue as _;
    };
    // Cargo's configuration of the function holds for what stands for it.
    let conditions = function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions: Vec<_> = conditions.collect();

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
                    let #probe = ::toolbay_sdk::__private::Returned::<#returned>::new();
                    let #value = #probe.outcome(#ident(#(#passed),*))?;
                    #result
                }
            }
        };
    })
}

fn parse_options(attribute: TokenStream) -> syn::Result<Options> {
    let mut options = Options::default();
    let parser = syn::meta::parser(|meta| {
        let option = if meta.path.is_ident("name") {
            &mut options.name
        } else if meta.path.is_ident("title") {
            &mut options.title
        } else {
            return Err(meta.error("`#[tool]` takes `name = \"…\"` and `title = \"…\"`; limits and permissions go into plugin.toml"));
        };
        *option = Some(meta.value()?.parse()?);
        Ok(())
    });
    syn::parse::Parser::parse2(parser, attribute)?;
    Ok(options)
}

fn refuse_what_no_tool_can_be(function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        return Err(Error::new(
            token.span,
            "a tool is a plain function: a call has the sandbox to itself, so there is nothing to await",
        ));
    }
    if let Some(token) = &signature.unsafety {
        return Err(Error::new(token.span, "a tool is a safe function"));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new_spanned(
            abi,
            "a tool is a plain function without `extern`",
        ));
    }
    if let Some(parameter) = signature
        .generics
        .params
        .iter()
        .find(|parameter| !matches!(parameter, syn::GenericParam::Lifetime(_)))
    {
        return Err(Error::new_spanned(
            parameter,
            "a tool has no generic parameters: its schema needs to know each type",
        ));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new_spanned(
            variadic,
            "a tool has a fixed list of arguments",
        ));
    }
    Ok(())
}

fn description(function: &ItemFn, ident: &Ident) -> syn::Result<String> {
    let description = doc_comment(&function.attrs);
    if description.is_empty() {
        let message = format!(
            "the tool `{ident}` has no description: a model chooses tools by it\n\
             help: write a doc comment above the function that says what it does, what it takes and what it returns: `/// Adds two numbers and returns their sum.`"
        );
        return Err(Error::new(ident.span(), message));
    }
    check_text(&description, MAX_DESCRIPTION_CHARS, true)
        .map_err(|broken| error(ident.span(), "the doc comment", &broken))?;
    Ok(description)
}

/// The text of a doc comment, as rustdoc would read it.
fn doc_comment(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(meta) = &attribute.meta
            && meta.path.is_ident("doc")
            && let Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) = &meta.value
        {
            // An empty line of a doc comment is an empty text, which has no lines.
            let text = text.value();
            let text = text.split('\n');
            lines.extend(
                text.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()),
            );
        }
    }
    lines.join("\n").trim().to_owned()
}

fn returned_type(function: &ItemFn) -> syn::Result<Type> {
    match &function.sig.output {
        ReturnType::Default => Ok(parse_quote!(())),
        ReturnType::Type(_, returned) => match returned.as_ref() {
            Type::ImplTrait(_) => Err(Error::new_spanned(
                returned,
                "a tool returns a type with a name: its schema needs to know it",
            )),
            Type::Never(_) => Err(Error::new_spanned(returned, "a tool returns something")),
            _ => Ok((**returned).clone()),
        },
    }
}

fn error(span: Span, what: &str, broken: &Broken) -> Error {
    Error::new(
        span,
        format!("{what}: {}\nhelp: {}", broken.problem, broken.hint),
    )
}

/// A name inside the hidden block that no author's name can be mistaken for.
pub(crate) fn hidden(name: &str) -> Ident {
    format_ident!("__toolbay_{name}")
}

/// The name of the type that stands for a function. Not the function's own, although types and functions do not mix: a module is
/// a type as far as names go, and `mod query` beside `fn query` is what many crates look like.
pub(crate) fn type_of_tool(function: &Ident) -> Ident {
    format_ident!("__toolbay_tool_{}", function, span = function.span())
}
