use rmcp::model::ErrorCode;

use super::*;

/// One line a case, so that a failure shows what the line was taken for.
fn show(parsed: &Parsed<'_>) -> String {
    match parsed {
        Parsed::Blank => "blank".to_owned(),
        Parsed::Call { id, params, .. } => {
            format!("call {id:?} {}", params.map_or("-", RawValue::get))
        }
        Parsed::Request {
            id, method, params, ..
        } => {
            format!(
                "request {id:?} {method} {}",
                params.map_or("-", RawValue::get)
            )
        }
        Parsed::Notification { method, params, .. } => {
            format!(
                "notification {method} {}",
                params.map_or("-", RawValue::get)
            )
        }
        Parsed::Response { .. } => "response".to_owned(),
        Parsed::Refused(refusal) => String::from_utf8(refusal.to_line()).unwrap(),
        Parsed::Ignored(reason) => format!("ignored: {reason}"),
    }
}

#[track_caller]
fn check(line: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(show(&parse_line(line.as_ref())), expected);
}

#[test]
fn well_formed_messages() {
    check("", "blank");
    check(" \t\r", "blank");
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        "request Number(1) ping -",
    );
    check(
        r#" { "params" : null , "method" : "ping" , "id" : "a" , "jsonrpc" : "2.0" } "#,
        r#"request String("a") ping null"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#,
        r#"call Number(1) {"name":"x"}"#,
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
        "call Number(1) -",
    );
    check(
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "notification notifications/initialized -",
    );
    check(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "response");
    check(
        r#"{"jsonrpc":"2.0","error":{"code":1,"message":""}}"#,
        "response",
    );
    // Unknown members are no fault, and escapes are only another way of writing.
    check(
        r#"{"jsonrpc":"2\u002e0","\u0069d":1,"method":"pi\u006eg","extra":[1]}"#,
        "request Number(1) ping -",
    );
    // As a request this is an unknown method, which is for the handler to say.
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}"#,
        "request Number(1) notifications/initialized -",
    );
    // Parameters of a wrong type are for the handler too: it knows whether the method exists.
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}"#,
        "request Number(1) tools/list [1]",
    );
}

