//! `grants.toml`: what the person who runs the host allows, and which version of each plugin they know. Owns the form of the file; where it
//! lies and when it changes is `store`'s, what follows from it is `decide`'s.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use indexmap::IndexMap;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toolbay_manifest::{HostPattern, PermissionRequest};

/// The version of the form that this host reads and writes.
const VERSION: u64 = 1;

/// All grants and pins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Grants {
    pub(crate) grants: Vec<Grant>,
}

/// What is known and allowed of one plugin.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Grant {
    /// The canonical folder that the plugin lies in. A policy file may leave it out: then the entry is for any folder.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) plugin: String,
    pub(crate) mode: Mode,
    /// The component's digest when it was pinned or granted, as 64 hexadecimal digits.
    pub(crate) digest: Option<String>,
    /// When a person granted; nothing where a first call pinned the plugin.
    pub(crate) granted: Option<DateTime<Utc>>,
    /// Everything that the plugin asks for, whatever it is: for reviewed policy files.
    pub(crate) everything: bool,
    /// Which folder is bound to which mount.
    pub(crate) mounts: IndexMap<String, PathBuf>,
    /// Where the person narrowed the network to these hosts.
    pub(crate) hosts: Option<Vec<String>>,
    /// Addresses beyond the public ones.
    pub(crate) addresses: Vec<IpNet>,
    /// By the names that labels have: a tool's own, `resource:NAME` and `prompt:NAME`.
    pub(crate) tools: IndexMap<String, ToolGrant>,
}

/// Which later versions a grant is good for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// None but the very component that was granted.
    #[default]
    Exact,
    /// Any with the same definitions and permissions.
    Follow,
}

/// What is known and allowed of one tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ToolGrant {
    /// The digest of what a model reads of it.
    pub(crate) definition: Option<String>,
    /// The digest of what it said before, while `toolbay dev` puts one version in the place of another: both may run.
    pub(crate) previous: Option<String>,
    /// After this, its permissions are as if never granted.
    pub(crate) expires: Option<DateTime<Utc>>,
    pub(crate) permissions: PermissionRequest,
}

/// What is wrong with a grants file, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct GrantsError {
    pub(crate) problem: String,
    pub(crate) hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    version: u64,
    #[serde(default, rename = "grant", skip_serializing_if = "Vec::is_empty")]
    grants: Vec<WireGrant>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireGrant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    plugin: String,
    #[serde(default)]
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    granted: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    everything: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hosts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    mounts: IndexMap<String, PathBuf>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    tools: IndexMap<String, Value>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    resources: IndexMap<String, Value>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    prompts: IndexMap<String, Value>,
}

impl Grants {
    /// Reads the text of a grants or policy file.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong; nothing is granted then.
    pub(crate) fn parse(text: &str) -> Result<Self, GrantsError> {
        let file: WireFile = toml::from_str(text).map_err(|error| GrantsError {
            problem: error.to_string().trim_end().replace('\n', " "),
            hint: "correct the file, or remove it and grant anew with `toolbay grant`".into(),
        })?;
        if file.version != VERSION {
            return Err(GrantsError {
                problem: format!("version {} is not known", file.version),
                hint: format!(
                    "write `version = {VERSION}`, or update toolbay if a newer one wrote the file"
                ),
            });
        }
        let grants = file
            .grants
            .into_iter()
            .map(Grant::from_wire)
            .collect::<Result<_, _>>()?;
        Ok(Self { grants })
    }

    /// The text of the file.
    pub(crate) fn to_toml(&self) -> String {
        let file = WireFile {
            version: VERSION,
            grants: self.grants.iter().map(Grant::to_wire).collect(),
        };
        let text = toml::to_string_pretty(&file).unwrap_or_default();
        format!(
            "# Written by `toolbay grant` and `toolbay revoke`, and by a first call that pins a plugin's version.\n{text}"
        )
    }

    /// The entry of a plugin: one that names its folder before one that is for any folder.
    pub(crate) fn of(&self, folder: &Path, plugin: &str) -> Option<&Grant> {
        let named = |grant: &&Grant| grant.plugin == plugin;
        let own = self
            .grants
            .iter()
            .filter(named)
            .find(|grant| grant.folder.as_deref() == Some(folder));
        own.or_else(|| {
            self.grants
                .iter()
                .filter(named)
                .find(|grant| grant.folder.is_none())
        })
    }

