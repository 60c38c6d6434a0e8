//! Durations and sizes as people write them in a manifest: `5s`, `64MiB`. Nothing here knows what they limit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Why a text is no duration or no size; the message is the end of a sentence that names the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// It is not written as a duration.
    #[error("which is not a duration")]
    Duration,
    /// It is not written as a size.
    #[error("which is not a size")]
    Size,
    /// It does not fit into 64 bits.
    #[error("which is too large to count")]
    Overflow,
}

impl UnitError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Duration => {
                "write a whole number and a unit: \"500ms\", \"5s\", \"2m\" or \"24h\""
            }
            Self::Size => {
                "write a whole number, alone or with a unit: \"1024\", \"256KiB\", \"64MiB\" or \"1GiB\""
            }
            Self::Overflow => "write a smaller number",
        }
    }
}

/// A duration written as a whole number and a unit: `500ms`, `5s`, `2m`, `24h`.
///
/// ```
/// use std::time::Duration;
/// use toolbay_manifest::TimeSpan;
///
/// let span: TimeSpan = "90s".parse()?;
/// assert_eq!(span.duration(), Duration::from_secs(90));
/// assert_eq!(TimeSpan::from_millis(120_000).to_string(), "2m");
/// # Ok::<(), toolbay_manifest::UnitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan {
    millis: u64,
}

const TIME_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl TimeSpan {
    /// A span of so many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    /// The same span for the standard library.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.millis)
    }
}

impl FromStr for TimeSpan {
    type Err = UnitError;

    /// # Errors
    /// Anything but digits and one of the units `ms`, `s`, `m`, `h`, written together.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_number(text).ok_or(UnitError::Duration)?;
        let (_, factor) = TIME_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(UnitError::Duration)?;
        let millis = count(number)?
            .checked_mul(*factor)
            .ok_or(UnitError::Overflow)?;
        Ok(Self { millis })
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = largest_unit(self.millis, &TIME_UNITS);
        write!(
            formatter,
            "{number}{}",
            if self.millis == 0 { "s" } else { unit }
        )
    }
}

impl Serialize for TimeSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A size in bytes, written as a whole number with a binary unit or none: `1024`, `256KiB`, `64MiB`, `1GiB`.
///
/// ```
/// use toolbay_manifest::ByteSize;
///
/// let size: ByteSize = "256KiB".parse()?;
/// assert_eq!(size.bytes(), 262_144);
/// assert_eq!(ByteSize::from_bytes(1 << 30).to_string(), "1GiB");
/// # Ok::<(), toolbay_manifest::UnitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize {
    bytes: u64,
}

const SIZE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("", 1),
];

impl ByteSize {
    /// A size of so many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.bytes
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    /// # Errors
    /// Anything but digits, alone or with one of the units `KiB`, `MiB`, `GiB`, written together.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split_number(text).ok_or(UnitError::Size)?;
        let (_, factor) = SIZE_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(UnitError::Size)?;
        let bytes = count(number)?
            .checked_mul(*factor)
            .ok_or(UnitError::Overflow)?;
        Ok(Self { bytes })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = largest_unit(self.bytes, &SIZE_UNITS);
        write!(
            formatter,
            "{number}{}",
            if self.bytes == 0 { "" } else { unit }
        )
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn split_number(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        None
    } else {
        text.split_at_checked(digits)
    }
}

fn count(digits: &str) -> Result<u64, UnitError> {
    digits.parse().map_err(|_| UnitError::Overflow)
}

/// The largest unit that divides the number, so that what was read is written as people would.
fn largest_unit(number: u64, units: &[(&'static str, u64)]) -> (u64, &'static str) {
    units
        .iter()
        .find(|(_, factor)| number.is_multiple_of(*factor))
        .map_or((number, ""), |(unit, factor)| (number / factor, unit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_and_sizes_are_read_as_written() {
        let durations = [
            ("0s", 0),
            ("500ms", 500),
            ("5s", 5_000),
            ("2m", 120_000),
            ("24h", 86_400_000),
        ];
        for (text, millis) in durations {
            assert_eq!(text.parse(), Ok(TimeSpan::from_millis(millis)), "{text}");
        }
        let sizes = [
            ("0", 0),
            ("1024", 1024),
            ("256KiB", 262_144),
            ("64MiB", 67_108_864),
            ("1GiB", 1 << 30),
        ];
        for (text, bytes) in sizes {
            assert_eq!(text.parse(), Ok(ByteSize::from_bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "5", "s", "5 s", " 5s", "-5s", "+5s", "5S", "1.5s", "5sec", "1d", "５s",
        ] {
            assert_eq!(text.parse::<TimeSpan>(), Err(UnitError::Duration), "{text}");
        }
        for text in ["", "KiB", "5KB", "5kib", "5 KiB", "-5", "1.5MiB", "1TiB"] {
            assert_eq!(text.parse::<ByteSize>(), Err(UnitError::Size), "{text}");
        }
        for text in ["18446744073709551616ms", "18446744073709551615h"] {
            assert_eq!(text.parse::<TimeSpan>(), Err(UnitError::Overflow), "{text}");
        }
        assert_eq!(
            "18446744073709551615KiB".parse::<ByteSize>(),
            Err(UnitError::Overflow)
        );
    }

    proptest! {
        #[test]
        fn a_duration_survives_being_written(millis: u64) {
            let span = TimeSpan::from_millis(millis);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn a_size_survives_being_written(bytes: u64) {
            let size = ByteSize::from_bytes(bytes);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}|[0-9]{0,22}(ms|s|m|h|KiB|MiB|GiB)?") {
            let _ = text.parse::<TimeSpan>();
            let _ = text.parse::<ByteSize>();
        }
    }
}
