//! What a tool says of something that its plugin depends on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How something is.
///
/// ```
/// use toolbay_sdk::{Health, HealthStatus};
/// assert_eq!(Health::healthy().status, HealthStatus::Healthy);
/// assert_eq!(Health::degraded("it is slow").status, HealthStatus::Degraded);
/// assert_eq!(Health::unhealthy("it is away").status, HealthStatus::Unhealthy);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum HealthStatus {
    /// It does all that it should.
    Healthy,
    /// It works, and not as it should: slowly, or without something.
    Degraded,
    /// It does not work.
    Unhealthy,
}

/// How something is that the plugin depends on: the result of a tool with `health = true` in `plugin.toml`.
///
/// The host calls each such tool when somebody asks for its status, all of them side by side and each for 5 s at most. One that fails is unhealthy, with its error's
/// sentence; so `?` is all that a check of a server needs. It has the permissions that its own table asks for, must be `read-only`, and takes no arguments. With
/// `internal = true` the host alone calls it.
///
/// ```toml
/// [tools.upstream]
/// network = ["GET https://api.example.com"]
/// read-only = true
/// health = true
/// internal = true
/// ```
///
/// ```
/// use toolbay_sdk::prelude::*;
/// use toolbay_sdk::{Health, http};
///
/// /// Tells whether the weather service answers.
/// #[tool]
/// fn upstream() -> Result<Health, ToolError> {
///     let answer = http::get("https://api.example.com/health").send()?.error_for_status()?;
///     Ok(match answer.text()?.as_str() {
///         "busy" => Health::degraded("it answers, and is busy"),
///         _ => Health::healthy(),
///     })
/// }
/// # fn main() {}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, description = "How something is")]
pub struct Health {
    /// How it is
    pub status: HealthStatus,
    /// What is wrong, or what else is to be known
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub message: Option<String>,
}

impl Health {
    /// It does all that it should.
    pub fn healthy() -> Self {
        Self {
            status: HealthStatus::Healthy,
            message: None,
        }
    }

    /// It works, and not as it should.
    pub fn degraded(message: impl Into<String>) -> Self {
        Self {
            status: HealthStatus::Degraded,
            message: Some(message.into()),
        }
    }

    /// It does not work. A tool that fails says the same.
    pub fn unhealthy(message: impl Into<String>) -> Self {
        Self {
            status: HealthStatus::Unhealthy,
            message: Some(message.into()),
        }
    }
}
