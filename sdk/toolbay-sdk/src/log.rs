//! What a tool has to say to the person who runs the host: [`log::info!`](info) and its like, which take what `println!` takes. Owns the form in which a
//! line tells its level; where it goes is the host's.
//!
//! ```
//! use toolbay_sdk::log;
//!
//! fn visit(name: &str) {
//!     log::info!("{name} came by");
//!     if name.is_empty() {
//!         log::warn!("a visitor without a name");
//!     }
//! }
//! visit("ada");
//! ```
//!
//! A line goes to standard error as `<warn> a visitor without a name`; the host takes the level off and puts the line into its log with the plugin's and the
//! tool's name, escaped, at most 64 KiB a call. The log shows `error`, `warn` and `info` unless `TOOLBAY_LOG` says otherwise: `TOOLBAY_LOG=guest=debug` shows
//! a plugin's `debug` lines too. Models never see it: what one is to know belongs into the result or the error.
//!
//! Whatever else a tool prints is logged as `info`. In `cargo test` the lines are among what the test prints.

use std::fmt;

/// How much a line matters.
///
/// ```
/// use toolbay_sdk::log::Level;
/// assert_eq!(Level::Warn.as_str(), "warn");
/// assert!(Level::Error < Level::Trace);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something went wrong that should not.
    Error,
    /// Something is odd, and the work goes on.
    Warn,
    /// What was done.
    Info,
    /// How it was done, for the plugin's author.
    Debug,
    /// Everything, private data included.
    Trace,
}

impl Level {
    /// The level as it stands in a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Writes a record; the macros are shorter. Each line of its text becomes a line of its own.
///
/// ```
/// use toolbay_sdk::log::{self, Level};
///
/// let level = if cfg!(debug_assertions) { Level::Debug } else { Level::Trace };
/// log::write(level, format_args!("{} words", 7));
/// ```
pub fn write(level: Level, record: fmt::Arguments<'_>) {
    let lines = lines(level, &record.to_string());
    #[cfg(target_family = "wasm")]
    {
        use std::io::Write as _;
        // Nothing can be done about a log that takes nothing.
        let _ = std::io::stderr().write_all(lines.as_bytes());
    }
    // Unlike the stream itself, the macro is captured with the rest of a test's output.
    #[cfg(not(target_family = "wasm"))]
    {
        #[expect(clippy::print_stderr, reason = "outside the sandbox this is the log")]
        {
            eprint!("{lines}");
        }
    }
}

fn lines(level: Level, text: &str) -> String {
    let mut lines = String::new();
    for line in text.split('\n') {
        lines.push('<');
        lines.push_str(level.as_str());
        lines.push_str("> ");
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}

/// Logs that something went wrong that should not.
///
/// ```
/// # use toolbay_sdk::log;
/// log::error!("the index has {} entries too many", 3);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($argument:tt)+) => { $crate::log::write($crate::log::Level::Error, ::core::format_args!($($argument)+)) };
}

/// Logs that something is odd.
///
/// ```
/// # use toolbay_sdk::log;
/// log::warn!("the answer came from a server of an old version");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($argument:tt)+) => { $crate::log::write($crate::log::Level::Warn, ::core::format_args!($($argument)+)) };
}

/// Logs what was done.
///
/// ```
/// # use toolbay_sdk::log;
/// let words = 7;
/// log::info!("{words} words were counted");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($argument:tt)+) => { $crate::log::write($crate::log::Level::Info, ::core::format_args!($($argument)+)) };
}

/// Logs how something was done, for the plugin's author. Not shown unless the log is told to.
///
/// ```
/// # use toolbay_sdk::log;
/// log::debug!("took the short way");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($argument:tt)+) => { $crate::log::write($crate::log::Level::Debug, ::core::format_args!($($argument)+)) };
}

/// Logs what only the closest look needs, and the one level for arguments, which may be private. Not shown unless the log is told to.
///
/// ```
/// # use toolbay_sdk::log;
/// let word = "milk";
/// log::trace!("looking for {word:?}");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __log_trace {
    ($($argument:tt)+) => { $crate::log::write($crate::log::Level::Trace, ::core::format_args!($($argument)+)) };
}

#[doc(inline)]
pub use crate::{
    __log_debug as debug, __log_error as error, __log_info as info, __log_trace as trace,
    __log_warn as warn,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_tells_its_level() {
        assert_eq!(lines(Level::Warn, "one\ntwo"), "<warn> one\n<warn> two\n");
        assert_eq!(lines(Level::Error, ""), "<error> \n");
    }
}
