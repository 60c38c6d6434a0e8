//! What an author reads for each mistake in a manifest: message and hint, whole.

use insta::assert_snapshot;
use toolbay_manifest::{
    Definitions, Manifest, ManifestError, PackageInfo, PromptDefinition, SourceManifest,
    ToolDefinition,
};

fn said(error: &ManifestError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\n  hint: {hint}"),
        None => error.to_string(),
    }
}

/// A `plugin.toml` of these lines below a `[plugin]` that is fine.
fn source(lines: &str) -> String {
    match SourceManifest::from_toml(&format!("[plugin]\nname = 'notes'\n{lines}")) {
        Ok(manifest) => panic!("{lines} was accepted: {manifest:?}"),
        Err(error) => said(&error),
    }
}

fn json(text: &str) -> String {
    match Manifest::from_json(text) {
        Ok(manifest) => panic!("{text} was accepted: {manifest:?}"),
        Err(error) => said(&error),
    }
}

/// A manifest whose one tool has these members beside a description.
fn tool(members: &str) -> String {
    json(&format!(
        r#"{{"manifest-version": 1, "plugin": {{"name": "notes", "version": "1", "description": "Notes."}}, "tools": {{"search": {{"description": "Searches.", {members}}}}}}}"#
    ))
}

fn all(outcomes: &[String]) -> String {
    outcomes.join("\n")
}

