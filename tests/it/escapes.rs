//! One test for each attempt of the prober, whose tools try to get out of what they were granted: each is refused in time, nothing outside is
//! seen or changed, and the host goes on.
//!
//! `attempts!` holds the list of all. It makes the compiler look for each one's test here, and a test below compares it with the tools that the
//! prober has.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::session::tool_error;
use crate::support::{Era, Folder, Session, Start, assembled, paths};

/// How soon an attempt that must not wait is answered here, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(8);

macro_rules! attempts {
    ($($tool:ident)*) => {
        const ATTEMPTS: &[&str] = &[$(stringify!($tool)),*];
        // A tool without a function of its name in `tests` does not compile.
        const _: &[fn()] = &[$(tests::$tool,)*];
    };
}

attempts! {
    connect_raw fill_directory hard_link_between_mounts link_out list listen look_up make_hard_link_out make_link_out open_fifo open_many
    path_absolute path_dotdot proc_self read read_argv read_env rename_race udp write write_read_only
}

/// Folders for the prober's mounts, and around them what it must not reach.
struct Place {
    root: PathBuf,
    folder: Folder,
    _temporary: TempDir,
}

impl Place {
    fn new() -> Self {
        let temporary = TempDir::new().expect("a temporary folder can be made");
        let root = temporary.path().canonicalize().expect("it is there");
        for folder in ["vault/sub", "other", "outside"] {
            fs::create_dir_all(root.join(folder)).expect("a folder can be made");
        }
        for (file, content) in [
            ("vault/file", "content"),
            ("secret", "secret"),
            ("outside/secret.txt", "secret"),
        ] {
            fs::write(root.join(file), content).expect("a file can be written");
        }
        let place = Self {
            root,
            folder: Folder::with(&["prober"]),
            _temporary: temporary,
        };
        let policy = format!(
            "version = 1\n[[grant]]\nplugin = \"prober\"\neverything = true\nmode = \"follow\"\n[grant.mounts]\nvault = '{}'\nother = '{}'\n",
            place.path("vault").display(),
            place.path("other").display(),
        );
        place.write("policy.toml", &policy);
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, content: &str) {
        fs::write(self.path(path), content).expect("a file can be written");
    }

    fn link(&self, target: impl AsRef<Path>, path: &str) {
        symlink(target, self.path(path)).expect("a link can be made");
    }

    /// Changes what the prober asks for, for what cannot be known when it is built.
    fn ask(&self, change: impl Fn(&mut Value)) {
        let component = fs::read(paths::guest("prober")).expect("a guest can be read");
        let mut manifest = assembled::manifest_of(&component);
        change(&mut manifest);
        let component = assembled::bake(&assembled::unbaked(&component), &manifest);
        self.folder.replace("prober.wasm", &component);
    }

    fn start(&self) -> Start {
        Start::new(&self.folder)
            .argument("--policy")
            .argument(self.path("policy.toml"))
    }

    fn session(&self) -> Session {
        Session::open(self.start().start(), Era::LEGACY)
    }

    /// All that lies around the mounts, with its content.
    fn surroundings(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let read = |folder: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).expect("the folder is there");
            entries
                .map(|entry| entry.expect("an entry").path())
                .collect()
        };
        let mut files: Vec<_> = [read(&self.root), read(&self.path("outside"))].concat();
        files.sort();
        files
            .into_iter()
            .map(|path| {
                let content = fs::read(&path).unwrap_or_default();
                (path, content)
            })
            .collect()
    }

    /// Calls one tool and gives what it found, or why it was refused. Nothing around the mounts may have changed then.
    fn attempt(&self, tool: &str, arguments: Value) -> Result<Vec<String>, String> {
        let before = self.surroundings();
        let mut session = self.session();
        let result = attempt(&mut session, tool, arguments);
        assert_eq!(self.surroundings(), before);
        result
    }
}

/// Calls one tool and gives what it found, or why it was refused.
fn attempt(session: &mut Session, tool: &str, arguments: Value) -> Result<Vec<String>, String> {
    let result = session.call(&format!("prober_{tool}"), arguments);
    assert_ne!(result["isError"], true, "{}", crate::brief(&result));
    let outcome = &result["structuredContent"];
    if outcome["outcome"] == "refused" {
        return Err(outcome["error"].as_str().expect("a reason").to_owned());
    }
    let found = outcome["found"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let found = found
        .iter()
        .map(|text| text.as_str().expect("a text").to_owned());
    Ok(found.collect())
}

/// The same errors have other words in other versions of the standard library; what they mean is in their number or name.
fn check_refused(result: Result<Vec<String>, String>, words: &[&str]) {
    let error = result.expect_err("it must be refused");
    assert!(
        words.iter().any(|word| error.to_lowercase().contains(word)),
        "{error:?} has none of {words:?}"
    );
}

/// How a way out of a mount is refused.
const NOT_PERMITTED: &[&str] = &["not permitted", "not-permitted", "permission denied"];

/// How any use of the network is refused.
const DENIED: &[&str] = &["denied", "not permitted"];

/// A server on this machine that greets whoever connects.
fn server() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(b"hello");
        }
    });
    address
}

