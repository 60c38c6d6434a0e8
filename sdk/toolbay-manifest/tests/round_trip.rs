//! A manifest that sets everything, from both of its forms, and back.

use toolbay_manifest::Manifest;

const JSON: &str = r#"{"manifest-version":1,"plugin":{"name":"notes","version":"1.0.0","description":"Keeps notes.\nIn a folder.","title":"Notes","authors":["A. Author"],"license":"MIT","homepage":"https://example.com","allow":{"too-many-tools":"one for each endpoint"}},"mounts":{"vault":{"access":"read-write","reason":"the notes live here"}},"tools":{"search":{"title":"Search","description":"Searches.","input-schema":{"type":"object","properties":{"z":{},"a":{}}},"output-schema":{"type":"object"},"read-only":true,"idempotent":true,"timeout":"5s","memory":"128MiB","output":"1MiB","max-result":"2MiB","concurrency":2,"allow":{"missing-bounds":"a query may be of any length"},"mounts":{"vault":"read"},"env":["REGION"],"calls":["other_tool"],"elicit":true},"publish":{"description":"Publishes.","input-schema":{"type":"object"},"destructive":true,"network":["POST https://api.example.com/v1/notes/*"],"tcp":["db.internal:5432"],"secrets":{"example-token":{"host":"api.example.com","header":"Authorization","format":"Bearer {}"}},"kv":true,"sample":true}}}"#;

/// What was added to the form later: none of it is there where it is not used.
const WITH_ALL: &str = r#"{"manifest-version":1,"plugin":{"name":"notes","version":"1.0.0","description":"Keeps notes.","rate":"100/s","concurrency":4},"mounts":{"vault":{"access":"read"}},"tools":{"search":{"description":"Searches.","input-schema":{"type":"object"},"icons":[{"src":"https://example.com/a.png","mime-type":"image/png","sizes":["48x48","any"],"theme":"light"}],"roots":true},"create":{"description":"Creates.","input-schema":{"type":"object","properties":{"key":{}}},"requires":["notes:write"],"rate":"30/m","invalidates":["notes://note/*","search"],"idempotency":{"key":"/key","ttl":"1h"},"retry":{"max":2},"task":"optional","internal":true,"network":["POST https://api.example.com/v1/notes"]}},"resources":{"note":{"title":"Note","description":"A note.","uri":"notes://note/{+path}","mime-type":"text/markdown","icons":[{"src":"data:image/png;base64,AA=="}],"annotations":{"audience":["user","assistant"],"priority":0.5,"last-modified":"2026-01-01T00:00:00Z"},"lists":true,"completes":["path"],"watch":{"mount":"vault","path":"{path}"},"timeout":"5s","memory":"128MiB","cache":{"ttl":"5m"},"reasons":{"kv":"it counts"},"mounts":{"vault":"read"},"kv":true},"all":{"description":"All notes.","uri":"notes://all","size":123}},"prompts":{"summarise":{"title":"Summarise","description":"Asks for a summary.","icons":[{"src":"https://example.com/a.png"}],"arguments":[{"name":"style","title":"Style","description":"In which style","required":true},{"name":"length","required":false}],"completes":["style"],"elicit":true}}}"#;

const WITH_ALL_TOML: &str = r#"
manifest-version = 1

[plugin]
name = "notes"
version = "1.0.0"
description = "Keeps notes."
rate = "100/s"
concurrency = 4

[mounts.vault]
access = "read"

[tools.search]
description = "Searches."
input-schema = { type = "object" }
icons = [{ src = "https://example.com/a.png", mime-type = "image/png", sizes = ["48x48", "any"], theme = "light" }]
roots = true

[tools.create]
description = "Creates."
input-schema = { type = "object", properties = { key = {} } }
requires = ["notes:write"]
rate = "30/m"
cache = false
invalidates = ["notes://note/*", "search"]
idempotency = { key = "/key", ttl = "1h" }
retry = { max = 2 }
task = "optional"
internal = true
network = ["POST https://api.example.com/v1/notes"]

[resources.note]
title = "Note"
description = "A note."
uri = "notes://note/{+path}"
mime-type = "text/markdown"
icons = [{ src = "data:image/png;base64,AA==" }]
annotations = { audience = ["user", "assistant"], priority = 0.5, last-modified = 2026-01-01T00:00:00Z }
lists = true
completes = ["path"]
watch = { mount = "vault", path = "{path}" }
timeout = "5s"
memory = "128MiB"
cache = true
reasons = { kv = "it counts" }
mounts = { vault = "read" }
kv = true

