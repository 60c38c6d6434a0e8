//! What a line may be besides a well-formed request, case by case in both eras and over both wires: every request is
//! answered once or, where the specification says so, not at all, and the process lives on.

use serde_json::{Value, json};

use crate::support::{Era, Folder, Session, everywhere};

/// What has to come back for a line.
#[derive(Debug)]
enum Expect {
    /// A result to the request `case`.
    Result,
    /// An error with this code to the request `case`.
    Error(i64),
    /// An error with this code that names no request.
    Anonymous(i64),
    /// An error with one of these codes, with or without the request's id, which can be read in more than one way.
    EitherWay(&'static [i64]),
    /// A result or an error to the request `case`: the specification leaves open which.
    Answer,
    Nothing,
}

use Expect::{Anonymous, Answer, EitherWay, Error, Nothing, Result};

/// In a case, this stands for the members that every request of the era must have in its parameters.
const META: &str = r#""_meta":"META""#;

const PARSE: i64 = -32700;
const INVALID: i64 = -32600;
const NO_METHOD: i64 = -32601;
const PARAMS: i64 = -32602;

/// The cases that are text; `~` stands for what `META` is.
const CASES: &[(&str, &str, Expect)] = &[
    // Lines that are no message at all.
    ("not JSON", r#"{nope"#, Anonymous(PARSE)),
    (
        "cut off",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/li"#,
        Anonymous(PARSE),
    ),
    ("two values", r#"{} {}"#, Anonymous(PARSE)),
    ("words", r#"GET / HTTP/1.1"#, Anonymous(PARSE)),
    ("a number", r#"42"#, Anonymous(INVALID)),
    ("a string", r#""tools/list""#, Anonymous(INVALID)),
    ("null", r#"null"#, Anonymous(INVALID)),
    ("an empty object", r#"{}"#, Anonymous(INVALID)),
    ("an empty batch", r#"[]"#, Anonymous(INVALID)),
    (
        "a batch",
        r#"[{"jsonrpc":"2.0","id":"case","method":"tools/list","params":{~}}]"#,
        Anonymous(INVALID),
    ),
    ("an empty line", "", Nothing),
    ("spaces", "  \t ", Nothing),
    // Space around a message is allowed, and Windows ends lines in its own way.
    (
        "spaces around",
        "  {\"jsonrpc\":\"2.0\",\"id\":\"case\",\"method\":\"tools/list\",\"params\":{~}} \t",
        Result,
    ),
    (
        "a carriage return",
        "{\"jsonrpc\":\"2.0\",\"id\":\"case\",\"method\":\"tools/list\",\"params\":{~}}\r",
        Result,
    ),
    // The envelope.
    (
        "no version",
        r#"{"id":"case","method":"tools/list","params":{~}}"#,
        Error(INVALID),
    ),
    (
        "another version",
        r#"{"jsonrpc":"1.0","id":"case","method":"tools/list","params":{~}}"#,
        Error(INVALID),
    ),
    (
        "a version that is a number",
        r#"{"jsonrpc":2.0,"id":"case","method":"tools/list","params":{~}}"#,
        Error(INVALID),
    ),
    (
        "no method",
        r#"{"jsonrpc":"2.0","id":"case","params":{~}}"#,
        Error(INVALID),
    ),
    (
        "a method that is a number",
        r#"{"jsonrpc":"2.0","id":"case","method":7,"params":{~}}"#,
        Error(INVALID),
    ),
    (
        "a method that is null",
        r#"{"jsonrpc":"2.0","id":"case","method":null,"params":{~}}"#,
        Error(INVALID),
    ),
    (
        "an empty method",
        r#"{"jsonrpc":"2.0","id":"case","method":"","params":{~}}"#,
        Error(NO_METHOD),
    ),
    (
        "an unknown method",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/lists","params":{~}}"#,
        Error(NO_METHOD),
    ),
    (
        "another case",
        r#"{"jsonrpc":"2.0","id":"case","method":"Tools/List","params":{~}}"#,
        Error(NO_METHOD),
    ),
    (
        "an id that is null",
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/list","params":{~}}"#,
        Anonymous(INVALID),
    ),
    (
        "an id that is a fraction",
        r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list","params":{~}}"#,
        Anonymous(INVALID),
    ),
    (
        "an id that is true",
        r#"{"jsonrpc":"2.0","id":true,"method":"tools/list","params":{~}}"#,
        Anonymous(INVALID),
    ),
    (
        "an id that is an object",
        r#"{"jsonrpc":"2.0","id":{},"method":"tools/list","params":{~}}"#,
        Anonymous(INVALID),
    ),
    (
        "an id that is a list",
        r#"{"jsonrpc":"2.0","id":["case"],"method":"tools/list","params":{~}}"#,
        Anonymous(INVALID),
    ),
    (
        "two ids",
        r#"{"jsonrpc":"2.0","id":"other","id":"case","method":"tools/list","params":{~}}"#,
        EitherWay(&[INVALID, PARSE]),
    ),
    (
        "an unknown member",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":{~},"extra":{"a":[1]}}"#,
        Result,
    ),
    (
        "an escaped method",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools\/l\u0069st","params":{~}}"#,
        Result,
    ),
    (
        "a lone surrogate",
        r#"{"jsonrpc":"2.0","id":"case","method":"\ud800","params":{~}}"#,
        EitherWay(&[PARSE, INVALID, NO_METHOD]),
    ),
    // Parameters of methods that there are.
    (
        "parameters in a list",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":[]}"#,
        Error(PARAMS),
    ),
    (
        "parameters in a string",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":"all"}"#,
        Error(PARAMS),
    ),
    (
        "parameters that are a number",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":7}"#,
        Error(PARAMS),
    ),
    (
        "parameters that are null",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":null}"#,
        Answer,
    ),
    (
        "a cursor that is a number",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":{~,"cursor":7}}"#,
        Error(PARAMS),
    ),
    (
        "an odd cursor",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":{~,"cursor":"odd"}}"#,
        Error(PARAMS),
    ),
    (
        "an empty cursor",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":{~,"cursor":""}}"#,
        Error(PARAMS),
    ),
    (
        "an unknown parameter",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":{~,"colour":"red"}}"#,
        Result,
    ),
    (
        "_meta that is a number",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/list","params":{"_meta":7}}"#,
        Error(PARAMS),
    ),
    (
        "a call without parameters",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call"}"#,
        Error(PARAMS),
    ),
    (
        "a call with parameters in a list",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":["echo_text"]}"#,
        Error(PARAMS),
    ),
    (
        "a call of nothing",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"arguments":{}}}"#,
        Error(PARAMS),
    ),
    (
        "a call of a number",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":7,"arguments":{}}}"#,
        Error(PARAMS),
    ),
    (
        "a call of an unknown tool",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"echo_nope","arguments":{}}}"#,
        Error(PARAMS),
    ),
    (
        "a call of an unknown plugin",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"nope_text","arguments":{}}}"#,
        Error(PARAMS),
    ),
    (
        "a call of an empty name",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"","arguments":{}}}"#,
        Error(PARAMS),
    ),
    (
        "a call with arguments in a list",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"echo_text","arguments":["a"]}}"#,
        Error(PARAMS),
    ),
    (
        "a call with arguments in a string",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"echo_text","arguments":"{\"text\":\"a\"}"}}"#,
        Error(PARAMS),
    ),
    (
        "a call with arguments that are a number",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"echo_text","arguments":7}}"#,
        Error(PARAMS),
    ),
    (
        "a call with arguments that are null",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"echo_text","arguments":null}}"#,
        Answer,
    ),
    (
        "a call without arguments",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"toolbay_status"}}"#,
        Result,
    ),
    (
        "a call with bad arguments",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"echo_text","arguments":{"text":7}}}"#,
        Result,
    ),
    (
        "a call with two names",
        r#"{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{~,"name":"echo_nope","name":"echo_text","arguments":{"text":"a"}}}"#,
        Answer,
    ),
    // There are none, and what is asked for is not there.
    (
        "resources",
        r#"{"jsonrpc":"2.0","id":"case","method":"resources/list","params":{~}}"#,
        Result,
    ),
    (
        "templates",
        r#"{"jsonrpc":"2.0","id":"case","method":"resources/templates/list","params":{~}}"#,
        Result,
    ),
    (
        "a resource",
        r#"{"jsonrpc":"2.0","id":"case","method":"resources/read","params":{~,"uri":"file:///etc/passwd"}}"#,
        Error(PARAMS),
    ),
    (
        "a malformed read of a resource",
        r#"{"jsonrpc":"2.0","id":"case","method":"resources/read","params":{~,"uri":7}}"#,
        Error(PARAMS),
    ),
    (
        "prompts",
        r#"{"jsonrpc":"2.0","id":"case","method":"prompts/list","params":{~}}"#,
        Result,
    ),
    (
        "a prompt",
        r#"{"jsonrpc":"2.0","id":"case","method":"prompts/get","params":{~,"name":"a"}}"#,
        Error(PARAMS),
    ),
    (
        "a completion",
        r#"{"jsonrpc":"2.0","id":"case","method":"completion/complete","params":{~,"ref":{"type":"ref/prompt","name":"a"},"argument":{"name":"a","value":""}}}"#,
        Error(PARAMS),
    ),
    (
        "a malformed completion",
        r#"{"jsonrpc":"2.0","id":"case","method":"completion/complete","params":{~,"ref":7}}"#,
        Error(PARAMS),
    ),
    (
        "tasks",
        r#"{"jsonrpc":"2.0","id":"case","method":"tasks/list","params":{~}}"#,
        Error(NO_METHOD),
    ),
    (
        "what only a client offers",
        r#"{"jsonrpc":"2.0","id":"case","method":"sampling/createMessage","params":{~,"messages":[],"maxTokens":1}}"#,
        Error(NO_METHOD),
    ),
    // Without an id nothing is a request, so nothing may be answered.
    (
        "an unknown notification",
        r#"{"jsonrpc":"2.0","method":"notifications/nope","params":{}}"#,
        Nothing,
    ),
    (
        "a notification without parameters",
        r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
        Nothing,
    ),
    (
        "a notification with parameters in a list",
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":[1]}"#,
        Nothing,
    ),
    (
        "initialized, again",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        Nothing,
    ),
    (
        "a cancellation of nothing",
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"never sent"}}"#,
        Nothing,
    ),
    (
        "a cancellation without an id",
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#,
        Nothing,
    ),
    (
        "a cancellation without parameters",
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        Nothing,
    ),
    (
        "a cancellation of an object",
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
        Nothing,
    ),
    (
        "a list without an id",
        r#"{"jsonrpc":"2.0","method":"tools/list","params":{~}}"#,
        Nothing,
    ),
    (
        "a call without an id",
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{~,"name":"echo_text","arguments":{"text":"a"}}}"#,
        Nothing,
    ),
    (
        "an unknown method without an id",
        r#"{"jsonrpc":"2.0","method":"nope"}"#,
        Nothing,
    ),
    (
        "a notification with an id",
        r#"{"jsonrpc":"2.0","id":"case","method":"notifications/nope","params":{~}}"#,
        Error(NO_METHOD),
    ),
    // Answers to what the host never asked.
    (
        "a result for nothing",
        r#"{"jsonrpc":"2.0","id":12345,"result":{}}"#,
        Nothing,
    ),
    (
        "an error for nothing",
        r#"{"jsonrpc":"2.0","id":12345,"error":{"code":-1,"message":"no"}}"#,
        Nothing,
    ),
    (
        "an error without an id",
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#,
        Nothing,
    ),
];

