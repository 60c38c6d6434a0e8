//! A manifest that sets everything, from both of its forms, and back.

use toolbay_manifest::Manifest;

const JSON: &str = r#"{"manifest-version":1,"plugin":{"name":"notes","version":"1.0.0","description":"Keeps notes.\nIn a folder.","title":"Notes","authors":["A. Author"],"license":"MIT","homepage":"https://example.com","allow":{"too-many-tools":"one for each endpoint"}},"mounts":{"vault":{"access":"read-write","reason":"the notes live here"}},"tools":{"search":{"title":"Search","description":"Searches.","input-schema":{"type":"object","properties":{"z":{},"a":{}}},"output-schema":{"type":"object"},"read-only":true,"idempotent":true,"timeout":"5s","memory":"128MiB","output":"1MiB","max-result":"2MiB","concurrency":2,"allow":{"missing-bounds":"a query may be of any length"},"mounts":{"vault":"read"},"env":["REGION"],"calls":["other_tool"],"elicit":true},"publish":{"description":"Publishes.","input-schema":{"type":"object"},"destructive":true,"network":["POST https://api.example.com/v1/notes/*"],"tcp":["db.internal:5432"],"secrets":{"example-token":{"host":"api.example.com","header":"Authorization","format":"Bearer {}"}},"kv":true,"sample":true}}}"#;

const TOML: &str = r#"
manifest-version = 1

[plugin]
name = "notes"
version = "1.0.0"
description = """
Keeps notes.
In a folder."""
title = "Notes"
authors = ["A. Author"]
license = "MIT"
homepage = "https://example.com"
allow = { too-many-tools = "one for each endpoint" }

[mounts.vault]
access = "read-write"
reason = "the notes live here"

[tools.search]
title = "Search"
description = "Searches."
input-schema = { type = "object", properties = { z = {}, a = {} } }
output-schema = { type = "object" }
read-only = true
idempotent = true
timeout = "5s"
memory = "128MiB"
output = "1MiB"
max-result = "2MiB"
concurrency = 2
allow = { missing-bounds = "a query may be of any length" }
mounts = { vault = "read" }
env = ["REGION"]
calls = ["other_tool"]
elicit = true

[tools.publish]
description = "Publishes."
input-schema = { type = "object" }
destructive = true
network = ["POST https://api.example.com/v1/notes/*"]
tcp = ["db.internal:5432"]
secrets = { example-token = { host = "api.example.com", header = "Authorization", format = "Bearer {}" } }
kv = true
sample = true
"#;

#[test]
fn json_comes_back_word_for_word() {
    assert_eq!(Manifest::from_json(JSON).unwrap().to_json(), JSON);
}

#[test]
fn toml_says_the_same() {
    assert_eq!(
        Manifest::from_toml(TOML).unwrap(),
        Manifest::from_json(JSON).unwrap()
    );
}

#[test]
fn null_counts_as_left_out() {
    let with_null = JSON.replace(r#""title":"Search","#, r#""title":null,"#);
    assert_eq!(
        Manifest::from_json(&with_null).unwrap().tools["search"].title,
        None
    );
}

#[test]
fn serde_gives_the_same_as_from_json() {
    let manifest: Manifest = serde_json::from_str(JSON).unwrap();
    assert_eq!(manifest, Manifest::from_json(JSON).unwrap());
    let error =
        serde_json::from_str::<Manifest>(r#"{"manifest-version": 1, "plugins": {}}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the manifest: unknown key `plugins` (hint: did you mean `plugin`?)"
    );
}

mod texts {
    use proptest::prelude::*;
    use toolbay_manifest::{Manifest, SourceManifest};

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}|\\{(\"(manifest-version|plugin|tools|name)\":(1|\\{\\}|\"a\"|\\[\\]),?){0,4}\\}") {
            let _ = Manifest::from_json(&text);
            let _ = Manifest::from_toml(&text);
            let _ = SourceManifest::from_toml(&text);
        }
    }
}
