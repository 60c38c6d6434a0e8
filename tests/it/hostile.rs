//! One test for each hostile guest: each call has its one answer, in a plain sentence, soon after its deadline; the next
//! call works, other plugins answer meanwhile, and memory comes back.
//!
//! `hostile_guests!` holds the list of all. It makes the compiler look for each one's test here, and a test below compares
//! it with what there is in `tests/guests/`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::session::{first_text, tool_error};
use crate::support::{Era, Folder, Session, Start, Wire, paths};

/// What the tools' deadlines are where a test is about them, as in their manifests.
const DEADLINE: Duration = Duration::from_millis(300);

/// How much later than its deadline an answer may come here. The goal is 100 ms; the figure is printed, and this is what a
/// machine busy with other tests is allowed.
const SLACK: Duration = Duration::from_secs(6);

/// How long compiling a guest may take here.
const COMPILATION: Duration = Duration::from_secs(6);

macro_rules! hostile_guests {
    (tools: $($tool:ident)* ; assembled: $($assembled:ident)* ;) => {
        const TOOLS: &[&str] = &[$(stringify!($tool)),*];
        const ASSEMBLED: &[&str] = &[$(stringify!($assembled)),*];
        // A guest without a function of its name in `tests` does not compile.
        const _: &[fn()] = &[$(tests::$tool,)* $(tests::$assembled,)*];
    };
}

hostile_guests! {
    tools:
        abort against_its_schema bad_details bad_meta binary control_characters deep_json divide_by_zero drain_random
        duplicate_keys escape_terminal exit_one exit_zero fake_json_rpc fill_tables flood_stderr flood_stdout grow_at_once
        grow_slowly huge_error huge_number huge_random huge_structured huge_text invalid_json large_text lone_surrogate
        look_around loop_for_an_hour loop_forever many_blocks nap_often no_structured not_a_priority nothing_at_all
        one_endless_line out_of_bounds panic read_stdin recurse sleep_for_an_hour sleep_forever structured_list trap
        wait_for_many write_zeroes;
    assembled:
        bad_length bad_pointer bad_realloc bad_variant counts_in_state describe_floods describe_lies describe_loops describe_traps grow_table
        huge_memory huge_table invalid_utf8 loop_after_return loop_at_start loop_in_realloc plain reads_state
        recurse_in_code same_text_often trap_after_return trap_at_start;
}

#[test]
fn the_list_is_complete() {
    let folder = Folder::with(&["hostile"]);
    let there: BTreeSet<String> = Session::legacy(&folder)
        .tool_names()
        .iter()
        .filter_map(|name| Some(name.strip_prefix("hostile_")?.to_owned()))
        .collect();
    assert_eq!(there, TOOLS.iter().map(ToString::to_string).collect());
    let files =
        std::fs::read_dir(paths::root().join("tests/guests/wat")).expect("the folder is there");
    let there: BTreeSet<String> = files
        .filter_map(|file| {
            Some(
                file.ok()?
                    .file_name()
                    .to_str()?
                    .strip_suffix(".wat")?
                    .to_owned(),
            )
        })
        .collect();
    assert_eq!(there, ASSEMBLED.iter().map(ToString::to_string).collect());
}

/// What a call of a hostile tool may come to.
enum Outcome {
    /// An error with one of these codes.
    Error(&'static [&'static str]),
    /// The same, and it is the deadline that makes an end.
    Deadline,
    /// A result, which this looks at.
    Fine(fn(&Value)),
}

use Outcome::{Deadline, Error, Fine};

/// Calls a hostile tool over both wires, with a good plugin beside it, and checks everything that is true of all.
fn check(tool: &str, outcome: &Outcome) {
    check_in(
        &Folder::with(&["hostile", "echo"]),
        &format!("hostile_{tool}"),
        outcome,
    );
}

/// The same for one that is assembled by hand.
fn check_assembled(name: &str, outcome: &Outcome) {
    let folder = Folder::with(&["echo"]);
    folder.add_assembled(name);
    check_in(&folder, &format!("{}_run", name.replace('_', "-")), outcome);
}

