//! Texts of a known form, typed as any text.

use crate::finding::{Finding, Place};
use crate::lint::{Lint, Severity};
use crate::schema::{Alternative, Kind, Part};
use crate::subject::Subject;
use crate::words::{first_sentence, is_among, without_types, words};

pub(crate) static MISSING_FORMAT: Lint = Lint {
    code: "missing-format",
    severity: Severity::Warning,
    finds: "an argument that by its name or description is a URL, a mail address, a date …, typed as any text",
    why: "models send \"tomorrow\" or \"example.com\" unless the schema says which form is meant; with a `format` the host refuses it and says what would be right",
    advice: "Give it a `format` (date, date-time, email, uri, uuid, …) or a `pattern`; a list of choices does as well. Where several forms are taken, say which in the description.",
    bad: "/// The page to fetch\nurl: &str,",
    good: "/// The page to fetch\n#[schemars(extend(\"format\" = \"uri\"))]\nurl: &str,",
    check,
};

/// A form, and what people call it. The words of a name must end with one of these; a description's first noun must be one.
struct Form {
    format: &'static str,
    called: &'static [&'static [&'static str]],
}

const FORMS: &[Form] = &[
    Form {
        format: "uri",
        called: &[
            &["url"],
            &["uri"],
            &["urls"],
            &["uris"],
            &["href"],
            &["permalink"],
            &["web", "address"],
        ],
    },
    Form {
        format: "email",
        called: &[
            &["email"],
            &["emails"],
            &["email", "address"],
            &["mail", "address"],
            &["email", "addresses"],
            &["mail", "addresses"],
        ],
    },
    Form {
        format: "uuid",
        called: &[&["uuid"], &["guid"], &["uuids"]],
    },
    Form {
        format: "date-time",
        called: &[
            &["datetime"],
            &["timestamp"],
            &["date", "time"],
            &["created", "at"],
            &["updated", "at"],
            &["starts", "at"],
            &["ends", "at"],
            &["start", "time"],
            &["end", "time"],
            &["expires", "at"],
            &["date", "and", "time"],
        ],
    },
    Form {
        format: "date",
        called: &[
            &["date"],
            &["dates"],
            &["birthday"],
            &["birthdate"],
            &["dob"],
            &["deadline"],
        ],
    },
    Form {
        format: "ipv4",
        called: &[&["ip"], &["ip", "address"], &["ipv4"], &["ip", "addr"]],
    },
    Form {
        format: "hostname",
        called: &[&["hostname"], &["host", "name"], &["fqdn"]],
    },
];

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in &subject.tools {
        for part in &tool.arguments {
            let mut texts = part.of_kind(Kind::Text).peekable();
            // Where a number or an object will do as well, several forms are taken.
            if texts.peek().is_none()
                || part
                    .alternatives
                    .iter()
                    .any(|alternative| alternative.kind != Some(Kind::Text))
                || texts.any(says_its_form)
            {
                continue;
            }
            let Some(format) = form(part) else { continue };
            findings.push(Finding {
                lint: &MISSING_FORMAT,
                place: Place::argument(tool.name, &part.pointer),
                message: format!("it is {}, and any text is taken", in_words(format)),
                instead: format!("`#[schemars(extend(\"format\" = \"{format}\"))]`, which is \"format\": \"{format}\" in a schema; or a `pattern`"),
            });
        }
    }
}

fn says_its_form(text: &Alternative) -> bool {
    ["format", "pattern", "contentEncoding", "contentMediaType"]
        .iter()
        .any(|keyword| text.has(keyword))
        || text.values().is_some()
}

fn in_words(format: &str) -> &'static str {
    match format {
        "uri" => "a URL",
        "email" => "a mail address",
        "uuid" => "a UUID",
        "date-time" => "a point in time",
        "date" => "a date",
        "ipv4" => "an IP address",
        _ => "a host's name",
    }
}

/// By its name, or by what its description calls it; unless the description offers several forms.
fn form(part: &Part) -> Option<&'static str> {
    let text = without_types(&part.description);
    if offers_several(&text) {
        return None;
    }
    let ends = |phrase: &[String]| {
        let fits = |called: &&[&str]| {
            phrase
                .iter()
                .rev()
                .zip(called.iter().rev())
                .filter(|(word, wanted)| word == *wanted)
                .count()
                == called.len()
                && phrase.len() >= called.len()
        };
        // The longest name first: a date-time before a date.
        FORMS
            .iter()
            .find(|form| {
                form.called
                    .iter()
                    .any(|called| called.len() > 1 && fits(called))
            })
            .or_else(|| FORMS.iter().find(|form| form.called.iter().any(fits)))
    };
    let shown = shown_form(&part.description);
    let name = words(&part.name);
    ends(&name)
        .or_else(|| ends(&first_noun(&text)))
        .map(|form| form.format)
        .or(shown)
}

/// Forms that a description spells out.
fn shown_form(text: &str) -> Option<&'static str> {
    let upper = text.to_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    let example = |scheme: &str| {
        let before = upper
            .split(scheme)
            .next()
            .filter(|before| before.len() < upper.len())
            .unwrap_or_default();
        !before.contains("SEE ")
            && ["E.G.", "SUCH AS", "EXAMPLE", "LIKE", "(", "\"", "`"]
                .iter()
                .any(|lead| before.contains(lead))
    };
    let rfc = says(&["RFC 3339", "RFC3339"]);
    let time = rfc || says(&["HH:MM", "DATE-TIME", "TIMESTAMP"]);
    let iso =
        rfc || says(&["YYYY-MM-DD", "ISO 8601", "ISO-8601", "ISO8601"]) && !says(&["DURATION"]);
    if iso {
        Some(if time { "date-time" } else { "date" })
    } else if words(text).iter().any(|word| is_among(word, "uuid guid")) {
        Some("uuid")
    } else if example("HTTPS://") || example("HTTP://") {
        Some("uri")
    } else {
        None
    }
}

/// More than one form: "2026-11-22T09:30, 09:30 (today), or now"; "a URL or a path".
fn offers_several(text: &str) -> bool {
    let sentence = first_sentence(text);
    let quoted = sentence.matches('"').count() / 2;
    let or = words(sentence).iter().any(|word| word == "or");
    quoted > 1 && or
        || or && sentence.len() < 200 && !words(sentence).iter().any(|word| word == "whether")
}

/// The words of the first noun phrase: of "The URL of the page" url, of "Reporter's e-mail address, if known" reporter, email, address.
fn first_noun(text: &str) -> Vec<String> {
    const ENDS: &str = "of to for that which in on at by from with as where when who whose whom is are was and or into under below after before if such like \
    pointing used";
    let stretch = text
        .split([',', '.', ':', ';', '(', '—', '–', '"', '\n'])
        .next()
        .unwrap_or_default();
    words(stretch)
        .into_iter()
        .take_while(|word| !is_among(word, ENDS))
        .collect()
}
