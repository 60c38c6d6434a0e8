//! From a function's parameters to the struct that its arguments are read into. Owns which kinds of parameters there are.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, Pat, PatType, Type, parse_quote};

use crate::function::hidden;

/// What the parameters come to.
pub(crate) struct Parameters {
    /// The struct, where the SDK makes one.
    pub(crate) definition: TokenStream,
    /// The struct's type, or the author's own.
    pub(crate) type_of_arguments: Type,
    /// What the function is called with, of a variable `__toolbay_arguments` of that type.
    pub(crate) passed: Vec<TokenStream>,
    /// What makes the context, where the function takes one.
    pub(crate) context: TokenStream,
}

/// Whether a parameter is the call's context, which is no argument.
pub(crate) fn is_context(written: &Type) -> bool {
    let Type::Reference(reference) = written else {
        return false;
    };
    let is_named = |path: &syn::TypePath| {
        let last = path.path.segments.last();
        last.is_some_and(|segment| segment.ident == "Context" && segment.arguments.is_none())
    };
    reference.mutability.is_none()
        && matches!(reference.elem.as_ref(), Type::Path(path) if is_named(path))
}

/// What makes the context that [`context_passed`] passes.
pub(crate) fn make_context() -> TokenStream {
    let context = hidden("context");
    quote! { let #context = ::toolbay_sdk::__private::context(); }
}

/// What a parameter that is the context is called with.
pub(crate) fn context_passed() -> TokenStream {
    let context = hidden("context");
    quote! { &#context }
}

/// Takes the SDK's attributes and the doc comments off the parameters, where the compiler knows none, and makes the struct of them.
pub(crate) fn take_parameters(function: &mut ItemFn) -> syn::Result<Parameters> {
    let mut parameters = Vec::new();
    // Where the context stands among them.
    let mut context = None;
    for (index, input) in function.sig.inputs.iter_mut().enumerate() {
        match input {
            FnArg::Receiver(receiver) => {
                return Err(Error::new_spanned(
                    receiver,
                    "a tool is a function of its own, not a method: take the arguments only",
                ));
            }
            FnArg::Typed(parameter) if is_context(&parameter.ty) => context = Some(index),
            FnArg::Typed(parameter) => parameters.push(take_parameter(parameter)?),
        }
    }
    let mut taken = match parameters.iter().find(|parameter| parameter.is_whole) {
        Some(whole) if parameters.len() > 1 => {
            return Err(Error::new(
                whole.ident.span(),
                "`#[arguments]` stands for all arguments, so it is the only parameter",
            ));
        }
        Some(whole) => whole.alone(),
        None => all(&parameters),
    };
    if let Some(index) = context {
        taken.context = make_context();
        taken.passed.insert(index, context_passed());
    }
    Ok(taken)
}

/// A struct of all of them.
fn all(parameters: &[Parameter]) -> Parameters {
    let arguments = hidden("arguments");
    let passed = parameters.iter().map(|parameter| {
        let ident = &parameter.ident;
        parameter.held.pass(quote! { #arguments.#ident })
    });
    let name = hidden("Arguments");
    Parameters {
        passed: passed.collect(),
        definition: definition(parameters),
        type_of_arguments: parse_quote!(#name),
        context: TokenStream::new(),
    }
}

struct Parameter {
    ident: Ident,
    held: Held,
    /// Doc comments, `#[serde]` and `#[schemars]`.
    attributes: Vec<Attribute>,
    default: Option<Expr>,
    is_whole: bool,
}

fn take_parameter(parameter: &mut PatType) -> syn::Result<Parameter> {
    let ident = match parameter.pat.as_ref() {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            pattern.ident.clone()
        }
        pattern => {
            return Err(Error::new_spanned(
                pattern,
                "an argument needs a name: write `name: Type`",
            ));
        }
    };
    let mut taken = Parameter {
        ident,
        held: Held::of(&parameter.ty)?,
        attributes: Vec::new(),
        default: None,
        is_whole: false,
    };
    let mut kept = Vec::new();
    for attribute in std::mem::take(&mut parameter.attrs) {
        let path = attribute.path();
        if path.is_ident("default") {
            taken.default = Some(attribute.parse_args().map_err(|error| {
                Error::new(
                    error.span(),
                    "`#[default(…)]` takes an expression: `#[default(10)]`",
                )
            })?);
        } else if path.is_ident("arguments") {
            attribute.meta.require_path_only()?;
            taken.is_whole = true;
        } else if ["doc", "serde", "schemars"]
            .iter()
            .any(|name| path.is_ident(name))
        {
            taken.attributes.push(attribute);
        } else if ["allow", "expect", "warn", "deny", "forbid", "cfg_attr"]
            .iter()
            .any(|name| path.is_ident(name))
        {
            kept.push(attribute);
        } else {
            return Err(Error::new_spanned(
                attribute,
                "an argument takes doc comments, `#[default(…)]`, `#[arguments]`, `#[serde(…)]` and `#[schemars(…)]`",
            ));
        }
    }
    parameter.attrs = kept;
    if taken.is_whole && (taken.default.is_some() || !taken.attributes.is_empty()) {
        return Err(Error::new(
            taken.ident.span(),
            "with `#[arguments]` everything else stands at the fields of the struct",
        ));
    }
    Ok(taken)
}

impl Parameter {
    /// The one parameter that is all arguments.
    fn alone(&self) -> Parameters {
        Parameters {
            definition: self.held.assertion(),
            type_of_arguments: self.held.owned.clone(),
            passed: {
                let arguments = hidden("arguments");
                vec![self.held.pass(quote! { #arguments })]
            },
            context: TokenStream::new(),
        }
    }
}

/// How an argument is kept until the function has run. What the function borrows is owned by the struct.
pub(crate) struct Held {
    pub(crate) owned: Type,
    borrowed: Borrowed,
}

enum Borrowed {
    No,
    Yes,
    /// `Option<&str>` and `Option<&[T]>`, which are not borrowed from an option of the same.
    DereferencedInOption,
    /// `Option<&T>`.
    InOption,
}

impl Held {
    pub(crate) fn of(written: &Type) -> syn::Result<Self> {
        if let Type::ImplTrait(_) = written {
            return Err(Error::new_spanned(
                written,
                "an argument has a type with a name: the host needs to know it",
            ));
        }
        if let Type::Reference(reference) = written {
            if reference.mutability.is_some() {
                return Err(Error::new_spanned(
                    written,
                    "an argument cannot be changed for the caller: take `&` or the value",
                ));
            }
            return Ok(Self {
                owned: owned(&reference.elem),
                borrowed: Borrowed::Yes,
            });
        }
        if let Some(Type::Reference(reference)) = inside_option(written)
            && reference.mutability.is_none()
        {
            let inner = owned(&reference.elem);
            let dereferenced =
                matches!(reference.elem.as_ref(), Type::Slice(_)) || is_str(&reference.elem);
            let borrowed = if dereferenced {
                Borrowed::DereferencedInOption
            } else {
                Borrowed::InOption
            };
            let span = written.span();
            let owned = syn::parse2(quote_spanned! { span=> ::core::option::Option<#inner> })?;
            return Ok(Self { owned, borrowed });
        }
        Ok(Self {
            owned: written.clone(),
            borrowed: Borrowed::No,
        })
    }

    fn assertion(&self) -> TokenStream {
        let owned = &self.owned;
        quote_spanned! { owned.span()=>
            const _: () = ::toolbay_sdk::__private::assert_argument::<#owned>();
        }
    }

    pub(crate) fn pass(&self, value: TokenStream) -> TokenStream {
        match self.borrowed {
            Borrowed::No => value,
            Borrowed::Yes => quote! { &#value },
            Borrowed::DereferencedInOption => quote! { #value.as_deref() },
            Borrowed::InOption => quote! { #value.as_ref() },
        }
    }
}

/// What a borrowed type is borrowed from.
fn owned(borrowed: &Type) -> Type {
    let span = borrowed.span();
    let tokens = match borrowed {
        other if is_str(other) => {
            quote_spanned! { span=> ::std::string::String }
        }
        Type::Slice(slice) => {
            let element = &slice.elem;
            quote_spanned! { span=> ::std::vec::Vec<#element> }
        }
        other => return other.clone(),
    };
    syn::parse2(tokens).unwrap_or_else(|_| borrowed.clone())
}

fn is_str(written: &Type) -> bool {
    matches!(written, Type::Path(path) if path.path.is_ident("str"))
}

pub(crate) fn inside_option(written: &Type) -> Option<&Type> {
    let Type::Path(path) = written else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == "Option")?;
    match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(syn::GenericArgument::Type(inside)) => Some(inside),
            _ => None,
        },
        _ => None,
    }
}

fn definition(parameters: &[Parameter]) -> TokenStream {
    let name = hidden("Arguments");
    let mut defaults = TokenStream::new();
    let fields = parameters.iter().map(|parameter| {
        let Parameter {
            ident,
            held,
            attributes,
            default,
            ..
        } = parameter;
        let owned = &held.owned;
        let default = default.as_ref().map(|expression| {
            let function = hidden(&format!("default_{}", ident.unraw()));
            let path = function.to_string();
            let span = expression.span();
            // A literal text stands for a `String` too; a number's type could not be told through `Into`.
            let value = match expression {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(_), ..
                }) => quote_spanned! { span=> ::core::convert::Into::into(#expression) },
                _ => quote! { #expression },
            };
            defaults.extend(quote_spanned! { span=>
                fn #function() -> #owned {
                    #value
                }
            });
            quote! { #[serde(default = #path)] }
        });
        quote! {
            #(#attributes)*
            #default
            #ident: #owned,
        }
    });
    let fields: TokenStream = fields.collect();
    let assertions: TokenStream = parameters
        .iter()
        .map(|parameter| parameter.held.assertion())
        .collect();
    quote! {
        #assertions
        #[derive(::toolbay_sdk::serde::Deserialize, ::toolbay_sdk::schemars::JsonSchema)]
        #[serde(crate = "::toolbay_sdk::serde", deny_unknown_fields)]
        #[schemars(crate = "::toolbay_sdk::schemars")]
        #[allow(non_camel_case_types, reason = "a hidden name")]
        struct #name {
            #fields
        }
        #defaults
    }
}
