//! Tools with `health = true`: what they say stands in the status, and none of them holds the others up.

use serde_json::{Value, json};

use super::Place;
use crate::support::command::{run, toolbay};
use crate::support::{Era, Session, Start};

fn start(place: &Place) -> Start {
    let stand_in = format!("http://127.0.0.1:1={}", place.url());
    place.start().argument("--test-connect").argument(stand_in)
}

fn status(session: &mut Session) -> Value {
    session.call("toolbay_status", json!({}))["structuredContent"].clone()
}

fn of<'a>(status: &'a Value, tool: &str) -> &'a Value {
    let all = status["health"].as_array().expect("a list");
    let found = all.iter().find(|health| health["tool"] == tool);
    found.unwrap_or(&Value::Null)
}

#[test]
fn what_plugins_say_of_what_they_depend_on_stands_in_the_status() {
    let place = Place::new();
    let mut session = Session::open(start(&place).start(), Era::LEGACY);
    // Not before the host has looked at its folder.
    session.call("keeper_count", json!({}));
    let first = status(&mut session);
    assert_eq!(first["status"], "healthy", "{first}");
    assert_eq!(of(&first, "keeper_well")["status"], "healthy");
    assert_eq!(of(&first, "keeper_upstream")["status"], "healthy");
    // For the host and not for clients.
    assert!(
        !session
            .tool_names()
            .iter()
            .any(|name| name == "keeper_well")
    );

    session.call("keeper_bump", json!({}));
    let second = status(&mut session);
    assert_eq!(second["status"], "degraded", "{second}");
    let well = of(&second, "keeper_well");
    assert_eq!(
        (&well["status"], &well["message"]),
        (&json!("degraded"), &json!("the count is one"))
    );
    let upstream = of(&second, "keeper_upstream");
    assert_eq!(upstream["status"], "unhealthy");
    assert!(
        upstream["message"].to_string().contains("503"),
        "{upstream}"
    );
}

#[test]
fn one_that_does_not_answer_is_unhealthy_and_one_that_may_not_look_is_unknown() {
    let place = Place::new();
    let mut session = Session::open(start(&place).start(), Era::Modern);
    for _ in 0..2 {
        session.call("keeper_bump", json!({}));
    }
    let status_now = status(&mut session);
    assert_eq!(of(&status_now, "keeper_well")["message"], "the count is 2");
    let upstream = of(&status_now, "keeper_upstream");
    assert_eq!(
        upstream["message"], "it did not say so within 5 s",
        "{upstream}"
    );
    assert_eq!(status_now["status"], "degraded");

    let home = tempfile::TempDir::new().expect("a temporary folder can be made");
    let mut doctor = toolbay(home.path());
    doctor.args(["doctor", "--dir"]).arg(place.folder.path());
    let said = run(doctor).transcript();
    assert!(
        said.contains("ok       health    keeper_upstream is unknown"),
        "{said}"
    );
}
