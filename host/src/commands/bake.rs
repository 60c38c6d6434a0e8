//! `toolbay bake`: writes a component's own description into it.

use anyhow::{Context, Result, bail};
use toolbay_manifest::Manifest;

use crate::cli::Bake;
use crate::config::{Config, MAX_COMPONENT};
use crate::digest::Digest;
use crate::files::read_up_to;
use crate::host::Host;
use crate::terminal;
use crate::text::bytes;

pub(crate) fn run(arguments: &Bake) -> Result<u8> {
    super::start_log("error");
    let component = read_up_to(&arguments.input, MAX_COMPONENT)
        .with_context(|| format!("cannot read {}", arguments.input.display()))?;
    if let Err(error) = crate::component::inspect(&component) {
        terminal::say(&format!(
            "error: {} is no plugin: {error}\nhint: {}\n",
            arguments.input.display(),
            error.hint()
        ));
        return Ok(super::PROBLEM);
    }
    let runtime = super::runtime()?;
    let described = runtime.block_on(async {
        let host = Host::new(Config::resolve(&[])?)?;
        let prepared = host
            .sandbox
            .prepare(&Digest::of(&component), &component)
            .await?;
        anyhow::Ok(host.sandbox.describe(&prepared).await?)
    });
    super::finish(runtime);
    let manifest =
        match Manifest::from_json(&described.with_context(|| {
            format!("cannot ask {} for its manifest", arguments.input.display())
        })?) {
            Ok(manifest) => manifest,
            Err(error) => bail!(
                "{} describes itself wrongly: {error}",
                arguments.input.display()
            ),
        };
    let baked = toolbay_manifest::section::bake(&component, &manifest.to_json())?;
    write_whole(&arguments.output, &baked)
        .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    let tools = manifest
        .tools
        .keys()
        .map(|tool| format!("{}_{tool}", manifest.plugin.name))
        .collect::<Vec<_>>()
        .join(", ");
    terminal::say(&format!(
        "{}: {}, {tools}\n",
        arguments.output.display(),
        bytes(baked.len() as u64)
    ));
    Ok(super::OK)
}

/// By a temporary file and a rename, with the usual permissions of a new file, since a plugin folder may be shared.
fn write_whole(path: &std::path::Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| std::path::Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".tmp-")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
