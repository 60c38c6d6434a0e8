//! The project's own plugins that ask for something, as their users meet them: dropped in, refused, granted, revoked.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::command::{converse, run, toolbay};
use crate::support::http_server::HttpServer;
use crate::support::session::{first_text, tool_error};
use crate::support::{Era, Folder, Session, Start, assembled, paths};

/// A user with a folder of notes, the plugins, and a host that serves them.
struct Place {
    folder: Folder,
    home: TempDir,
    vault: TempDir,
    server: HttpServer,
}

impl Place {
    fn new() -> Self {
        let temporary = || TempDir::new().expect("a temporary folder can be made");
        let place = Self {
            folder: Folder::empty(),
            home: temporary(),
            vault: temporary(),
            server: HttpServer::start(),
        };
        let notes = fs::read(paths::plugin("notes")).expect("the plugin was built");
        place.folder.replace("notes.wasm", &notes);
        // The same component; only the address that it asks for is the test's own server, since the real one asks for the ports of the web.
        let web = fs::read(paths::plugin("web")).expect("the plugin was built");
        let mut manifest = assembled::manifest_of(&web);
        for tool in ["fetch", "fetch_json"] {
            manifest["tools"][tool]["network"] = json!([format!(
                "GET,HEAD http://127.0.0.1:{}/*",
                place.server.port()
            )]);
        }
        place.folder.replace(
            "web.wasm",
            &assembled::bake(&assembled::unbaked(&web), &manifest),
        );
        fs::write(
            place.vault.path().join("shopping.md"),
            "# Shopping\n\n- apples\n- pears\n",
        )
        .expect("a file can be written");
        place
    }

    fn session(&self) -> Session {
        let start = Start::new(&self.folder)
            .settings(&self.home.path().join("config"))
            .state(&self.home.path().join("state"));
        Session::open(start.start(), Era::LEGACY)
    }

    fn grant(&self, plugin: &str, arguments: &[&str]) {
        let folder = self.folder.path().display().to_string();
        let mut command = toolbay(self.home.path());
        command
            .args(["grant", plugin, "--dir", &folder])
            .args(arguments);
        let (shown, code) = converse(command, &[("Type yes", "yes")]);
        assert_eq!(code, Some(0), "{shown}");
    }

    fn grant_notes(&self) {
        self.grant(
            "notes",
            &["--mount", &format!("vault={}", self.vault.path().display())],
        );
    }

    fn revoke(&self, plugin: &str) {
        let mut command = toolbay(self.home.path());
        command.args(["revoke", plugin]);
        let output = run(command);
        assert_eq!(output.code, Some(0), "{}", output.transcript());
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.server.port())
    }
}

fn is_denied(result: &Value) -> bool {
    result["_meta"]["toolbay/error"]["error_code"] == "permission_denied"
}

fn is_fine(result: &Value) -> bool {
    result["isError"] != true
}

#[test]
fn they_are_listed_refused_granted_and_revoked_in_one_session() {
    let place = Place::new();
    let mut session = place.session();
    let names = session.tool_names();
    for name in [
        "notes_list",
        "notes_search",
        "notes_read",
        "notes_create",
        "notes_append",
        "web_fetch",
        "web_fetch_json",
    ] {
        assert!(
            names.contains(&name.to_owned()),
            "{name} is missing: {names:?}"
        );
    }
    let search = json!({"query": "pears"});
    let fetch = json!({"url": place.url("/echo")});
    for (tool, arguments, plugin) in [
        ("notes_search", &search, "notes"),
        ("web_fetch", &fetch, "web"),
    ] {
        let (code, sentence) = tool_error(&session.call(tool, arguments.clone()));
        assert_eq!(code, "permission_denied");
        assert!(
            sentence.contains(&format!("toolbay grant {plugin}"))
                && sentence.contains("their own terminal"),
            "{sentence}"
        );
    }
    place.grant_notes();
    place.grant("web", &[]);
    let found = session.call_until("notes_search", &search, is_fine);
    assert!(found.to_string().contains("shopping.md"), "{found}");
    let fetched = session.call_until("web_fetch", &fetch, is_fine);
    assert!(first_text(&fetched).contains("GET /echo"), "{fetched}");
    place.revoke("notes");
    place.revoke("web");
    session.call_until("notes_search", &search, is_denied);
    session.call_until("web_fetch", &fetch, is_denied);
}

