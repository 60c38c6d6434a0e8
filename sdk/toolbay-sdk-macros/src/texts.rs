//! Parameters that are read from texts: the variables of a resource's URI, and the arguments of a prompt.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, LitStr, Pat, PatType};

use crate::function::{doc_comment, hidden};
use crate::parameters::{Held, context_passed, inside_option, is_context, make_context};

/// One parameter that is read from a text.
pub(crate) struct TextParameter {
    pub(crate) ident: Ident,
    /// What it is called on the wire.
    pub(crate) name: String,
    pub(crate) title: Option<LitStr>,
    pub(crate) description: String,
    /// Whether it may be left out.
    pub(crate) is_optional: bool,
    held: Held,
    default: Option<Expr>,
}

/// The parameters, without the context, and what the function is called with.
pub(crate) struct TextParameters {
    pub(crate) parameters: Vec<TextParameter>,
    /// Reads them off a variable `__toolbay_texts`, which is the JSON text, and makes the context.
    pub(crate) read: TokenStream,
    pub(crate) passed: Vec<TokenStream>,
}

/// Takes the SDK's attributes and the doc comments off the parameters, where the compiler knows none.
pub(crate) fn take(function: &mut ItemFn, what: &str) -> syn::Result<TextParameters> {
    let mut parameters = Vec::new();
    let mut read = TokenStream::new();
    let mut passed = Vec::new();
    for input in &mut function.sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                return Err(Error::new_spanned(
                    receiver,
                    format!("a {what} is a function of its own, not a method"),
                ));
            }
            FnArg::Typed(parameter) if is_context(&parameter.ty) => {
                read.extend(make_context());
                passed.push(context_passed());
            }
            FnArg::Typed(parameter) => {
                let parameter = take_one(parameter)?;
                let variable = hidden(&format!("text_{}", parameter.ident.unraw()));
                read.extend(parameter.read(&variable));
                passed.push(parameter.held.pass(quote! { #variable }));
                parameters.push(parameter);
            }
        }
    }
    let texts = hidden("texts");
    if !parameters.is_empty() {
        read = quote! {
            let #texts = ::toolbay_sdk::__private::Texts::read(#texts)?;
            #read
        };
    }
    Ok(TextParameters {
        parameters,
        read,
        passed,
    })
}

fn take_one(parameter: &mut PatType) -> syn::Result<TextParameter> {
    let ident = match parameter.pat.as_ref() {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            pattern.ident.clone()
        }
        pattern => {
            return Err(Error::new_spanned(
                pattern,
                "a parameter needs a name here: write `name: Type`",
            ));
        }
    };
    let mut taken = TextParameter {
        name: ident.unraw().to_string(),
        ident,
        title: None,
        description: doc_comment(&parameter.attrs),
        is_optional: inside_option(&parameter.ty).is_some(),
        held: Held::of(&parameter.ty)?,
        default: None,
    };
    let mut kept = Vec::new();
    for attribute in std::mem::take(&mut parameter.attrs) {
        if !taken.take_attribute(&attribute)? {
            kept.push(attribute);
        }
    }
    parameter.attrs = kept;
    Ok(taken)
}

impl TextParameter {
    /// Takes an attribute, unless it is the compiler's.
    fn take_attribute(&mut self, attribute: &Attribute) -> syn::Result<bool> {
        let path = attribute.path();
        if path.is_ident("doc") {
            return Ok(true);
        }
        if path.is_ident("default") {
            self.default = Some(attribute.parse_args().map_err(|error| {
                Error::new(
                    error.span(),
                    "`#[default(…)]` takes an expression: `#[default(10)]`",
                )
            })?);
            self.is_optional = true;
            return Ok(true);
        }
        if path.is_ident("argument") {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    self.name = meta.value()?.parse::<LitStr>()?.value();
                } else if meta.path.is_ident("title") {
                    self.title = Some(meta.value()?.parse()?);
                } else {
                    return Err(
                        meta.error("`#[argument(…)]` takes `name = \"…\"` and `title = \"…\"`")
                    );
                }
                Ok(())
            })?;
            return Ok(true);
        }
        let of_compiler = ["allow", "expect", "warn", "deny", "forbid", "cfg_attr"];
        if of_compiler.iter().any(|name| path.is_ident(name)) {
            return Ok(false);
        }
        Err(Error::new_spanned(
            attribute,
            "a parameter takes doc comments, `#[default(…)]` and `#[argument(…)]` here",
        ))
    }

    fn read(&self, variable: &Ident) -> TokenStream {
        let (name, texts, owned) = (&self.name, hidden("texts"), &self.held.owned);
        let span = owned.span();
        match &self.default {
            Some(expression) => {
                // A literal text stands for a `String` too; a number's type could not be told through `Into`.
                let value = match expression {
                    Expr::Lit(ExprLit {
                        lit: Lit::Str(_), ..
                    }) => {
                        quote_spanned! { expression.span()=> ::core::convert::Into::into(#expression) }
                    }
                    _ => quote! { #expression },
                };
                quote_spanned! { span=>
                    let #variable: #owned = match #texts.optional::<#owned>(#name)? {
                        ::core::option::Option::Some(value) => value,
                        ::core::option::Option::None => #value,
                    };
                }
            }
            None if self.is_optional => {
                quote_spanned! { span=> let #variable: #owned = #texts.optional(#name)?; }
            }
            None => {
                quote_spanned! { span=> let #variable: #owned = #texts.required::<#owned>(#name)?; }
            }
        }
    }
}