    /// The entry of a plugin in this folder, made where there is none.
    pub(crate) fn entry(&mut self, folder: &Path, plugin: &str) -> &mut Grant {
        let place = self
            .grants
            .iter()
            .position(|grant| grant.plugin == plugin && grant.folder.as_deref() == Some(folder));
        let place = place.unwrap_or_else(|| {
            self.grants.push(Grant {
                folder: Some(folder.to_owned()),
                plugin: plugin.to_owned(),
                ..Grant::default()
            });
            self.grants.len() - 1
        });
        // The place was just found or made.
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        &mut self.grants[place]
    }
}

impl Grant {
    /// Whether it allows anything beyond what every plugin may do.
    pub(crate) fn allows_anything(&self) -> bool {
        self.everything || self.tools.values().any(|tool| !tool.permissions.is_empty())
    }

    fn from_wire(wire: WireGrant) -> Result<Self, GrantsError> {
        let WireGrant {
            folder,
            plugin,
            mode,
            digest,
            granted,
            everything,
            hosts,
            addresses,
            mounts,
            tools,
            resources,
            prompts,
        } = wire;
        let at = |what: String| format!("in the grant of `{}`, {what}", escape(&plugin));
        if let Err(broken) = toolbay_manifest::check_plugin_name(&plugin) {
            return Err(GrantsError {
                problem: at(broken.problem),
                hint: broken.hint.to_string(),
            });
        }
        if let Some((name, folder)) = mounts.iter().find(|(_, folder)| !folder.is_absolute()) {
            return Err(GrantsError {
                problem: at(format!(
                    "the mount `{}` is bound to {}, which is not absolute",
                    escape(name),
                    escape(&folder.display().to_string())
                )),
                hint: "write the folder's whole path, without `~`".into(),
            });
        }
        for host in hosts.iter().flatten() {
            if let Err(why) = HostPattern::with_port(host) {
                return Err(GrantsError {
                    problem: at(format!("`hosts` has `{}`, which {why}", escape(host))),
                    hint: "write \"docs.rs\", \"*.wikipedia.org\" or \"127.0.0.1:8080\"".into(),
                });
            }
        }
        let addresses = addresses
            .iter()
            .map(|text| {
                parse_address(text).ok_or_else(|| GrantsError {
                    problem: at(format!("`{}` is no address", escape(text))),
                    hint: "write an IP address or a range: \"10.1.2.3\", \"10.1.0.0/16\"".into(),
                })
            })
            .collect::<Result<_, _>>()?;
        let resources = resources
            .into_iter()
            .map(|(name, value)| (format!("resource:{name}"), value));
        let prompts = prompts
            .into_iter()
            .map(|(name, value)| (format!("prompt:{name}"), value));
        let tools = tools
            .into_iter()
            .chain(resources)
            .chain(prompts)
            .map(|(name, value)| {
                let tool = ToolGrant::from_json(value).map_err(|error| GrantsError {
                    problem: at(format!("{}: {}", described(&name), error.problem)),
                    hint: error.hint,
                })?;
                Ok((name, tool))
            })
            .collect::<Result<_, GrantsError>>()?;
        let granted = granted.map(|text| parse_time(&text)).transpose()?;
        Ok(Self {
            folder,
            plugin,
            mode,
            digest,
            granted,
            everything,
            mounts,
            hosts,
            addresses,
            tools,
        })
    }

    fn to_wire(&self) -> WireGrant {
        let of = |kind: Option<&str>| {
            self.tools
                .iter()
                .filter_map(|(label, tool)| match (label.split_once(':'), kind) {
                    (Some((of, name)), Some(kind)) if of == kind => {
                        Some((name.to_owned(), tool.to_json()))
                    }
                    (None, None) => Some((label.clone(), tool.to_json())),
                    _ => None,
                })
                .collect()
        };
        WireGrant {
            folder: self.folder.clone(),
            plugin: self.plugin.clone(),
            mode: self.mode,
            digest: self.digest.clone(),
            granted: self.granted.map(time_text),
            everything: self.everything,
            hosts: self.hosts.clone(),
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
            mounts: self.mounts.clone(),
            tools: of(None),
            resources: of(Some("resource")),
            prompts: of(Some("prompt")),
        }
    }
}

