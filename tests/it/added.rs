//! `toolbay add` and `toolbay remove`: from the disk, from a plugin's own folder, from the web, and away again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::assembled;
use crate::support::command::{Output, converse, run, toolbay};
use crate::support::http_server::{CertificateAuthority, HttpServer};

/// A home folder with somewhere to keep files to add.
struct Place {
    home: TempDir,
    /// Digests are the tools' that make the components.
    _filters: insta::internals::SettingsBindDropGuard,
}

fn manifest(name: &str) -> Value {
    json!({
        "manifest-version": 1,
        "plugin": {"name": name, "version": "0.1.0", "description": "Keeps things"},
        "tools": {
            "say": {"description": "Says what it is.", "input-schema": {"type": "object"}},
            "fetch": {
                "description": "Fetches a page.",
                "input-schema": {"type": "object"},
                "network": ["GET https://example.com/*"],
            },
        },
    })
}

fn asking(name: &str) -> Vec<u8> {
    assembled::bake(&assembled::bare("plain"), &manifest(name))
}

impl Place {
    fn new() -> Self {
        let mut settings = insta::Settings::clone_current();
        settings.set_filters(crate::filters());
        Self {
            home: TempDir::new().expect("a temporary folder can be made"),
            _filters: settings.bind_to_scope(),
        }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn plugins(&self) -> PathBuf {
        self.path().join(".local/share/toolbay/plugins")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
        fs::write(&path, bytes).expect("a file can be written");
        path
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = toolbay(self.path());
        command.env("TOOLBAY_SECRETS", "file").args(arguments);
        run(command)
    }

    fn shown(&self, output: &Output) -> String {
        let home = self.path().display().to_string();
        output.transcript().replace(&home, "/home/ada")
    }

    fn has(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.plugins())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_component_from_the_disk() {
    let place = Place::new();
    place.file("Downloads/some-build.wasm", &assembled::guest("plain"));
    let output = place.run(&["add", "Downloads/some-build.wasm"]);
    assert_snapshot!(place.shown(&output), @"
    exit: 0
    --- stdout
    plain 0.1.0  /home/ada/.local/share/toolbay/plugins/plain.wasm
      SHA-256 [digest]
      plain_run  Does what its plugin's name says
    --- stderr
    nothing of it waits for you: running servers have it already
    ");
    assert_eq!(place.has(), ["plain.wasm"]);
    let again = place.run(&["add", "Downloads/some-build.wasm"]);
    assert_snapshot!(place.shown(&again), @"
    exit: 0
    --- stdout
    plain 0.1.0  /home/ada/.local/share/toolbay/plugins/plain.wasm
      SHA-256 [digest]
      plain_run  Does what its plugin's name says
    --- stderr
    already there; nothing was changed
    nothing of it waits for you: running servers have it already
    ");
    let called = place.run(&["call", "plain_run"]);
    assert_eq!(called.code, Some(0), "{}", called.transcript());
}

#[test]
fn what_asks_for_something_waits() {
    let place = Place::new();
    place.file("keeper.wasm", &asking("keeper"));
    assert_snapshot!(place.shown(&place.run(&["add", "keeper.wasm", "--dir", "tools"])), @"
    exit: 0
    --- stdout
    keeper 0.1.0  /home/ada/tools/keeper.wasm
      SHA-256 [digest]
      keeper_say  Says what it is
      keeper_fetch  Fetches a page
        asks for: network GET https://example.com/* (not granted)
        hint: toolbay grant keeper --dir '/home/ada/tools'
    --- stderr
    to look at what waits and to allow it: toolbay grant keeper --dir '/home/ada/tools'
    ");
}

#[test]
fn a_component_with_its_manifest_beside_it() {
    let place = Place::new();
    place.file("build/x.wasm", &assembled::bare("plain"));
    let text = "manifest-version = 1\n[plugin]\nname = \"beside\"\nversion = \"1.0.0\"\ndescription = \"Of two files\"\n[tools.run]\ndescription = \"Runs\"\ninput-schema = { type = \"object\" }\n";
    place.file("build/x.toml", text.as_bytes());
    let output = place.run(&["add", "build/x.wasm"]);
    assert_snapshot!(place.shown(&output), @"
    exit: 0
    --- stdout
    beside 1.0.0  /home/ada/.local/share/toolbay/plugins/beside.wasm
      SHA-256 [digest]
      beside_run  Runs
    --- stderr
    nothing of it waits for you: running servers have it already
    ");
    assert_eq!(place.has(), ["beside.toml", "beside.wasm"]);
    // One that carries its manifest leaves none of another's.
    place.file(
        "build/y.wasm",
        &assembled::bake(&assembled::bare("plain"), &manifest("beside")),
    );
    let output = place.run(&["add", "build/y.wasm", "--replace"]);
    assert_eq!(output.code, Some(0), "{}", output.transcript());
    assert_eq!(place.has(), ["beside.wasm"]);
    let output = place.run(&["remove", "beside", "--yes"]);
    assert_eq!(output.code, Some(0), "{}", output.transcript());
    assert!(place.has().is_empty());
}

#[test]
fn a_plugins_own_folder() {
    let place = Place::new();
    place.file("weather/plugin.toml", b"[plugin]\nname = \"plain\"\n");
    let unbuilt = place.run(&["add", "weather"]);
    place.file("weather/target/plain.wasm", &assembled::guest("plain"));
    let built = place.run(&["add", "weather"]);
    let empty = place.run(&["add", "weather/target"]);
    assert_snapshot!([unbuilt, built, empty].iter().map(|output| place.shown(output)).collect::<Vec<_>>().join("===\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: there is no weather/target/plain.wasm
    hint: build it first: toolbay build weather
    ===
    exit: 0
    --- stdout
    plain 0.1.0  /home/ada/.local/share/toolbay/plugins/plain.wasm
      SHA-256 [digest]
      plain_run  Does what its plugin's name says
    --- stderr
    nothing of it waits for you: running servers have it already
    ===
    exit: 1
    --- stdout
    --- stderr
    error: weather/target/plugin.toml cannot be read: No such file or directory (os error 2)
    hint: a plugin's own folder has a plugin.toml; for a component, name the file
    ");
}

#[test]
fn what_is_refused_leaves_the_folder_as_it_was() {
    let place = Place::new();
    place.file("plain.wasm", &assembled::guest("plain"));
    place.file(
        "other.wasm",
        &assembled::bake(&assembled::bare("plain"), &manifest("plain")),
    );
    place.file("text.wasm", b"nothing");
    place.file("module.wasm", &assembled::core_module());
    let added = place.run(&["add", "plain.wasm"]);
    assert_eq!(added.code, Some(0), "{}", added.transcript());
    let before = fs::read(place.plugins().join("plain.wasm")).expect("it is there");
    let cases: [&[&str]; 7] = [
        &["other.wasm"],
        &["text.wasm"],
        &["module.wasm"],
        &["nowhere.wasm"],
        &["plain.wasm", "--sha256", "00"],
        &["http://example.com/plain.wasm"],
        &["https://me:secret@example.com/plain.wasm"],
    ];
    let all: String = cases
        .iter()
        .map(|arguments| {
            let output = place.run(&[&["add"], *arguments].concat());
            format!("=== {arguments:?}\n{}", place.shown(&output))
        })
        .collect();
    assert_snapshot!(all, @r#"
    === ["other.wasm"]
    exit: 1
    --- stdout
    --- stderr
    error: there is a plugin `plain` already: /home/ada/.local/share/toolbay/plugins/plain.wasm
    hint: --replace puts this one in its place
    === ["text.wasm"]
    exit: 1
    --- stdout
    --- stderr
    error: text.wasm is no plugin: it is not WebAssembly
    hint: put only WebAssembly components into the folder; other files need another ending than .wasm
    === ["module.wasm"]
    exit: 1
    --- stdout
    --- stderr
    error: module.wasm is no plugin: it is a core module, not a component
    hint: build it for the target wasm32-wasip2, which makes components
    === ["nowhere.wasm"]
    exit: 1
    --- stdout
    --- stderr
    error: nowhere.wasm cannot be found: No such file or directory (os error 2)
    hint: name a component, the folder of a plugin's source, or an https address
    === ["plain.wasm", "--sha256", "00"]
    exit: 1
    --- stdout
    --- stderr
    error: plain.wasm has the SHA-256 [digest], not 00
    hint: it is another file than the one that was meant: ask whoever gave you the digest
    === ["http://example.com/plain.wasm"]
    exit: 1
    --- stdout
    --- stderr
    error: only https is fetched, and http://example.com/plain.wasm is not
    hint: use the file's https address, or download it yourself and add it from the disk
    === ["https://me:secret@example.com/plain.wasm"]
    exit: 1
    --- stdout
    --- stderr
    error: an address with a user or a password in it is not fetched
    hint: download the file yourself and add it from the disk
    "#);
    let inside = place.plugins().join("plain.wasm");
    let output = place.run(&["add", &inside.display().to_string()]);
    assert_eq!(output.code, Some(1), "{}", output.transcript());
    assert_eq!(fs::read(&inside).expect("it is there"), before);
    assert_eq!(place.has(), ["plain.wasm"]);
}

#[test]
fn replacing_leaves_one_file_of_the_name() {
    let place = Place::new();
    place.file(".local/share/toolbay/plugins/a-name.wasm", &asking("plain"));
    place.file("plain.wasm", &assembled::guest("plain"));
    let output = place.run(&["add", "plain.wasm", "--replace"]);
    assert_eq!(output.code, Some(0), "{}", output.transcript());
    assert_eq!(place.has(), ["plain.wasm"]);
}

/// Serves answers by their paths, whole as they are given, until the test ends.
fn serve(answers: Vec<(&'static str, Vec<u8>)>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
            let mut request = String::new();
            let _ = reader.read_line(&mut request);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or_default();
            let answer = answers.iter().find(|(own, _)| *own == path);
            let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
            let _ = stream.write_all(answer.map_or(&missing, |(_, answer)| answer));
        }
    });
    port
}

fn whole(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn redirect(to: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn what_comes_from_the_web_is_held_until_somebody_has_looked_at_it() {
    let place = Place::new();
    let port = serve(vec![
        ("/plain.wasm", whole(&assembled::guest("plain"))),
        ("/latest", redirect("/plain.wasm")),
    ]);
    let url = format!("http://127.0.0.1:{port}/latest");
    let shown = |output: &Output| place.shown(output).replace(&port.to_string(), "[port]");
    let output = place.run(&["add", &url]);
    assert_snapshot!(shown(&output), @"
    exit: 0
    --- stdout
    plain 0.1.0  /home/ada/.local/share/toolbay/plugins/plain.wasm
      SHA-256 [digest]
      plain_run  Not available: the tool came in a file that is marked as downloaded and was not reviewed yet
        held: it came in a file that is marked as downloaded and was not reviewed yet
        hint: toolbay grant plain
    --- stderr
    to look at what waits and to allow it: toolbay grant plain
    ");
    let mut mark = [0; 200];
    let length = rustix::fs::getxattr(
        place.plugins().join("plain.wasm"),
        "user.xdg.origin.url",
        &mut mark,
    )
    .expect("the file is marked");
    assert_eq!(
        std::str::from_utf8(&mark[..length]).expect("it is text"),
        url
    );
    let called = place.run(&["call", "plain_run"]);
    assert!(
        called.code == Some(1) && called.transcript().contains("marked as downloaded"),
        "{}",
        called.transcript()
    );
    // A copy of it is held too.
    let copy = place.run(&[
        "add",
        &place.plugins().join("plain.wasm").display().to_string(),
        "--dir",
        "second",
    ]);
    assert!(
        copy.stdout.contains("marked as downloaded"),
        "{}",
        copy.transcript()
    );
}

#[test]
fn what_the_web_does_not_give_rightly_is_not_added() {
    let place = Place::new();
    let port = serve(vec![
        ("/text", whole(b"<!doctype html>")),
        ("/round", redirect("/round")),
        ("/away", redirect("http://example.com/plain.wasm")),
        ("/nowhere", redirect("mailto:me@example.com")),
        (
            "/announced",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec(),
        ),
        (
            "/short",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345".to_vec(),
        ),
        ("/noise", b"SSH-2.0-OpenSSH\r\n".to_vec()),
    ]);
    let paths = [
        "/text",
        "/round",
        "/away",
        "/nowhere",
        "/announced",
        "/missing",
    ];
    let mut all = String::new();
    for path in paths {
        let output = place.run(&["add", &format!("http://127.0.0.1:{port}{path}")]);
        all.push_str(&format!(
            "=== {path}\n{}",
            place.shown(&output).replace(&port.to_string(), "[port]")
        ));
    }
    assert_snapshot!(all, @"
    === /text
    exit: 1
    --- stdout
    --- stderr
    error: http://127.0.0.1:[port]/text is no plugin: it is not WebAssembly
    hint: put only WebAssembly components into the folder; other files need another ending than .wasm
    === /round
    exit: 1
    --- stdout
    --- stderr
    error: it is redirected more than 5 times
    hint: check the address, in a browser for one
    === /away
    exit: 1
    --- stdout
    --- stderr
    error: only https is fetched, and http://example.com/plain.wasm is not
    hint: use the file's https address, or download it yourself and add it from the disk
    === /nowhere
    exit: 1
    --- stdout
    --- stderr
    error: only https is fetched, and mailto:me@example.com is not
    hint: use the file's https address, or download it yourself and add it from the disk
    === /announced
    exit: 1
    --- stdout
    --- stderr
    error: http://127.0.0.1:[port]/announced is larger than a component may be, 64 MiB
    hint: check that the address is a component's
    === /missing
    exit: 1
    --- stdout
    --- stderr
    error: http://127.0.0.1:[port]/missing answered 404 Not Found
    hint: check the address, in a browser for one
    ");
    for path in ["/short", "/noise"] {
        let output = place.run(&["add", &format!("http://127.0.0.1:{port}{path}")]);
        assert_eq!(output.code, Some(1), "{path}: {}", output.transcript());
    }
    assert!(place.has().is_empty());
}

#[test]
fn over_https_the_server_has_to_prove_who_it_is() {
    let place = Place::new();
    let authority = CertificateAuthority::new();
    let server = HttpServer::start_tls(&authority, &["localhost"]);
    let trusted = place.file("authority.pem", authority.pem().as_bytes());
    let url = format!("https://localhost:{}/large?bytes=10", server.port());
    let add = |certificates: Option<&Path>| {
        let mut command = toolbay(place.path());
        command.args(["add", &url]);
        if let Some(certificates) = certificates {
            command.env("SSL_CERT_FILE", certificates);
        }
        let output = run(command);
        assert_eq!(output.code, Some(1), "{}", output.transcript());
        output.stderr
    };
    let fetched = add(Some(&trusted));
    assert!(fetched.contains("is no plugin"), "{fetched}");
    let refused = add(None);
    assert!(refused.contains("cannot be reached"), "{refused}");
}

#[test]
fn removing_says_what_stays() {
    let place = Place::new();
    place.file("plain.wasm", &assembled::guest("plain"));
    place.run(&["add", "plain.wasm"]);
    let folder = fs::canonicalize(place.plugins()).expect("it is there");
    let grants = format!(
        "version = 1\n[[grant]]\nfolder = '{}'\nplugin = 'plain'\n[grant.tools.run]\nkv = true\n",
        folder.display()
    );
    place.file("config/grants.toml", grants.as_bytes());
    let mut secret = toolbay(place.path());
    secret
        .env("TOOLBAY_SECRETS", "file")
        .args(["secret", "set", "plain", "api-key"]);
    crate::support::command::run_with_input(secret, b"a-long-enough-value");
    let misspelt = place.run(&["remove", "plian"]);
    let unasked = place.run(&["remove", "plain"]);
    assert_eq!(place.has(), ["plain.wasm"]);
    let removed = place.run(&["remove", "plain", "--yes"]);
    assert!(place.has().is_empty());
    assert_snapshot!([misspelt, unasked, removed].iter().map(|output| place.shown(output)).collect::<Vec<_>>().join("===\n"), @"
    exit: 1
    --- stdout
    --- stderr
    error: there is no plugin `plian` in /home/ada/.local/share/toolbay/plugins
    hint: did you mean `plain`?
    ===
    exit: 1
    --- stdout
    --- stderr
    error: nobody is there to ask whether to delete
      /home/ada/.local/share/toolbay/plugins/plain.wasm
    hint: --yes deletes without asking
    ===
    exit: 0
    --- stdout
    --- stderr
    deleted:
      /home/ada/.local/share/toolbay/plugins/plain.wasm
    what was granted to it stays; to take it back: toolbay revoke plain
    its secret `api-key` stays; to remove it: toolbay secret remove plain api-key
    ");
}

#[test]
fn removing_asks_at_a_terminal() {
    let place = Place::new();
    place.file("plain.wasm", &assembled::guest("plain"));
    place.run(&["add", "plain.wasm"]);
    let remove = || {
        let mut command = toolbay(place.path());
        command.args(["remove", "plain"]);
        command
    };
    let (shown, code) = converse(remove(), &[("sure?", "n")]);
    assert_eq!((code, place.has().len()), (Some(1), 1), "{shown}");
    let (shown, code) = converse(remove(), &[("sure?", "y")]);
    assert_eq!((code, place.has().len()), (Some(0), 0), "{shown}");
}

#[test]
fn a_broken_file_can_be_removed_by_its_name() {
    let place = Place::new();
    place.file(".local/share/toolbay/plugins/half.wasm", b"\0asm");
    let output = place.run(&["remove", "half", "--yes"]);
    assert_eq!(output.code, Some(0), "{}", output.transcript());
    assert!(place.has().is_empty());
}
