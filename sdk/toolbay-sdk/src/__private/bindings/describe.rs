//! The exported interface `describe`.

wit_bindgen::generate!({
    path: "wit",
    world: "describe-world",
    with: { "toolbay:plugin/types@0.1.0": crate::__private::bindings::toolbay::plugin::types },
    additional_derives: [PartialEq],
    export_macro_name: "export_describe",
    pub_export_macro: true,
    default_bindings_module: "::toolbay_sdk::__private::bindings::describe",
});

pub use self::exports::toolbay::plugin::describe::*;