#[test]
fn every_line_gets_the_answer_that_it_must_have() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let mut failures = Vec::new();
        for (name, text, expect) in CASES {
            let line = text.replace('~', META).into_bytes();
            if let Err(fault) = check(session, line, expect) {
                failures.push(format!("{name}: expected {expect:?}, but {fault}"));
            }
        }
        assert!(
            failures.is_empty(),
            "{} of {} cases:\n{}",
            failures.len(),
            CASES.len(),
            failures.join("\n")
        );
    });
}

/// Log messages belong to the legacy era alone.
#[test]
fn the_level_of_logging_is_set_in_one_era() {
    let folder = Folder::with(&["echo"]);
    everywhere(&folder, |session| {
        let set = |level: Value| json!({"level": level});
        let method = "logging/setLevel";
        if session.era == Era::Modern {
            assert_eq!(session.error(method, set(json!("info")))["code"], NO_METHOD);
            assert_eq!(session.error(method, set(json!(7)))["code"], NO_METHOD);
        } else {
            assert_eq!(session.result(method, set(json!("info"))), json!({}));
            assert_eq!(session.error(method, set(json!(7)))["code"], -32602);
        }
    });
}

#[test]
fn bytes_that_are_not_text_are_answered() {
    let folder = Folder::with(&["echo"]);
    let request = |text: &[u8]| {
        let start = format!(
            r#"{{"jsonrpc":"2.0","id":"case","method":"tools/call","params":{{{META},"name":"echo_length","arguments":{{"text":""#
        );
        [start.as_bytes(), text, br#""}}}"#].concat()
    };
    everywhere(&folder, |session| {
        let cases = [
            ("invalid UTF-8", request(b"a\xff\xfeb"), Anonymous(PARSE)),
            ("an overlong form", request(b"\xc0\x80"), Anonymous(PARSE)),
            (
                "a surrogate in UTF-8",
                request(b"\xed\xa0\x80"),
                Anonymous(PARSE),
            ),
            (
                "a raw control character",
                request(b"a\x01b"),
                Anonymous(PARSE),
            ),
            ("a zero byte", request(b"a\0b"), Anonymous(PARSE)),
            ("nothing but zero bytes", vec![0; 5000], Anonymous(PARSE)),
            (
                "bytes of a component",
                b"\0asm\x0d\0\x01\0".to_vec(),
                Anonymous(PARSE),
            ),
            (
                "characters of four bytes",
                request("a\u{1f600}\u{10ffff}".as_bytes()),
                Result,
            ),
            // As deep as no parser's stack should follow.
            (
                "deep brackets",
                b"[".repeat(100_000),
                EitherWay(&[PARSE, INVALID]),
            ),
            (
                "deep arguments",
                request(
                    &[
                        b"\",\"x\":".as_slice(),
                        &b"[".repeat(100_000),
                        &b"]".repeat(100_000),
                        b",\"y\":\"",
                    ]
                    .concat(),
                ),
                Answer,
            ),
        ];
        for (name, line, expect) in cases {
            check(session, line, &expect)
                .unwrap_or_else(|fault| panic!("{name}: expected {expect:?}, but {fault}"));
        }
    });
}

#[test]
fn an_id_comes_back_as_it_was() {
    let folder = Folder::empty();
    let long = "ä\"\\\u{1f600}".repeat(1000);
    let ids = [
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("7"),
        json!("a\n\u{0}"),
        json!(long),
    ];
    everywhere(&folder, |session| {
        for id in &ids {
            let mut request = session.compose("tools/list", json!({}));
            request["id"] = id.clone();
            session.host.send(&request);
            assert!(session.host.answer(id).get("result").is_some());
        }
    });
}

#[test]
fn a_malformed_first_line_fixes_nothing() {
    let folder = Folder::with(&["echo"]);
    let first_lines = [
        r#"{nope"#,
        r#"{"jsonrpc":"2.0","id":"first","method":"initialize"}"#,
        r#"{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":7}}"#,
        r#"{"jsonrpc":"2.0","id":"first","method":"server/discover","params":{"_meta":[]}}"#,
        r#"{"jsonrpc":"2.0","id":"first","method":"tools/nope"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":5,"result":{}}"#,
    ];
    for first in first_lines {
        for era in Era::BOTH {
            let mut host = crate::support::Start::new(&folder).start();
            host.send_raw(format!("{first}\n").as_bytes());
            let mut session = Session::open(host, era);
            assert_eq!(
                session.call("echo_text", json!({"text": "hi"}))["content"][0]["text"],
                "hi",
                "after {first}"
            );
        }
    }
}

/// Sends a line and looks at what comes back, then asks for the list to see that the host lives and that no more comes.
fn check(session: &mut Session, line: Vec<u8>, expect: &Expect) -> std::result::Result<(), String> {
    let line = with_meta(line, session.era);
    if let EitherWay(_) = expect {
        session.host.expect_anonymous(1);
    }
    session.host.send_raw(&[&line[..], b"\n"].concat());
    let probe = session.start("tools/list", json!({}));
    let is_case = |message: &Value| message.get("method").is_none() && message["id"] == "case";
    let is_anonymous =
        |message: &Value| message.get("id").is_none() && message.get("error").is_some();
    let wanted = |message: &Value| match expect {
        Result | Error(_) | Answer => is_case(message),
        Anonymous(_) => is_anonymous(message),
        EitherWay(_) => is_case(message) || is_anonymous(message),
        Nothing => false,
    };
    session.host.answer(&probe);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let answer = match expect {
        Nothing => Value::Null,
        _ => match session.host.wait_until(deadline, wanted) {
            Some(answer) => answer,
            None => return Err(format!("what came was {:?}", session.host.left_over())),
        },
    };
    let code = answer["error"]["code"].as_i64();
    let right = match expect {
        Result => answer.get("result").is_some(),
        Error(wanted) | Anonymous(wanted) => code == Some(*wanted),
        EitherWay(codes) => code.is_some_and(|code| codes.contains(&code)),
        Answer | Nothing => true,
    };
    let more = session.host.left_over();
    match (right, more.is_empty()) {
        (false, _) => Err(format!("the answer was {answer}")),
        (_, false) => Err(format!("more came: {more:?}")),
        _ => Ok(()),
    }
}

/// Puts what the era asks for where a case has left room for it.
fn with_meta(line: Vec<u8>, era: Era) -> Vec<u8> {
    let meta = match era {
        Era::Legacy(_) => r#""_meta":{}"#,
        Era::Modern => {
            r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"toolbay-tests","version":"1"}}"#
        }
    };
    let Some(place) = line
        .windows(META.len())
        .position(|window| window == META.as_bytes())
    else {
        return line;
    };
    [&line[..place], meta.as_bytes(), &line[place + META.len()..]].concat()
}
