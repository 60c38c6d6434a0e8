//! Arguments of the types that the SDK brings: what a model reads of them, and what it is told when one does not fit.

use toolbay_sdk::prelude::*;

/// Invites someone and returns nothing.
#[tool]
fn invite(
    email: Email,
    /// When it begins
    start: DateTime,
    day: Option<Date>,
    page: Url,
) -> Date {
    let _ = (email, page);
    day.unwrap_or(start.date())
}

/// Lists words.
#[tool]
fn words(cursor: Option<Cursor>, limit: Limit<20>) -> Page<String> {
    Page::of(["a", "b", "c"].map(str::to_owned), cursor, limit)
}

plugin!(
    invite,
    words,
    ;
    settings_text = "[plugin]\nname = 'party'\ndescription = 'Invites.'"
);

#[test]
fn what_a_model_reads_of_them() {
    use toolbay_sdk::__private::bindings::describe::Guest;
    let manifest: serde_json::Value = serde_json::from_str(&__toolbay_plugin::manifest()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest["tools"]).unwrap());
}

#[test]
fn what_a_model_is_told_of_them() {
    use toolbay_sdk::__private::bindings::tools::Guest;
    let said = [
        ("invite", r#"{"email": "ada", "start": "2026-11-25T09:30:00Z", "page": "https://x.test/"}"#),
        ("invite", r#"{"email": "ada@x.test", "start": "2026-11-25", "page": "https://x.test/"}"#),
        ("invite", r#"{"email": "ada@x.test", "start": "2026-11-25T09:30:00Z", "page": "mailto:a@x.test"}"#),
        ("words", r#"{"cursor": "2", "limit": 1}"#),
        ("words", r#"{"limit": 1.5}"#),
        ("words", r#"{"limit": 2}"#),
        ("words", "{}"),
        ("words", r#"{"count": 1}"#),
    ]
    .map(|(name, arguments)| {
        match __toolbay_plugin::call(name.to_owned(), arguments.to_owned()) {
            Ok(result) => result.structured.unwrap_or_default(),
            Err(error) => format!("{:?}: {}", error.code, error.message),
        }
    });
    insta::assert_snapshot!(said.join("\n"));
}
