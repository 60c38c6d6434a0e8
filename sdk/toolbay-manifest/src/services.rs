//! What `plugin.toml` may ask the host to do around the calls of one tool, resource or prompt: caching, idempotency, rates, retries, scopes of the caller,
//! running as a task. Owns the types and their defaults; what each is allowed on is checked in `check`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::units::TimeSpan;

/// How long an answer is kept where `cache = true` says no more.
pub const DEFAULT_CACHE_TTL: TimeSpan = TimeSpan::from_millis(300_000);
/// The longest `ttl` of a cache: a day.
pub const MAX_CACHE_TTL: TimeSpan = TimeSpan::from_millis(86_400_000);
/// Where the key of an idempotent call stands where nothing is said: a JSON pointer into the arguments.
pub const DEFAULT_IDEMPOTENCY_KEY: &str = "/idempotency_key";
/// How long the result of a keyed call is kept where nothing is said: a day.
pub const DEFAULT_IDEMPOTENCY_TTL: TimeSpan = TimeSpan::from_millis(86_400_000);
/// The longest `ttl` of a keyed call's result: thirty days.
pub const MAX_IDEMPOTENCY_TTL: TimeSpan = TimeSpan::from_millis(30 * 86_400_000);
/// The most `retry.max` that may be asked for.
pub const MAX_RETRIES: u32 = 5;
/// The most calls that a rate may allow in its time.
pub const MAX_RATE: u32 = 1_000_000;

/// What the host does around a call. Nothing of it is on where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Services {
    /// The scopes that whoever calls must hold, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// How often it may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Whether and how long answers are kept for the same question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Which kept answers a success makes stale: URIs of the plugin's resources in which `*` stands for anything, names of its tools, or `*` for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalidates: Vec<String>,
    /// Whether a repeated call gives the first one's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// How often a request to a server is made again when it fails for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Whether a call may be answered with a task, whose result is fetched later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskSupport>,
    /// Whether it tells how something is that the plugin depends on: the host calls it to say so in its own status.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub health: bool,
    /// Whether only other plugins may call it: it is not listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
}

/// `cache = true`, or `cache = { ttl = "60s" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// How long an answer is kept; [`DEFAULT_CACHE_TTL`] unless set.
    pub ttl: TimeSpan,
}

/// `idempotency = true`, or `idempotency = { key = "/idempotency_key", ttl = "24h" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Idempotency {
    /// Where the key stands: a JSON pointer (RFC 6901) into the arguments; [`DEFAULT_IDEMPOTENCY_KEY`] unless set.
    pub key: String,
    /// How long a result is kept; [`DEFAULT_IDEMPOTENCY_TTL`] unless set.
    pub ttl: TimeSpan,
}

/// `retry = { max = 2 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// How many times a request is made again at most.
    pub max: u32,
}

/// `task = "optional"` or `task = "required"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskSupport {
    /// A client that knows tasks gets one, every other waits for the result.
    Optional,
    /// A client that does not know tasks is refused.
    Required,
}

impl FromStr for TaskSupport {
    type Err = &'static str;

    /// # Errors
    /// Anything but `optional` and `required`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "optional" => Ok(Self::Optional),
            "required" => Ok(Self::Required),
            _ => Err("which is neither \"optional\" nor \"required\""),
        }
    }
}

/// How often something may be done, written as `10/s`, `100/m` or `1000/h`. All of it may come at once; it fills up again evenly.
///
/// ```
/// use std::time::Duration;
/// use toolbay_manifest::Rate;
///
/// let rate: Rate = "30/m".parse()?;
/// assert_eq!(rate.count(), 30);
/// assert_eq!(rate.period(), Duration::from_secs(60));
/// assert_eq!(rate.to_string(), "30/m");
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    unit: RateUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RateUnit {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// How many times in a [`period`](Self::period).
    pub const fn count(self) -> u32 {
        self.count
    }

    /// A second, a minute or an hour.
    pub const fn period(self) -> Duration {
        Duration::from_secs(match self.unit {
            RateUnit::Second => 1,
            RateUnit::Minute => 60,
            RateUnit::Hour => 3600,
        })
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    /// # Errors
    /// Anything but a number from 1 to [`MAX_RATE`], `/` and one of `s`, `m` and `h`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NO_RATE: &str = "which is no rate";
        let (count, unit) = text.split_once('/').ok_or(NO_RATE)?;
        let unit = match unit {
            "s" => RateUnit::Second,
            "m" => RateUnit::Minute,
            "h" => RateUnit::Hour,
            _ => return Err(NO_RATE),
        };
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NO_RATE);
        }
        match count.parse() {
            Ok(0) => Err("which would allow nothing"),
            Ok(count @ 1..=MAX_RATE) => Ok(Self { count, unit }),
            _ => Err("which is more than 1000000 at once"),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            RateUnit::Second => "s",
            RateUnit::Minute => "m",
            RateUnit::Hour => "h",
        };
        write!(formatter, "{}/{unit}", self.count)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_written_and_anything_else_is_refused() {
        for text in ["1/s", "100/m", "1000000/h"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "/s",
            "10",
            "10/",
            "10/d",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "1000001/s",
            "10 /s",
            "10/S",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
