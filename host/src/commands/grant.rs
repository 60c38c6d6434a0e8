//! `toolbay grant`: shows a person what plugins ask for and what changed, and writes down what they allow.

pub(super) mod apply;
mod review;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use toolbay_manifest::{HostPattern, TimeSpan};

pub(super) use self::apply::Choice;
use crate::catalog::{Catalog, Listed};
use crate::cli::Grant;
use crate::config::Config;
use crate::host::Host;
use crate::permissions::binding::{Forbidden, check};
use crate::permissions::grants::{Mode, parse_address};
use crate::plugin::Plugin;
use crate::terminal;

pub(crate) fn run(arguments: &Grant) -> Result<u8> {
    super::start_log("error");
    if let Err(error) = super::person::require("toolbay grant") {
        terminal::complain(&error);
        return Ok(super::PROBLEM);
    }
    let config = Config::resolve(&arguments.folders)?;
    let wishes = Wishes::of(arguments, &config)?;
    let runtime = super::runtime()?;
    let host = runtime.block_on(async {
        let host = Host::new(config)?;
        host.load_once(false).await;
        anyhow::Ok(host)
    })?;
    let catalog = host.catalog();
    let outcome = plugins(&catalog, arguments)
        .and_then(|plugins| decide(&host, &catalog, &plugins, arguments, &wishes));
    super::finish(runtime);
    outcome
}

/// Shows what one plugin asks for and asks whether to allow it, for other commands. Addresses that were allowed before stay so.
///
/// # Errors
///
/// Where the terminal fails.
pub(super) fn ask(
    host: &Host,
    catalog: &Catalog,
    plugin: &Arc<Plugin>,
    tools: &[Listed<'_>],
    before: Option<&crate::permissions::grants::Grant>,
    mode: Mode,
) -> Result<Option<Choice>> {
    let wishes = Wishes {
        mounts: BTreeMap::new(),
        addresses: before
            .map(|before| before.addresses.clone())
            .unwrap_or_default(),
        hosts: None,
        lasting: None,
        mode: Some(mode),
        forbidden: Forbidden::of(&host.config),
    };
    let choice = review(host, catalog, plugin, tools, before, &wishes)?;
    let Some(choice) = choice.filter(|choice| confirm(std::slice::from_ref(choice))) else {
        terminal::say("nothing was granted\n");
        return Ok(None);
    };
    host.audit.record_blocking(choice.event());
    Ok(Some(choice))
}

/// What the command line says beyond names.
struct Wishes {
    mounts: BTreeMap<String, PathBuf>,
    addresses: Vec<IpNet>,
    hosts: Option<Vec<String>>,
    lasting: Option<std::time::Duration>,
    mode: Option<Mode>,
    forbidden: Forbidden,
}

impl Wishes {
    fn of(arguments: &Grant, config: &Config) -> Result<Self> {
        let forbidden = Forbidden::of(config);
        let mut mounts = BTreeMap::new();
        for binding in &arguments.mounts {
            let (name, folder) = binding
                .split_once('=')
                .with_context(|| format!("--mount is `{binding}`; write --mount NAME=DIR"))?;
            mounts.insert(name.to_owned(), bound(&forbidden, folder)?);
        }
        let address = |text: &String| {
            parse_address(text).with_context(|| {
                format!("--address is `{text}`; write an IP address or a range such as 10.1.0.0/16")
            })
        };
        for host in &arguments.hosts {
            if let Err(why) = HostPattern::with_port(host) {
                bail!(
                    "--hosts has `{host}`, which {why}; write docs.rs, *.wikipedia.org or 127.0.0.1:8080"
                );
            }
        }
        let lasting = arguments
            .lasting
            .as_deref()
            .map(|text| {
                text.parse::<TimeSpan>().map_err(|error| {
                    anyhow::anyhow!("--for is `{text}`, {error}; {}", error.hint())
                })
            })
            .transpose()?;
        Ok(Self {
            mounts,
            addresses: arguments
                .addresses
                .iter()
                .map(address)
                .collect::<Result<_>>()?,
            hosts: (!arguments.hosts.is_empty()).then(|| arguments.hosts.clone()),
            lasting: lasting.map(TimeSpan::duration),
            mode: match (arguments.follow, arguments.exact) {
                (true, _) => Some(Mode::Follow),
                (_, true) => Some(Mode::Exact),
                _ => None,
            },
            forbidden,
        })
    }
}

fn bound(forbidden: &Forbidden, folder: &str) -> Result<PathBuf> {
    check(Path::new(folder), forbidden)
        .map_err(|error| anyhow::anyhow!("{error}\nhint: {}", error.hint()))
}

/// The plugins that the command is about.
fn plugins(catalog: &Catalog, arguments: &Grant) -> Result<Vec<Arc<Plugin>>> {
    let Some(name) = &arguments.plugin else {
        let waits = |listed: Listed<'_>| listed.held().is_some();
        let waiting: Vec<_> = catalog
            .by_file()
            .filter_map(|(plugin, mut tools)| tools.any(waits).then(|| plugin.clone()))
            .collect();
        return Ok(waiting);
    };
    let found = catalog
        .plugins
        .iter()
        .find(|plugin| plugin.info.name == *name);
    if let Some(plugin) = found {
        return Ok(vec![plugin.clone()]);
    }
    let known = catalog
        .plugins
        .iter()
        .map(|plugin| plugin.info.name.as_str());
    let hint = match crate::text::nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`toolbay list` shows the plugins; name their folder with --dir if it is not the default one".into(),
    };
    bail!("there is no plugin `{name}`\nhint: {hint}");
}

