//! What plugins offer beside tools, and what they ask of their caller, as clients of both eras see it over both wires. The guest `asker` has one of each kind.

mod offers;
mod questions;
mod tasks;

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http_server::HttpServer;
use crate::support::session::initialize_params;
use crate::support::{Era, Folder, Session, Start, Wire, assembled, paths};

/// The asker with everything granted, a server that it may send to, and a state folder that outlives its hosts.
struct Place {
    server: HttpServer,
    folder: Folder,
    home: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            server: HttpServer::start(),
            folder: Folder::empty(),
            home: TempDir::new().expect("a temporary folder can be made"),
        };
        let component = fs::read(paths::guest("asker")).expect("a guest can be read");
        let mut manifest = assembled::manifest_of(&component);
        for tool in ["post_then_ask", "ask_then_post", "post_on_cancel"] {
            manifest["tools"][tool]["network"] = json!([place.url()]);
        }
        let component = assembled::bake(&assembled::unbaked(&component), &manifest);
        place.folder.replace("asker.wasm", &component);
        let policy = "version = 1\n[[grant]]\nplugin = \"asker\"\neverything = true\naddresses = [\"127.0.0.1\"]\n";
        fs::write(place.policy(), policy).expect("a file can be written");
        place
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    fn policy(&self) -> std::path::PathBuf {
        self.home.path().join("policy.toml")
    }

    fn start(&self, wire: Wire) -> Start {
        Start::new(&self.folder)
            .wire(wire)
            .argument("--policy")
            .argument(self.policy())
            .state(&self.home.path().join("state"))
    }

    /// A client of the legacy era that can be asked everything.
    fn legacy(&self, wire: Wire) -> Session {
        let mut session = Session::without_handshake(self.start(wire).start(), Era::LEGACY);
        let mut params = initialize_params("2025-11-25");
        params["capabilities"] = able();
        session.result("initialize", params);
        session.notify("notifications/initialized", json!({}));
        session
    }

    fn modern(&self, wire: Wire) -> Session {
        Session::open(self.start(wire).start(), Era::Modern)
    }

    /// The same in both eras over both wires.
    fn everywhere(&self, test: impl Fn(&mut Session)) {
        for wire in Wire::ALL {
            for mut session in [self.legacy(wire), self.modern(wire)] {
                eprintln!("--- {:?} over {wire:?}", session.era);
                test(&mut session);
                assert!(session.host.is_running());
            }
        }
    }
}

/// The capabilities of a client that can be asked everything.
fn able() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}})
}

/// Sends a request with more in its `_meta`, and gives its id.
fn start_with(session: &mut Session, method: &str, params: Value, meta: &Value) -> Value {
    let mut message = session.compose(method, params);
    for (key, value) in meta.as_object().expect("it is an object") {
        message["params"]["_meta"][key] = value.clone();
    }
    session.host.send(&message);
    message["id"].clone()
}

/// A request of a client of the modern era that can be asked everything.
fn ask(session: &mut Session, method: &str, params: Value) -> Value {
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": able()});
    let id = start_with(session, method, params, &meta);
    session.host.answer(&id)
}

fn call(session: &mut Session, tool: &str, arguments: &Value, more: &Value) -> Value {
    let mut params = json!({"name": tool, "arguments": arguments});
    for (key, value) in more.as_object().expect("it is an object") {
        params[key] = value.clone();
    }
    ask(session, "tools/call", params)
}
