//! Documents as people and clients write them, and generated ones with comments anywhere.

use insta::assert_snapshot;

use super::*;

fn fields() -> Fields {
    vec![
        ("command", Field::Text("/bin/toolbay".into())),
        (
            "args",
            Field::List(vec!["serve".into(), "/home/ada/my \"plugins\"".into()]),
        ),
    ]
}

fn merged(text: &str) -> Result<String, EditError> {
    merge(
        text,
        Dialect::CommentsAndTrailingCommas,
        "servers",
        "toolbay",
        &fields(),
    )
}

/// What becomes of each text, with the blanks that matter made visible.
fn all(texts: &[&str]) -> String {
    let shown = |text: &str| text.replace('\r', "␍").replace('\t', "→   ");
    let one = |text: &&str| match merged(text) {
        Ok(merged) => format!("=== {text:?}\n{}\n", shown(&merged)),
        Err(error) => format!("=== {text:?}\n{error}\nhint: {}\n", error.hint),
    };
    texts.iter().map(one).collect()
}

#[test]
fn empty_objects_and_files() {
    assert_snapshot!(all(&[
        "",
        "\u{feff}",
        "// nothing yet",
        "{}",
        "{ }\n",
        "{\n\t// later\n}\n",
        "{ /* later */ }",
        "{ // later\n}",
        "{\"servers\":{}}",
        "{\n    \"servers\": {\n    }\n}",
    ]), @r#"
    === ""
    {
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
    }

    === "\u{feff}"
    ﻿{
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
    }

    === "// nothing yet"
    // nothing yet
    {
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
    }

    === "{}"
    {
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
    }
    === "{ }\n"
    {
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
    }

    === "{\n\t// later\n}\n"
    {
    →   // later
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
    }

    === "{ /* later */ }"
    { /* later */
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
     }
    === "{ // later\n}"
    { // later
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      }
    }
    === "{\"servers\":{}}"
    {"servers":{
      "toolbay": {
        "command": "/bin/toolbay",
        "args": ["serve", "/home/ada/my \"plugins\""]
      }
    }}
    === "{\n    \"servers\": {\n    }\n}"
    {
        "servers": {
            "toolbay": {
                "command": "/bin/toolbay",
                "args": ["serve", "/home/ada/my \"plugins\""]
            }
        }
    }
    "#);
}

