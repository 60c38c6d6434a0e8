use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

const LONG: Duration = Duration::from_secs(10);

fn id(number: i64) -> RequestId {
    RequestId::Number(number)
}

fn table() -> InFlight {
    InFlight::new(2, 100)
}

#[test]
fn an_id_is_free_again_once_answered() {
    let table = table();
    let first = table.begin_call(id(1), 1).unwrap().ticket;
    assert!(matches!(
        table.begin_call(id(1), 1),
        Err(Rejected::Duplicate)
    ));
    assert_eq!(
        table.begin_forwarded(id(1), 1, Forwarded::Ordinary),
        Err(Rejected::Duplicate)
    );
    // The string "1" is another id.
    assert!(table.begin_call(RequestId::String("1".into()), 1).is_ok());

    let mut queued = 0;
    assert!(table.answer_call(&id(1), first, || queued += 1));
    assert!(!table.answer_call(&id(1), first, || queued += 1));
    let second = table.begin_call(id(1), 1).unwrap().ticket;
    assert!(
        !table.answer_call(&id(1), first, || queued += 1),
        "the first call answered the second"
    );
    assert!(table.while_waiting(&id(1), second, || queued += 1));
    assert!(!table.while_waiting(&id(1), first, || queued += 1));
    assert!(table.answer_call(&id(1), second, || queued += 1));
    assert_eq!(queued, 3);
}

#[test]
fn what_is_cancelled_is_never_answered() {
    let table = table();
    let begun = table.begin_call(id(1), 1).unwrap();
    let (ticket, token) = (begun.ticket, begun.cancel);
    assert_eq!(table.cancel(&id(1)), Cancelled::Call);
    assert!(token.is_cancelled());
    assert!(!table.answer_call(&id(1), ticket, || panic!("answered")));
    assert_eq!(table.cancel(&id(1)), Cancelled::Nothing);

    table
        .begin_forwarded(id(2), 1, Forwarded::Ordinary)
        .unwrap();
    assert_eq!(table.cancel(&id(2)), Cancelled::Forwarded);
    assert!(!table.answer_forwarded(&id(2), || panic!("answered")));

    table
        .begin_forwarded(id(3), 1, Forwarded::Handshake)
        .unwrap();
    assert_eq!(table.cancel(&id(3)), Cancelled::Nothing);
    assert!(table.answer_forwarded(&id(3), || {}));
    assert_eq!(table.len(), 0);
}

#[test]
fn a_call_is_alone_where_none_waited_for_a_while_but_for_subscriptions() {
    let table = InFlight::new(10, 100);
    table
        .begin_forwarded(id(0), 1, Forwarded::LongLived)
        .unwrap();
    let answered = |number: i64| {
        let begun = table.begin_call(id(number), 1).unwrap();
        assert!(table.answer_call(&id(number), begun.ticket, || {}));
        begun.alone
    };
    for round in 0..3 {
        let alone: Vec<bool> = (1..=20).map(answered).collect();
        let first = alone.iter().position(|alone| *alone);
        // The subscription itself came when none was waiting.
        let expected = ONE_BY_ONE as usize - usize::from(round == 0);
        assert_eq!(first, Some(expected), "{alone:?}");
        assert!(alone.iter().skip(expected).all(|alone| *alone));
        // Two at once: what follows is not alone for a while.
        table.begin_call(id(100), 1).unwrap();
        assert!(!table.begin_call(id(101), 1).unwrap().alone);
        assert_eq!(table.cancel(&id(100)), Cancelled::Call);
        assert_eq!(table.cancel(&id(101)), Cancelled::Call);
    }
}

#[test]
fn closing_cancels_everything() {
    let table = table();
    let begun = table.begin_call(id(1), 1).unwrap();
    let (ticket, token) = (begun.ticket, begun.cancel);
    table.close();
    assert!(token.is_cancelled());
    assert!(!table.answer_call(&id(1), ticket, || panic!("answered")));
    assert!(matches!(table.begin_call(id(2), 1), Err(Rejected::Closed)));
    assert!(!table.wait_for_room(|| {}));
}

#[test]
fn room_is_made_by_answers_cancellations_and_releases() {
    let table = Arc::new(table());
    let freed = |free: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            let (waiting, waits) = std::sync::mpsc::channel();
            let table = &table;
            let reader = scope.spawn(move || table.wait_for_room(|| waiting.send(()).unwrap()));
            waits.recv_timeout(LONG).unwrap();
            free();
            assert!(reader.join().unwrap());
        });
    };
    // Too many requests.
    let ticket = table.begin_call(id(1), 1).unwrap().ticket;
    assert!(table.wait_for_room(|| panic!("there is room")));
    table.begin_call(id(2), 1).unwrap();
    freed(&|| assert!(table.answer_call(&id(1), ticket, || {})));
    table.begin_call(id(3), 1).unwrap();
    freed(&|| assert_eq!(table.cancel(&id(3)), Cancelled::Call));
    // Too many bytes.
    table.charge(100);
    freed(&|| table.release(100));
    table
        .begin_forwarded(id(4), 100, Forwarded::Ordinary)
        .unwrap();
    freed(&|| assert!(table.answer_forwarded(&id(4), || {})));
    assert_eq!(table.len(), 1);
}

#[test]
fn the_end_waits_for_what_will_be_answered() {
    let table = Arc::new(table());
    table
        .begin_forwarded(id(1), 1, Forwarded::LongLived)
        .unwrap();
    table.wait_until_all_answered(LONG);

    table.wait_until_answered(&id(2), LONG);

    let ticket = table.begin_call(id(2), 1).unwrap().ticket;
    let start = Instant::now();
    table.wait_until_all_answered(Duration::from_millis(20));
    assert!(start.elapsed() >= Duration::from_millis(20) && start.elapsed() < LONG);

    thread::scope(|scope| {
        scope.spawn(|| table.answer_call(&id(2), ticket, || {}));
        table.wait_until_answered(&id(2), LONG);
        table.wait_until_all_answered(LONG);
    });
    assert!(start.elapsed() < LONG);
}

/// Whatever order a call's answer, its cancellation and the next use of its id come in: one of answer and cancellation wins.
#[test]
fn an_answer_and_a_cancellation_exclude_each_other() {
    const ROUNDS: usize = 20_000;
    let table = InFlight::new(usize::MAX, usize::MAX);
    let (answers, cancellations) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..ROUNDS / 100 {
        let calls: Vec<_> = (0..100)
            .map(|call| table.begin_call(id(call), 1).unwrap())
            .collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                for (call, begun) in calls.iter().enumerate() {
                    table.answer_call(&id(call as i64), begun.ticket, || {
                        answers.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            for call in 0..100 {
                if table.cancel(&id(if round % 2 == 0 { call } else { 99 - call }))
                    == Cancelled::Call
                {
                    cancellations.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let cancelled = calls
            .iter()
            .filter(|begun| begun.cancel.is_cancelled())
            .count();
        assert_eq!(table.len(), 0);
        assert!(cancelled <= 100);
    }
    assert_eq!(answers.into_inner() + cancellations.into_inner(), ROUNDS);
}
