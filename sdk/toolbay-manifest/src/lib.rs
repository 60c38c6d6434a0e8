//! The manifest of a Toolbay plugin: what its author declares about identity, tools, resources, prompts,
//! permissions asked for, and limits.
//!
//! This crate owns the types, the parser for JSON and TOML, every rule that a manifest has to keep, the defaults of whatever it leaves out,
//! and the custom section of a component that carries it. It must not know how a component is compiled or run, nor what a user
//! has granted: [`PermissionRequest`] is what is *asked*.
//!
//! ```
//! use std::time::Duration;
//! use toolbay_manifest::Manifest;
//!
//! let manifest = Manifest::from_json(r#"{
//!     "manifest-version": 1,
//!     "plugin": {"name": "jq", "version": "0.1.0", "description": "Runs jq filters."},
//!     "tools": {"query": {
//!         "description": "Runs a filter over a JSON text.",
//!         "input-schema": {"type": "object"},
//!         "timeout": "5s"
//!     }}
//! }"#)?;
//!
//! let query = &manifest.tools["query"];
//! assert_eq!(query.settings.timeout(), Duration::from_secs(5));
//! assert!(query.settings.annotations().read_only);
//! # Ok::<(), toolbay_manifest::ManifestError>(())
//! ```

#![warn(missing_docs)]

mod check;
mod decode;
mod error;
mod fields;
mod manifest;
mod permissions;
mod presentation;
mod prompt;
mod resource;
mod rules;
pub mod section;
mod services;
mod settings;
mod source;
mod syntax;
mod units;
mod uri_template;

pub use error::{ManifestError, Place};
pub use manifest::{MANIFEST_VERSION, Manifest, PluginInfo, Tool};
pub use permissions::{
    Access, HTTP_METHODS, Host, HostPattern, Mount, NetworkPattern, PathPattern, PermissionRequest,
    Scheme, Secret, TcpAddress, path_fault,
};
pub use presentation::{Audience, ContentAnnotations, Icon, IconTheme};
pub use prompt::{Prompt, PromptArgument};
pub use resource::{Resource, Watch};
pub use rules::{
    Broken, MAX_DESCRIPTION_CHARS, MAX_FIELD_CHARS, MAX_ICON_BYTES, MAX_ICONS, MAX_MANIFEST_BYTES,
    MAX_NAME_CHARS, MAX_PROMPT_ARGUMENTS, MAX_PROMPTS, MAX_RESOURCES, MAX_SCHEMA_BYTES,
    MAX_SCHEMA_DEPTH, MAX_TOOLS, RESERVED_PLUGIN_NAME, check_argument_name, check_icon_source,
    check_mime_type, check_plugin_name, check_prompt_name, check_resource_name, check_text,
    check_tool_name, nearest,
};
pub use services::{
    Cache, DEFAULT_CACHE_TTL, DEFAULT_IDEMPOTENCY_KEY, DEFAULT_IDEMPOTENCY_TTL, Idempotency,
    MAX_CACHE_TTL, MAX_IDEMPOTENCY_TTL, MAX_RATE, MAX_RETRIES, Rate, Retry, Services, TaskSupport,
};
pub use settings::{
    Annotations, DEFAULT_CONCURRENCY, DEFAULT_MAX_RESULT, DEFAULT_MEMORY, DEFAULT_OUTPUT,
    DEFAULT_TIMEOUT, DEFAULT_TIMEOUT_WITH_NETWORK, MAX_CONCURRENCY, MAX_MEMORY, MAX_TIMEOUT,
    MIN_MEMORY, ToolSettings,
};
pub use source::{
    Definitions, PackageInfo, PromptDefinition, ResourceDefinition, SourceManifest, SourcePlugin,
    SourcePrompt, SourceResource, SourceTool, ToolDefinition,
};
pub use units::{ByteSize, TimeSpan, UnitError};
pub use uri_template::UriTemplate;