fn decide(
    host: &Host,
    catalog: &Catalog,
    plugins: &[Arc<Plugin>],
    arguments: &Grant,
    wishes: &Wishes,
) -> Result<u8> {
    if plugins.is_empty() {
        terminal::say("nothing is waiting for a grant\n");
        return Ok(super::OK);
    }
    let current = host.grants.current();
    let grants = match &current.grants {
        Ok(grants) => grants,
        Err(error) => bail!(
            "{} cannot be used as it is: {error}\nhint: {}",
            host.grants.file().display(),
            error.hint
        ),
    };
    let mut choices = Vec::new();
    for plugin in plugins {
        let tools = selected(catalog, plugin, &arguments.tools)?;
        let before = grants.of(&plugin.folder, &plugin.info.name);
        let choice = review(host, catalog, plugin, &tools, before, wishes)?;
        let Some(choice) = choice else {
            terminal::say("nothing was granted\n");
            return Ok(super::PROBLEM);
        };
        choices.push(choice);
    }
    if !confirm(&choices) {
        terminal::say("nothing was granted\n");
        return Ok(super::PROBLEM);
    }
    apply::apply(host, &choices, |_| {})?;
    for choice in &choices {
        host.audit.record_blocking(choice.event());
        terminal::say(&format!(
            "granted: {}; running servers follow at once, and `toolbay revoke {}` takes it back\n",
            choice.plugin.info.name, choice.plugin.info.name
        ));
        for name in secrets(choice) {
            terminal::say(&format!(
                "hint: if the secret `{name}` is not set yet: toolbay secret set {} {name}\n",
                choice.plugin.info.name
            ));
        }
    }
    Ok(super::OK)
}

/// Shows one plugin and has its mounts bound; nothing where the person gives up.
fn review(
    host: &Host,
    catalog: &Catalog,
    plugin: &Arc<Plugin>,
    tools: &[Listed<'_>],
    before: Option<&crate::permissions::grants::Grant>,
    wishes: &Wishes,
) -> Result<Option<Choice>> {
    terminal::say(&review::text(
        host,
        catalog,
        plugin,
        tools,
        before,
        wishes.mode,
    ));
    let mounts = bind_mounts(plugin, tools, before, wishes)?;
    Ok(mounts.map(|mounts| Choice {
        plugin: plugin.clone(),
        tools: tools.iter().map(|listed| listed.tool.clone()).collect(),
        mounts,
        mode: wishes.mode,
        hosts: wishes.hosts.clone(),
        addresses: wishes.addresses.clone(),
        lasting: wishes.lasting,
    }))
}

/// Says what is about to be written, and asks. An answer that cannot be read is none.
fn confirm(choices: &[Choice]) -> bool {
    terminal::say(&summary(choices));
    let answer = terminal::ask("Allow this? Type yes to allow, anything else to refuse: ");
    answer.ok().flatten().as_deref() == Some("yes")
}

/// What of a plugin is to be granted: all that it offers, or what is named.
fn selected<'a>(
    catalog: &'a Catalog,
    plugin: &Plugin,
    names: &[String],
) -> Result<Vec<Listed<'a>>> {
    let own: Vec<Listed<'a>> = catalog
        .offers()
        .filter(|listed| listed.plugin.info.name == plugin.info.name)
        .collect();
    let is_named = |listed: &Listed<'_>, name: &str| {
        *listed.tool.label.tool == *name || listed.tool.full_name == name
    };
    for name in names {
        if !own.iter().any(|listed| is_named(listed, name)) {
            let known = own.iter().map(|listed| &*listed.tool.label.tool);
            bail!(
                "plugin `{}` offers no `{name}`\nhint: it has {}",
                plugin.info.name,
                known.collect::<Vec<_>>().join(", ")
            );
        }
    }
    Ok(own
        .into_iter()
        .filter(|listed| names.is_empty() || names.iter().any(|name| is_named(listed, name)))
        .collect())
}

