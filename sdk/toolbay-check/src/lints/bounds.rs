//! Numbers and texts among the arguments that may be of any size.

use serde_json::Value;

use crate::finding::{Finding, Place};
use crate::limits::states_a_limit;
use crate::lint::{Lint, Severity};
use crate::schema::{Alternative, Kind, Part};
use crate::subject::Subject;
use crate::words::{is_among, words};

pub(crate) static MISSING_BOUNDS: Lint = Lint {
    code: "missing-bounds",
    severity: Severity::Warning,
    finds: "an argument that is a number or a text of any size",
    why: "the host refuses what is out of bounds before any of the tool's code runs, and tells the model what would be right; without bounds the code meets it",
    advice: "Give texts a `maxLength` and numbers a `minimum` and a `maximum`. A number that is taken as the nearest allowed one needs none, if its description states the range; nor do positions and identifiers, beyond a minimum.",
    bad: "/// Words to look for\nquery: &str,",
    good: "/// Words to look for\n#[schemars(length(max = 200))]\nquery: &str,",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in &subject.tools {
        for part in &tool.arguments {
            let long = part.of_kind(Kind::Text).any(|text| !text_is_bounded(text));
            let numbers = || {
                part.of_kind(Kind::Integer)
                    .chain(part.of_kind(Kind::Number))
            };
            let wide = numbers().any(|number| !number_is_bounded(part, number));
            let (message, instead) = match (long, wide) {
                (true, _) => (
                    "its text may be of any length",
                    "`#[schemars(length(max = 200))]`, which is \"maxLength\": 200 in a schema"
                        .to_owned(),
                ),
                (_, true) => number_message(numbers()),
                _ => continue,
            };
            findings.push(Finding {
                lint: &MISSING_BOUNDS,
                place: Place::argument(tool.name, &part.pointer),
                message: message.to_owned(),
                instead,
            });
        }
    }
}

fn number_message<'a>(numbers: impl Iterator<Item = &'a Alternative>) -> (&'static str, String) {
    let least = numbers.filter(|number| lower(number)).count() > 0;
    if least {
        ("its number has no maximum", "`#[schemars(range(max = 100))]`, which is \"maximum\": 100 in a schema, or the range in words where more is taken as the most".to_owned())
    } else {
        ("its number has no minimum and maximum", "`#[schemars(range(min = 1, max = 100))]`, which is \"minimum\": 1, \"maximum\": 100 in a schema".to_owned())
    }
}

fn lower(number: &Alternative) -> bool {
    number.has("minimum") || number.has("exclusiveMinimum")
}

fn text_is_bounded(text: &Alternative) -> bool {
    const BOUNDED_FORMATS: &str =
        "date date-time time uuid ipv4 ipv6 email idn-email hostname duration";
    text.has("maxLength")
        || text.values().is_some()
        || text
            .text("format")
            .is_some_and(|format| is_among(format, BOUNDED_FORMATS))
        || text.text("pattern").is_some_and(pattern_is_bounded)
}

/// Anchored at both ends, and nothing in it that repeats without end.
fn pattern_is_bounded(pattern: &str) -> bool {
    let Some(inside) = pattern
        .strip_prefix('^')
        .and_then(|rest| rest.strip_suffix('$'))
    else {
        return false;
    };
    let mut escaped = false;
    let mut in_class = false;
    let mut characters = inside.chars().peekable();
    while let Some(character) = characters.next() {
        let repeats = match character {
            _ if escaped => false,
            '[' => {
                in_class = true;
                false
            }
            ']' => {
                in_class = false;
                false
            }
            '*' | '+' => !in_class,
            // `{3,}` has no end; `{3,9}` has one.
            ',' => !in_class && characters.peek() == Some(&'}'),
            _ => false,
        };
        if repeats {
            return false;
        }
        escaped = character == '\\' && !escaped;
    }
    true
}

/// Names of numbers that count nothing, so that no most makes sense: where something is.
const POSITIONS: &str = "offset start page line index position skip section row column col cursor from begin first after before version revision chapter seed step";
/// And which one of many something is, or a moment.
const IDENTIFIERS: &str =
    "id ids number no nr num key timestamp epoch unix isbn since until pid uid gid";

fn number_is_bounded(part: &Part, number: &Alternative) -> bool {
    let (below, above) = (
        lower(number),
        number.has("maximum") || number.has("exclusiveMaximum"),
    );
    if below && above || number.values().is_some() || states_a_limit(&part.description) {
        return true;
    }
    // A number of eight or sixteen bits cannot be large.
    let small = number
        .keywords
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|format| ["int8", "uint8", "int16", "uint16"].contains(&format));
    let name = words(&part.name);
    let last = |list: &str| name.last().is_some_and(|last| is_among(last, list));
    // `from_line` and `line_to_begin_with`; but `number_of_rounds` is no identifier.
    let first = name.first().is_some_and(|first| is_among(first, POSITIONS));
    small || last(IDENTIFIERS) || below && (last(POSITIONS) || first)
}

#[cfg(test)]
mod tests {
    use super::pattern_is_bounded;

    #[test]
    fn patterns_with_an_end() {
        for pattern in ["^[a-z]{1,20}$", "^[+*]$", r"^\+[0-9]{2,15}$", "^(a|b)?c$"] {
            assert!(pattern_is_bounded(pattern), "{pattern}");
        }
        for pattern in ["[a-z]{1,20}", "^[a-z]+$", "^a*$", "^[0-9]{3,}$", r"^\\+$"] {
            assert!(!pattern_is_bounded(pattern), "{pattern}");
        }
    }
}
