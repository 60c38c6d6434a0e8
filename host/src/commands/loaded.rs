//! A component that a command looks at by itself, outside any folder that is served.

use std::path::Path;

use anyhow::{Context, Result};
use toolbay_manifest::Manifest;

use crate::component;
use crate::config::Config;
use crate::discover;
use crate::host::Host;
use crate::load::{self, Content, LoadError};
use crate::plugin::Plugin;

/// What was found in one file.
pub(super) struct Loaded {
    pub(super) plugin: Plugin,
    pub(super) manifest: Manifest,
    pub(super) content: Content,
    /// The names of the interfaces that the component imports.
    pub(super) imports: Vec<String>,
}

/// Loads files as a server would, each or why it is no plugin. What describes only itself is run for that, with no permissions.
///
/// # Errors
///
/// A file whose folder cannot be found, or a host that cannot be made.
pub(super) fn load<'a>(
    files: impl IntoIterator<Item = &'a Path>,
) -> Result<Vec<Result<Loaded, LoadError>>> {
    let candidates = files
        .into_iter()
        .map(|file| {
            discover::single(file).with_context(|| format!("cannot find {}", file.display()))
        })
        .collect::<Result<Vec<_>>>()?;
    let runtime = super::runtime()?;
    let loaded = runtime.block_on(async {
        let host = Host::new(Config::resolve(&[])?)?;
        let mut loaded = Vec::new();
        for candidate in &candidates {
            loaded.push(one(&host, candidate).await);
        }
        anyhow::Ok(loaded)
    });
    super::finish(runtime);
    loaded
}

async fn one(host: &Host, candidate: &discover::Candidate) -> Result<Loaded, LoadError> {
    let content = load::read(candidate)?;
    let (plugin, manifest) =
        load::load(&host.sandbox, &host.config.cache, candidate, &content).await?;
    let imports = component::inspect(&content.bytes)?.imports;
    Ok(Loaded {
        plugin,
        manifest,
        content,
        imports,
    })
}
