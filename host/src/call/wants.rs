//! What a caller can ask of guests: found in the catalog, checked, and put as the guest is asked.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::error::{CallError, ErrorCode};
use super::validate;
use crate::catalog::{Catalog, Found};
use crate::host::Host;
use crate::plugin::Tool;
use crate::sandbox::{Of, Request};
use crate::text::{escape, nearest, shorten};

/// What a caller asks for.
#[derive(Clone)]
pub(crate) enum Wants<'a> {
    /// A tool to be run.
    Tool {
        /// The tool's full name.
        name: &'a str,
        /// The JSON text of the arguments; none means no arguments.
        arguments: Option<&'a RawValue>,
    },
    /// A tool that tells how something is, without arguments.
    Health { of: Found },
    /// A resource to be read.
    Read { uri: &'a str },
    /// The resources of a template.
    List { of: Found, cursor: Option<String> },
    /// A prompt to be filled in.
    Prompt {
        /// The prompt's full name.
        name: &'a str,
        arguments: IndexMap<String, String>,
    },
    /// Proposals for an argument.
    Complete {
        of: Found,
        argument: &'a str,
        value: &'a str,
        context: IndexMap<String, String>,
    },
}

/// What was found of it.
pub(crate) enum Wanted {
    /// The JSON text of a tool's arguments.
    Tool(Option<Box<RawValue>>),
    /// A prompt's arguments.
    Prompt(IndexMap<String, String>),
    /// Anything else, which is as the guest gets it.
    Other(Request),
}

/// There is nothing of this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown {noun}: {name}{}", .near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
pub(crate) struct Unknown {
    pub(crate) noun: &'static str,
    pub(crate) name: String,
    near: Option<String>,
}

impl Unknown {
    fn new<'a>(noun: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self {
            noun,
            near: nearest(name, known).map(str::to_owned),
            name: shorten(&escape(name), 200),
        }
    }
}

/// Looks up what is wanted: in the catalog of this moment, or in the first complete one where the host has just started.
pub(crate) async fn look_up(
    host: &Host,
    wants: &Wants<'_>,
    internal_too: bool,
) -> Result<(Found, Wanted), Unknown> {
    match find(&host.catalog(), wants, internal_too) {
        Err(_) if !host.is_scanned() => {
            let catalog = Box::pin(host.scanned_catalog()).await;
            find(&catalog, wants, internal_too)
        }
        found => found,
    }
}

fn find(
    catalog: &Catalog,
    wants: &Wants<'_>,
    internal_too: bool,
) -> Result<(Found, Wanted), Unknown> {
    let full_name = |listed: crate::catalog::Listed<'_>| listed.tool.full_name.clone();
    match wants {
        Wants::Tool { name, arguments } => {
            let found = catalog.find(name);
            let found = found.filter(|found| internal_too || !found.tool.services.internal);
            let found = found.ok_or_else(|| {
                let known: Vec<_> = catalog.tools().map(full_name).collect();
                Unknown::new("tool", name, known.iter().map(String::as_str))
            })?;
            Ok((found, Wanted::Tool(arguments.map(ToOwned::to_owned))))
        }
        Wants::Health { of } => Ok((of.clone(), Wanted::Tool(None))),
        Wants::Read { uri } => {
            let (found, variables) = catalog.find_resource(uri).ok_or_else(|| {
                let known: Vec<_> = catalog.resources().map(full_name).collect();
                Unknown::new("resource", uri, known.iter().map(String::as_str))
            })?;
            let name = guest_name(&found.tool);
            let request = Request::Read {
                name,
                uri: (*uri).to_owned(),
                variables: text(&variables),
            };
            Ok((found, Wanted::Other(request)))
        }
        Wants::List { of, cursor } => {
            let request = Request::List {
                name: guest_name(&of.tool),
                cursor: cursor.clone(),
            };
            Ok((of.clone(), Wanted::Other(request)))
        }
        Wants::Prompt { name, arguments } => {
            let found = catalog.find_prompt(name).ok_or_else(|| {
                let known: Vec<_> = catalog.prompts().map(full_name).collect();
                Unknown::new("prompt", name, known.iter().map(String::as_str))
            })?;
            Ok((found, Wanted::Prompt(arguments.clone())))
        }
        Wants::Complete {
            of,
            argument,
            value,
            context,
        } => {
            let name = guest_name(&of.tool);
            let request = Request::Complete {
                of: if of.tool.as_prompt().is_some() {
                    Of::Prompt(name)
                } else {
                    Of::Resource(name)
                },
                argument: (*argument).to_owned(),
                value: (*value).to_owned(),
                context: text(context),
            };
            Ok((of.clone(), Wanted::Other(request)))
        }
    }
}

impl Wanted {
    /// Checks it against what its author declared, and gives what the guest is asked.
    pub(super) fn validate(self, tool: &Tool) -> Result<Request, CallError> {
        match self {
            Self::Tool(arguments) => Ok(Request::Tool {
                name: tool.label.tool.clone(),
                arguments: validate(tool, arguments)?,
            }),
            Self::Prompt(arguments) => {
                check_prompt(tool, &arguments)?;
                Ok(Request::Prompt {
                    name: guest_name(tool),
                    arguments: text(&arguments),
                })
            }
            Self::Other(request) => Ok(request),
        }
    }
}

/// Checks a prompt's arguments against what its author declared, and says all that is wrong.
fn check_prompt(tool: &Tool, arguments: &IndexMap<String, String>) -> Result<(), CallError> {
    let known = tool.as_prompt().map_or(&[][..], |prompt| &prompt.arguments);
    let missing = known
        .iter()
        .filter(|known| known.required && !arguments.contains_key(&known.name))
        .map(|known| format!("`{}` is missing", known.name));
    let unknown = arguments
        .keys()
        .filter(|name| !known.iter().any(|known| known.name == **name))
        .map(|name| format!("`{}` is not an argument of it", shorten(&escape(name), 80)));
    let faults: Vec<String> = missing.chain(unknown).collect();
    if faults.is_empty() {
        return Ok(());
    }
    let takes: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
    Err(CallError::new(
        ErrorCode::Validation,
        format!(
            "the arguments of {} are wrong: {}",
            tool.named(),
            faults.join("; ")
        ),
    )
    .hint(&if takes.is_empty() {
        "it takes no arguments".to_owned()
    } else {
        format!("it takes {}", takes.join(", "))
    }))
}

/// The name that the guest knows a resource or a prompt by.
fn guest_name(tool: &Tool) -> String {
    let resource = tool.as_resource().map(|resource| &resource.name);
    let prompt = tool.as_prompt().map(|prompt| &prompt.name);
    resource.or(prompt).cloned().unwrap_or_default()
}

fn text(values: &IndexMap<String, String>) -> String {
    serde_json::to_string(values).unwrap_or_default()
}
