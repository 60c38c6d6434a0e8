//! The Rust types of the plugin interface, generated from `wit/`. One module per interface, since a component may have any of them and lack
//! the others; the types that they share are those of `tools`.

/// The interface `tools`: what runs a tool, and the types of its results.
pub(super) mod tools {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/tools-world",
        exports: { default: async },
        // A result that is kept for a retry outlives the host.
        additional_derives: [serde::Serialize, serde::Deserialize],
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
        with: { "toolbay:plugin/types": super::tools::toolbay::plugin::types },
    });

    pub(crate) use self::exports::toolbay::plugin::describe::GuestIndices;
}

/// The interface `resources`: what reads and lists a plugin's resources.
pub(super) mod resources {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/resources-world",
        exports: { default: async },
        with: { "toolbay:plugin/types": super::tools::toolbay::plugin::types },
    });

    pub(crate) use self::exports::toolbay::plugin::resources::{
        GuestIndices, ReadResult, ResourceEntry, ResourcePage,
    };
}

/// The interface `prompts`: what fills in a plugin's prompts.
pub(super) mod prompts {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/prompts-world",
        exports: { default: async },
        with: { "toolbay:plugin/types": super::tools::toolbay::plugin::types },
    });

    pub(crate) use self::exports::toolbay::plugin::prompts::{GuestIndices, PromptResult};
}

/// The interface `completions`: proposals for arguments.
pub(super) mod completions {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/completions-world",
        exports: { default: async },
        with: { "toolbay:plugin/types": super::tools::toolbay::plugin::types },
    });

    pub(crate) use self::exports::toolbay::plugin::completions::{
        Completion, GuestIndices, Reference,
    };
}

/// The import `kv`: a plugin's own state.
pub(super) mod kv {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/kv-world",
        imports: { default: async },
    });
}

/// The import `calls`: other tools.
pub(super) mod calls {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/calls-world",
        imports: { default: async },
        with: { "toolbay:plugin/types": super::tools::toolbay::plugin::types },
    });
}

/// The import `cursors`: places in lists.
pub(super) mod cursors {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "toolbay:plugin/cursors-world",
    });
}

/// The imports through which a guest speaks to whoever called it.
pub(super) mod client {
    pub(in crate::sandbox) mod progress {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "toolbay:plugin/progress-world",
        });
    }

    pub(in crate::sandbox) mod cancellation {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "toolbay:plugin/cancellation-world",
        });
    }

    pub(in crate::sandbox) mod logging {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "toolbay:plugin/logging-world",
            with: { "toolbay:plugin/types": crate::sandbox::bindings::tools::toolbay::plugin::types },
        });
    }

    pub(in crate::sandbox) mod changes {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "toolbay:plugin/changes-world",
        });
    }

    pub(in crate::sandbox) mod input {
        wasmtime::component::bindgen!({
            path: "../wit",
            world: "toolbay:plugin/input-world",
            imports: { "toolbay:plugin/input@0.1.0.ask": async },
            with: { "toolbay:plugin/types": crate::sandbox::bindings::tools::toolbay::plugin::types },
        });
    }
}
