//! What a tool says when it could not do its work. Owns the codes and what common errors turn into; how a client sees them is the host's.

mod from;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::__private::bindings::toolbay::plugin::types;

/// What kind of failure it is. The codes are those of the wire, in snake case there: `validation_error`.
///
/// ```
/// use toolbay_sdk::ErrorCode;
/// assert_eq!(ErrorCode::RateLimited.as_str(), "rate_limited");
/// assert_eq!(ErrorCode::RateLimited.to_string(), "rate_limited");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// An argument is wrong: `validation_error`.
    ValidationError,
    /// What the arguments name is not there: `not_found`.
    NotFound,
    /// The plugin or the caller may not do this: `permission_denied`.
    PermissionDenied,
    /// Too many calls: `rate_limited`.
    RateLimited,
    /// A server could not be reached, or answered with something unusable: `network_error`.
    NetworkError,
    /// Something took too long: `timeout`.
    Timeout,
    /// The state of the thing forbids this: `conflict`.
    Conflict,
    /// The caller gave up: `cancelled`.
    Cancelled,
    /// A size, count, memory or time limit was reached: `limit_exceeded`.
    LimitExceeded,
    /// It does not work at the moment; later it may: `unavailable`.
    Unavailable,
    /// A fault of the plugin itself: `internal`.
    Internal,
}

impl ErrorCode {
    /// The code as it is spelled on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ValidationError => "validation_error",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::NetworkError => "network_error",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::LimitExceeded => "limit_exceeded",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a tool could not do its work: a code, and one sentence for a model to act on.
///
/// `?` turns the standard library's common errors and `serde_json`'s into one; what each becomes stands at its `From`.
///
/// ```
/// use std::time::Duration;
/// use toolbay_sdk::{ErrorCode, ToolError};
///
/// fn stock(item: &str) -> Result<u32, ToolError> {
///     match item {
///         "apple" => Ok("12".parse()?),
///         "pear" => Err(ToolError::unavailable("the shop is closed").retry_after(Duration::from_secs(3600))),
///         other => Err(ToolError::not_found(format!("there is no `{other}`; ask for `apple` or `pear`"))),
///     }
/// }
/// assert_eq!(stock("apple"), Ok(12));
/// assert_eq!(stock("nut").unwrap_err().code(), ErrorCode::NotFound);
/// ```
///
/// There is a constructor for each code:
///
/// ```
/// use toolbay_sdk::{ErrorCode, ToolError};
///
/// let errors = [
///     ToolError::validation("`days` is 17; give 1 to 16"),
///     ToolError::permission_denied("only the list's owner may change it"),
///     ToolError::network("the answer is no forecast"),
///     ToolError::timeout("the export took too long; ask for a shorter time"),
///     ToolError::cancelled("the import was stopped"),
///     ToolError::limit_exceeded("the list has 1000 entries, which is all that fits"),
///     ToolError::internal("the index has no entry for a note that is there"),
///     ToolError::new(ErrorCode::Conflict, "the note was changed meanwhile"),
/// ];
/// assert_eq!(errors[0].message(), "`days` is 17; give 1 to 16");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ToolError {
    code: ErrorCode,
    message: String,
    details: Option<String>,
    retry_after: Option<Duration>,
    meta: Option<String>,
}

