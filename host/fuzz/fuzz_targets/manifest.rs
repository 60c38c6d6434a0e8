//! A manifest, as JSON and as TOML: never a panic; what is accepted is accepted again in the form that we write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toolbay_manifest::Manifest;

fuzz_target!(|text: &str| {
    for manifest in [Manifest::from_json(text), Manifest::from_toml(text)].into_iter().flatten() {
        let again = Manifest::from_json(&manifest.to_json()).expect("what we write can be read");
        assert_eq!(again, manifest);
    }
});
