use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;

fn template(text: &str) -> UriTemplate {
    UriTemplate::parse(text).unwrap_or_else(|broken| panic!("{text}: {broken:?}"))
}

/// The values in the order of the template, as `name=value` with `;` between.
fn values(of: &str, uri: &str) -> Option<String> {
    let values = template(of).matches(uri)?;
    let pairs: Vec<_> = values
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Some(pairs.join(";"))
}

#[test]
fn what_fits_and_what_does_not() {
    let cases = [
        ("a://b", "a://b", Some("")),
        ("a://b", "a://b/", None),
        ("a://b", "a://b?x=1", None),
        ("a://b?x=1", "a://b?x=1", Some("")),
        ("a://{b}", "a://x", Some("b=x")),
        ("a://{b}", "a://", None),
        ("a://{b}", "a://x/y", None),
        ("a://{b}", "a://x?y", None),
        ("a://{b}", "a://x#y", None),
        ("a://{b}", "a://x%2Fy", None),
        ("a://{b}", "a://x%3Fy", Some("b=x?y")),
        ("a://{b}", "a://%zz", None),
        ("a://{b}", "a://%4", None),
        ("a://{b}", "a://%ff", None),
        ("a://{b}", "a://%00", None),
        ("a://{b}", "a://%0a", None),
        ("a://{b}", "a://..", None),
        ("a://{b}", "a://%2e%2E", None),
        ("a://{b}", "a://...", Some("b=...")),
        ("a://{b}", "a://é", Some("b=é")),
        ("a://{b}/c", "a://x/c", Some("b=x")),
        ("a://{b}/c", "a://x/d", None),
        ("a://{b}/{c}", "a://x/y", Some("b=x;c=y")),
        ("a://{b}-{c}", "a://1-2-3", Some("b=1-2;c=3")),
        ("a://{b}.{c}", "a://.x", None),
        ("a://{+b}", "a://x/y/z", Some("b=x/y/z")),
        ("a://{+b}", "a://x/../z", None),
        ("a://{+b}", "a://x/.", None),
        ("a://{+b}", "a://x%2f..%2fz", None),
        ("a://{+b}", "a://x%5C..%5Cz", None),
        ("a://{+b}", "a://x?z", None),
        ("a://{+b}/{c}", "a://x/y/z", Some("b=x/y;c=z")),
        ("a://{+b}/raw", "a://x/raw/raw", Some("b=x/raw")),
        ("a://b{?c,d}", "a://b", Some("")),
        ("a://b{?c,d}", "a://b?d=1&c=a%20b", Some("d=1;c=a b")),
        ("a://b{?c,d}", "a://b?c=", Some("c=")),
        ("a://b{?c,d}", "a://b?c=1&c=2", None),
        ("a://b{?c,d}", "a://b?e=1", None),
        ("a://b{?c,d}", "a://b?c", None),
        ("a://b{?c,d}", "a://b?", None),
        ("a://b{?c,d}", "a://b?c=1#x", None),
        ("a://b{?c}", "a://b?c=../x", Some("c=../x")),
    ];
    for (of, uri, expected) in cases {
        assert_eq!(values(of, uri).as_deref(), expected, "{of} {uri}");
    }
}

#[test]
fn the_longest_uri_takes_no_time() {
    let of = template("a://{b}-{c}-{d}-{e}-{f}-{g}-{h}-{i}x");
    let uri = format!("a://{}", "-".repeat(MAX_URI_BYTES - 4));
    assert_eq!(of.matches(&uri), None);
    assert_eq!(of.matches(&format!("{uri}-")), None);
}