impl ToolError {
    /// An error of this code. The message is one sentence: what is wrong, and what to do instead.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: None,
            retry_after: None,
            meta: None,
        }
    }

    /// An argument is wrong; the message names it and says what would be right.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ValidationError, message)
    }

    /// What the arguments name is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// The plugin or the caller may not do this.
    pub fn permission_denied(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::PermissionDenied, message)
    }

    /// Too many calls; say with [`retry_after`](Self::retry_after) when to try again.
    pub fn rate_limited(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::RateLimited, message)
    }

    /// A server could not be reached, or answered with something unusable.
    pub fn network(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NetworkError, message)
    }

    /// Something took too long.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Timeout, message)
    }

    /// The state of the thing forbids this, for example an edit of something changed meanwhile.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// The caller gave up.
    pub fn cancelled(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Cancelled, message)
    }

    /// A size, count, memory or time limit was reached.
    pub fn limit_exceeded(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::LimitExceeded, message)
    }

    /// It does not work at the moment; later it may.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unavailable, message)
    }

    /// A fault of the plugin itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }

    /// Adds particulars for programs: a value that serializes to a JSON object. Any other value is put into one, as `{"details": value}`.
    ///
    /// ```
    /// use toolbay_sdk::{ToolError, serde_json::json};
    /// let error = ToolError::conflict("the note was changed meanwhile").details(json!({"version": 7}));
    /// assert_eq!(error.details_json(), Some(r#"{"version":7}"#));
    /// ```
    #[must_use]
    pub fn details(mut self, details: impl Serialize) -> Self {
        // Particulars that cannot be written are not worth losing the error itself for.
        self.details = crate::result::object_text(&details, "details").ok();
        self
    }

    /// Says how long to wait before trying again; counted in whole milliseconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds a value that serializes to a JSON object, to become the `_meta` of the result.
    ///
    /// ```
    /// # use toolbay_sdk::{ToolError, serde_json::json};
    /// let error = ToolError::conflict("the note was changed meanwhile").meta(json!({"example.com/version": 7}));
    /// ```
    #[must_use]
    pub fn meta(mut self, meta: impl Serialize) -> Self {
        self.meta = crate::result::object_text(&meta, "meta").ok();
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The particulars, as the text of one JSON object.
    pub fn details_json(&self) -> Option<&str> {
        self.details.as_deref()
    }

    pub(crate) fn into_wire(self) -> types::ToolError {
        let code = match self.code {
            ErrorCode::ValidationError => types::ErrorCode::ValidationError,
            ErrorCode::NotFound => types::ErrorCode::NotFound,
            ErrorCode::PermissionDenied => types::ErrorCode::PermissionDenied,
            ErrorCode::RateLimited => types::ErrorCode::RateLimited,
            ErrorCode::NetworkError => types::ErrorCode::NetworkError,
            ErrorCode::Timeout => types::ErrorCode::Timeout,
            ErrorCode::Conflict => types::ErrorCode::Conflict,
            ErrorCode::Cancelled => types::ErrorCode::Cancelled,
            ErrorCode::LimitExceeded => types::ErrorCode::LimitExceeded,
            ErrorCode::Unavailable => types::ErrorCode::Unavailable,
            ErrorCode::Internal => types::ErrorCode::Internal,
        };
        types::ToolError {
            code,
            message: self.message,
            details: self.details,
            retry_after_ms: self
                .retry_after
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            meta: self.meta,
        }
    }
}

/// The error of another tool that was called.
#[cfg(target_family = "wasm")]
impl From<types::ToolError> for ToolError {
    fn from(wire: types::ToolError) -> Self {
        let code = match wire.code {
            types::ErrorCode::ValidationError => ErrorCode::ValidationError,
            types::ErrorCode::NotFound => ErrorCode::NotFound,
            types::ErrorCode::PermissionDenied => ErrorCode::PermissionDenied,
            types::ErrorCode::RateLimited => ErrorCode::RateLimited,
            types::ErrorCode::NetworkError => ErrorCode::NetworkError,
            types::ErrorCode::Timeout => ErrorCode::Timeout,
            types::ErrorCode::Conflict => ErrorCode::Conflict,
            types::ErrorCode::Cancelled => ErrorCode::Cancelled,
            types::ErrorCode::LimitExceeded => ErrorCode::LimitExceeded,
            types::ErrorCode::Unavailable => ErrorCode::Unavailable,
            types::ErrorCode::Internal => ErrorCode::Internal,
        };
        Self {
            code,
            message: wire.message,
            details: wire.details,
            retry_after: wire.retry_after_ms.map(Duration::from_millis),
            meta: wire.meta,
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for ToolError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn particulars_and_waiting_time_reach_the_host() {
        let error = ToolError::rate_limited("too many calls")
            .details(["a", "b"])
            .meta(json!({"x": 1}))
            .retry_after(Duration::from_micros(1_500_400));
        let wire = error.into_wire();
        assert_eq!(wire.code, types::ErrorCode::RateLimited);
        assert_eq!(wire.details.as_deref(), Some(r#"{"details":["a","b"]}"#));
        assert_eq!(wire.meta.as_deref(), Some(r#"{"x":1}"#));
        assert_eq!(wire.retry_after_ms, Some(1500));
        let forever = ToolError::unavailable("closed")
            .retry_after(Duration::MAX)
            .into_wire();
        assert_eq!(forever.retry_after_ms, Some(u64::MAX));
    }
}
