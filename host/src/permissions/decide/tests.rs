use serde_json::{Value, json};

use super::super::grants::Grants;
use super::*;

fn asking(value: Value) -> PermissionRequest {
    PermissionRequest::from_json(value).unwrap()
}

/// The decision about the tool `search` of build `aa` with definition `11`, in a few words.
fn decided(requested: &PermissionRequest, entry: &str) -> String {
    decided_for("aa", "11", requested, entry)
}

fn decided_for(
    digest: &str,
    definition: &str,
    requested: &PermissionRequest,
    entry: &str,
) -> String {
    let grants = if entry.is_empty() {
        Grants::default()
    } else {
        Grants::parse(&format!(
            "version = 1\n[[grant]]\nfolder = '/plugins'\nplugin = 'notes'\n{entry}"
        ))
        .unwrap()
    };
    let subject = Subject {
        digest,
        downloaded: false,
        tool: "search",
        definition: &|| definition.to_owned(),
        requested,
        read_only: false,
    };
    let now = "2026-11-24T18:00:00Z".parse().unwrap();
    let grant = grants.of(Path::new("/plugins"), "notes");
    match decide(subject, grant, now, |folder| {
        if folder == Path::new("/forbidden") {
            Err("it may not be bound".into())
        } else {
            Ok(())
        }
    }) {
        Decision::Allowed(allowance) if allowance.unpinned => "allowed, to be pinned".into(),
        Decision::Allowed(_) => "allowed".into(),
        Decision::Held(held) => held.clause(),
    }
}

const MOUNT_READ: &str = "granted = '2026-11-24T12:00:00Z'\ndigest = 'aa'\n[grant.mounts]\nvault = '/notes'\n[grant.tools.search]\ndefinition = '11'\nmounts = { vault = 'read' }";

#[test]
fn a_tool_that_asks_for_nothing_works_at_once_and_is_pinned() {
    let nothing = PermissionRequest::default();
    assert_eq!(decided(&nothing, ""), "allowed, to be pinned");
    let pin = "digest = 'aa'\n[grant.tools.search]\ndefinition = '11'";
    assert_eq!(decided(&nothing, pin), "allowed");
    // New code, same definition.
    assert_eq!(
        decided_for("bb", "11", &nothing, pin),
        "allowed, to be pinned"
    );
    assert_eq!(
        decided_for("bb", "22", &nothing, pin),
        "has changed what it says of itself since the user came to know it"
    );
    // Beside permissions that were granted, a pure tool of a later build does not renew the pin that those hang on.
    let beside =
        "digest = 'aa'\n[grant.tools.search]\ndefinition = '11'\n[grant.tools.other]\nkv = true";
    assert_eq!(decided_for("bb", "11", &nothing, beside), "allowed");
}

#[test]
fn what_is_asked_must_be_granted_whole() {
    let read = asking(json!({"mounts": {"vault": "read"}}));
    let write = asking(json!({"mounts": {"vault": "read-write"}}));
    assert_eq!(
        decided(&read, ""),
        "asks for permissions that were not granted"
    );
    assert_eq!(decided(&read, MOUNT_READ), "allowed");
    assert_eq!(
        decided(&write, MOUNT_READ),
        "asks for more than was granted: mounts = { vault = \"read-write\" }"
    );
    let more = asking(
        json!({"mounts": {"vault": "read"}, "kv": true, "env": ["A", "B"], "network": ["GET https://example.com/*"]}),
    );
    assert_eq!(
        decided(&more, MOUNT_READ),
        "asks for more than was granted: network = [\"GET https://example.com/*\"]; env = [\"A\", \"B\"]; kv = true"
    );
}

#[test]
fn an_exact_grant_is_for_one_build_and_one_that_follows_for_all_with_the_same_definition() {
    let read = asking(json!({"mounts": {"vault": "read"}}));
    let follow = format!("mode = 'follow'\n{MOUNT_READ}");
    assert_eq!(
        decided_for("bb", "11", &read, MOUNT_READ),
        "is of another build than the one that was granted"
    );
    assert_eq!(decided_for("bb", "11", &read, &follow), "allowed");
    for entry in [MOUNT_READ, &follow] {
        assert_eq!(
            decided_for("bb", "22", &read, entry),
            "has changed what it says of itself since the user came to know it"
        );
    }
    let wider = asking(json!({"mounts": {"vault": "read"}, "kv": true}));
    assert_eq!(
        decided_for("bb", "11", &wider, &follow),
        "asks for more than was granted: kv = true"
    );
}

#[test]
fn mounts_need_a_folder_that_may_be_bound() {
    let read = asking(json!({"mounts": {"vault": "read"}}));
    let unbound = MOUNT_READ.replace("vault = '/notes'", "other = '/notes'");
    assert_eq!(
        decided(&read, &unbound),
        "has no folder for its mount `vault`: none was named when it was granted"
    );
    let forbidden = MOUNT_READ.replace("/notes", "/forbidden");
    assert_eq!(
        decided(&read, &forbidden),
        "has no folder for its mount `vault`: it may not be bound"
    );
}

#[test]
fn a_grant_ends_when_its_time_is_over() {
    let kv = asking(json!({"kv": true}));
    let until =
        |time: &str| format!("digest = 'aa'\n[grant.tools.search]\nkv = true\nexpires = '{time}'");
    assert_eq!(decided(&kv, &until("2026-11-24T18:00:01Z")), "allowed");
    assert_eq!(
        decided(&kv, &until("2026-11-24T18:00:00Z")),
        "was granted for a time that is over"
    );
}

#[test]
fn what_was_downloaded_is_held_until_a_person_has_granted_it() {
    let nothing = PermissionRequest::default();
    let subject = Subject {
        digest: "aa",
        downloaded: true,
        tool: "search",
        definition: &|| "11".into(),
        requested: &nothing,
        read_only: false,
    };
    let held = |entry: &str| {
        let text = format!(
            "version = 1\n[[grant]]\nfolder = '/plugins'\nplugin = 'notes'\ndigest = 'aa'\n{entry}"
        );
        let grants = Grants::parse(&text).unwrap();
        let now = "2026-11-24T18:00:00Z".parse().unwrap();
        let grant = grants.of(Path::new("/plugins"), "notes");
        matches!(
            decide(subject, grant, now, |_| Ok(())),
            Decision::Held(Held::Downloaded)
        )
    };
    assert!(held(""), "a pin is no review");
    assert!(!held("granted = '2026-11-24T12:00:00Z'"));
}