[resources.all]
description = "All notes."
uri = "notes://all"
size = 123

[prompts.summarise]
title = "Summarise"
description = "Asks for a summary."
icons = [{ src = "https://example.com/a.png" }]
arguments = [{ name = "style", title = "Style", description = "In which style", required = true }, { name = "length" }]
completes = ["style"]
elicit = true
"#;

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
    for text in [JSON, WITH_ALL] {
        assert_eq!(Manifest::from_json(text).unwrap().to_json(), text);
    }
}

#[test]
fn toml_says_the_same() {
    for (toml, json) in [(TOML, JSON), (WITH_ALL_TOML, WITH_ALL)] {
        assert_eq!(
            Manifest::from_toml(toml).unwrap(),
            Manifest::from_json(json).unwrap()
        );
    }
}

#[test]
fn resources_and_prompts_are_read_only() {
    let manifest = Manifest::from_json(WITH_ALL).unwrap();
    let resources = manifest
        .resources
        .values()
        .map(|resource| &resource.settings);
    let prompts = manifest.prompts.values().map(|prompt| &prompt.settings);
    for settings in resources.chain(prompts) {
        assert!(settings.annotations().read_only);
    }
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
        fn no_text_panics(text in "\\PC{0,80}|\\{(\"(manifest-version|plugin|tools|resources|prompts|uri|name)\":(1|\\{\\}|\"a\"|\\[\\]),?){0,4}\\}") {
            let _ = Manifest::from_json(&text);
            let _ = Manifest::from_toml(&text);
            let _ = SourceManifest::from_toml(&text);
        }
    }
}

#[test]
fn code_and_plugin_toml_give_the_same_as_the_whole() {
    use toolbay_manifest::{
        Definitions, Icon, PackageInfo, PromptArgument, PromptDefinition, ResourceDefinition,
        SourceManifest,
    };
    let source = SourceManifest::from_toml(
        r#"
        [plugin]
        name = "notes"
        [mounts.vault]
        access = "read"
        [resources.note]
        title = "A note of yours"
        mounts = { vault = "read" }
        watch = { mount = "vault", path = "{path}" }
        [prompts.summarise]
        icons = [{ src = "https://example.com/b.png" }]
        "#,
    )
    .unwrap();
    let note = ResourceDefinition {
        name: "note".into(),
        title: Some("Note".into()),
        description: "A note.".into(),
        uri: "notes://note/{+path}".parse().unwrap(),
        mime_type: Some("text/markdown".into()),
        size: None,
        icons: vec![Icon::new("https://example.com/a.png")],
        annotations: None,
        lists: true,
        completes: vec!["path".into()],
    };
    let summarise = PromptDefinition {
        name: "summarise".into(),
        title: None,
        description: "Asks for a summary.".into(),
        icons: vec![Icon::new("https://example.com/a.png")],
        arguments: vec![PromptArgument {
            name: "style".into(),
            required: true,
            ..PromptArgument::default()
        }],
        completes: Vec::new(),
    };
    let package = PackageInfo {
        version: "1.0.0".into(),
        description: "Keeps notes.".into(),
        ..PackageInfo::default()
    };
    let definitions = Definitions {
        resources: vec![note],
        prompts: vec![summarise],
        ..Definitions::default()
    };
    let manifest = source.into_manifest(&package, definitions).unwrap();
    insta::assert_snapshot!(manifest.to_json(), @r#"{"manifest-version":1,"plugin":{"name":"notes","version":"1.0.0","description":"Keeps notes."},"mounts":{"vault":{"access":"read"}},"tools":{},"resources":{"note":{"title":"A note of yours","description":"A note.","uri":"notes://note/{+path}","mime-type":"text/markdown","icons":[{"src":"https://example.com/a.png"}],"lists":true,"completes":["path"],"watch":{"mount":"vault","path":"{path}"},"mounts":{"vault":"read"}}},"prompts":{"summarise":{"description":"Asks for a summary.","icons":[{"src":"https://example.com/b.png"}],"arguments":[{"name":"style","required":true}]}}}"#);
    assert_eq!(Manifest::from_json(&manifest.to_json()).unwrap(), manifest);
}