#[test]
fn ids() {
    let with_id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
    check(with_id("0"), "request Number(0) m -");
    check(with_id("-1"), "request Number(-1) m -");
    check(
        with_id("9223372036854775807"),
        "request Number(9223372036854775807) m -",
    );
    check(with_id("1.0"), "request Number(1) m -");
    check(with_id("1e2"), "request Number(100) m -");
    check(with_id(r#""""#), r#"request String("") m -"#);
    check(with_id(r#""1""#), r#"request String("1") m -"#);
    check(with_id(r#""\u00e4\"\n""#), r#"request String("ä\"\n") m -"#);
    let invalid = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\
                   \"`id` must be a string or an integer between -2^63 and 2^63 - 1\"}}";
    for id in [
        "null",
        "true",
        "1.5",
        "[]",
        "{}",
        "9223372036854775808",
        "1e300",
        r#""\ud800""#,
    ] {
        check(with_id(id), invalid);
    }
}

#[test]
fn faults_of_the_envelope() {
    let refused = |id: &str, message: &str| {
        format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32600,"message":"{message}"}}}}"#)
    };
    check(
        r#"{"id":1,"method":"m"}"#,
        &refused(r#""id":1,"#, r#"`jsonrpc` is missing; it must be \"2.0\""#),
    );
    check(
        r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#,
        &refused(r#""id":1,"#, r#"`jsonrpc` must be \"2.0\""#),
    );
    check(
        r#"{"jsonrpc":"1.0","id":"a","method":"m"}"#,
        &refused(r#""id":"a","#, r#"`jsonrpc` must be \"2.0\""#),
    );
    check(
        r#"{"jsonrpc":"1.0","id":null,"method":"m"}"#,
        &refused("", r#"`jsonrpc` must be \"2.0\""#),
    );
    check(
        r#"{"jsonrpc":"1.0","method":"m"}"#,
        &refused("", r#"`jsonrpc` must be \"2.0\""#),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1}"#,
        &refused(r#""id":1,"#, "`method` must be a string"),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        &refused(r#""id":1,"#, "`method` must be a string"),
    );
    check(
        r#"{"jsonrpc":"2.0","method":null}"#,
        &refused("", "`method` must be a string"),
    );
    check(
        r#"{}"#,
        &refused("", r#"`jsonrpc` is missing; it must be \"2.0\""#),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
        &refused(
            r#""id":1,"#,
            "a message holds either `method` or one of `result` and `error`",
        ),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#,
        &refused("", "`id` is there twice"),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","method":"m"}"#,
        &refused(r#""id":1,"#, "`method` is there twice"),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{},"par\u0061ms":{}}"#,
        &refused(r#""id":1,"#, "`params` is there twice"),
    );
    check("1", &refused("", "a message must be a JSON object"));
    check(r#""ping""#, &refused("", "a message must be a JSON object"));
    let batch = refused(
        "",
        "batches are not part of MCP since 2025-06-18; send each message on a line of its own",
    );
    check("[]", &batch);
    check(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, &batch);
}

#[test]
fn what_is_no_json() {
    let refused = |message: &str| {
        format!(r#"{{"jsonrpc":"2.0","error":{{"code":-32700,"message":"{message}"}}}}"#)
    };
    check(
        "hello",
        &refused("the line is not valid JSON: expected value at line 1 column 1"),
    );
    check(
        "[",
        &refused("the line is not valid JSON: EOF while parsing a list at line 1 column 1"),
    );
    check(
        r#"{"jsonrpc":"2.0","id":1"#,
        &refused("the line is not valid JSON: EOF while parsing an object at line 1 column 23"),
    );
    check(
        "{} {}",
        &refused("the line is not valid JSON: trailing characters at line 1 column 4"),
    );
    check(
        "{\"a\":\"\0\"}",
        &refused(
            r"the line is not valid JSON: control character (\\u0000-\\u001F) found while parsing a string at line 1 column 6",
        ),
    );
    check(
        b"{\"a\":\"\xff\"}",
        &refused("the line is not valid UTF-8 (at byte 6)"),
    );
    check(
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"a\":\"\xc3\x28\"}}",
        &refused("the line is not valid UTF-8 (at byte 61)"),
    );
}

#[test]
fn what_must_not_be_answered() {
    check(
        r#"{"method":"notifications/x"}"#,
        "ignored: malformed notification",
    );
    check(
        r#"{"jsonrpc":"1.0","method":"notifications/cancelled"}"#,
        "ignored: malformed notification",
    );
    check(
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{}}"#,
        "ignored: a call without an id",
    );
    check(r#"{"id":1,"result":{}}"#, "ignored: malformed response");
    check(
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        "ignored: malformed response",
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#,
        "ignored: malformed response",
    );
}

#[test]
fn depth_does_not_matter() {
    let nested = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{nested}}}"#);
    assert!(matches!(parse_line(line.as_bytes()), Parsed::Call { .. }));
    check(
        &nested,
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"batches are not part of MCP since \
                    2025-06-18; send each message on a line of its own\"}}",
    );
}

#[test]
fn too_long_lines_keep_their_id() {
    #[track_caller]
    fn check(prefix: impl AsRef<[u8]>, expected: Option<Option<RequestId>>) {
        let refusal = refuse_too_long(prefix.as_ref(), 100);
        if let Some(refusal) = &refusal {
            assert_eq!(
                refusal.message,
                "the message is longer than the limit of 100 bytes for one line and was skipped"
            );
            assert_eq!(refusal.code, ErrorCode::INVALID_REQUEST);
        }
        assert_eq!(refusal.map(|refusal| refusal.id), expected);
    }
    let number = |id| Some(Some(RequestId::Number(id)));
    check(
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"xxxx"#,
        number(7),
    );
    check(
        r#"{"method":"tools/call","id":"q","params":{"a":"\"#,
        Some(Some(RequestId::String("q".into()))),
    );
    check(r#"{"id":7,"params":{"id":8,"#, number(7));
    check(r#"{"params":{"id":8},"id":7,"method":"m""#, number(7));
    // The id is not there, or perhaps not all of it, or it is not certain which.
    check(
        r#"{"method":"tools/call","params":{"id":8,"a":"xx"#,
        Some(None),
    );
    check(
        r#"{"jsonrpc":"2.0","method":"tools/call","id":12"#,
        Some(None),
    );
    check(r#"{"id":1,"id":2,"method":"m""#, Some(None));
    check(r#"{"id":null,"method":"m""#, Some(None));
    check("xxxxxxx", Some(None));
    // Cut within a character, and a bad byte later on.
    check(b"{\"id\":7,\"params\":\"\xc3", number(7));
    check(b"{\"id\":7,\"params\":\"\xff\xff", number(7));
    // Not requests: nobody waits for an answer, and the id is one of the host's.
    check(r#"{"jsonrpc":"2.0","id":7,"result":{"a":"xxxx"#, None);
    check(r#"{"jsonrpc":"2.0","id":7,"error":{"message":"xxxx"#, None);
    check(
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"a":"#,
        None,
    );
    // Beyond the searched prefix.
    check(
        format!(r#"{{"params":"{}","id":7,"#, "x".repeat(SEARCHED_PREFIX)),
        Some(None),
    );
}

#[test]
fn cancelled_ids() {
    let read =
        |params: &str| cancelled_request(Some(&RawValue::from_string(params.to_owned()).unwrap()));
    assert_eq!(
        read(r#"{"requestId":7,"reason":"x"}"#),
        Some(RequestId::Number(7))
    );
    assert_eq!(
        read(r#"{"requestId":"7"}"#),
        Some(RequestId::String("7".into()))
    );
    for params in [
        r#"{}"#,
        r#"{"requestId":null}"#,
        r#"{"requestId":[7]}"#,
        "[7]",
        "null",
    ] {
        assert_eq!(read(params), None, "{params}");
    }
    assert_eq!(cancelled_request(None), None);
}

/// Every cut and every changed byte of a message is taken for something, and no cut is taken for a message.
#[test]
fn damaged_lines() {
    let line = br#"{"jsonrpc":"2.0","id":"a\u00e4","method":"tools/call","params":{"name":"x","arguments":{"a":[1,2.5e3,null,true]}}}"#;
    for end in 1..line.len() {
        assert!(
            matches!(parse_line(&line[..end]), Parsed::Refused(_)),
            "cut at {end}"
        );
        let _ = refuse_too_long(&line[..end], 10);
    }
    for at in 0..line.len() {
        for byte in 0..=255 {
            let mut damaged = line.to_vec();
            damaged[at] = byte;
            if let Parsed::Refused(refusal) = parse_line(&damaged) {
                serde_json::from_slice::<serde_json::Value>(&refusal.to_line()).unwrap();
            }
            let _ = refuse_too_long(&damaged, 10);
        }
    }
}

/// Every combination of members, good, bad, missing and doubled: whoever waits for an answer gets one with the right id, and
/// nobody else gets one.
#[test]
fn whoever_waits_is_answered() {
    let choices: [(&str, &[Option<&str>]); 6] = [
        (
            "id",
            &[None, Some("1"), Some(r#""a""#), Some("null"), Some("1.5")],
        ),
        (
            "method",
            &[
                None,
                Some(r#""ping""#),
                Some(r#""tools/call""#),
                Some(r#""notifications/x""#),
                Some("7"),
            ],
        ),
        ("jsonrpc", &[None, Some(r#""2.0""#), Some("2")]),
        ("params", &[None, Some("{}"), Some("[]")]),
        ("result", &[None, Some("{}")]),
        ("error", &[None, Some("{}")]),
    ];
    let combinations = choices.iter().map(|(_, values)| values.len()).product();
    for mut number in 0..combinations {
        let mut members = Vec::new();
        for (key, values) in choices {
            if let Some(value) = values[number % values.len()] {
                members.push((key, value));
            }
            number /= values.len();
        }
        for doubled in 0..=members.len() {
            let mut members = members.clone();
            let double = members.get(doubled).copied();
            members.extend(double);
            members.rotate_left(doubled);
            check_answered(&members, double.map(|(key, _)| key));
        }
    }
}

fn check_answered(members: &[(&str, &str)], doubled: Option<&str>) {
    let text: Vec<_> = members
        .iter()
        .map(|(key, value)| format!("\"{key}\" : {value}"))
        .collect();
    let line = format!("{{{}}}", text.join(","));
    let parsed = parse_line(line.as_bytes());
    let shown = || format!("{line} was taken for {}", show(&parsed));

    let value = |key| {
        members
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| *value)
    };
    let id = value("id").filter(|_| doubled != Some("id"));
    let valid_id = id.and_then(|id| serde_json::from_str::<RequestId>(id).ok());
    let is_response =
        value("method").is_none() && (value("result").is_some() || value("error").is_some());
    let is_notification = value("id").is_none()
        && value("method").is_some_and(|method| method.contains("notifications"));
    let is_fine = doubled.is_none() && value("jsonrpc") == Some(r#""2.0""#);
    match &parsed {
        Parsed::Blank => panic!("{}", shown()),
        Parsed::Call { id, .. } | Parsed::Request { id, .. } => {
            assert!(
                is_fine && Some(id) == valid_id.as_ref() && !is_response,
                "{}",
                shown()
            );
        }
        Parsed::Notification { .. } => assert!(is_fine && value("id").is_none(), "{}", shown()),
        Parsed::Response { .. } => assert!(is_fine && is_response, "{}", shown()),
        Parsed::Refused(refusal) => {
            assert!(
                !is_response && (!is_notification || is_fine) && refusal.id == valid_id,
                "{}",
                shown()
            );
        }
        Parsed::Ignored(_) => assert!(is_response || value("id").is_none(), "{}", shown()),
    }
}
