//! `#[resource]`: leaves the function as it is, and puts a hidden type beside it that tells the host about it, for `plugin!` to find.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Ident, ItemFn, LitFloat, LitInt, LitStr, Path, Token};
use toolbay_manifest::{UriTemplate, check_mime_type, check_resource_name};

use crate::completers::Completers;
use crate::function::{self, hidden};
use crate::texts::{self, TextParameter, TextParameters};

const WHY: &str = "people and models choose by it what to read\n\
    help: write a doc comment above the function that says what is to be read there: `/// One note, as Markdown.`";

/// What stands in the brackets of `#[resource(…)]`.
struct Options {
    uri: LitStr,
    common: function::Options,
    mime_type: Option<LitStr>,
    size: Option<LitInt>,
    audience: Vec<&'static str>,
    priority: Option<LitFloat>,
    list: Option<Path>,
    completers: Completers,
}

impl Parse for Options {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let uri = input.parse().map_err(|error| {
            Error::new(
                error.span(),
                "`#[resource]` takes the URI first: `#[resource(\"notes://note/{+path}\")]`",
            )
        })?;
        let mut options = Self {
            uri,
            common: function::Options::default(),
            mime_type: None,
            size: None,
            audience: Vec::new(),
            priority: None,
            list: None,
            completers: Completers::default(),
        };
        if input.parse::<Option<Token![,]>>()?.is_none() && !input.is_empty() {
            return Err(input.error("write `,` between the options"));
        }
        let parser = syn::meta::parser(|meta| {
            if options.common.take(&meta)? {
            } else if meta.path.is_ident("mime_type") {
                options.mime_type = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("size") {
                options.size = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("audience") {
                let words: LitStr = meta.value()?.parse()?;
                options.audience = audience(&words)?;
            } else if meta.path.is_ident("priority") {
                options.priority = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("list") {
                options.list = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("complete") {
                options.completers.take(&meta)?;
            } else {
                return Err(meta.error("behind the URI, `#[resource]` takes `name`, `title`, `mime_type`, `size`, `icon`, `audience`, `priority`, `list` and `complete(…)`; limits and permissions go into plugin.toml"));
            }
            Ok(())
        });
        let rest: TokenStream = input.parse()?;
        syn::parse::Parser::parse2(parser, rest)?;
        Ok(options)
    }
}

fn audience(words: &LitStr) -> syn::Result<Vec<&'static str>> {
    let word = |word: &str| match word.trim() {
        "user" => Ok("user"),
        "assistant" => Ok("assistant"),
        _ => Err(Error::new(
            words.span(),
            "write `audience = \"user\"`, `\"assistant\"` or `\"user, assistant\"`",
        )),
    };
    words.value().split(',').map(word).collect()
}

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let options: Options = syn::parse2(attribute)?;
    let mut function = function::parse(item, "resource")?;
    let ident = function.sig.ident.clone();
    let template = UriTemplate::parse(&options.uri.value())
        .map_err(|broken| function::error(options.uri.span(), "the URI", &broken))?;
    let TextParameters {
        parameters,
        read,
        passed,
    } = texts::take(&mut function, "resource")?;
    check_variables(&options.uri, &template, &parameters)?;
    check_template_options(&options, &template)?;
    let entry = entry(&options, &function, &parameters)?;
    let returned = function::returned_type(&function, "resource")?;
    let resource = function::stand_in("resource", &ident);
    let (visibility, conditions) = (&function.vis, function::conditions(&function));
    let (variables, read_function) = (hidden("texts"), hidden("read"));
    let entry_constant = hidden("ENTRY");
    // With the span of the return type, so that a type which no client could read is reported there.
    let call = quote_spanned! { returned.span()=>
        ::toolbay_sdk::__private::read_result::<#returned>(#ident(#(#passed),*))
    };

    Ok(quote! {
        #function

        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, reason = "stands for the function in `plugin!`")]
        #visibility struct #resource {}

        #(#conditions)*
        const _: () = {
            #entry

            impl ::toolbay_sdk::__private::Resource for #resource {
                const ENTRY: ::toolbay_sdk::__private::ResourceItem = #entry_constant;
            }

            #[allow(unused_variables, reason = "not every resource has variables")]
            fn #read_function(
                #variables: &str,
            ) -> ::core::result::Result<::toolbay_sdk::__private::ReadResult, ::toolbay_sdk::ToolError> {
                #read
                #call
            }
        };
    })
}

