//! `#[data]`: serde's and schemars' derives, told where the SDK keeps their crates.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item};

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !attribute.is_empty() {
        return Err(Error::new_spanned(
            attribute,
            "`#[data]` takes nothing; write `#[serde(…)]` and `#[schemars(…)]` below it",
        ));
    }
    let item: Item = syn::parse2(item)?;
    if !matches!(item, Item::Struct(_) | Item::Enum(_)) {
        return Err(Error::new_spanned(
            item,
            "`#[data]` goes on a struct or an enum",
        ));
    }
    let derives = derives();
    Ok(quote! { #derives #item })
}

/// The derives for a type of the author's own.
fn derives() -> TokenStream {
    quote! {
        #[derive(
            ::toolbay_sdk::serde::Serialize,
            ::toolbay_sdk::serde::Deserialize,
            ::toolbay_sdk::schemars::JsonSchema,
        )]
        #[serde(crate = "::toolbay_sdk::serde")]
        #[schemars(crate = "::toolbay_sdk::schemars")]
    }
}