#[test]
fn every_attempt_has_its_test() {
    let place = Place::new();
    let names = place.session().tool_names();
    let mut tools: Vec<_> = names
        .iter()
        .filter_map(|name| name.strip_prefix("prober_"))
        .collect();
    tools.sort_unstable();
    assert_eq!(tools, ATTEMPTS);
}

#[test]
fn a_mount_that_is_gone() {
    let place = Place::new();
    let mut session = place.session();
    let arguments = json!({"path": "/vault/file"});
    assert_eq!(
        attempt(&mut session, "read", arguments.clone()),
        Ok(vec!["content".into()])
    );
    fs::rename(place.path("vault"), place.path("moved")).expect("a folder can be renamed");
    let (code, sentence) = tool_error(&session.call("prober_read", arguments.clone()));
    assert_eq!(code, "unavailable");
    assert!(sentence.contains("`vault`"), "{sentence}");
    assert!(
        sentence.contains(&place.path("vault").display().to_string()),
        "{sentence}"
    );
    assert!(
        sentence.contains("toolbay grant prober --mount vault=DIR"),
        "{sentence}"
    );
    // A link in its place is not the folder that was granted.
    place.link("outside", "vault");
    let (code, _) = tool_error(&session.call("prober_read", arguments.clone()));
    assert_eq!(code, "unavailable");
    fs::remove_file(place.path("vault")).expect("a link can be removed");
    fs::rename(place.path("moved"), place.path("vault")).expect("a folder can be renamed");
    assert_eq!(
        attempt(&mut session, "read", arguments),
        Ok(vec!["content".into()])
    );
}

mod tests {
    use super::*;

    // What must work, or a refusal would say nothing.
    #[test]
    pub(super) fn read() {
        let place = Place::new();
        place.write("other/file", "other content");
        let mut session = place.session();
        let mut read = |path: &str| attempt(&mut session, "read", json!({ "path": path }));
        assert_eq!(read("/vault/file"), Ok(vec!["content".into()]));
        assert_eq!(read("/other/file"), Ok(vec!["other content".into()]));
        assert_eq!(read("/vault/sub/../file"), Ok(vec!["content".into()]));
        for outside in ["/etc/passwd", "/", "/secret", "file", "/vaultx/file"] {
            read(outside).expect_err("there is nothing else");
        }
    }

    #[test]
    pub(super) fn list() {
        let place = Place::new();
        let mut session = place.session();
        let mut list = |path: &str| attempt(&mut session, "list", json!({ "path": path }));
        assert_eq!(list("/vault"), Ok(vec!["file".into(), "sub".into()]));
        assert_eq!(list("/other"), Ok(vec![]));
        check_refused(list("/vault/.."), NOT_PERMITTED);
        for number in 0..2000 {
            place.write(&format!("other/{number}"), "");
        }
        assert_eq!(list("/other").expect("a list").len(), 2000);
    }

    #[test]
    pub(super) fn write() {
        let place = Place::new();
        let mut session = place.session();
        let mut write = |path: &str| {
            attempt(
                &mut session,
                "write",
                json!({"path": path, "text": "written"}),
            )
        };
        assert_eq!(write("/vault/sub/new"), Ok(vec![]));
        assert_eq!(write("/other/new"), Ok(vec![]));
        check_refused(write("/vault/../secret"), NOT_PERMITTED);
        check_refused(write("/vault/../vault/file"), NOT_PERMITTED);
        let content = |path: &str| fs::read_to_string(place.path(path)).expect("it is there");
        assert_eq!(content("vault/sub/new"), "written");
        assert_eq!(content("other/new"), "written");
        assert_eq!(content("secret"), "secret");
        assert_eq!(content("vault/file"), "content");
    }

    // Paths and links that lead out.
    #[test]
    pub(super) fn path_dotdot() {
        let place = Place::new();
        let mut session = place.session();
        for path in [
            "/vault/../secret",
            "/vault/sub/../../secret",
            "/vault/./../outside/secret.txt",
            "/vault/../../../../../../../../etc/passwd",
            "/vault/../vault/file",
        ] {
            let result = attempt(&mut session, "path_dotdot", json!({ "path": path }));
            check_refused(result, NOT_PERMITTED);
        }
    }