/// The constant that says everything about the resource, and the functions that it names.
fn entry(
    options: &Options,
    function: &ItemFn,
    parameters: &[TextParameter],
) -> syn::Result<TokenStream> {
    let ident = &function.sig.ident;
    let name = options
        .common
        .name(ident, "resource", check_resource_name)?;
    let title = options.common.title()?;
    let icons = options.common.icons()?;
    let description = function::description(function, "resource", WHY)?;
    let returned = function::returned_type(function, "resource")?;
    let mime_type = match &options.mime_type {
        Some(text) => function::optional_text(Some(text), check_mime_type, "the media type")?,
        None => {
            quote_spanned! { returned.span()=> ::toolbay_sdk::__private::mime_type_of::<#returned>() }
        }
    };
    let (uri, audience) = (&options.uri, &options.audience);
    let (entry, read) = (hidden("ENTRY"), hidden("read"));
    let size = option(options.size.as_ref());
    let priority = option(options.priority.as_ref());
    let (list, list_function) = list(options.list.as_ref());
    let named = |argument: &Ident| {
        let mut all = parameters.iter();
        all.find(|parameter| parameter.ident == *argument)
            .map(|parameter| parameter.name.clone())
    };
    let (completers, completer_list) = options.completers.expand("variable", named)?;
    Ok(quote! {
        #list_function
        #completers

        const #entry: ::toolbay_sdk::__private::ResourceItem = ::toolbay_sdk::__private::ResourceItem {
            name: #name,
            title: #title,
            description: #description,
            uri: #uri,
            mime_type: #mime_type,
            size: #size,
            icons: #icons,
            audience: &[#(#audience),*],
            priority: #priority,
            list: #list,
            completers: #completer_list,
            read: #read,
        };
    })
}

fn option(value: Option<&impl quote::ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote! { ::core::option::Option::Some(#value) },
        None => quote! { ::core::option::Option::None },
    }
}

/// The value of `list`, and the function that it is.
fn list(path: Option<&Path>) -> (TokenStream, TokenStream) {
    let Some(path) = path else {
        return (option(None::<&Path>), TokenStream::new());
    };
    let (list, cursor) = (hidden("list"), hidden("cursor"));
    let call = quote_spanned! { path.span()=>
        ::toolbay_sdk::__private::ListOutput::page(#path(#cursor))
    };
    let function = quote! {
        fn #list(
            #cursor: ::core::option::Option<&str>,
        ) -> ::core::result::Result<::toolbay_sdk::ResourcePage, ::toolbay_sdk::ToolError> {
            #call
        }
    };
    (option(Some(&list)), function)
}

/// The function takes exactly the variables of the URI.
fn check_variables(
    uri: &LitStr,
    template: &UriTemplate,
    parameters: &[TextParameter],
) -> syn::Result<()> {
    for parameter in parameters {
        let name = &parameter.name;
        if !template.variables().any(|variable| variable == name) {
            let nearest = toolbay_manifest::nearest(name, template.variables());
            let help = match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("write `{{{name}}}` into the URI, or remove the parameter"),
            };
            return Err(Error::new(
                parameter.ident.span(),
                format!("`{name}` is no variable of the URI `{template}`\nhelp: {help}"),
            ));
        }
    }
    for variable in template.variables() {
        let taken = parameters
            .iter()
            .find(|parameter| parameter.name == variable);
        let Some(parameter) = taken else {
            return Err(Error::new(
                uri.span(),
                format!(
                    "the function takes no `{variable}`\nhelp: add a parameter of this name: `{variable}: &str`"
                ),
            ));
        };
        if template.query_variables().any(|query| query == variable) && !parameter.is_optional {
            return Err(Error::new(
                parameter.ident.span(),
                format!(
                    "`{variable}` may be left out of the URI\nhelp: make it an `Option`, or give it a `#[default(…)]`"
                ),
            ));
        }
    }
    Ok(())
}

fn check_template_options(options: &Options, template: &UriTemplate) -> syn::Result<()> {
    if let Some(list) = &options.list
        && !template.is_template()
    {
        return Err(Error::new_spanned(
            list,
            format!("`{template}` is one resource, so there is nothing to list"),
        ));
    }
    if let Some(size) = &options.size {
        size.base10_parse::<u64>()?;
        if template.is_template() {
            return Err(Error::new(
                size.span(),
                "a template has no size: each entry of the list may have its own",
            ));
        }
    }
    if let Some(priority) = &options.priority
        && !(0.0..=1.0).contains(&priority.base10_parse::<f64>()?)
    {
        return Err(Error::new(
            priority.span(),
            "write a priority from 0.0 (entirely optional) to 1.0 (effectively required)",
        ));
    }
    Ok(())
}