#[test]
fn notes_are_made_read_searched_and_added_to() {
    let place = Place::new();
    place.grant_notes();
    let mut session = place.session();
    let created = session.call(
        "notes_create",
        json!({"note": "2026/ideas.md", "text": "# Ideas\n\nA host for tools.\n"}),
    );
    assert!(is_fine(&created), "{created}");
    let again = session.call(
        "notes_create",
        json!({"note": "2026/ideas.md", "text": "other"}),
    );
    assert_eq!(tool_error(&again).0, "conflict");
    assert!(is_fine(&session.call(
        "notes_append",
        json!({"note": "2026/ideas.md", "text": "Another one."})
    )));
    let text =
        fs::read_to_string(place.vault.path().join("2026/ideas.md")).expect("the note is there");
    assert_eq!(text, "# Ideas\n\nA host for tools.\nAnother one.\n");
    let read = session.call("notes_read", json!({"note": "2026/ideas.md"}));
    assert!(first_text(&read).contains("Another one."), "{read}");
    for outside in ["../secret.md", "/etc/passwd.md", "2026/../../secret.md"] {
        let (code, _) = tool_error(&session.call("notes_read", json!({"note": outside})));
        assert!(
            matches!(
                code.as_str(),
                "validation_error" | "permission_denied" | "not_found"
            ),
            "{outside}: {code}"
        );
    }
}

#[test]
fn a_list_of_notes_has_pages() {
    let place = Place::new();
    for number in 0..120 {
        fs::write(place.vault.path().join(format!("{number:03}.md")), "text\n")
            .expect("a file can be written");
    }
    place.grant_notes();
    let mut session = place.session();
    let (mut names, mut cursor) = (Vec::new(), Value::Null);
    for page in 0..2 {
        let mut arguments = json!({"limit": 500});
        if !cursor.is_null() {
            arguments["cursor"] = cursor.clone();
        }
        let result = session.call("notes_list", arguments);
        let content = &result["structuredContent"];
        let items = content["items"].as_array().expect("a page has items");
        assert_eq!(content["has_more"], page == 0, "{content}");
        names.extend(items.iter().map(|item| item.to_string()));
        cursor = content["next_cursor"].clone();
    }
    assert_eq!(names.len(), 121);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 121, "no note is on two pages");
}

#[test]
fn web_cannot_post_and_reads_json_by_a_pointer() {
    let place = Place::new();
    place.grant("web", &[]);
    let mut session = place.session();
    let listed = session.list_tools();
    for tool in listed.iter().filter(|tool| {
        tool["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("web_"))
    }) {
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
    }
    // It has no way to send one; a build that tries is told no by the sandbox.
    let fetcher = fs::read(paths::guest("fetcher")).expect("a guest can be read");
    let mut manifest = assembled::manifest_of(&fetcher);
    manifest["plugin"]["name"] = json!("web-hostile");
    manifest["tools"]["send"]["network"] = json!([format!("GET,HEAD {}", place.url("/*"))]);
    manifest["tools"]["send"]["read-only"] = json!(true);
    place.folder.replace(
        "web-hostile.wasm",
        &assembled::bake(&assembled::unbaked(&fetcher), &manifest),
    );
    place.grant("web-hostile", &[]);
    let post = json!({"method": "POST", "url": place.url("/echo")});
    let mut session = place.session();
    let refused = session.call_until("web-hostile_send", &post, |result| {
        first_text(result).contains("POST")
    });
    assert!(is_denied(&refused), "{refused}");
    assert!(
        place
            .server
            .requests()
            .iter()
            .all(|request| request.method != "POST")
    );
}

#[test]
fn a_searching_tool_that_tries_to_write_is_refused_by_the_file_system() {
    let place = Place::new();
    // A hostile build: the component of another plugin under the name and the permissions of `notes_search`.
    let prober = fs::read(paths::guest("prober")).expect("a guest can be read");
    let notes =
        assembled::manifest_of(&fs::read(paths::plugin("notes")).expect("the plugin was built"));
    let mut manifest = assembled::manifest_of(&prober);
    manifest["plugin"]["name"] = json!("notes");
    manifest["mounts"] = notes["mounts"].clone();
    let write = manifest["tools"]["write_read_only"].clone();
    manifest["tools"] = json!({"write_read_only": write});
    for key in ["mounts", "read-only"] {
        manifest["tools"]["write_read_only"][key] = notes["tools"]["search"][key].clone();
    }
    place.folder.replace(
        "notes.wasm",
        &assembled::bake(&assembled::unbaked(&prober), &manifest),
    );
    place.grant_notes();
    let before = names_in(place.vault.path());
    let result = place.session().call("notes_write_read_only", json!({}));
    assert_ne!(result["structuredContent"]["outcome"], "done", "{result}");
    assert!(
        result.to_string().contains("refused") || result["isError"] == true,
        "{result}"
    );
    assert_eq!(names_in(place.vault.path()), before);
}

fn names_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path()).unwrap_or_default(),
            )
        })
        .collect();
    names.sort();
    names
}