/// A folder for each mount: from the command line, as it was bound before, or as the person answers.
fn bind_mounts(
    plugin: &Plugin,
    tools: &[Listed<'_>],
    before: Option<&crate::permissions::grants::Grant>,
    wishes: &Wishes,
) -> Result<Option<BTreeMap<String, PathBuf>>> {
    for name in wishes.mounts.keys() {
        if !plugin.mounts.contains_key(name) {
            let known: Vec<&str> = plugin.mounts.keys().map(String::as_str).collect();
            bail!(
                "plugin `{}` has no mount `{name}`\nhint: it has {}",
                plugin.info.name,
                if known.is_empty() {
                    "none".into()
                } else {
                    known.join(", ")
                }
            );
        }
    }
    let mut mounts = BTreeMap::new();
    let wanted = tools
        .iter()
        .flat_map(|listed| listed.tool.requested.mounts.keys());
    for name in wanted {
        if mounts.contains_key(name) {
            continue;
        }
        let known = wishes.mounts.get(name).or_else(|| {
            before
                .and_then(|before| before.mounts.get(name))
                .filter(|folder| check(folder, &wishes.forbidden).is_ok())
        });
        if let Some(folder) = known {
            mounts.insert(name.clone(), folder.clone());
            continue;
        }
        let Some(folder) = ask_folder(name, &wishes.forbidden)? else {
            return Ok(None);
        };
        mounts.insert(name.clone(), folder);
    }
    Ok(Some(mounts))
}

fn ask_folder(mount: &str, forbidden: &Forbidden) -> Result<Option<PathBuf>> {
    loop {
        let question = format!("Which folder is `{mount}`? (a path; nothing to give up): ");
        let Some(answer) = terminal::ask(&question)?.filter(|answer| !answer.is_empty()) else {
            return Ok(None);
        };
        match bound(forbidden, &answer) {
            Ok(folder) => return Ok(Some(folder)),
            Err(error) => terminal::say(&format!("{error}\n")),
        }
    }
}

/// What is about to be written, in short.
fn summary(choices: &[Choice]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for choice in choices {
        for (name, folder) in &choice.mounts {
            let folder = crate::text::escape(&folder.display().to_string());
            let _ = writeln!(text, "`{name}` of {} is {folder}", choice.plugin.info.name);
        }
        if let Some(hosts) = &choice.hosts {
            let hosts = crate::text::escape(&hosts.join(", "));
            let _ = writeln!(
                text,
                "{} reaches no hosts but {hosts}",
                choice.plugin.info.name
            );
        }
        for address in &choice.addresses {
            let _ = writeln!(
                text,
                "{} may reach {address}, which is not public",
                choice.plugin.info.name
            );
        }
        if let Some(lasting) = choice.lasting {
            let millis = u64::try_from(lasting.as_millis()).unwrap_or(u64::MAX);
            let _ = writeln!(text, "for {}", TimeSpan::from_millis(millis));
        }
    }
    text
}

fn secrets(choice: &Choice) -> std::collections::BTreeSet<String> {
    let tools = choice.tools.iter();
    tools
        .flat_map(|tool| tool.requested.secrets.keys().cloned())
        .collect()
}