fn check_in(folder: &Folder, tool: &str, outcome: &Outcome) {
    for (wire, era) in [(Wire::Pipes, Era::LEGACY), (Wire::Sockets, Era::Modern)] {
        let mut session = Session::open(Start::new(folder).wire(wire).start(), era);
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "before"}))),
            "before"
        );
        // The first call may have to wait for a compilation; the second is what the times are about.
        let (first, first_took) = timed_call(&mut session, tool);
        check_one(&first, outcome);
        let before = session.host.memory();

        let start = Instant::now();
        let hostile = session.start_call(tool, json!({}));
        let good = session.start_call("echo_text", json!({"text": "meanwhile"}));
        assert_eq!(first_text(&session.call_result(&good)), "meanwhile");
        let good_took = start.elapsed();
        check_one(&session.call_result(&hostile), outcome);
        let took = start.elapsed();

        for _ in 0..3 {
            check_one(&session.call(tool, json!({})), outcome);
        }
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "after"}))),
            "after"
        );
        let after = session.wait_for_memory(before + (64 << 20));
        eprintln!(
            "{tool}: answered after {took:?}, a good call beside it after {good_took:?}; {} MiB before, {} MiB after",
            before >> 20,
            after >> 20
        );
        if let Deadline = outcome {
            assert!(
                took >= DEADLINE,
                "answered after {took:?}, before its deadline"
            );
        }
        if let Deadline = outcome {
            let first_limit = DEADLINE + SLACK + COMPILATION;
            assert!(
                first_took < first_limit,
                "the first call was answered after {first_took:?}"
            );
            assert!(
                took < DEADLINE + SLACK,
                "answered after {took:?}, not soon after {DEADLINE:?}"
            );
        }
        session.settle(&[]);
        assert!(session.host.is_running());
    }
}

fn timed_call(session: &mut Session, tool: &str) -> (Value, Duration) {
    let start = Instant::now();
    let result = session.call(tool, json!({}));
    (result, start.elapsed())
}

fn check_one(result: &Value, outcome: &Outcome) {
    let codes: &[&str] = match outcome {
        Fine(look) => {
            assert_ne!(result["isError"], true, "{}", crate::brief(result));
            return look(result);
        }
        Deadline => &["timeout"],
        Error(codes) => codes,
    };
    let (code, sentence) = tool_error(result);
    assert!(
        codes.contains(&code.as_str()),
        "{code} is none of {codes:?}: {sentence}"
    );
    check_sentence(&sentence);
}

/// What is said to people must be said in their words.
fn check_sentence(sentence: &str) {
    assert!(
        sentence.len() < 2000,
        "the sentence has {} bytes",
        sentence.len()
    );
    for technical in [
        "wasm trap",
        "backtrace",
        "0x",
        "unreachable",
        "src/",
        ".cwasm",
    ] {
        assert!(
            !sentence.contains(technical),
            "{technical:?} is no plain word: {sentence}"
        );
    }
    assert_eq!(crate::support::first_nasty(sentence), None, "{sentence:?}");
}

/// A fault of the plugin that the host has seen.
const FAULT: Outcome = Error(&["internal"]);
/// More than there is room for. Without the host's own count, a guest out of memory cannot be told from one that trapped.
const TOO_MUCH: Outcome = Error(&["limit_exceeded"]);

mod tests {
    use super::*;

    // How an instance can end.
    #[test]
    pub(super) fn abort() {
        check("abort", &FAULT);
    }

    #[test]
    pub(super) fn divide_by_zero() {
        check("divide_by_zero", &FAULT);
    }

    #[test]
    pub(super) fn exit_one() {
        check("exit_one", &FAULT);
    }

    #[test]
    pub(super) fn exit_zero() {
        check("exit_zero", &FAULT);
    }

    #[test]
    pub(super) fn out_of_bounds() {
        check("out_of_bounds", &FAULT);
    }

    #[test]
    pub(super) fn panic() {
        check("panic", &FAULT);
    }

    #[test]
    pub(super) fn trap() {
        check("trap", &FAULT);
    }

    // Memory, stack, handles.
    #[test]
    pub(super) fn drain_random() {
        check("drain_random", &Error(&["timeout", "limit_exceeded"]));
    }

    #[test]
    pub(super) fn fill_tables() {
        check("fill_tables", &Error(&["limit_exceeded"]));
    }

