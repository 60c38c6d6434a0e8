use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use super::*;

const LONG: Duration = Duration::from_secs(10);

/// The ways in which an outbox writes.
fn outboxes(max_queued: usize) -> Vec<(&'static str, Arc<Outbox>, File)> {
    let (pipe, to_pipe) = rustix::pipe::pipe().unwrap();
    let (polled, to_polled) = rustix::pipe::pipe().unwrap();
    let (socket, to_socket) = UnixStream::pair().unwrap();
    let outbox = |output: OwnedFd| Arc::new(Outbox::new(output, max_queued).unwrap());
    let all = vec![
        ("pipe", outbox(to_pipe), File::from(pipe)),
        ("polled pipe", outbox(to_polled), File::from(polled)),
        (
            "socket",
            outbox(to_socket.into()),
            File::from(OwnedFd::from(socket)),
        ),
    ];
    all[1].1.output().poll_first();
    for (_, outbox, _) in &all {
        let writing = Arc::clone(outbox);
        thread::spawn(move || writing.write_until_closed());
    }
    all
}

#[test]
fn a_line_is_written_by_its_producer() {
    for (kind, outbox, input) in outboxes(1000) {
        outbox.push(b"one".to_vec());
        // Written when `push` returns: reading cannot block.
        let mut buffer = [0; 100];
        rustix::io::ioctl_fionbio(&input, true).unwrap();
        let read = (&input).read(&mut buffer).unwrap();
        assert_eq!(&buffer[..read], b"one\n", "{kind}");
        assert_eq!(outbox.queued_bytes(), 0, "{kind}");
    }
}

#[test]
fn line_ends_within_a_message_become_spaces() {
    for (kind, outbox, input) in outboxes(1000) {
        outbox.push(b"{\n  \"a\":\r\n1}".to_vec());
        let mut line = String::new();
        BufReader::new(input).read_line(&mut line).unwrap();
        assert_eq!(line, "{   \"a\":  1}\n", "{kind}");
    }
}

#[test]
fn what_one_thread_holds_back_leaves_together() {
    for (kind, outbox, input) in outboxes(1_000_000) {
        outbox.hold_back();
        outbox.push(b"one".to_vec());
        outbox.push(b"two".to_vec());
        assert_eq!(outbox.queued_bytes(), 8, "{kind}");
        outbox.release();
        let mut buffer = [0; 100];
        assert_eq!((&input).read(&mut buffer).unwrap(), 8, "{kind}");

        // Another thread's line takes it along, and so does a full chunk.
        outbox.hold_back();
        outbox.push(b"three".to_vec());
        thread::scope(|scope| {
            scope
                .spawn(|| outbox.push(b"four".to_vec()))
                .join()
                .unwrap()
        });
        assert_eq!((&input).read(&mut buffer).unwrap(), 11, "{kind}");
        outbox.push(vec![b'x'; CHUNK]);
        outbox.flush(LONG);
        assert_eq!(outbox.queued_bytes(), 0, "{kind}");
        outbox.release();
    }
}

/// Many producers, lines from one byte to several pipe buffers, and a reader that is slower than they are: every line comes
/// once, whole, and each producer's lines in their order.
#[test]
fn lines_are_never_interleaved() {
    const PRODUCERS: usize = 8;
    const LINES: usize = 200;
    for (kind, outbox, input) in outboxes(usize::MAX) {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let outbox = Arc::clone(&outbox);
                thread::spawn(move || {
                    for line in 0..LINES {
                        let length = match line % 50 {
                            0 => 300_000,
                            1 => 40_000,
                            short => short * 20,
                        };
                        outbox
                            .push(format!("{producer} {line} {}", "x".repeat(length)).into_bytes());
                    }
                })
            })
            .collect();
        let mut next = [0; PRODUCERS];
        let mut input = BufReader::with_capacity(1000, input);
        let mut text = String::new();
        for _ in 0..PRODUCERS * LINES {
            text.clear();
            input.read_line(&mut text).unwrap();
            let mut parts = text.trim_end_matches('\n').split(' ');
            let producer: usize = parts.next().unwrap().parse().unwrap();
            let line: usize = parts.next().unwrap().parse().unwrap();
            assert_eq!(line, next[producer], "{kind}");
            next[producer] += 1;
            let length = match line % 50 {
                0 => 300_000,
                1 => 40_000,
                short => short * 20,
            };
            assert!(
                parts.next().is_some_and(
                    |rest| rest.len() == length && rest.bytes().all(|byte| byte == b'x')
                )
            );
        }
        for producer in producers {
            producer.join().unwrap();
        }
        outbox.flush(LONG);
        assert_eq!(outbox.queued_bytes(), 0, "{kind}");
    }
}