#[test]
fn keys() {
    assert_snapshot!(all(&[
        source("[tool.search]"),
        source("colour = 'red'"),
        source("[mounts.vault]\naccess = 'read'\nreasons = 'x'"),
        source("[tools.search]\nmax_result = '1MiB'"),
        source("[tools.search]\ndescription = 'Searches.'"),
        source("[tools.search]\nsecrets = { token = { host = 'a.b', headers = 'X' } }"),
        source("[mounts.vault]"),
        SourceManifest::from_toml("").map(|_| String::new()).unwrap_or_else(|error| said(&error)),
        SourceManifest::from_toml("[plugin]").map(|_| String::new()).unwrap_or_else(|error| said(&error)),
        SourceManifest::from_toml("[plugin]\nname = 1").map(|_| String::new()).unwrap_or_else(|error| said(&error)),
    ]), @r#"
    plugin `notes`: unknown key `tool`
      hint: did you mean `tools`?
    plugin `notes`: unknown key `colour`
      hint: the keys known here are `name`, `version`, `description`, `title`, `authors`, `license`, `homepage`, `rate`, `concurrency`, `allow`
    plugin `notes`, mount `vault`: unknown key `reasons`
      hint: did you mean `reason`?
    plugin `notes`, tool `search`: unknown key `max_result`
      hint: did you mean `max-result`?
    plugin `notes`, tool `search`: `description` does not belong in plugin.toml
      hint: it comes from the code: the function's doc comment and types
    plugin `notes`, tool `search`, secret `token`: unknown key `headers`
      hint: did you mean `header`?
    plugin `notes`, mount `vault`: the key `access` is missing
      hint: write `access = "read"` or `access = "read-write"`
    the manifest: the key `plugin` is missing
      hint: write `[plugin]` with `name = "…"` at the top
    the manifest: the key `name` is missing
      hint: write `name = "…"` under [plugin]
    the manifest: `name` must be a text, not a number
      hint: write it in quotes: "…"
    "#);
}

#[test]
fn names() {
    let named =
        |name: &str| match SourceManifest::from_toml(&format!("[plugin]\nname = \"{name}\"")) {
            Ok(_) => format!("{name} was accepted"),
            Err(error) => said(&error),
        };
    assert_snapshot!(all(&[
        named("Notes"),
        named("toolbay"),
        named(""),
        named(&"n".repeat(33)),
        named("no\\u001bte"),
        source("[tools.list-files]"),
        source(&format!("[tools.{}]", "s".repeat(41))),
        source("[mounts.Vault]\naccess = 'read'"),
    ]), @r#"
    plugin `Notes`: `Notes` is not a plugin name
      hint: write a lower-case letter, then lower-case letters, digits and `-`: `git-log`
    plugin `toolbay`: the name `toolbay` belongs to the host
      hint: choose another name for the plugin
    plugin ``: `` is not a plugin name
      hint: write a lower-case letter, then lower-case letters, digits and `-`: `git-log`
    plugin `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn`: the name `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` has more than 32 characters
      hint: choose a shorter name
    plugin `no\u{1b}te`: `no\u{1b}te` is not a plugin name
      hint: write a lower-case letter, then lower-case letters, digits and `-`: `git-log`
    plugin `notes`, tool `list-files`: `list-files` is not a tool name
      hint: write a lower-case letter, then lower-case letters, digits and `_`: `list_files`
    plugin `notes`, tool `sssssssssssssssssssssssssssssssssssssssss`: `notes_sssssssssssssssssssssssssssssssssssssssss` has 47 characters; at most 46 fit all clients
      hint: shorten the plugin's or the tool's name
    plugin `notes`, mount `Vault`: `Vault` is not a mount name
      hint: write lower-case letters, digits and `-`: `vault`
    "#);
}

#[test]
fn limits() {
    assert_snapshot!(all(&[
        source("[tools.search]\ntimeout = '5 seconds'"),
        source("[tools.search]\ntimeout = 5"),
        source("[tools.search]\ntimeout = '0s'"),
        source("[tools.search]\ntimeout = '2h'"),
        source("[tools.search]\nmemory = '64MB'"),
        source("[tools.search]\nmemory = '5GiB'"),
        source("[tools.search]\nmemory = '1024'"),
        source("[tools.search]\noutput = '1MiB'\nmax-result = '64KiB'"),
        source("[tools.search]\noutput = '0'"),
        source("[tools.search]\nmax-result = '99999999999GiB'"),
        source("[tools.search]\nconcurrency = 0"),
        source("[tools.search]\nconcurrency = -1"),
    ]), @r#"
    plugin `notes`, tool `search`: `timeout` is "5 seconds", which is not a duration
      hint: write a whole number and a unit: "500ms", "5s", "2m" or "24h"
    plugin `notes`, tool `search`: `timeout` must be a text, not a number
      hint: write it in quotes: "…"
    plugin `notes`, tool `search`: `timeout` is 0s
      hint: write a time from 1ms to 1h: "30s"
    plugin `notes`, tool `search`: `timeout` is 2h
      hint: write a time from 1ms to 1h: "30s"
    plugin `notes`, tool `search`: `memory` is "64MB", which is not a size
      hint: write a whole number, alone or with a unit: "1024", "256KiB", "64MiB" or "1GiB"
    plugin `notes`, tool `search`: `memory` is 5GiB
      hint: write a size from 64KiB to 4GiB: "128MiB"
    plugin `notes`, tool `search`: `memory` is 1KiB
      hint: write a size from 64KiB to 4GiB: "128MiB"
    plugin `notes`, tool `search`: `output` (1MiB) is more than `max-result` (64KiB)
      hint: `max-result` is the whole and `output` a page of it
    plugin `notes`, tool `search`: `output` is 0 and `max-result` is 64MiB
      hint: write sizes from 1 byte to 4GiB
    plugin `notes`, tool `search`: `max-result` is "99999999999GiB", which is too large to count
      hint: write a smaller number
    plugin `notes`, tool `search`: `concurrency` is 0
      hint: write a number from 1 to 1000
    plugin `notes`, tool `search`: `concurrency` is -1
      hint: write a whole number: 8
    "#);
}

#[test]
fn permissions() {
    assert_snapshot!(all(&[
        source("[tools.search]\nnetwork = 'https://example.com'"),
        source("[tools.search]\nnetwork = ['example.com']"),
        source("[tools.search]\nnetwork = ['get https://example.com']"),
        source("[tools.search]\ntcp = ['db']"),
        source("[tools.search]\nmounts = { vault = 'read' }"),
        source("[mounts.vault]\naccess = 'read'\n[tools.search]\nmounts = { vualt = 'read' }"),
        source("[mounts.vault]\naccess = 'read'\n[tools.search]\nmounts = { vault = 'read-write' }"),
        source("[mounts.vault]\naccess = 'write'"),
        source("[tools.search]\nenv = ['API-REGION']"),
        source("[tools.search]\ncalls = ['Other']"),
        source("[tools.search]\nkv = 'yes'"),
        source("[tools.search]\nsecrets = { token = { host = 'https://a.b', header = 'X' } }"),
        source("[tools.search]\nsecrets = { token = { host = 'a.b', header = 'X', format = 'Bearer' } }"),
    ]), @r#"
    plugin `notes`, tool `search`: `network` must be a list of texts, not a text
      hint: write it in brackets: ["…"]
    plugin `notes`, tool `search`: `network` has "example.com", which does not begin with `https://` or `http://` after the methods
      hint: write ["GET https://api.example.com/v1/*"]
    plugin `notes`, tool `search`: `network` has "get https://example.com", which has a method other than GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS
      hint: write ["GET https://api.example.com/v1/*"]
    plugin `notes`, tool `search`: `tcp` has "db", which has no port
      hint: write ["db.internal:5432"]
    plugin `notes`, tool `search`: the mount `vault` is not declared
      hint: declare it: [mounts.vault] with `access = "read"`
    plugin `notes`, tool `search`: the mount `vualt` is not declared
      hint: did you mean `vault`?
    plugin `notes`, tool `search`: asks for `read-write` on the mount `vault`, which is declared with `read`
      hint: write `access = "read-write"` under [mounts.vault]
    plugin `notes`, mount `vault`: `access` is "write"
      hint: write "read" or "read-write"
    plugin `notes`, tool `search`: `env` has "API-REGION"
      hint: write names of environment variables: ["API_REGION"]
    plugin `notes`, tool `search`: `calls` has "Other"
      hint: write names of tools: ["check_stock"]
    plugin `notes`, tool `search`: `kv` must be true or false, not a text
      hint: write `true` or `false`, without quotes
    plugin `notes`, tool `search`, secret `token`: `host` is "https://a.b"
      hint: write one host name without scheme, port and path: "api.example.com"
    plugin `notes`, tool `search`, secret `token`: `format` is "Bearer"
      hint: write `{}` once, for the secret: "Bearer {}"
    "#);
}

#[test]
fn effects() {
    assert_snapshot!(all(&[
        source("[tools.search]\nread-only = true\nnetwork = ['https://example.com/*']"),
        source("[tools.search]\nread-only = true\ntcp = ['db:1']"),
        source("[mounts.vault]\naccess = 'read-write'\n[tools.search]\nread-only = true\nmounts = { vault = 'read-write' }"),
        source("[tools.search]\nread-only = true\ndestructive = true"),
    ]), @r#"
    plugin `notes`, tool `search`: `read-only` is true, but `network = ["https://example.com/*"]` allows changes
      hint: remove `read-only = true`, or ask only for GET and HEAD, "read" mounts, and no tcp
    plugin `notes`, tool `search`: `read-only` is true, but `tcp = ["db:1"]` allows changes
      hint: remove `read-only = true`, or ask only for GET and HEAD, "read" mounts, and no tcp
    plugin `notes`, tool `search`: `read-only` is true, but `mounts = { vault = "read-write" }` allows changes
      hint: remove `read-only = true`, or ask only for GET and HEAD, "read" mounts, and no tcp
    plugin `notes`, tool `search`: `read-only` and `destructive` are both true
      hint: a tool that changes nothing destroys nothing: remove one of them
    "#);
}

#[test]
fn reasons() {
    assert_snapshot!(all(&[
        source("[tools.search]\nkv = true\nreasons = { kvs = 'to count' }"),
        source("[tools.search]\nkv = true\nreasons = { kv = true }"),
    ]), @r#"
    plugin `notes`, tool `search`, reasons: unknown key `kvs`
      hint: did you mean `kv`?
    plugin `notes`, tool `search`, reason `kv`: `reasons` must be a text, not a boolean
      hint: write it in quotes: "…"
    "#);
}

#[test]
fn allowed_findings() {
    assert_snapshot!(all(&[
        source("[tools.search]\nallow = { god-tool = '' }"),
        source("[tools.search]\nallow = { god-tool = true }"),
        source("[tools.search]\nallow = ['god-tool']"),
        source("[tools.search]\nallow = { 'God tool' = 'it is one' }"),
        source("[tools.search]\nkv = true\nreasons = { reasons = 'to count' }"),
        said(&SourceManifest::from_toml("[plugin]\nname = 'notes'\nallow = { god-tool = ' ' }").unwrap_err()),
    ]), @r#"
    plugin `notes`, tool `search`: `allow` gives no reason for `god-tool`
      hint: say why it is right here: allow = { god-tool = "…" }
    plugin `notes`, tool `search`, allow `god-tool`: `allow` must be a text, not a boolean
      hint: write it in quotes: "…"
    plugin `notes`, tool `search`: `allow` must be a table, not a list
    plugin `notes`, tool `search`: `allow` has `God tool`, which is no lint
      hint: write the code that `toolbay check` prints: `missing-bounds`
    plugin `notes`, tool `search`, reasons: unknown key `reasons`
      hint: the keys known here are `network`, `tcp`, `mounts`, `env`, `secrets`, `kv`, `calls`, `elicit`, `sample`, `roots`
    plugin `notes`: `allow` gives no reason for `god-tool`
      hint: say why it is right here: allow = { god-tool = "…" }
    "#);
}

#[test]
fn a_tool_that_only_reads_may_read_its_plugins_state() {
    let text = "[plugin]\nname = 'notes'\n[tools.search]\nread-only = true\nkv = true";
    assert!(toolbay_manifest::SourceManifest::from_toml(text).is_ok());
}

#[test]
fn texts_and_schemas() {
    assert_snapshot!(all(&[
        source("[tools.search]\ntitle = \"Find\\nnotes\""),
        tool(r#""input-schema": true"#),
        tool(r#""input-schema": {}"#),
        tool(r#""input-schema": {"type": "string"}"#),
        tool(r#""input-schema": {"type": "object"}, "output-schema": {"type": "array"}"#),
        tool("\"input-schema\": {\"type\": \"object\", \"properties\": {\"word\": {\"description\": \"a\u{200b}b\"}}}"),
        tool(r#""title": "Search""#),
        tool(r#""input-schema": {"type": "object"}, "description": "again""#),
        tool(&format!(r#""input-schema": {{"type": "object"}}, "title": "{}""#, "t".repeat(300))),
    ]), @r#"
    plugin `notes`, tool `search`: `title`: the text has the character U+000A, which controls or hides text
      hint: remove it
    plugin `notes`, tool `search`: `input-schema`: the schema is not an object
      hint: write {"type": "object"} for "any object"
    plugin `notes`, tool `search`: `input-schema`: the schema has no `type` at its root
      hint: write "type": "object" at the root: MCP takes and gives objects
    plugin `notes`, tool `search`: `input-schema`: the schema has the type "string" at its root
      hint: write "type": "object" at the root: MCP takes and gives objects
    plugin `notes`, tool `search`: `output-schema`: the schema has the type "array" at its root
      hint: write "type": "object" at the root: MCP takes and gives objects
    plugin `notes`, tool `search`: `input-schema`: in the schema's key `description`, the text has the character U+200B, which controls or hides text
      hint: remove it
    plugin `notes`, tool `search`: the key `input-schema` is missing
      hint: write {"type": "object"} for a tool without arguments
    the manifest is not valid JSON (line 1, column 192): the key `description` is there twice
    plugin `notes`, tool `search`: `title`: the text has 300 characters; at most 256 are allowed
      hint: shorten it
    "#);
}

#[test]
fn whole_texts() {
    assert_snapshot!(all(&[
        json(""),
        json("{"),
        json("[]"),
        json("{} {}"),
        json("{}"),
        json(r#"{"manifest-version": 2}"#),
        json(r#"{"manifest-version": 1}"#),
        json(r#"{"manifest-version": 1, "plugin": {"name": "notes", "version": "1"}}"#),
        json(&"[".repeat(200)),
        json(&format!("\"{}\"", "x".repeat(5 << 20))),
        source("[tools.search]\ntimeout ="),
        source("[tools.search]\n[tools.search]"),
    ]), @r#"
    the manifest is not valid JSON (line 1, column 0): EOF while parsing a value
    the manifest is not valid JSON (line 1, column 1): EOF while parsing an object
    the manifest: `manifest` must be a table, not a list
    the manifest is not valid JSON (line 1, column 4): trailing characters
    the manifest: the key `manifest-version` is missing
      hint: write `manifest-version` = 1
    the manifest: manifest-version 2 is not known
      hint: this toolbay knows version 1; a newer toolbay may know this one
    the manifest: the key `plugin` is missing
    plugin `notes`: the key `description` is missing
    the manifest is not valid JSON (line 1, column 128): recursion limit exceeded
    the manifest has 5242882 bytes; at most 4194304 are allowed
      hint: shorten descriptions and schemas, or split the plugin
    the manifest is not valid TOML (line 4, column 10): string values must be quoted, expected literal string
    the manifest is not valid TOML (line 4, column 8): duplicate key
    "#);
}

#[test]
fn code_and_settings_together() {
    let source =
        SourceManifest::from_toml("[plugin]\nname = 'notes'\n[tools.serach]\nkv = true").unwrap();
    let package = PackageInfo {
        version: "1.0.0".into(),
        description: "Notes.".into(),
        ..PackageInfo::default()
    };
    let definition = |name: &str| ToolDefinition {
        name: name.into(),
        title: None,
        description: "Searches.".into(),
        input_schema: serde_json::json!({"type": "object"}),
        output_schema: None,
        icons: Vec::new(),
    };
    let tools = |tools: Vec<ToolDefinition>| Definitions {
        tools,
        ..Definitions::default()
    };
    let prompt = PromptDefinition {
        name: "search".into(),
        title: None,
        description: "Asks for a search.".into(),
        icons: Vec::new(),
        arguments: Vec::new(),
        completes: Vec::new(),
    };
    let prompts = Definitions {
        prompts: vec![prompt],
        ..Definitions::default()
    };
    let of_resource =
        SourceManifest::from_toml("[plugin]\nname = 'notes'\n[resources.search]\nkv = true")
            .unwrap();
    let plain = SourceManifest::from_toml("[plugin]\nname = 'notes'").unwrap();
    assert_snapshot!(all(&[
        said(&source.clone().into_manifest(&package, tools(vec![definition("search")])).unwrap_err()),
        said(&source.into_manifest(&package, tools(vec![definition("publish")])).unwrap_err()),
        said(&of_resource.into_manifest(&package, prompts).unwrap_err()),
        said(&plain.clone().into_manifest(&package, tools(vec![definition("search"), definition("search")])).unwrap_err()),
        said(&plain.clone().into_manifest(&PackageInfo::default(), Definitions::default()).unwrap_err()),
        said(&plain.clone().into_manifest(&package, Definitions::default()).unwrap_err()),
        said(&plain.into_manifest(&package, tools((0..513).map(|number| definition(&format!("t{number}"))).collect())).unwrap_err()),
    ]), @r#"
    plugin `notes`, tool `serach`: plugin.toml has settings for it, but there is no such tool in the code
      hint: did you mean `search`?
    plugin `notes`, tool `serach`: plugin.toml has settings for it, but there is no such tool in the code
      hint: remove the table, or add the tool to `plugin!(…)`
    plugin `notes`, resource `search`: plugin.toml has settings for it, but there is no such resource in the code
      hint: remove the table, or add the resource to `plugin!(…)`
    plugin `notes`, tool `search`: there is more than one tool of this name
      hint: rename one of them
    plugin `notes`: the key `description` is missing
      hint: write `description = "…"` under [package] in Cargo.toml or under [plugin] in plugin.toml
    plugin `notes`: the plugin offers nothing
      hint: add a tool, a resource or a prompt
    plugin `notes`: there are 513 tools; at most 512 are allowed
      hint: split the plugin
    "#);
}

/// A manifest whose one resource has these members beside a description.
fn resource(members: &str) -> String {
    json(&format!(
        r#"{{"manifest-version": 1, "plugin": {{"name": "notes", "version": "1", "description": "Notes."}}, "mounts": {{"vault": {{"access": "read-write"}}}}, "resources": {{"note": {{"description": "A note.", {members}}}}}}}"#
    ))
}

/// A manifest whose one prompt has these members beside a description.
fn prompt(members: &str) -> String {
    json(&format!(
        r#"{{"manifest-version": 1, "plugin": {{"name": "notes", "version": "1", "description": "Notes."}}, "prompts": {{"summarise": {{"description": "Asks.", {members}}}}}}}"#
    ))
}

#[test]
fn resources() {
    assert_snapshot!(all(&[
        resource(r#""title": "Note""#),
        resource(r#""uri": "note://{path}""#),
        resource(r#""uri": "notes://{path""#),
        resource(r#""uri": "notes://all", "lists": true"#),
        resource(r#""uri": "notes://{path}", "size": 12"#),
        resource(r#""uri": "notes://all", "size": -1"#),
        resource(r#""uri": "notes://{path}", "completes": ["pth"]"#),
        resource(r#""uri": "notes://{path}", "completes": ["path", "path"]"#),
        resource(r#""uri": "notes://all", "mime-type": "markdown""#),
        resource(r#""uri": "notes://all", "mimeType": "text/markdown""#),
        resource(r#""uri": "notes://all", "annotations": {"audience": ["everybody"]}"#),
        resource(r#""uri": "notes://all", "annotations": {"priority": 7}"#),
        resource(r#""uri": "notes://all", "annotations": {"priority": "high"}"#),
        resource(r#""uri": "notes://all", "annotations": {"last-modified": "yesterday"}"#),
        resource(r#""uri": "notes://all", "annotations": {"owner": "me"}"#),
        resource(r#""uri": "notes://all", "network": ["POST https://example.com"]"#),
        resource(r#""uri": "notes://all", "mounts": {"vault": "read-write"}"#),
        json(r#"{"manifest-version": 1, "plugin": {"name": "notes", "version": "1", "description": "Notes."}, "resources": {"a": {"description": "A.", "uri": "notes://a"}, "b": {"description": "B.", "uri": "notes://a"}}}"#),
        source("[resources.note]\nuri = 'notes://all'"),
        source("[resources.note]\nread-only = true"),
        source("[resources.Note]"),
        source("[resources.note]\nmime_type = 'text/markdown'"),
    ]), @r#"
    plugin `notes`, resource `note`: the key `uri` is missing
      hint: write where it is: "notes://note/{+path}"
    plugin `notes`, resource `note`: `note://{path}` does not begin with the plugin's name
      hint: write `notes:` in place of `note:`
    plugin `notes`, resource `note`: in `notes://{path` a `{` is never closed
      hint: write the variable's name and `}`: `{path}`
    plugin `notes`, resource `note`: `lists` is true, but `notes://all` is one resource
      hint: remove `lists`, or put a variable into the URI: `{+path}`
    plugin `notes`, resource `note`: `size` is set, but `notes://{path}` stands for many resources
      hint: remove `size`: each entry of the list may have its own
    plugin `notes`, resource `note`: `size` is -1
      hint: write a number of bytes: 1024
    plugin `notes`, resource `note`: `completes` has `pth`, which is no variable
      hint: did you mean `path`?
    plugin `notes`, resource `note`: `completes` has `path` twice
      hint: remove one of them
    plugin `notes`, resource `note`: `mime-type`: `markdown` is not a media type
      hint: write a type, `/` and a subtype: "text/markdown"
    plugin `notes`, resource `note`: unknown key `mimeType`
      hint: did you mean `mime-type`?
    plugin `notes`, resource `note`, annotations: `audience` has "everybody"
      hint: write ["user"], ["assistant"] or both
    plugin `notes`, resource `note`, annotations: `priority` is 7
      hint: write a number from 0.0 (entirely optional) to 1.0 (effectively required)
    plugin `notes`, resource `note`, annotations: `priority` must be a number, not a text
    plugin `notes`, resource `note`, annotations: `last-modified` is "yesterday"
      hint: write a date and a time with its offset: "2026-11-22T09:30:00Z"
    plugin `notes`, resource `note`, annotations: unknown key `owner`
      hint: the keys known here are `audience`, `priority`, `last-modified`
    plugin `notes`, resource `note`: a resource changes nothing, but `network = ["POST https://example.com"]` allows changes
      hint: ask only for GET and HEAD, "read" mounts, and no tcp
    plugin `notes`, resource `note`: a resource changes nothing, but `mounts = { vault = "read-write" }` allows changes
      hint: ask only for GET and HEAD, "read" mounts, and no tcp
    plugin `notes`, resource `b`: `notes://a` is the URI of `a` too
      hint: give each resource a URI of its own
    plugin `notes`, resource `note`: `uri` does not belong in plugin.toml
      hint: it comes from the code: the function's doc comment and what `#[resource(…)]` is given
    plugin `notes`, resource `note`: `read-only` does not belong to a resource
      hint: remove it: a resource is always read-only
    plugin `notes`, resource `Note`: `Note` is not a resource name
      hint: write a lower-case letter, then lower-case letters, digits and `_`: `list_files`
    plugin `notes`, resource `note`: unknown key `mime_type`
      hint: did you mean `mime-type`?
    "#);
}

#[test]
fn watched_files() {
    let watch = |watch: &str| {
        resource(&format!(
            r#""uri": "notes://{{folder}}/{{name}}", "mounts": {{"vault": "read"}}, "watch": {watch}"#
        ))
    };
    assert_snapshot!(all(&[
        watch(r#""vault""#),
        watch(r#"{"mount": "vault"}"#),
        watch(r#"{"path": "a"}"#),
        watch(r#"{"mount": "attic", "path": "a"}"#),
        watch(r#"{"mount": "vault", "path": "/etc/passwd"}"#),
        watch(r#"{"mount": "vault", "path": "{folder}/../{name}"}"#),
        watch(r#"{"mount": "vault", "path": "{folder"}"#),
        watch(r#"{"mount": "vault", "path": "{foldr}/a"}"#),
    ]), @r#"
    plugin `notes`, resource `note`, watch: `watch` must be a table, not a text
    plugin `notes`, resource `note`, watch: the key `path` is missing
      hint: write the file's path in the mount: `path = "{path}"`
    plugin `notes`, resource `note`, watch: the key `mount` is missing
      hint: write the name of a mount: `mount = "vault"`
    plugin `notes`, resource `note`, watch: the resource does not ask for the mount `attic`
      hint: write `mounts = { attic = "read" }` for the resource
    plugin `notes`, resource `note`, watch: `path` is "/etc/passwd"
      hint: write a path from the mount on, without `.` and `..`: "{path}"
    plugin `notes`, resource `note`, watch: `path` is "{folder}/../{name}"
      hint: write a path from the mount on, without `.` and `..`: "{path}"
    plugin `notes`, resource `note`, watch: `path` is "{folder"
      hint: write each variable in braces: "{folder}/{name}.md"
    plugin `notes`, resource `note`, watch: `path` has `{foldr}`, which is no variable of the URI
      hint: did you mean `{folder}`?
    "#);
}

#[test]
fn prompts() {
    assert_snapshot!(all(&[
        prompt(r#""arguments": {"style": {}}"#),
        prompt(r#""arguments": ["style"]"#),
        prompt(r#""arguments": [{"title": "Style"}]"#),
        prompt(r#""arguments": [{"name": "the style"}]"#),
        prompt(r#""arguments": [{"name": "style", "require": true}]"#),
        prompt(r#""arguments": [{"name": "style"}, {"name": "style"}]"#),
        prompt(r#""arguments": [{"name": "style"}], "completes": ["stile"]"#),
        prompt(r#""completes": ["style"]"#),
        prompt(r#""tcp": ["db.internal:5432"]"#),
        source("[prompts.summarise]\narguments = []"),
        source("[prompts.summarise]\nidempotent = true"),
        source(&format!("[prompts.{}]", "s".repeat(41))),
        source("[prompts.summarise]\nmounts = { vault = 'read' }"),
    ]), @r#"
    plugin `notes`, prompt `summarise`: `arguments` must be a list of tables, not a table
      hint: write it in brackets: [{ … }]
    plugin `notes`, prompt `summarise`, argument 1: `argument` must be a table, not a text
    plugin `notes`, prompt `summarise`, argument 1: the key `name` is missing
      hint: write `"name": "style"`
    plugin `notes`, prompt `summarise`, argument `the style`: `the style` is not an argument's name
      hint: write a letter, then letters, digits, `_` and `-`, at most 64: `style`
    plugin `notes`, prompt `summarise`, argument 1: unknown key `require`
      hint: did you mean `required`?
    plugin `notes`, prompt `summarise`, argument `style`: there is more than one argument of this name
      hint: rename one of them
    plugin `notes`, prompt `summarise`: `completes` has `stile`, which is no argument
      hint: did you mean `style`?
    plugin `notes`, prompt `summarise`: `completes` has `style`, which is no argument
      hint: name one argument or more, or leave `completes` out
    plugin `notes`, prompt `summarise`: a prompt changes nothing, but `tcp = ["db.internal:5432"]` allows changes
      hint: ask only for GET and HEAD, "read" mounts, and no tcp
    plugin `notes`, prompt `summarise`: `arguments` does not belong in plugin.toml
      hint: it comes from the code: the function's doc comment and parameters
    plugin `notes`, prompt `summarise`: `idempotent` does not belong to a prompt
      hint: remove it: a prompt is always read-only
    plugin `notes`, prompt `sssssssssssssssssssssssssssssssssssssssss`: `notes_sssssssssssssssssssssssssssssssssssssssss` has 47 characters; at most 46 fit all clients
      hint: shorten the plugin's or the prompt's name
    plugin `notes`, prompt `summarise`: the mount `vault` is not declared
      hint: declare it: [mounts.vault] with `access = "read"`
    "#);
}

#[test]
fn icons() {
    assert_snapshot!(all(&[
        source("[tools.search]\nicons = 'https://example.com/a.png'"),
        source("[tools.search]\nicons = ['https://example.com/a.png']"),
        source("[tools.search]\nicons = [{ mime-type = 'image/png' }]"),
        source("[tools.search]\nicons = [{ src = 'http://example.com/a.png' }]"),
        source("[tools.search]\nicons = [{ src = 'data:text/html,x' }]"),
        source("[tools.search]\nicons = [{ src = 'https://example.com/a.png', size = '48x48' }]"),
        source("[tools.search]\nicons = [{ src = 'https://example.com/a.png', sizes = ['big'] }]"),
        source("[tools.search]\nicons = [{ src = 'https://example.com/a.png', theme = 'blue' }]"),
        source(&format!("[tools.search]\nicons = [{{ src = 'data:image/png;base64,{}' }}]", "A".repeat(65536))),
    ]), @r#"
    plugin `notes`, tool `search`: `icons` must be a list of tables, not a text
      hint: write it in brackets: [{ … }]
    plugin `notes`, tool `search`, icon 1: `icon` must be a table, not a text
    plugin `notes`, tool `search`, icon 1: the key `src` is missing
      hint: write `src = "https://…"` or `src = "data:image/…"`
    plugin `notes`, tool `search`, icon 1: `src`: `http://example.com/a.png` is no icon that a client could show
      hint: write an `https:` URL or a `data:image/…` URI: "https://example.com/icon.png"
    plugin `notes`, tool `search`, icon 1: `src`: `data:text/html,x` is no icon that a client could show
      hint: write an `https:` URL or a `data:image/…` URI: "https://example.com/icon.png"
    plugin `notes`, tool `search`, icon 1: unknown key `size`
      hint: did you mean `sizes`?
    plugin `notes`, tool `search`, icon 1: `sizes` has "big"
      hint: write width, `x` and height in pixels, or `any`: ["48x48"]
    plugin `notes`, tool `search`, icon 1: `theme` is "blue"
      hint: write "light" or "dark": the background that the icon is made for
    plugin `notes`, tool `search`, icon 1: `src`: the icon has 65558 bytes; at most 65536 are allowed
      hint: use a smaller image, or an `https:` URL
    "#);
}

/// One tool with an argument `key`, and these members.
fn keyed(members: &str) -> String {
    tool(&format!(
        r#""input-schema": {{"type": "object", "properties": {{"key": {{"type": "string"}}}}}}, {members}"#
    ))
}

#[test]
fn services() {
    assert_snapshot!(all(&[
        source("[tools.search]\nrate = '10'"),
        source("[tools.search]\nrate = '0/s'"),
        source("[plugin.rate]"),
        source("[tools.search]\ncache = { time = '5s' }"),
        source("[tools.search]\ncache = '5s'"),
        source("[tools.search]\ncache = { ttl = '48h' }"),
        source("[tools.search]\nread-only = false\ncache = true"),
        source("[prompts.ask]\ncache = true"),
        source("[prompts.ask]\ntask = 'optional'"),
        source("[resources.all]\ninvalidates = ['*']"),
        source("[tools.search]\ntask = 'always'"),
        source("[tools.search]\nretry = {}"),
        source("[tools.search]\nretry = { max = 2 }"),
        source("[tools.search]\nretry = { max = 20 }"),
        source("[tools.search]\nidempotency = true"),
        source("[tools.search]\nkv = true\nidempotency = { key = 'key' }"),
        source("[tools.search]\nkv = true\nidempotency = { ttl = '0s' }"),
        source("[tools.search]\nrequires = ['delete everything']"),
        keyed(r#""kv": true, "idempotency": true"#),
        keyed(r#""kv": true, "invalidates": ["searhc"]"#),
        keyed(r#""kv": true, "invalidates": ["config://*"]"#),
        keyed(r#""kv": true, "invalidates": ["nothing"]"#),
    ]), @r#"
    plugin `notes`, tool `search`: `rate` is "10", which is no rate
      hint: write a number and `/s`, `/m` or `/h`: "30/m"
    plugin `notes`, tool `search`: `rate` is "0/s", which would allow nothing
      hint: write a number and `/s`, `/m` or `/h`: "30/m"
    plugin `notes`: `rate` must be a text, not a table
      hint: write it in quotes: "…"
    plugin `notes`, tool `search`, cache: unknown key `time`
      hint: the keys known here are `ttl`
    plugin `notes`, tool `search`: `cache` must be true or a table, not a text
    plugin `notes`, tool `search`: `cache.ttl` is 48h
      hint: write a time from 1s to 24h: "60s"
    plugin `notes`, tool `search`: `cache` is set for a tool that may change something
      hint: write `read-only = true` too, or remove `cache`
    plugin `notes`, prompt `ask`: `cache` does not belong to a prompt
      hint: remove it: resources and read-only tools have caches
    plugin `notes`, prompt `ask`: unknown key `task`
      hint: the keys known here are `title`, `icons`, `timeout`, `memory`, `output`, `max-result`, `concurrency`, `allow`, `reasons`, `requires`, `rate`, `cache`, `retry`, `network`, `tcp`, `mounts`, `env`, `secrets`, `kv`, `calls`, `elicit`, `sample`, `roots`
    plugin `notes`, resource `all`: unknown key `invalidates`
      hint: the keys known here are `title`, `icons`, `mime-type`, `size`, `annotations`, `watch`, `timeout`, `memory`, `output`, `max-result`, `concurrency`, `allow`, `reasons`, `requires`, `rate`, `cache`, `retry`, `network`, `tcp`, `mounts`, `env`, `secrets`, `kv`, `calls`, `elicit`, `sample`, `roots`
    plugin `notes`, tool `search`: `task` is "always", which is neither "optional" nor "required"
      hint: write "optional" or "required"
    plugin `notes`, tool `search`, retry: the key `max` is missing
      hint: write `retry = { max = 2 }`
    plugin `notes`, tool `search`: `retry` is set, but no `network` is asked for
      hint: requests to servers are made again, and there are none: remove `retry`
    plugin `notes`, tool `search`: `retry.max` is 20
      hint: write a number from 1 to 5, or leave `retry` out
    plugin `notes`, tool `search`: `idempotency` is set for a tool that changes nothing
      hint: remove `idempotency`; where the tool does change something, write `read-only = false`
    plugin `notes`, tool `search`: `idempotency.key` is "key", which is no JSON pointer to an argument
      hint: write `/` and the argument's name: "/idempotency_key"
    plugin `notes`, tool `search`: `idempotency.ttl` is 0s
      hint: write a time from 1s to 720h: "60s"
    plugin `notes`, tool `search`: `requires` has "delete everything", which is no scope
      hint: write letters, digits, `.`, `_`, `-`, `:` and `/`, at most 64: "admin:delete"
    plugin `notes`, tool `search`: the idempotency key is at `/idempotency_key`, but there is no argument `idempotency_key`
      hint: add it to the arguments: a text, and not required
    plugin `notes`, tool `search`: `invalidates` has "searhc"
      hint: did you mean `search`?
    plugin `notes`, tool `search`: `invalidates` has "config://*"
      hint: it can be of this plugin's resources only: write `notes:` in place of `config:`
    plugin `notes`, tool `search`: `invalidates` has "nothing"
      hint: write a URI such as "notes://*", the name of a tool, or "*" for all that is kept
    "#);
}