    #[test]
    pub(super) fn grow_at_once() {
        check("grow_at_once", &TOO_MUCH);
    }

    #[test]
    pub(super) fn grow_slowly() {
        check("grow_slowly", &TOO_MUCH);
    }

    #[test]
    pub(super) fn huge_random() {
        check("huge_random", &Error(&["limit_exceeded", "internal"]));
    }

    #[test]
    pub(super) fn recurse() {
        // In a Rust guest this ends as an access outside its memory.
        check("recurse", &Error(&["limit_exceeded", "internal"]));
    }

    #[test]
    pub(super) fn counts_in_state() {
        check_assembled("counts_in_state", &Error(&["internal"]));
    }

    #[test]
    pub(super) fn reads_state() {
        check_assembled("reads_state", &Error(&["permission_denied"]));
    }

    #[test]
    pub(super) fn recurse_in_code() {
        check_assembled("recurse_in_code", &TOO_MUCH);
    }

    #[test]
    pub(super) fn grow_table() {
        check_assembled("grow_table", &Error(&["limit_exceeded", "timeout"]));
    }

    #[test]
    pub(super) fn huge_memory() {
        check_unstartable("huge_memory");
    }

    #[test]
    pub(super) fn huge_table() {
        check_unstartable("huge_table");
    }

    // What a guest could see of its surroundings.
    #[test]
    pub(super) fn look_around() {
        let nothing = |result: &Value| {
            let found = result["structuredContent"].as_object().expect("an object");
            assert!(
                found.values().all(|count| count == 0),
                "the guest found {found:?}"
            );
        };
        check("look_around", &Fine(nothing));
        assert!(!std::path::Path::new("/tmp/toolbay-was-here").exists());
    }

    #[test]
    pub(super) fn read_stdin() {
        check(
            "read_stdin",
            &Fine(|result| assert_eq!(result["structuredContent"], json!({"bytes": 0}))),
        );
    }

    // What it prints.
    #[test]
    pub(super) fn escape_terminal() {
        // In a result it is the author's text, which JSON carries; that stderr stays clean is checked of every host.
        check(
            "escape_terminal",
            &Fine(|result| assert!(first_text(result).starts_with("wrote"))),
        );
    }

    #[test]
    pub(super) fn fake_json_rpc() {
        check(
            "fake_json_rpc",
            &Fine(|result| assert_eq!(first_text(result), "honest")),
        );
    }

    #[test]
    pub(super) fn flood_stderr() {
        check(
            "flood_stderr",
            &Fine(|result| assert_eq!(first_text(result), "done")),
        );
    }

    #[test]
    pub(super) fn flood_stdout() {
        check(
            "flood_stdout",
            &Fine(|result| assert_eq!(first_text(result), "done")),
        );
    }

    #[test]
    pub(super) fn one_endless_line() {
        check(
            "one_endless_line",
            &Fine(|result| assert_eq!(first_text(result), "done")),
        );
    }

    #[test]
    pub(super) fn write_zeroes() {
        // Writing more than the stream has said it takes is a fault that the interface itself punishes.
        check(
            "write_zeroes",
            &Error(&["internal", "limit_exceeded", "timeout"]),
        );
    }

    // What it returns.
    #[test]
    pub(super) fn against_its_schema() {
        check("against_its_schema", &FAULT);
    }

    #[test]
    pub(super) fn no_structured() {
        check("no_structured", &FAULT);
    }

    #[test]
    pub(super) fn invalid_json() {
        check("invalid_json", &FAULT);
    }

    #[test]
    pub(super) fn structured_list() {
        check("structured_list", &FAULT);
    }

    #[test]
    pub(super) fn bad_meta() {
        check("bad_meta", &FAULT);
    }

    #[test]
    pub(super) fn bad_details() {
        // The error itself is worth more than its particulars, which are left out.
        check("bad_details", &Error(&["conflict"]));
    }

    #[test]
    pub(super) fn lone_surrogate() {
        check("lone_surrogate", &FAULT);
    }

    #[test]
    pub(super) fn deep_json() {
        check("deep_json", &Error(&["internal", "limit_exceeded"]));
    }

    #[test]
    pub(super) fn huge_number() {
        // Numbers out of every range may be refused, or passed on as they are.
        check_valid_or("huge_number", &["internal"]);
    }

