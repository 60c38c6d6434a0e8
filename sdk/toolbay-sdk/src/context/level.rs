//! The levels of messages to the client.

use crate::__private::bindings::toolbay::plugin::logging;

/// How much a message to the client matters: the levels of RFC 5424.
///
/// ```
/// use toolbay_sdk::LogLevel;
/// assert_eq!(LogLevel::Notice.as_str(), "notice");
/// assert!(LogLevel::Debug < LogLevel::Emergency);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// What was done.
    Info,
    /// Something worth knowing.
    Notice,
    /// Something is odd, and the work goes on.
    Warning,
    /// Something failed.
    Error,
    /// A part of the plugin does not work.
    Critical,
    /// Somebody should do something at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LogLevel {
    /// As the protocol spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }

    #[cfg_attr(
        not(target_family = "wasm"),
        expect(dead_code, reason = "outside the sandbox nothing crosses a border")
    )]
    pub(super) fn into_wire(self) -> logging::Level {
        match self {
            Self::Debug => logging::Level::Debug,
            Self::Info => logging::Level::Info,
            Self::Notice => logging::Level::Notice,
            Self::Warning => logging::Level::Warning,
            Self::Error => logging::Level::Error,
            Self::Critical => logging::Level::Critical,
            Self::Alert => logging::Level::Alert,
            Self::Emergency => logging::Level::Emergency,
        }
    }
}