#[test]
fn objects_with_something_in_them() {
    assert_snapshot!(all(&[
        "{\"a\": 1}",
        "{ \"a\": 1, }",
        "{\"servers\":{\"x\":{\"command\":\"y\"}}}",
        "{\n\t\"a\": 1 // one\n\t// end\n}",
        "{\n    \"a\": 1, // one\n    // end\n}\n",
        "{\r\n  \"servers\": {\r\n    \"x\": {}\r\n  }\r\n}\r\n",
        "{\n  \"a\": 1 /* one */\n  , // comma\n}",
        "{\n  \"a\": 1,\n  /* two */ \"b\": 2 // b\n}",
        "{\n  \"a\": [\n    1\n  ], \"b\": 2\n}",
    ]), @r#"
    === "{\"a\": 1}"
    {"a": 1, "servers": { "toolbay": { "command": "/bin/toolbay", "args": ["serve", "/home/ada/my \"plugins\""] } }}
    === "{ \"a\": 1, }"
    { "a": 1, "servers": { "toolbay": { "command": "/bin/toolbay", "args": ["serve", "/home/ada/my \"plugins\""] } }, }
    === "{\"servers\":{\"x\":{\"command\":\"y\"}}}"
    {"servers":{"x":{"command":"y"}, "toolbay": { "command": "/bin/toolbay", "args": ["serve", "/home/ada/my \"plugins\""] }}}
    === "{\n\t\"a\": 1 // one\n\t// end\n}"
    {
    →   "a": 1, // one
    →   "servers": {
    →   →   "toolbay": {
    →   →   →   "command": "/bin/toolbay",
    →   →   →   "args": ["serve", "/home/ada/my \"plugins\""]
    →   →   }
    →   }
    →   // end
    }
    === "{\n    \"a\": 1, // one\n    // end\n}\n"
    {
        "a": 1, // one
        "servers": {
            "toolbay": {
                "command": "/bin/toolbay",
                "args": ["serve", "/home/ada/my \"plugins\""]
            }
        },
        // end
    }

    === "{\r\n  \"servers\": {\r\n    \"x\": {}\r\n  }\r\n}\r\n"
    {␍
      "servers": {␍
        "x": {},␍
        "toolbay": {␍
          "command": "/bin/toolbay",␍
          "args": ["serve", "/home/ada/my \"plugins\""]␍
        }␍
      }␍
    }␍

    === "{\n  \"a\": 1 /* one */\n  , // comma\n}"
    {
      "a": 1 /* one */
      , // comma
      "servers": {
        "toolbay": {
          "command": "/bin/toolbay",
          "args": ["serve", "/home/ada/my \"plugins\""]
        }
      },
    }
    === "{\n  \"a\": 1,\n  /* two */ \"b\": 2 // b\n}"
    {
      "a": 1,
      /* two */ "b": 2, "servers": { "toolbay": { "command": "/bin/toolbay", "args": ["serve", "/home/ada/my \"plugins\""] } } // b
    }
    === "{\n  \"a\": [\n    1\n  ], \"b\": 2\n}"
    {
      "a": [
        1
      ], "b": 2, "servers": { "toolbay": { "command": "/bin/toolbay", "args": ["serve", "/home/ada/my \"plugins\""] } }
    }
    "#);
}

#[test]
fn an_entry_that_is_there_keeps_what_is_its_own() {
    assert_snapshot!(all(&[
        "{\n  \"servers\": {\n    \"toolbay\": {\n      // mine\n      \"command\": \"toolbay\", // from PATH\n      \"args\": [\n        \"serve\"\n      ],\n      \"env\": {\"A\": \"b\"},\n      \"disabled\": true\n    },\n    \"x\": {}\n  }\n}\n",
        "{\"servers\": {\"toolbay\": {\"command\": \"/bin/toolbay\", \"timeout\": 5}}}",
        "{\"servers\": {\"toolbay\": {}}}",
    ]), @r#"
    === "{\n  \"servers\": {\n    \"toolbay\": {\n      // mine\n      \"command\": \"toolbay\", // from PATH\n      \"args\": [\n        \"serve\"\n      ],\n      \"env\": {\"A\": \"b\"},\n      \"disabled\": true\n    },\n    \"x\": {}\n  }\n}\n"
    {
      "servers": {
        "toolbay": {
          // mine
          "command": "/bin/toolbay", // from PATH
          "args": ["serve", "/home/ada/my \"plugins\""],
          "env": {"A": "b"},
          "disabled": true
        },
        "x": {}
      }
    }

    === "{\"servers\": {\"toolbay\": {\"command\": \"/bin/toolbay\", \"timeout\": 5}}}"
    {"servers": {"toolbay": {"command": "/bin/toolbay", "timeout": 5, "args": ["serve", "/home/ada/my \"plugins\""]}}}
    === "{\"servers\": {\"toolbay\": {}}}"
    {"servers": {"toolbay": {
      "command": "/bin/toolbay",
      "args": ["serve", "/home/ada/my \"plugins\""]
    }}}
    "#);
}

#[test]
fn what_cannot_be_changed_is_told_with_its_line() {
    assert_snapshot!(all(&[
        "{\n  \"servers\": []\n}",
        "{\n  \"servers\": {\n    \"toolbay\": \"x\"\n  }\n}",
        "{\n  \"servers\": {\n    \"toolbay\": { \"url\": \"https://example.com\" }\n  }\n}",
        "{\n  \"servers\": {},\n  \"servers\": {}\n}",
        "[]",
        "{\n  \"a\": 1\n  \"b\": 2\n}",
        "{\n  'a': 1\n}",
        "{\n  \"a\": 1\n",
        "{\n  \"a\": tru\n}",
        "{} {}",
    ]), @r#"
    === "{\n  \"servers\": []\n}"
    `servers` on line 2 is not an object
    hint: write `"servers": {}` there, or move what it has elsewhere
    === "{\n  \"servers\": {\n    \"toolbay\": \"x\"\n  }\n}"
    the entry `toolbay` on line 3 is not an object
    hint: remove it, or use another name with --name
    === "{\n  \"servers\": {\n    \"toolbay\": { \"url\": \"https://example.com\" }\n  }\n}"
    the entry `toolbay` on line 3 is a server that the client reaches by its `url`
    hint: remove it, or use another name with --name
    === "{\n  \"servers\": {},\n  \"servers\": {}\n}"
    `servers` is there twice, on lines 2 and 3
    hint: remove one of the two
    === "[]"
    the file is JSON but not an object
    hint: a client's file begins with `{`; look at what is in it
    === "{\n  \"a\": 1\n  \"b\": 2\n}"
    line 2 is not what the client can read: expected comma
    hint: correct that line first
    === "{\n  'a': 1\n}"
    line 2 is not what the client can read: single-quoted strings are not allowed
    hint: correct that line first
    === "{\n  \"a\": 1\n"
    line 1 is not what the client can read: unterminated object
    hint: correct that line first
    === "{\n  \"a\": tru\n}"
    line 2 is not what the client can read: unexpected word
    hint: correct that line first
    === "{} {}"
    line 1 is not what the client can read: text cannot contain more than one JSON value
    hint: correct that line first
    "#);
}

#[test]
fn plain_json_has_neither_comments_nor_trailing_commas() {
    let with = |text: &str, dialect| {
        merge(text, dialect, "servers", "toolbay", &fields())
            .map_or_else(|error| error.to_string(), |_| "taken".to_owned())
    };
    let comment = "{\n  // c\n  \"a\": 1\n}";
    let comma = "{\n  \"a\": 1,\n}";
    assert_eq!(
        with(comment, Dialect::Plain),
        "line 2 is not what the client can read: comments are not allowed"
    );
    assert_eq!(with(comment, Dialect::Comments), "taken");
    assert_eq!(
        with(comma, Dialect::Comments),
        "line 2 is not what the client can read: trailing commas are not allowed"
    );
}

#[test]
fn lists_servers() {
    let text = "{\"servers\": {\"x\": {\"command\": \"y\", \"args\": [\"a\", 1]}, \"z\": {\"url\": \"u\"}, \"w\": 1}}";
    let found = servers(text, Dialect::Plain, "servers").unwrap();
    let server = |name: &str, command: Option<&str>, arguments: &[&str]| Server {
        name: name.into(),
        command: command.map(String::from),
        arguments: arguments.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(
        found,
        [server("x", Some("y"), &["a"]), server("z", None, &[])]
    );
    assert_eq!(servers("", Dialect::Plain, "servers").unwrap(), []);
}

mod generated {
    use proptest::prelude::*;

    use super::*;

    /// What may stand between two tokens.
    fn trivia() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => Just(" "),
            3 => Just("\n  "),
            1 => Just("\r\n"),
            1 => Just("\t"),
            1 => Just("/* , } \" */"),
            1 => Just("// , { \"\n"),
            1 => Just("/*\n*/"),
        ];
        prop::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat())
    }

    fn scalar() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("1.5e3".to_owned()),
            Just("null".to_owned()),
            "[a-z\\\\/,{}é]{0,6}".prop_map(|text| quoted(&text)),
        ]
    }

    /// Properties with trivia around every token, and perhaps a trailing comma.
    fn object(
        properties: impl Strategy<Value = Vec<(String, String)>>,
    ) -> impl Strategy<Value = String> {
        let trivia = prop::collection::vec(trivia(), 32);
        (properties, trivia, any::<bool>()).prop_map(|(properties, trivia, trailing)| {
            let mut trivia = trivia.into_iter().cycle();
            let mut gap = || trivia.next().unwrap_or_default();
            let mut text = format!("{{{}", gap());
            let count = properties.len();
            for (place, (key, value)) in properties.into_iter().enumerate() {
                let key = quoted(&key);
                text += &format!("{}{key}{}:{}{value}{}", gap(), gap(), gap(), gap());
                if place + 1 < count || trailing {
                    text += &format!(",{}", gap());
                }
            }
            text + "}"
        })
    }

    fn value() -> impl Strategy<Value = String> {
        scalar().prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                object(
                    prop::collection::btree_map("[a-d]", inner.clone(), 0..3)
                        .prop_map(|map| map.into_iter().collect())
                ),
                (prop::collection::vec(inner, 0..3), trivia()).prop_map(|(items, gap)| format!(
                    "[{gap}{}{gap}]",
                    items.join(&format!("{gap},{gap}"))
                )),
            ]
        })
    }

    fn properties() -> impl Strategy<Value = Vec<(String, String)>> {
        prop::collection::btree_map("[a-m]{1,3}", value(), 0..4)
            .prop_map(|map| map.into_iter().collect())
    }

    /// A document without the entry: with or without other servers.
    fn without_entry() -> impl Strategy<Value = String> {
        let with_servers = (
            properties(),
            object(properties()),
            any::<prop::sample::Index>(),
        )
            .prop_map(|(mut properties, servers, place)| {
                let place = place.index(properties.len() + 1);
                properties.insert(place, ("servers".into(), servers));
                properties
            });
        let root = prop_oneof![object(properties()), object(with_servers)];
        (trivia(), root, trivia())
            .prop_map(|(before, root, after)| format!("{before}{root}{after}"))
    }

    const HERE: &str = "\u{1}entry\u{1}";

    /// What comes before an entry, the entry, and what comes after it.
    fn with_entry() -> impl Strategy<Value = (String, String, String)> {
        let entry = object(
            (
                properties(),
                prop::option::of(value()),
                prop::option::of(value()),
            )
                .prop_map(|(mut own, command, arguments)| {
                    own.extend(command.map(|value| ("command".to_owned(), value)));
                    own.extend(arguments.map(|value| ("args".to_owned(), value)));
                    own
                }),
        );
        let servers = (properties(), properties(), any::<prop::sample::Index>()).prop_map(
            |(outer, mut inner, place)| {
                let place = place.index(inner.len() + 1);
                inner.insert(place, ("toolbay".into(), HERE.into()));
                (outer, inner)
            },
        );
        let document = servers.prop_flat_map(|(outer, inner)| {
            object(Just(inner)).prop_flat_map(move |servers| {
                let mut outer = outer.clone();
                outer.push(("servers".into(), servers));
                object(Just(outer))
            })
        });
        (document, entry).prop_map(|(document, entry)| {
            let (before, after) = document.split_once(HERE).unwrap();
            (before.to_owned(), entry, after.to_owned())
        })
    }

    /// Whether it is as wanted, and stays so.
    fn assert_right(text: &str) {
        assert_eq!(merged(text).unwrap(), text);
        let found = servers(text, Dialect::CommentsAndTrailingCommas, "servers").unwrap();
        let own = found
            .iter()
            .find(|server| server.name == "toolbay")
            .unwrap();
        assert_eq!(own.command.as_deref(), Some("/bin/toolbay"));
        assert_eq!(own.arguments, ["serve", "/home/ada/my \"plugins\""]);
    }

    /// The bytes in front that two texts share, and the rest of both.
    fn common_start<'a>(one: &'a [u8], other: &'a [u8]) -> usize {
        one.iter()
            .zip(other)
            .take_while(|(one, other)| one == other)
            .count()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn what_was_there_survives_a_new_entry(text in without_entry()) {
            let new = merged(&text).unwrap();
            assert_right(&new);
            // What was inserted is one piece, or a comma and a piece: everything else stands as it did.
            let (old, new) = (text.as_bytes(), new.as_bytes());
            let start = common_start(old, new);
            let (old, new) = (&old[start..], &new[start..]);
            let reversed = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<_>>();
            let end = common_start(&reversed(old), &reversed(new));
            let old = std::str::from_utf8(&old[..old.len() - end]).unwrap();
            let new = std::str::from_utf8(&new[..new.len() - end]).unwrap();
            // Blanks of an empty object give way to its first property.
            prop_assert!(new.contains(old) || old.trim().is_empty(), "{old:?} is not in {new:?}");
        }

        #[test]
        fn what_surrounds_an_entry_survives_its_update((before, entry, after) in with_entry()) {
            let text = format!("{before}{entry}{after}");
            let new = merged(&text).unwrap();
            assert_right(&new);
            prop_assert!(new.starts_with(&before) && new.ends_with(&after), "{text:?}\n{new:?}");
        }

        #[test]
        fn any_text_is_changed_rightly_or_not_at_all(text in ".{0,60}") {
            if let Ok(new) = merged(&text) {
                assert_right(&new);
            }
        }
    }
}