    #[test]
    pub(super) fn duplicate_keys() {
        check_valid_or("duplicate_keys", &["internal"]);
    }

    #[test]
    pub(super) fn not_a_priority() {
        check_valid_or("not_a_priority", &["internal"]);
    }

    #[test]
    pub(super) fn nothing_at_all() {
        check(
            "nothing_at_all",
            &Fine(|result| assert!(result["content"].is_array())),
        );
    }

    #[test]
    pub(super) fn control_characters() {
        check("control_characters", &Error(&["not_found"]));
    }

    #[test]
    pub(super) fn binary() {
        const EVERY_BYTE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==";
        check(
            "binary",
            &Fine(|result| {
                assert_eq!(result["content"][0]["data"], EVERY_BYTE);
                assert_eq!(result["content"][1]["resource"]["blob"], EVERY_BYTE);
            }),
        );
    }

    #[test]
    pub(super) fn large_text() {
        check(
            "large_text",
            &Fine(|result| assert_eq!(first_text(result).len(), 4 << 20)),
        );
    }

    #[test]
    pub(super) fn huge_text() {
        check("huge_text", &TOO_MUCH);
    }

    #[test]
    pub(super) fn huge_structured() {
        check("huge_structured", &TOO_MUCH);
    }

    #[test]
    pub(super) fn huge_error() {
        check("huge_error", &Error(&["limit_exceeded", "internal"]));
    }

    #[test]
    pub(super) fn many_blocks() {
        check("many_blocks", &TOO_MUCH);
    }

    #[test]
    pub(super) fn same_text_often() {
        check_assembled("same_text_often", &TOO_MUCH);
    }

    #[test]
    pub(super) fn invalid_utf8() {
        check_assembled("invalid_utf8", &FAULT);
    }

    #[test]
    pub(super) fn bad_length() {
        check_assembled("bad_length", &FAULT);
    }

    #[test]
    pub(super) fn bad_pointer() {
        check_assembled("bad_pointer", &FAULT);
    }

    #[test]
    pub(super) fn bad_realloc() {
        check_assembled("bad_realloc", &FAULT);
    }

    #[test]
    pub(super) fn bad_variant() {
        check_assembled("bad_variant", &FAULT);
    }

    // What takes its time.
    #[test]
    pub(super) fn loop_forever() {
        check("loop_forever", &Deadline);
    }

    #[test]
    pub(super) fn sleep_forever() {
        check("sleep_forever", &Deadline);
    }

    #[test]
    pub(super) fn nap_often() {
        check("nap_often", &Deadline);
    }

    #[test]
    pub(super) fn wait_for_many() {
        check("wait_for_many", &Error(&["timeout", "limit_exceeded"]));
    }

    #[test]
    pub(super) fn loop_at_start() {
        check_unstartable("loop_at_start");
    }

    #[test]
    pub(super) fn trap_at_start() {
        check_unstartable("trap_at_start");
    }

    #[test]
    pub(super) fn loop_in_realloc() {
        check_assembled("loop_in_realloc", &Deadline);
    }

    #[test]
    pub(super) fn loop_after_return() {
        // The answer is there: whether it is given or not, the caller must not wait for the guest's tidying up for ever.
        let folder = Folder::with(&["echo"]);
        folder.add_assembled("loop_after_return");
        let mut session = Session::legacy(&folder);
        for _ in 0..3 {
            let result = session.call("loop-after-return_run", json!({}));
            if result["isError"] == true {
                assert_eq!(tool_error(&result).0, "timeout");
            } else {
                assert_eq!(first_text(&result), "answered");
            }
            assert_eq!(
                first_text(&session.call("echo_text", json!({"text": "after"}))),
                "after"
            );
        }
    }

