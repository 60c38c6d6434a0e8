//! `toolbay bake`: writes a component's own description into it.

use anyhow::{Context, Result};

use crate::build::{self, Plugin};
use crate::cli::Bake;
use crate::config::{Config, MAX_COMPONENT};
use crate::files::read_up_to;
use crate::host::Host;
use crate::{terminal, text};

pub(crate) fn run(arguments: &Bake) -> Result<u8> {
    super::start_log("error");
    let component = read_up_to(&arguments.input, MAX_COMPONENT)
        .with_context(|| format!("cannot read {}", arguments.input.display()))?;
    let runtime = super::runtime()?;
    let baked = runtime.block_on(async {
        let host = Host::new(Config::resolve(&[])?)?;
        build::bake(&host, &component).await
    });
    super::finish(runtime);
    let Plugin { manifest, bytes } = match baked {
        Ok(baked) => baked,
        Err(error) => {
            let error = error.context(format!("{} is no plugin", arguments.input.display()));
            terminal::complain(&error);
            return Ok(super::PROBLEM);
        }
    };
    build::write_result(&arguments.output, &bytes)?;
    let tools = manifest
        .tools
        .keys()
        .map(|tool| format!("{}_{tool}", manifest.plugin.name))
        .collect::<Vec<_>>()
        .join(", ");
    terminal::say(&format!(
        "{}: {}, {tools}\n",
        arguments.output.display(),
        text::bytes(bytes.len() as u64)
    ));
    Ok(super::OK)
}
