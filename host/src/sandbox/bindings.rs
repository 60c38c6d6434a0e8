//! The Rust types of the plugin interface, generated from `wit/`. One module per export interface, since a component
//! may have any of them and lack the others.

/// The interface `tools`: what runs a tool, and the types of its results.
pub(super) mod tools {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/tools-world",
        exports: { default: async },
    });

    pub(crate) use self::exports::toolbay::plugin::tools::GuestIndices;
    pub(crate) use self::toolbay::plugin::types;
}

/// The interface `describe`: a component's own manifest.
pub(super) mod describe {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/describe-world",
        exports: { default: async },
    });

    pub(crate) use self::exports::toolbay::plugin::describe::GuestIndices;
}

/// The import `kv`: a plugin's own state.
pub(super) mod kv {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/kv-world",
        imports: { default: async },
    });
}