    #[test]
    pub(super) fn trap_after_return() {
        let folder = Folder::with(&["echo"]);
        folder.add_assembled("trap_after_return");
        let mut session = Session::legacy(&folder);
        let result = session.call("trap-after-return_run", json!({}));
        if result["isError"] == true {
            assert_eq!(tool_error(&result).0, "internal");
        } else {
            assert_eq!(first_text(&result), "answered");
        }
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "after"}))),
            "after"
        );
    }

    // With an hour's deadline, only cancelling makes an end.
    #[test]
    pub(super) fn loop_for_an_hour() {
        check_cancelling("hostile_loop_for_an_hour");
    }

    #[test]
    pub(super) fn sleep_for_an_hour() {
        check_cancelling("hostile_sleep_for_an_hour");
    }

    // What describes itself: a problem of the plugin, which the list leaves out and the status names.
    #[test]
    pub(super) fn describe_floods() {
        check_undescribed("describe_floods");
    }

    #[test]
    pub(super) fn describe_lies() {
        check_undescribed("describe_lies");
    }

    #[test]
    pub(super) fn describe_loops() {
        check_undescribed("describe_loops");
    }

    #[test]
    pub(super) fn describe_traps() {
        check_undescribed("describe_traps");
    }

    // Not hostile: that what surrounds the other hand-written ones is right.
    #[test]
    pub(super) fn plain() {
        check_assembled(
            "plain",
            &Fine(|result| assert_eq!(first_text(result), "hello from hand-written code")),
        );
    }

    /// For what a host may refuse, or pass on in a form that the protocol allows (which is checked of every line).
    fn check_valid_or(tool: &str, codes: &'static [&'static str]) {
        let folder = Folder::with(&["hostile", "echo"]);
        let mut session = Session::modern(&folder);
        let result = session.call(&format!("hostile_{tool}"), json!({}));
        if result["isError"] == true {
            check_one(&result, &Error(codes));
        }
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "after"}))),
            "after"
        );
    }

    fn check_cancelling(tool: &str) {
        let folder = Folder::with(&["hostile", "echo"]);
        crate::support::everywhere(&folder, |session| {
            session.call("hostile_trap", json!({}));
            session.call("echo_text", json!({"text": "compiled"}));
            let ids: Vec<Value> = (0..8)
                .map(|_| session.start_call(tool, json!({})))
                .collect();
            session.call("echo_text", json!({"text": "they run"}));
            for id in &ids {
                session.cancel(id);
            }
            // Were they still running, they would hold every place that the tool has.
            let again = session.start_call(tool, json!({}));
            session.call("hostile_trap", json!({}));
            session.cancel(&again);
            session.settle(&ids.iter().chain([&again]).collect::<Vec<_>>());
        });
    }

    /// For a plugin that never gets as far as its tool. That may be said at each call, or once of the plugin as a whole,
    /// whose tools are gone then; in either case soon, and with a reason that a user understands.
    fn check_unstartable(name: &str) {
        let folder = Folder::with(&["echo"]);
        folder.add_assembled(name);
        let tool = format!("{}_run", name.replace('_', "-"));
        crate::support::everywhere(&folder, |session| {
            for _ in 0..3 {
                let start = Instant::now();
                let answer = session.request("tools/call", json!({"name": tool, "arguments": {}}));
                let took = start.elapsed();
                assert!(
                    took < DEADLINE + SLACK + COMPILATION,
                    "answered after {took:?}"
                );
                if answer.get("error").is_some() {
                    assert_eq!(answer["error"]["code"], -32602, "{answer}");
                    let status = session.call("toolbay_status", json!({}));
                    let problem = &status["structuredContent"]["problems"][0];
                    check_sentence(problem["reason"].as_str().expect("a reason"));
                } else {
                    const CODES: &[&str] =
                        &["timeout", "limit_exceeded", "unavailable", "internal"];
                    check_one(&answer["result"], &Error(CODES));
                }
                assert_eq!(
                    first_text(&session.call("echo_text", json!({"text": "after"}))),
                    "after"
                );
            }
        });
    }

    fn check_undescribed(name: &str) {
        let folder = Folder::with(&["echo"]);
        folder.replace(
            &format!("{name}.wasm"),
            &crate::support::assembled::undescribed(name),
        );
        let mut session = Session::modern(&folder);
        assert_eq!(
            first_text(&session.call("echo_text", json!({"text": "hi"}))),
            "hi"
        );
        let status = session.call_until("toolbay_status", &json!({}), |status| {
            status.to_string().contains(name)
        });
        assert_ne!(status["isError"], true);
        assert!(
            session
                .tool_names()
                .iter()
                .all(|tool| !tool.contains("describe")),
            "it has no tools"
        );
    }
}
