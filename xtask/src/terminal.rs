//! What the developer sees: headings, notes, errors, one question. Colours only on a terminal.

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

#[expect(
    clippy::disallowed_methods,
    reason = "only asked what it is; and this is not the host"
)]
pub(crate) fn has_colours() -> bool {
    io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Wraps text in an escape sequence where a person reads it.
fn paint(text: &str, code: &str) -> String {
    if has_colours() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub(crate) fn bold(text: &str) -> String {
    paint(text, "1")
}

pub(crate) fn dim(text: &str) -> String {
    paint(text, "2")
}

pub(crate) fn good(text: &str) -> String {
    paint(text, "32")
}

pub(crate) fn bad(text: &str) -> String {
    paint(text, "31")
}

pub(crate) fn heading(text: &str) {
    println!("\n{}", bold(&format!("== {text}")));
}

pub(crate) fn note(text: &str) {
    println!("{text}");
}

/// Passes on what a program said, as it said it.
pub(crate) fn talk(text: &str) {
    eprint!("{text}");
}

pub(crate) fn print_error(error: &anyhow::Error) {
    // A hint stands on a line of its own, so that it is not lost behind the cause.
    eprintln!("{} {error:#}", paint("error:", "1;31"));
}

/// `0.8 ms`, `850 ms`, `12.4 s`, `3 min 05 s`: as exact as a person cares about.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() < 10 => format!("{:.1} ms", duration.as_secs_f64() * 1000.0),
        0 => format!("{} ms", duration.as_millis()),
        1..120 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// `138 KB`, `21.4 MB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_a_person_cares_about() {
        let cases = [
            (Duration::from_micros(850), "0.8 ms"),
            (Duration::from_millis(850), "850 ms"),
            (Duration::from_millis(12_440), "12.4 s"),
            (Duration::from_secs(185), "3 min 05 s"),
        ];
        for (given, expected) in cases {
            assert_eq!(duration(given), expected);
        }
    }
}