#[test]
fn a_client_that_does_not_read_blocks_no_producer() {
    for (kind, outbox, input) in outboxes(1_000_000) {
        let line = vec![b'x'; 100_000];
        for _ in 0..20 {
            outbox.push(line.clone());
        }
        assert!(outbox.queued_bytes() > 1_000_000, "{kind}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let full = runtime.block_on(async {
            tokio::time::timeout(Duration::from_millis(5), outbox.room()).await
        });
        assert!(full.is_err(), "{kind}");

        // As soon as the client reads, there is room, both for a thread and for a future.
        thread::scope(|scope| {
            scope.spawn(|| assert!(outbox.wait_for_room()));
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .unwrap();
                runtime
                    .block_on(async { tokio::time::timeout(LONG, outbox.room()).await.unwrap() });
            });
            std::io::copy(&mut (&input).take(20 * 100_001), &mut std::io::sink()).unwrap();
        });
        outbox.flush(LONG);
        assert_eq!(outbox.queued_bytes(), 0, "{kind}");
        // And the next line is its producer's to write again.
        outbox.push(b"one".to_vec());
        assert_eq!(outbox.queued_bytes(), 0, "{kind}");
    }
}

#[test]
fn flush_gives_up_at_its_limit() {
    for (_, outbox, _input) in outboxes(1000) {
        outbox.push(vec![b'x'; 1_000_000]);
        let start = Instant::now();
        outbox.flush(Duration::from_millis(20));
        assert!(start.elapsed() >= Duration::from_millis(20) && start.elapsed() < LONG);
        outbox.close();
        outbox.push(b"late".to_vec());
        assert_eq!(outbox.queued_bytes(), 0);
    }
}

#[test]
fn a_closed_client_ends_it() {
    for (kind, pipe) in [("pipe", true), ("socket", false)] {
        let outbox = if pipe {
            let (input, output) = rustix::pipe::pipe().unwrap();
            drop(input);
            Outbox::new(output, 1000).unwrap()
        } else {
            let (input, output) = UnixStream::pair().unwrap();
            drop(input);
            Outbox::new(output.into(), 1000).unwrap()
        };
        outbox.push(b"one".to_vec());
        let error = outbox.write_until_closed().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{kind}");
        assert!(!outbox.wait_for_room());
    }
}

/// A file takes no non-blocking writes, so the thread writes everything.
#[test]
fn files_are_written_by_the_thread() {
    let mut file = tempfile::tempfile().unwrap();
    let outbox = Arc::new(Outbox::new(file.try_clone().unwrap().into(), 1000).unwrap());
    let writing = Arc::clone(&outbox);
    let thread = thread::spawn(move || writing.write_until_closed());
    outbox.push(b"one".to_vec());
    outbox.push(b"two".to_vec());
    outbox.flush(LONG);
    outbox.close();
    thread.join().unwrap().unwrap();
    let mut text = String::new();
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo\n");
}

/// Somebody who shares the descriptor made it non-blocking: nothing is lost all the same.
#[test]
fn a_non_blocking_descriptor_loses_nothing() {
    let (input, output) = rustix::pipe::pipe().unwrap();
    rustix::io::ioctl_fionbio(&output, true).unwrap();
    let outbox = Arc::new(Outbox::new(output, usize::MAX).unwrap());
    let writing = Arc::clone(&outbox);
    thread::spawn(move || writing.write_until_closed());
    outbox.push(vec![b'x'; 1_000_000]);
    let mut line = Vec::new();
    BufReader::new(File::from(input))
        .read_until(b'\n', &mut line)
        .unwrap();
    assert_eq!(line.len(), 1_000_001);
}
