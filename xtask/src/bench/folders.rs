//! The plugin folders that are measured, made of the tests' guests. A component is renamed by giving it another manifest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use toolbay_manifest::section;

use super::report::OURS;
use super::server::{Contestant, Server, Streams};
use super::wire::Era;
use crate::places::Places;
use crate::terminal::{dim, note};

pub(super) const MANY: usize = 100;

pub(super) struct Folders {
    /// The plugin `bench`.
    pub(super) one: PathBuf,
    /// A hundred plugins, `p0` to `p99`, each with the tools of `bench`.
    pub(super) many: PathBuf,
    /// `bench` and `hostile`.
    pub(super) mixed: PathBuf,
    /// `greeter`, which is replaced.
    pub(super) replaced: PathBuf,
    /// Its two builds.
    pub(super) greeters: [Vec<u8>; 2],
    host: PathBuf,
    cache: PathBuf,
    logs: PathBuf,
}

impl Folders {
    pub(super) fn make(places: &Places) -> Result<Self> {
        let root = places.target.join("bench");
        let folders = Self {
            one: root.join("one"),
            many: root.join("many"),
            mixed: root.join("mixed"),
            replaced: root.join("replaced"),
            greeters: [guest(places, "greeter-v1")?, guest(places, "greeter-v2")?],
            host: places.host(),
            cache: root.join("cache"),
            logs: root.join("logs"),
        };
        let bench = guest(places, "bench")?;
        fill(&folders.one, &[("bench", bench.clone())])?;
        let hostile = guest(places, "hostile")?;
        fill(
            &folders.mixed,
            &[("bench", bench.clone()), ("hostile", hostile)],
        )?;
        let [first, _] = &folders.greeters;
        fill(&folders.replaced, &[("greeter", first.clone())])?;
        let copies = (0..MANY).map(|number| {
            let name = format!("p{number}");
            let copy = with_manifest(&bench, |manifest| {
                set(manifest, "/plugin/name", json!(name))
            })?;
            Ok((name, copy))
        });
        let copies: Vec<(String, Vec<u8>)> = copies.collect::<Result<_>>()?;
        let copies: Vec<(&str, Vec<u8>)> = copies
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.clone()))
            .collect();
        fill(&folders.many, &copies)?;
        fs::create_dir_all(&folders.logs)?;
        Ok(folders)
    }

    /// The host on one of the folders. The cache is shared and stays warm from one run to the next.
    pub(super) fn host(&self, folder: &Path, tool_prefix: &'static str) -> Contestant {
        let log = self.logs.join("toolbay.log");
        Contestant {
            name: OURS,
            tool_prefix,
            program: self.host.clone(),
            arguments: vec!["serve".into(), folder.into()],
            environment: vec![
                ("TOOLBAY_CACHE_DIR", self.cache.clone()),
                ("TOOLBAY_STATE_DIR", self.cache.join("state")),
                ("TOOLBAY_CONFIG_DIR", self.cache.join("config")),
            ],
            log,
        }
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(name)
    }

    /// Calls every plugin once, so that all are compiled.
    pub(super) fn warm_up(&self) -> Result<()> {
        note(&dim("warming the cache of compiled plugins up"));
        for (folder, prefixes) in [
            (&self.one, vec!["bench_".to_owned()]),
            (
                &self.many,
                (0..MANY).map(|number| format!("p{number}_")).collect(),
            ),
        ] {
            let mut server = Server::open(&self.host(folder, ""), Streams::Pipes, Era::Legacy)?;
            server.count_tools()?;
            for prefix in prefixes {
                let call = format!(r#""name":"{prefix}add","arguments":{{"a":1,"b":0.5}}"#);
                let result = server.request("tools/call", &call)?;
                if result.pointer("/structuredContent/result") != Some(&json!(1.5)) {
                    bail!("{prefix}add gives a wrong sum: {result}");
                }
            }
            server.stop()?;
        }
        Ok(())
    }
}

/// A component with its manifest changed.
pub(super) fn with_manifest(
    component: &[u8],
    change: impl FnOnce(&mut Value) -> Result<()>,
) -> Result<Vec<u8>> {
    let text = section::read_from(component)?.context("the component carries no manifest")?;
    let mut manifest = serde_json::from_str(&text)?;
    change(&mut manifest)?;
    Ok(section::bake(component, &manifest.to_string())?)
}

pub(super) fn set(manifest: &mut Value, pointer: &str, value: Value) -> Result<()> {
    let place = manifest
        .pointer_mut(pointer)
        .with_context(|| format!("a manifest without {pointer}"))?;
    *place = value;
    Ok(())
}

fn guest(places: &Places, name: &str) -> Result<Vec<u8>> {
    let path = places.test_guests().join(format!("{name}.wasm"));
    fs::read(&path).with_context(|| {
        format!(
            "{} is not there\nhint: run `cargo xtask plugins`",
            places.short(&path)
        )
    })
}

/// Makes the folder hold these plugins and nothing else. A file that is right already stays, so that the host's index stays valid.
fn fill(folder: &Path, plugins: &[(&str, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if !plugins.iter().any(|(name, _)| *name == stem) {
            fs::remove_file(&path)?;
        }
    }
    for (name, bytes) in plugins {
        let path = folder.join(format!("{name}.wasm"));
        if fs::read(&path).ok().as_ref() != Some(bytes) {
            place(&path, bytes)?;
        }
    }
    Ok(())
}

/// Writes the whole file beside its place, then renames it.
pub(super) fn place(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)?;
    Ok(())
}
