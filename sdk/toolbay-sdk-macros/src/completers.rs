//! `complete(style = styles, path = text::paths)`: which function proposes values for which argument.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Error, Ident, Path};

use crate::function::hidden;

/// The completers that are named, in their order.
#[derive(Default)]
pub(crate) struct Completers(Vec<(Ident, Path)>);

impl Completers {
    /// Reads what stands behind `complete`.
    pub(crate) fn take(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        meta.parse_nested_meta(|meta| {
            let argument = meta.path.require_ident()?.clone();
            let function: Path = meta.value()?.parse()?;
            if self.0.iter().any(|(earlier, _)| *earlier == argument) {
                return Err(Error::new(
                    argument.span(),
                    format!("`{argument}` is completed twice"),
                ));
            }
            self.0.push((argument, function));
            Ok(())
        })
    }

    /// The functions that call them, and the list of both, given what each argument is called on the wire.
    pub(crate) fn expand(
        &self,
        what: &str,
        wire_name: impl Fn(&Ident) -> Option<String>,
    ) -> syn::Result<(TokenStream, TokenStream)> {
        let mut functions = TokenStream::new();
        let mut list = TokenStream::new();
        let (typed, settled) = (hidden("typed"), hidden("settled"));
        for (argument, completer) in &self.0 {
            let Some(name) = wire_name(argument) else {
                return Err(Error::new(
                    argument.span(),
                    format!("there is no {what} `{argument}` to complete"),
                ));
            };
            let function = hidden(&format!("complete_{}", argument.unraw()));
            let call = quote_spanned! { completer.span()=>
                ::toolbay_sdk::__private::CompleteOutput::completion(#completer(#typed, #settled))
            };
            functions.extend(quote! {
                fn #function(
                    #typed: &str,
                    #settled: &::toolbay_sdk::Settled,
                ) -> ::core::result::Result<::toolbay_sdk::Completion, ::toolbay_sdk::ToolError> {
                    #call
                }
            });
            list.extend(quote! { (#name, #function as ::toolbay_sdk::__private::Completer), });
        }
        Ok((functions, quote! { &[#list] }))
    }
}
