//! What the host does around calls, by a line in a plugin's manifest. The guest `keeper` has a tool for each.

mod caches;
mod chains;
mod health;
mod keys;
mod large;
mod limits;
mod limits_of_pages;
mod middleware;
mod retries;
mod telemetry;

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http_server::HttpServer;
use crate::support::session::tool_error;
use crate::support::{Era, Folder, Session, Start, Wire, assembled, paths};

/// The keeper with everything granted, a server that it may pay at, and a state folder that outlives its hosts.
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
        let component = fs::read(paths::guest("keeper")).expect("a guest can be read");
        let mut manifest = assembled::manifest_of(&component);
        for tool in ["pay", "fetch"] {
            manifest["tools"][tool]["network"] = json!([place.url()]);
        }
        let component = assembled::bake(&assembled::unbaked(&component), &manifest);
        place.folder.replace("keeper.wasm", &component);
        let policy = "version = 1\n[[grant]]\nplugin = \"keeper\"\neverything = true\naddresses = [\"127.0.0.1\"]\n";
        fs::write(place.home.path().join("policy.toml"), policy).expect("a file can be written");
        place
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    fn start(&self) -> Start {
        Start::new(&self.folder)
            .wire(Wire::Pipes)
            .argument("--policy")
            .argument(self.home.path().join("policy.toml"))
            .settings(&self.home.path().join("config"))
            .state(&self.home.path().join("state"))
    }

    fn open(&self, era: Era) -> Session {
        Session::open(self.start().start(), era)
    }
}

/// The error's code of a call that must fail.
fn code(result: &Value) -> String {
    tool_error(result).0
}
