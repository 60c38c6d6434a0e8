use std::fs::File;
use std::io::Write;
use std::thread;

use super::*;

/// Reads everything that `write` writes, from another thread and through a real pipe.
fn read_all(max_line: usize, write: impl FnOnce(File) + Send + 'static) -> Vec<String> {
    let (input, output) = rustix::pipe::pipe().unwrap();
    let writing = thread::spawn(move || write(File::from(output)));
    let mut lines = Lines::new(input, max_line);
    let mut seen = Vec::new();
    while let Some((line, _more)) = lines.next().unwrap() {
        seen.push(match line {
            Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
            Line::TooLong(beginning) => format!("too long: {}", beginning.len()),
        });
    }
    assert!(matches!(lines.next(), Ok(None)));
    writing.join().unwrap();
    seen
}

#[test]
fn line_ends() {
    let seen = read_all(100, |mut output| {
        output
            .write_all(b"\xef\xbb\xbfa\nb\r\n\n\r\n\xef\xbb\xbfc\n\rd\r\r\n  \ne")
            .unwrap()
    });
    assert_eq!(seen, ["a", "b", "", "", "\u{feff}c", "\rd\r", "  ", "e"]);
}

#[test]
fn nothing_at_all() {
    assert_eq!(read_all(100, drop), Vec::<String>::new());
    assert_eq!(
        read_all(100, |mut output| output.write_all(b"\n").unwrap()),
        [""]
    );
}

/// The limit counts the line without its end, however the bytes arrive.
#[test]
fn the_limit_is_exact() {
    for (input, expected) in [
        ("12345\n6\n", vec!["12345", "6"]),
        ("12345\r\n6\n", vec!["12345", "6"]),
        ("123456\n7\n", vec!["too long: 6", "7"]),
        ("12345678901\n\n7", vec!["too long", "", "7"]),
        ("1234567890", vec!["too long"]),
        ("12345", vec!["12345"]),
        ("123456", vec!["too long: 6"]),
    ] {
        for step in 1..=input.len() {
            let seen = read_all(5, move |mut output| {
                for part in input.as_bytes().chunks(step) {
                    output.write_all(part).unwrap();
                }
            });
            assert_eq!(seen.len(), expected.len(), "{input:?} by {step}: {seen:?}");
            assert!(
                seen.iter()
                    .zip(&expected)
                    .all(|(seen, expected)| seen.starts_with(expected)),
                "{input:?}: {seen:?}"
            );
        }
    }
}

#[test]
fn long_lines_come_whole_and_give_their_memory_back() {
    const LONG: usize = 5 * 1024 * 1024 + 17;
    let sizes = || [LONG, 3, LONG - 1, 70_000].into_iter().chain(0..30);
    let (input, output) = rustix::pipe::pipe().unwrap();
    let writing = thread::spawn(move || {
        let mut output = File::from(output);
        for size in sizes() {
            output.write_all(&vec![b'x'; size]).unwrap();
            output.write_all(b"\n").unwrap();
        }
    });
    let mut lines = Lines::new(input, LONG);
    for size in sizes() {
        let line = vec![b'x'; size];
        assert_eq!(
            lines
                .next()
                .unwrap()
                .map(|(read, _)| read == Line::Whole(&line)),
            Some(true),
            "{size}"
        );
        assert!(lines.buffer.capacity() <= LONG + INITIAL_BUFFER);
    }
    assert!(lines.next().unwrap().is_none());
    assert!(lines.buffer.capacity() <= KEPT_BUFFER);
    writing.join().unwrap();
}

#[test]
fn a_skipped_line_takes_no_memory() {
    const LIMIT: usize = 256 * 1024;
    let (input, output) = rustix::pipe::pipe().unwrap();
    let writing = thread::spawn(move || {
        let mut output = File::from(output);
        for _ in 0..64 {
            output.write_all(&vec![b'x'; LIMIT]).unwrap();
        }
        output.write_all(b"\nnext\n").unwrap();
    });
    let mut lines = Lines::new(input, LIMIT);
    match lines.next().unwrap() {
        Some((Line::TooLong(beginning), false)) => assert_eq!(beginning.len(), SEARCHED_PREFIX),
        other => panic!("{other:?}"),
    }
    assert_eq!(lines.next().unwrap(), Some((Line::Whole(b"next"), false)));
    assert!(
        lines.buffer.capacity() <= 2 * LIMIT,
        "{}",
        lines.buffer.capacity()
    );
    writing.join().unwrap();
}

#[test]
fn more_says_whether_a_line_is_here() {
    let (input, output) = rustix::pipe::pipe().unwrap();
    let mut output = File::from(output);
    let mut lines = Lines::new(input, 100);
    output.write_all(b"a\nb\nc").unwrap();
    assert_eq!(lines.next().unwrap(), Some((Line::Whole(b"a"), true)));
    assert_eq!(lines.next().unwrap(), Some((Line::Whole(b"b"), false)));
    output.write_all(b"\n").unwrap();
    assert_eq!(lines.next().unwrap(), Some((Line::Whole(b"c"), false)));
}