    #[test]
    pub(super) fn path_absolute() {
        let place = Place::new();
        let mut session = place.session();
        let secret = place.path("secret").display().to_string();
        for path in ["/etc/passwd", "//etc/passwd", "/vault/file", "/", &secret] {
            let result = attempt(&mut session, "path_absolute", json!({ "path": path }));
            check_refused(result, NOT_PERMITTED);
        }
    }

    #[test]
    pub(super) fn link_out() {
        let place = Place::new();
        place.link(place.path("secret"), "vault/absolute");
        place.link("../secret", "vault/relative");
        place.link("../outside", "vault/folder");
        place.link("relative", "vault/twice");
        place.link("sub", "vault/inside");
        place.write("vault/sub/file", "inside");
        let mut session = place.session();
        for path in ["absolute", "relative", "folder/secret.txt", "twice"] {
            let path = format!("/vault/{path}");
            let result = attempt(&mut session, "link_out", json!({ "path": path }));
            check_refused(result, NOT_PERMITTED);
        }
        let inside = attempt(
            &mut session,
            "link_out",
            json!({"path": "/vault/inside/file"}),
        );
        assert_eq!(inside, Ok(vec!["inside".into()]));
    }

    #[test]
    pub(super) fn proc_self() {
        let place = Place::new();
        place.link("/proc/self", "vault/self");
        place.link("/proc/self/environ", "vault/environ");
        place.link("/proc/self/fd/0", "vault/input");
        let mut session = place.session();
        for path in [
            "self/environ",
            "self/root/etc/passwd",
            "self/cwd",
            "environ",
            "input",
        ] {
            let path = format!("/vault/{path}");
            let result = attempt(&mut session, "proc_self", json!({ "path": path }));
            check_refused(result, NOT_PERMITTED);
        }
    }

    #[test]
    pub(super) fn make_link_out() {
        let place = Place::new();
        let mut session = place.session();
        for target in ["/etc/passwd", "../secret", "sub/../../secret", ".."] {
            let arguments = json!({"target": target, "path": "sub/evil"});
            check_refused(
                attempt(&mut session, "make_link_out", arguments),
                NOT_PERMITTED,
            );
            fs::symlink_metadata(place.path("vault/sub/evil")).expect_err("nothing was made");
        }
        let arguments = json!({"target": "file", "path": "fine"});
        assert_eq!(
            attempt(&mut session, "make_link_out", arguments),
            Ok(vec![])
        );
        let target = fs::read_link(place.path("vault/fine")).expect("it is a link");
        assert_eq!(target, Path::new("file"));
    }

    #[test]
    pub(super) fn make_hard_link_out() {
        let place = Place::new();
        let mut session = place.session();
        let absolute = place.path("secret").display().to_string();
        for outside in ["../secret", "../placed", "/etc/passwd", &absolute] {
            let result = attempt(
                &mut session,
                "make_hard_link_out",
                json!({ "outside": outside }),
            );
            check_refused(result, NOT_PERMITTED);
        }
        assert!(!place.path("vault/stolen").exists());
        assert!(!place.path("placed").exists());
    }

    #[test]
    pub(super) fn hard_link_between_mounts() {
        let place = Place::new();
        let result = place.attempt("hard_link_between_mounts", json!({}));
        check_refused(result, &["cross-device"]);
        assert!(!place.path("other/joined").exists());
    }

    /// Exchanges a folder and a link to another one for as long as the host answers.
    #[test]
    pub(super) fn rename_race() {
        let place = Place::new();
        fs::create_dir(place.path("vault/inner")).expect("a folder can be made");
        place.write("vault/inner/secret.txt", "inside");
        place.link("../outside", "vault/link");
        let mut session = place.session();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let vault = fs::File::open(place.path("vault")).expect("the vault is there");
        let swapping = thread::spawn(move || {
            use rustix::fs::{RenameFlags, renameat_with};
            while !stopped.load(Ordering::Relaxed) {
                renameat_with(&vault, "inner", &vault, "link", RenameFlags::EXCHANGE)
                    .expect("two names can be exchanged");
            }
        });
        let mut seen = Vec::new();
        for path in ["/vault/inner/secret.txt", "/vault/sub/../inner/secret.txt"] {
            let arguments = json!({"path": path, "rounds": 5000});
            seen.extend(attempt(&mut session, "rename_race", arguments).expect("it ends"));
        }
        stop.store(true, Ordering::Relaxed);
        swapping.join().expect("the exchange went on");
        assert!(
            seen.iter().any(|text| text == "content: inside"),
            "{seen:?}"
        );
        assert!(
            !seen.iter().any(|text| text == "content: secret"),
            "{seen:?}"
        );
        assert!(
            seen.iter().any(|text| text.starts_with("error: ")),
            "{seen:?}"
        );
    }

