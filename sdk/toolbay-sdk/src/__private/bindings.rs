//! The component's interface, generated from the copy of `wit/` that this crate carries. Authors never see these types: the SDK wraps them.
//!
//! What a component can import is one world, since an import that no code calls is left out when the component is made. What it exports has to be there, so
//! each exported interface is a world of its own with its own macro, and `plugin!` calls those that the plugin has something for.
#![expect(missing_docs, reason = "generated code")]

pub mod completions;
pub mod describe;
pub mod prompts;
pub mod resources;
pub mod tools;

wit_bindgen::generate!({
    path: "wit",
    inline: "
        package toolbay:sdk@0.1.0;

        world imports {
            import toolbay:plugin/types@0.1.0;
            import toolbay:plugin/kv@0.1.0;
            import toolbay:plugin/cursors@0.1.0;
            import toolbay:plugin/calls@0.1.0;
            import toolbay:plugin/progress@0.1.0;
            import toolbay:plugin/cancellation@0.1.0;
            import toolbay:plugin/logging@0.1.0;
            import toolbay:plugin/changes@0.1.0;
            import toolbay:plugin/input@0.1.0;
        }
    ",
    world: "toolbay:sdk/imports",
    additional_derives: [PartialEq],
    generate_all,
    // No import has a use for most of the types; the exports take theirs from here.
    generate_unused_types: true,
    pub_export_macro: true,
});
