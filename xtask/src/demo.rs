//! `cargo xtask demo`: from nothing to a running host whose plugins change while a client is connected.
//!
//! This file builds and lays out what the demo needs; what the client does and expects is in `demo_script`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::client::Client;
use crate::demo_script::Demo;
use crate::guests;
use crate::places::Places;
use crate::terminal::{heading, note};
use toolbay_build::Consent;
use toolbay_build::process::{self, BUILD_LIMIT, program};

/// The folder that the host serves, and what is put into it on the way.
pub(crate) struct Stage {
    folder: PathBuf,
    plugins: PathBuf,
    test_guests: PathBuf,
}

pub(crate) fn run(places: &Places, consent: Consent) -> Result<()> {
    guests::build_host(places)?;
    guests::build_all(places, consent)?;

    let stage = Stage::new(places)?;
    stage.put(&stage.plugins.join("jq.wasm"), "jq")?;
    stage.put(&stage.plugins.join("clock.wasm"), "clock")?;
    stage.put(&stage.test_guest("greeter-v1"), "greeter")?;
    let document = workspace_metadata(places)?;

    heading("a client starts the host");
    let mut host = program(places.host());
    host.arg("serve")
        .arg(stage.served())
        .env("TOOLBAY_CACHE_DIR", stage.folder.join("cache"))
        .env("TOOLBAY_STATE_DIR", stage.folder.join("state"))
        .env("TOOLBAY_CONFIG_DIR", stage.folder.join("config"));
    note(&format!("toolbay serve {}", places.short(&stage.served())));
    let client = Client::start(&mut host, &stage.folder.join("host.log"))?;
    Demo::new(client, stage, document).run()
}

/// What cargo knows of this workspace and all its dependencies: a real document of some size.
fn workspace_metadata(places: &Places) -> Result<String> {
    let mut metadata = process::cargo();
    metadata.current_dir(&places.root).args([
        "metadata",
        "--format-version",
        "1",
        "--all-features",
    ]);
    let captured = process::capture_stdout(&mut metadata, BUILD_LIMIT)?;
    serde_json::from_str::<Value>(&captured.stdout).context("cargo metadata gave no JSON")?;
    Ok(captured.stdout)
}

impl Stage {
    fn new(places: &Places) -> Result<Self> {
        let folder = places.target.join("demo");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let stage = Self {
            folder,
            plugins: places.plugins(),
            test_guests: places.test_guests(),
        };
        fs::create_dir_all(stage.served())?;
        Ok(stage)
    }

    pub(crate) fn served(&self) -> PathBuf {
        self.folder.join("plugins")
    }

    /// One of the small plugins that stand in for a user's own.
    pub(crate) fn test_guest(&self, name: &str) -> PathBuf {
        self.test_guests.join(format!("{name}.wasm"))
    }

    /// Puts a component into the served folder as an author's tools do: whole, by renaming a finished file.
    pub(crate) fn put(&self, component: &Path, name: &str) -> Result<()> {
        let finished = self.folder.join("finished.wasm");
        fs::copy(component, &finished)
            .with_context(|| format!("{} was not built", component.display()))?;
        fs::rename(&finished, self.place(name))?;
        Ok(())
    }

    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        Ok(fs::remove_file(self.place(name))?)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.served().join(format!("{name}.wasm"))
    }
}