    #[test]
    pub(super) fn open_fifo() {
        let place = Place::new();
        let made = Command::new("mkfifo")
            .arg(place.path("vault/pipe"))
            .status();
        assert!(made.expect("mkfifo can be started").success());
        let mut session = place.session();
        let start = Instant::now();
        let result = attempt(&mut session, "open_fifo", json!({"path": "/vault/pipe"}));
        check_refused(result, NOT_PERMITTED);
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    }

    // Changes where only reading was granted, and using things up.
    #[test]
    pub(super) fn write_read_only() {
        let place = Place::new();
        let result = place.attempt("write_read_only", json!({}));
        check_refused(result, &["read-only"]);
        let content = fs::read_to_string(place.path("vault/file"));
        assert_eq!(content.expect("it is there"), "content");
        let entries = fs::read_dir(place.path("vault")).expect("it is there");
        assert_eq!(entries.count(), 2);
    }

    #[test]
    pub(super) fn open_many() {
        let place = Place::new();
        let mut session = place.session();
        let mut open = |times: u32| {
            let arguments = json!({"path": "/vault/file", "times": times});
            attempt(&mut session, "open_many", arguments)
        };
        assert_eq!(open(200), Ok(vec!["200".into()]));
        let error = open(100_000).expect_err("there is an end");
        assert!(error.starts_with("after 256: "), "{error}");
        assert_eq!(
            open(200),
            Ok(vec!["200".into()]),
            "what a call opened is closed with it"
        );
    }

    #[test]
    pub(super) fn fill_directory() {
        let place = Place::new();
        let mut session = place.session();
        let filled = attempt(&mut session, "fill_directory", json!({"count": 3000}));
        assert_eq!(filled, Ok(vec![]));
        let listed = attempt(&mut session, "list", json!({"path": "/vault/full"}));
        assert_eq!(listed.expect("a list").len(), 3000);
    }

    // The surroundings of the host.
    #[test]
    pub(super) fn read_env() {
        let place = Place::new();
        let start = place
            .start()
            .variable("PROBER_GIVEN", "given")
            .variable("PROBER_SECRET", "secret");
        let mut session = Session::open(start.start(), Era::LEGACY);
        let found = attempt(&mut session, "read_env", json!({}));
        assert_eq!(found, Ok(vec!["PROBER_GIVEN=given".into()]));
        let found = attempt(&mut session, "read_argv", json!({}));
        assert_eq!(found, Ok(vec![]));
    }

    #[test]
    pub(super) fn read_argv() {
        assert_eq!(Place::new().attempt("read_argv", json!({})), Ok(vec![]));
    }

    // The network without HTTP.
    #[test]
    pub(super) fn connect_raw() {
        let (granted, other) = (server(), server());
        let place = Place::new();
        place.ask(|manifest| {
            let localhost = format!("localhost:{}", granted.port());
            manifest["tools"]["connect_raw"]["tcp"] = json!([granted.to_string()]);
            manifest["tools"]["look_up"]["tcp"] = json!([localhost]);
        });
        let mut session = place.session();
        let mut connect =
            |address: &str| attempt(&mut session, "connect_raw", json!({ "address": address }));
        assert_eq!(connect(&granted.to_string()), Ok(vec!["hello".into()]));
        for address in [
            other.to_string(),
            format!("127.0.0.2:{}", granted.port()),
            format!("[::1]:{}", granted.port()),
            format!("[::ffff:127.0.0.1]:{}", other.port()),
            format!("0.0.0.0:{}", granted.port()),
            format!("localhost:{}", granted.port()),
            format!("2130706433:{}", granted.port()),
            "169.254.169.254:80".to_owned(),
        ] {
            connect(&address).expect_err("only one address was granted");
        }
        check_refused(connect(&other.to_string()), DENIED);
    }

    #[test]
    pub(super) fn look_up() {
        let place = Place::new();
        let mut session = place.session();
        let mut look_up = |name: &str| attempt(&mut session, "look_up", json!({ "name": name }));
        let found = look_up("localhost").expect("it was granted");
        assert_eq!(found.first().map(String::as_str), Some("127.0.0.1"));
        for name in [
            "example.com",
            "localhost.example.com",
            "metadata.google.internal",
        ] {
            check_refused(look_up(name), &["access-denied"]);
        }
    }

    #[test]
    pub(super) fn listen() {
        let place = Place::new();
        let mut session = place.session();
        for address in ["127.0.0.1:0", "0.0.0.0:0", "127.0.0.1:9"] {
            let result = attempt(&mut session, "listen", json!({ "address": address }));
            check_refused(result, DENIED);
        }
    }

    #[test]
    pub(super) fn udp() {
        let place = Place::new();
        let result = place.attempt("udp", json!({"address": "127.0.0.1:9"}));
        check_refused(result, DENIED);
    }
}
