use serde_json::json;

use super::*;
use crate::ErrorCode;

#[derive(serde::Deserialize, JsonSchema, Debug, PartialEq)]
struct Person {
    name: String,
}

#[derive(serde::Deserialize, JsonSchema, Debug)]
#[expect(dead_code, reason = "it cannot be asked")]
struct Nested {
    person: Person,
}

#[test]
fn what_is_said_is_kept_in_order() {
    let ctx = Context::new();
    ctx.progress(1_u8, 3_usize);
    ctx.progress_with(2.5, None, "more than half");
    ctx.log(LogLevel::Info, "a");
    ctx.log_from(LogLevel::Alert, "index", json!([1]));
    ctx.resource_updated("notes://a");
    let reports = ctx.reported();
    assert_eq!((reports[0].done, reports[0].total), (1.0, Some(3.0)));
    assert_eq!((reports[1].done, reports[1].total), (2.5, None));
    assert_eq!(reports[1].message.as_deref(), Some("more than half"));
    let logged = ctx.logged();
    assert_eq!(logged[0].data, json!("a"));
    assert_eq!(logged[1].logger.as_deref(), Some("index"));
    assert_eq!(ctx.updated(), ["notes://a"]);
    assert!(!ctx.is_list_changed() && !ctx.is_cancelled());
}

#[test]
fn every_way_to_answer_a_form() {
    let ask = |ctx: Context| ctx.elicit::<Person>("who", "Who are you?");
    let content = json!({"name": "Ada"});
    let ada = Person { name: "Ada".into() };
    let accepted = ask(Context::new().answer_form("who", content));
    assert_eq!(accepted, Ok(Answer::Accepted(ada)));
    let declined = ask(Context::new().answer_form("who", Answer::Declined));
    assert_eq!(declined, Ok(Answer::Declined));
    let code = |outcome: Result<Answer<Person>, ToolError>| outcome.unwrap_err().code();
    let wrong = ask(Context::new().answer_form("who", json!({"name": 7})));
    assert_eq!(code(wrong), ErrorCode::ValidationError);
    assert_eq!(code(ask(Context::new())), ErrorCode::Unavailable);
    let unable = Context::new().supporting(Supports::default());
    assert_eq!(code(ask(unable)), ErrorCode::Unavailable);
}

#[test]
fn what_cannot_be_asked_is_not_asked() {
    let ctx = Context::new().answer_form("who", json!({"person": {"name": "Ada"}}));
    let error = ctx.elicit::<Nested>("who", "Who are you?").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    insta::assert_snapshot!(error, @"`who` cannot be asked: its field `person` is an object, and a form has none: its fields stand side by side");
    assert!(ctx.asked().is_empty());
}

#[test]
fn answers_are_found_by_their_names_and_kinds() {
    let ctx = Context::new()
        .answer_roots("folders", [Root::new("file:///a").name("a")])
        .answer_page("login", Action::Cancel);
    let questions =
        Questions::new()
            .roots("folders")
            .page("login", "Sign in.", "https://example.com");
    let answers = ctx.ask(questions).unwrap();
    assert_eq!(
        answers.roots("folders").unwrap()[0].name.as_deref(),
        Some("a")
    );
    assert_eq!(answers.page("login"), Ok(Action::Cancel));
    for wrong in [
        answers.page("folders").unwrap_err(),
        answers.roots("login").unwrap_err(),
        answers.sample("nothing").unwrap_err(),
        answers.form::<Person>("login").unwrap_err(),
    ] {
        assert_eq!(wrong.code(), ErrorCode::Internal, "{wrong}");
    }
    let keys: Vec<String> = ctx.asked().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["folders", "login"]);
}

#[test]
fn reasons_why_there_is_no_answer_are_told_apart() {
    use crate::__private::bindings::toolbay::plugin::input::AskError;
    let code = |error| crate::ask::error(error).code();
    assert_eq!(
        code(AskError::Denied(String::new())),
        ErrorCode::PermissionDenied
    );
    assert_eq!(
        code(AskError::Unsupported(String::new())),
        ErrorCode::Unavailable
    );
    assert_eq!(
        code(AskError::Failed(String::new())),
        ErrorCode::Unavailable
    );
    assert_eq!(code(AskError::Invalid(String::new())), ErrorCode::Internal);
}