#[test]
fn mistakes() {
    let said = |text: &str| match UriTemplate::parse(text) {
        Ok(_) => format!("{text} was accepted"),
        Err(Broken { problem, hint }) => format!("{problem}\n  hint: {hint}"),
    };
    let texts = [
        "note",
        "Notes://a",
        "notes:",
        "notes://{path",
        "notes://path}",
        "notes://a b",
        "notes://a#b",
        "notes://50%",
        "notes://{Path}",
        "notes://{}",
        "notes://{path*}",
        "notes://{a}{b}",
        "notes://{a}/{+a}",
        "notes://{a}{?a}",
        "notes://a{?b}c",
        "notes://a{?b}{?c}",
        "notes://a?x=1{?b}",
        "notes://a{?}",
    ];
    insta::assert_snapshot!(texts.map(said).join("\n"), @"
    `note` is not a URI
      hint: write the plugin's name, `://`, and where it is: `notes://note/{+path}`
    `Notes://a` is not a URI
      hint: write the plugin's name, `://`, and where it is: `notes://note/{+path}`
    `notes:` is not a URI
      hint: write the plugin's name, `://`, and where it is: `notes://note/{+path}`
    in `notes://{path` a `{` is never closed
      hint: write the variable's name and `}`: `{path}`
    a URI cannot have the character `}`
      hint: open each variable with `{`: `{path}`
    a URI cannot have the character ` `
      hint: encode it: a space is `%20`
    a URI cannot have the character `#`
      hint: leave the fragment out: it is never part of what is read
    `notes://50%` has a `%` that encodes nothing
      hint: write two digits behind it, of 0-9 and A-F: `%20`
    `{Path}` is not a variable
      hint: write a lower-case letter, then lower-case letters, digits and `_`, alone or behind `+` or `?`: `{path}`, `{+path}`, `{?from,limit}`
    `{}` is not a variable
      hint: write a lower-case letter, then lower-case letters, digits and `_`, alone or behind `+` or `?`: `{path}`, `{+path}`, `{?from,limit}`
    `{path*}` is not a variable
      hint: write a lower-case letter, then lower-case letters, digits and `_`, alone or behind `+` or `?`: `{path}`, `{+path}`, `{?from,limit}`
    nothing stands between `{a}` and `{b}`, so no URI could be told apart
      hint: put a character between them: `{year}/{month}`
    the variable `a` is there twice
      hint: give each variable a name of its own
    the variable `a` is there twice
      hint: give each variable a name of its own
    in `notes://a{?b}c` something stands behind the query variables
      hint: put `{?…}` last, and only once: `notes://search{?words,limit}`
    in `notes://a{?b}{?c}` something stands behind the query variables
      hint: put `{?…}` last, and only once: `notes://search{?words,limit}`
    `notes://a?x=1{?b}` has a `?` beside `{?…}`
      hint: write all of the query as variables: `{?words,limit}`
    `{}` is not a variable
      hint: write a lower-case letter, then lower-case letters, digits and `_`, alone or behind `+` or `?`: `{path}`, `{+path}`, `{?from,limit}`
    ");
}

fn value(reserved: bool) -> impl Strategy<Value = String> {
    let characters = if reserved {
        "[^\\pC]{1,12}"
    } else {
        "[^\\pC/]{1,12}"
    };
    let harmless = move |value: &String| {
        !value
            .split(['/', '\\'])
            .any(|segment| segment == "." || segment == "..")
    };
    characters.prop_filter("a path that leads elsewhere does not match", harmless)
}

proptest! {
    #[test]
    fn what_is_expanded_fits_and_says_the_same(
        first in value(false), path in value(true), query in proptest::option::of("\\PC{0,12}")
    ) {
        let template = template("notes://{first}/x/{+path}{?query}");
        let mut variables = IndexMap::from([("first".to_owned(), first), ("path".to_owned(), path)]);
        variables.extend(query.map(|query| ("query".to_owned(), query)));
        // A control character of the query is refused on the way back, as everywhere.
        prop_assume!(!variables.values().any(|value| value.chars().any(char::is_control)));
        prop_assert_eq!(template.matches(&template.expand(&variables)), Some(variables));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}|a://(\\{[+?]?[a-z,]{0,3}\\}|[a/?%-]){0,8}", uri in "\\PC{0,40}|a://[ab/?=&%2-]{0,30}") {
        if let Ok(template) = UriTemplate::parse(&text) {
            let found = template.matches(&uri);
            prop_assert!(template.is_template() || found.is_none_or(|found| found.is_empty() && uri == text));
            prop_assert_eq!(template.to_string(), text);
        }
    }

    #[test]
    fn what_fits_is_found_again(uri in "a://[ab.-]{1,8}/[ab/.-]{1,8}") {
        let template = template("a://{b}/{+c}");
        if let Some(variables) = template.matches(&uri) {
            prop_assert_eq!(template.expand(&variables), uri);
        }
    }
}
