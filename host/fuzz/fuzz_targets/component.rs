//! A component's bytes, as the loader sees them before anything is compiled: never a panic.
#![no_main]
#![allow(dead_code, reason = "the files under test have more than is used here")]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/component.rs"]
mod component;
#[path = "../../src/text.rs"]
mod text;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(inspected) = component::inspect(bytes)
        && let Some(manifest) = inspected.manifest
    {
        let _ = toolbay_manifest::Manifest::from_json(&manifest);
    }
    let _ = toolbay_manifest::section::read(bytes);
    if let Ok(baked) = toolbay_manifest::section::bake(bytes, "{}") {
        // Baking twice changes nothing more.
        assert_eq!(toolbay_manifest::section::bake(&baked, "{}").expect("a baked component is a component"), baked);
    }
});
