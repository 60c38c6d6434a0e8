//! What is asked of a guest's exports, and the answers: which exports a component has, and how each is called.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre};
use wasmtime::{AsContextMut, Store};

use super::bindings::tools::types::{ToolError, ToolResult};
use super::bindings::{completions, describe, prompts, resources, tools};
use super::failure::Mismatch;
use super::guest::GuestState;

/// The version of the plugin interface that this host speaks.
const TOOLS: &str = "toolbay:plugin/tools@0.1.0";
const RESOURCES: &str = "toolbay:plugin/resources@0.1.0";
const PROMPTS: &str = "toolbay:plugin/prompts@0.1.0";
const COMPLETIONS: &str = "toolbay:plugin/completions@0.1.0";
pub(super) const DESCRIBE: &str = "toolbay:plugin/describe@0.1.0";

/// What is asked of a guest's exports once it is instantiated.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// Runs a tool.
    Tool {
        name: Arc<str>,
        /// JSON text.
        arguments: String,
    },
    /// Reads a resource.
    Read {
        name: String,
        uri: String,
        /// JSON text.
        variables: String,
    },
    /// Lists the resources of a template.
    List {
        name: String,
        cursor: Option<String>,
    },
    /// Fills in a prompt.
    Prompt {
        name: String,
        /// JSON text.
        arguments: String,
    },
    /// Proposes values for an argument.
    Complete {
        of: Of,
        argument: String,
        value: String,
        /// JSON text.
        context: String,
    },
    Manifest,
    /// Nothing: to see that it can be instantiated and that its exports have the right types.
    Trial,
}

/// Whose argument is completed, by its name in the manifest.
#[derive(Debug, Clone)]
pub(crate) enum Of {
    Prompt(String),
    Resource(String),
}

/// The answer to a [`Request`].
#[derive(Debug)]
pub(crate) enum Answer {
    Tool(Result<ToolResult, ToolError>),
    Read(Result<resources::ReadResult, ToolError>),
    List(Result<resources::ResourcePage, ToolError>),
    Prompt(Result<prompts::PromptResult, ToolError>),
    Complete(Result<completions::Completion, ToolError>),
    Manifest(String),
    Trial,
}

/// Which of the interfaces a component exports, looked up beforehand.
pub(super) struct Exports {
    tools: Option<tools::GuestIndices>,
    resources: Option<resources::GuestIndices>,
    prompts: Option<prompts::GuestIndices>,
    completions: Option<completions::GuestIndices>,
    describe: Option<describe::GuestIndices>,
}

impl Exports {
    /// # Errors
    ///
    /// Where one of them lacks a function that the interface has.
    pub(super) fn of(
        component: &Component,
        pre: &InstancePre<GuestState>,
    ) -> wasmtime::Result<Self> {
        let has = |name: &str| component.get_export_index(None, name).is_some();
        Ok(Self {
            tools: has(TOOLS)
                .then(|| tools::GuestIndices::new(pre))
                .transpose()?,
            resources: has(RESOURCES)
                .then(|| resources::GuestIndices::new(pre))
                .transpose()?,
            prompts: has(PROMPTS)
                .then(|| prompts::GuestIndices::new(pre))
                .transpose()?,
            completions: has(COMPLETIONS)
                .then(|| completions::GuestIndices::new(pre))
                .transpose()?,
            describe: has(DESCRIBE)
                .then(|| describe::GuestIndices::new(pre))
                .transpose()?,
        })
    }

    pub(super) fn describes(&self) -> bool {
        self.describe.is_some()
    }

    /// Makes an instance and asks it.
    pub(super) async fn ask(
        &self,
        pre: &InstancePre<GuestState>,
        store: &mut Store<GuestState>,
        request: Request,
    ) -> wasmtime::Result<Answer> {
        let instance = pre.instantiate_async(&mut *store).await?;
        let mut store = store.as_context_mut();
        macro_rules! load {
            ($interface:ident, $name:expr) => {
                self.$interface
                    .as_ref()
                    .ok_or(Missing($name))?
                    .load(&mut store, &instance)?
            };
        }
        Ok(match request {
            Request::Tool { name, arguments } => {
                let tools = load!(tools, TOOLS);
                Answer::Tool(tools.call_call(&mut store, &name, &arguments).await?)
            }
            Request::Read {
                name,
                uri,
                variables,
            } => {
                let resources = load!(resources, RESOURCES);
                let read = resources.call_read(&mut store, &name, &uri, &variables);
                Answer::Read(read.await?)
            }
            Request::List { name, cursor } => {
                let resources = load!(resources, RESOURCES);
                let list = resources.call_list(&mut store, &name, cursor.as_deref());
                Answer::List(list.await?)
            }
            Request::Prompt { name, arguments } => {
                let prompts = load!(prompts, PROMPTS);
                Answer::Prompt(prompts.call_get(&mut store, &name, &arguments).await?)
            }
            Request::Complete {
                of,
                argument,
                value,
                context,
            } => {
                let completions = load!(completions, COMPLETIONS);
                let of = match of {
                    Of::Prompt(name) => completions::Reference::Prompt(name),
                    Of::Resource(name) => completions::Reference::Resource(name),
                };
                let complete =
                    completions.call_complete(&mut store, &of, &argument, &value, &context);
                Answer::Complete(complete.await?)
            }
            Request::Manifest => {
                let describe = load!(describe, DESCRIBE);
                Answer::Manifest(describe.call_manifest(&mut store).await?)
            }
            Request::Trial => {
                macro_rules! try_out {
                    ($interface:ident, $name:expr) => {
                        if let Some(indices) = &self.$interface {
                            indices
                                .load(&mut store, &instance)
                                .map_err(|error| Mismatch::of($name, &error))?;
                        }
                    };
                }
                try_out!(tools, TOOLS);
                try_out!(resources, RESOURCES);
                try_out!(prompts, PROMPTS);
                try_out!(completions, COMPLETIONS);
                try_out!(describe, DESCRIBE);
                Answer::Trial
            }
        })
    }
}

/// The manifest promises something that the component does not export.
#[derive(Debug, thiserror::Error)]
#[error("it does not export `{0}`")]
pub(super) struct Missing(&'static str);
