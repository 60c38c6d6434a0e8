//! The exported interface `prompts`.

wit_bindgen::generate!({
    path: "wit",
    world: "prompts-world",
    with: { "toolbay:plugin/types@0.1.0": crate::__private::bindings::toolbay::plugin::types },
    additional_derives: [PartialEq],
    export_macro_name: "export_prompts",
    pub_export_macro: true,
    default_bindings_module: "::toolbay_sdk::__private::bindings::prompts",
});

pub use self::exports::toolbay::plugin::prompts::*;
