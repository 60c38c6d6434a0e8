//! What `#[tool]`, `#[resource]` and `#[prompt]` have in common: which functions they go on, what is read off them, and their common options.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{
    Attribute, Error, Expr, ExprLit, ItemFn, Lit, LitStr, Meta, ReturnType, Type, parse_quote,
};
use toolbay_manifest::{
    Broken, MAX_DESCRIPTION_CHARS, MAX_FIELD_CHARS, check_icon_source, check_text,
};

/// The function that an attribute stands on.
pub(crate) fn parse(item: TokenStream, what: &str) -> syn::Result<ItemFn> {
    let function: ItemFn = syn::parse2(item.clone()).map_err(|_| {
        let first = item.into_iter().next();
        let span = first.map_or_else(Span::call_site, |token| token.span());
        Error::new(span, format!("`#[{what}]` goes on a function"))
    })?;
    refuse_what_cannot_be(&function, what)?;
    Ok(function)
}

/// The options that all three have.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    title: Option<LitStr>,
    icons: Vec<LitStr>,
}

impl Options {
    /// Takes one option, if it is one of these.
    pub(crate) fn take(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<bool> {
        if meta.path.is_ident("name") {
            self.name = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("title") {
            self.title = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("icon") {
            self.icons.push(meta.value()?.parse()?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The name that is given, or else the function's.
    pub(crate) fn name(
        &self,
        ident: &Ident,
        what: &str,
        check: fn(&str) -> Result<(), Broken>,
    ) -> syn::Result<String> {
        let (name, span) = match &self.name {
            Some(name) => (name.value(), name.span()),
            None => (ident.unraw().to_string(), ident.span()),
        };
        check(&name).map_err(|broken| error(span, &format!("the {what}'s name"), &broken))?;
        Ok(name)
    }

    /// The title as an expression of type `Option<&'static str>`.
    pub(crate) fn title(&self) -> syn::Result<TokenStream> {
        optional_text(
            self.title.as_ref(),
            |title| check_text(title, MAX_FIELD_CHARS, false),
            "the title",
        )
    }

    /// The icons as an expression of type `&'static [&'static str]`.
    pub(crate) fn icons(&self) -> syn::Result<TokenStream> {
        for icon in &self.icons {
            check_icon_source(&icon.value())
                .map_err(|broken| error(icon.span(), "the icon", &broken))?;
        }
        let icons = &self.icons;
        Ok(quote! { &[#(#icons),*] })
    }
}

/// A text as an expression of type `Option<&'static str>`.
pub(crate) fn optional_text(
    text: Option<&LitStr>,
    check: impl Fn(&str) -> Result<(), Broken>,
    what: &str,
) -> syn::Result<TokenStream> {
    let Some(text) = text else {
        return Ok(quote! { ::core::option::Option::None });
    };
    check(&text.value()).map_err(|broken| error(text.span(), what, &broken))?;
    Ok(quote! { ::core::option::Option::Some(#text) })
}

/// Refuses what no function can be that is called by name with values.
pub(crate) fn refuse_what_cannot_be(function: &ItemFn, what: &str) -> syn::Result<()> {
    let signature = &function.sig;
    let needs = if what == "tool" {
        "its schema needs"
    } else {
        "the host needs"
    };
    if let Some(token) = &signature.asyncness {
        return Err(Error::new(
            token.span,
            format!(
                "a {what} is a plain function: a call has the sandbox to itself, so there is nothing to await"
            ),
        ));
    }
    if let Some(token) = &signature.unsafety {
        return Err(Error::new(
            token.span,
            format!("a {what} is a safe function"),
        ));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new_spanned(
            abi,
            format!("a {what} is a plain function without `extern`"),
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
            format!("a {what} has no generic parameters: {needs} to know each type"),
        ));
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new_spanned(
            variadic,
            format!("a {what} has a fixed list of arguments"),
        ));
    }
    Ok(())
}

/// The doc comment. Without one there is nothing to choose by.
pub(crate) fn description(function: &ItemFn, what: &str, why: &str) -> syn::Result<String> {
    let ident = &function.sig.ident;
    let description = doc_comment(&function.attrs);
    if description.is_empty() {
        return Err(Error::new(
            ident.span(),
            format!("the {what} `{ident}` has no description: {why}"),
        ));
    }
    check_text(&description, MAX_DESCRIPTION_CHARS, true)
        .map_err(|broken| error(ident.span(), "the doc comment", &broken))?;
    Ok(description)
}

/// The text of a doc comment, as rustdoc would read it.
pub(crate) fn doc_comment(attributes: &[Attribute]) -> String {
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

/// Cargo's configuration of the function, which holds for what stands for it too.
pub(crate) fn conditions(function: &ItemFn) -> Vec<&Attribute> {
    let attributes = function.attrs.iter();
    attributes
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect()
}

pub(crate) fn returned_type(function: &ItemFn, what: &str) -> syn::Result<Type> {
    match &function.sig.output {
        ReturnType::Default => Ok(parse_quote!(())),
        ReturnType::Type(_, returned) => match returned.as_ref() {
            Type::ImplTrait(_) => Err(Error::new_spanned(
                returned,
                format!("a {what} returns a type with a name: the host needs to know it"),
            )),
            Type::Never(_) => Err(Error::new_spanned(
                returned,
                format!("a {what} returns something"),
            )),
            _ => Ok((**returned).clone()),
        },
    }
}

pub(crate) fn error(span: Span, what: &str, broken: &Broken) -> Error {
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
pub(crate) fn stand_in(what: &str, function: &Ident) -> Ident {
    format_ident!("__toolbay_{}_{}", what, function, span = function.span())
}