/// A label in words: "tool `read`", "resource `note`".
pub(crate) fn described(label: &str) -> String {
    match label.split_once(':') {
        Some((kind, name)) => format!("{kind} `{}`", escape(name)),
        None => format!("tool `{}`", escape(label)),
    }
}

impl ToolGrant {
    fn from_json(value: Value) -> Result<Self, GrantsError> {
        let Value::Object(mut table) = value else {
            return Err(GrantsError {
                problem: "it is not a table".into(),
                hint: "write [grant.tools.NAME] with the permissions below it".into(),
            });
        };
        let mut text = |key: &str| match table.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(GrantsError {
                problem: format!("`{key}` is not a text"),
                hint: "put it in quotation marks".into(),
            }),
        };
        let definition = text("definition")?;
        let previous = text("previous")?;
        let expires = text("expires")?.map(|text| parse_time(&text)).transpose()?;
        let permissions =
            PermissionRequest::from_json(Value::Object(table)).map_err(|error| GrantsError {
                problem: error
                    .to_string()
                    .trim_start_matches("the manifest: ")
                    .to_owned(),
                hint: error
                    .hint()
                    .unwrap_or_else(|| "see the permission grammar in the README".into()),
            })?;
        Ok(Self {
            definition,
            previous,
            expires,
            permissions,
        })
    }

    fn to_json(&self) -> Value {
        let mut table = match serde_json::to_value(&self.permissions) {
            Ok(Value::Object(table)) => table,
            _ => serde_json::Map::new(),
        };
        if let Some(expires) = self.expires {
            table.insert("expires".into(), time_text(expires).into());
        }
        if let Some(definition) = &self.definition {
            table.insert("definition".into(), definition.clone().into());
        }
        if let Some(previous) = &self.previous {
            table.insert("previous".into(), previous.clone().into());
        }
        Value::Object(table)
    }
}

/// An address or a range of them; a single one is a range of one.
pub(crate) fn parse_address(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, GrantsError> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .map_err(|_| GrantsError {
            problem: format!("`{}` is no time", escape(text)),
            hint: "write it as \"2026-11-24T18:00:00Z\"".into(),
        })
}

fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn escape(text: &str) -> String {
    crate::text::shorten(&crate::text::escape(text), 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
version = 1

[[grant]]
folder = "/plugins"
plugin = "notes"
mode = "follow"
digest = "00"
granted = "2026-11-24T18:00:00Z"
hosts = ["docs.rs"]
addresses = ["10.0.0.0/8", "127.0.0.1"]

[grant.mounts]
vault = "/home/ada/Notes"

[grant.tools.search]
mounts = { vault = "read" }
network = ["GET https://example.com/*"]
expires = "2026-11-25T02:00:00Z"
definition = "11"

[grant.tools.list]
definition = "22"
previous = "21"

[[grant]]
plugin = "web"
everything = true
"#;

    #[test]
    fn what_is_written_is_what_was_read() {
        let grants = Grants::parse(FULL).unwrap();
        assert_eq!(Grants::parse(&grants.to_toml()).unwrap(), grants);
        let notes = grants.of(Path::new("/plugins"), "notes").unwrap();
        assert_eq!(notes.mode, Mode::Follow);
        assert_eq!(notes.tools["search"].permissions.network.len(), 1);
        assert_eq!(grants.of(Path::new("/other"), "notes"), None);
        assert!(grants.of(Path::new("/other"), "web").unwrap().everything);
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str, expected: &str| {
            let error = Grants::parse(text).unwrap_err();
            assert_eq!(format!("{error}; hint: {}", error.hint), expected);
        };
        check(
            "version = 2",
            "version 2 is not known; hint: write `version = 1`, or update toolbay if a newer one wrote the file",
        );
        check(
            "version = 1\n[[grant]]\nplugin = 'notes'\n[grant.mounts]\nvault = '~/Notes'",
            "in the grant of `notes`, the mount `vault` is bound to ~/Notes, which is not absolute; hint: write the folder's whole path, without `~`",
        );
        check(
            "version = 1\n[[grant]]\nplugin = 'notes'\n[grant.tools.search]\nnetwrk = []",
            "in the grant of `notes`, tool `search`: unknown key `netwrk`; hint: did you mean `network`?",
        );
        assert!(
            Grants::parse("version = 1\n[[grant]]\nplugin = 'notes'\nevrything = true")
                .unwrap_err()
                .problem
                .contains("evrything")
        );
    }
}
