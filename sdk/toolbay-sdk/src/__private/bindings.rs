//! The component's interface, generated from the copy of `wit/` that this crate carries. Authors never see these types: the SDK wraps them.
#![expect(missing_docs, reason = "generated code")]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    additional_derives: [PartialEq],
    export_macro_name: "export_plugin",
    pub_export_macro: true,
    default_bindings_module: "::toolbay_sdk::__private::bindings",
});
