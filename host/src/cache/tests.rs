use std::sync::atomic::AtomicU32;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const TTL: Duration = Duration::from_secs(60);

fn subject(name: &str) -> Subject {
    Subject {
        plugin: "notes".into(),
        name: name.into(),
    }
}

fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

async fn ask(cache: &Arc<Cache<u32>>, name: &str) -> Result<u32, Ticket<u32>> {
    match cache.look_up(&key(name), &subject(name)).await {
        Found::Hit(value, left) => {
            assert!(left <= TTL);
            Ok(*value)
        }
        Found::Miss(ticket) => Err(ticket),
    }
}

async fn miss(cache: &Arc<Cache<u32>>, name: &str) -> Ticket<u32> {
    match ask(cache, name).await {
        Err(ticket) => ticket,
        Ok(value) => panic!("{name} is kept: {value}"),
    }
}

async fn hit(cache: &Arc<Cache<u32>>, name: &str) -> u32 {
    match ask(cache, name).await {
        Ok(value) => value,
        Err(_) => panic!("{name} is not kept"),
    }
}

#[test]
fn patterns_fit() {
    for (pattern, name) in [
        ("*", ""),
        ("*", "notes://a"),
        ("list", "list"),
        ("notes://*", "notes://note/a"),
        ("notes://*/a", "notes://note/a"),
        ("notes://*/b/*", "notes://note/b/c"),
        ("a*a", "aa"),
        ("a*b*c", "a-b-b-c"),
    ] {
        assert!(fits(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [
        ("list", "lists"),
        ("notes://*", "note://a"),
        ("notes://*/a", "notes://note/b"),
        ("a*a", "a"),
        ("a*b*b", "a-b"),
        ("", "a"),
    ] {
        assert!(!fits(pattern, name), "{pattern} {name}");
    }
}

#[tokio::test]
async fn what_is_kept_is_found_until_its_time_is_over_or_it_is_stale() {
    let folder = TempDir::new().unwrap();
    let cache = Cache::new(folder.path());
    miss(&cache, "a").await.keep(1, TTL, 1);
    assert_eq!(hit(&cache, "a").await, 1);
    miss(&cache, "b").await.keep(2, Duration::ZERO, 1);
    drop(miss(&cache, "b").await);
    cache.invalidate(&"other".into(), &["*".into()]);
    cache.invalidate(&"notes".into(), &["b".into(), "aa".into()]);
    assert_eq!(hit(&cache, "a").await, 1);
    cache.invalidate(&"notes".into(), &["a*".into()]);
    drop(miss(&cache, "a").await);
    assert_eq!(cache.counts(), (2, 4));
}

#[tokio::test]
async fn what_was_asked_before_a_write_ended_is_not_kept_after_it() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (Cache::new(folder.path()), Cache::new(folder.path()));
    for writer in [&one, &other] {
        let (stale, unconcerned) = (miss(&one, "a").await, miss(&one, "b").await);
        writer.invalidate(&"notes".into(), &["a".into()]);
        stale.keep(1, TTL, 1);
        unconcerned.keep(2, TTL, 1);
        drop(miss(&one, "a").await);
        assert_eq!(hit(&one, "b").await, 2);
        one.invalidate(&"notes".into(), &["b".into()]);
    }
    // Another host's write is seen by the very next question.
    miss(&one, "a").await.keep(1, TTL, 1);
    other.invalidate(&"notes".into(), &["*".into()]);
    drop(miss(&one, "a").await);
}

#[tokio::test]
async fn of_several_who_ask_the_same_one_finds_it_out() {
    let folder = TempDir::new().unwrap();
    let cache = Cache::<u32>::new(folder.path());
    let found_out = Arc::new(AtomicU32::new(0));
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let (cache, found_out) = (cache.clone(), found_out.clone());
            tokio::spawn(async move {
                match ask(&cache, "a").await {
                    Ok(value) => value,
                    Err(ticket) => {
                        tokio::task::yield_now().await;
                        found_out.fetch_add(1, Ordering::Relaxed);
                        ticket.keep(7, TTL, 1);
                        7
                    }
                }
            })
        })
        .collect();
    for asking in asking {
        assert_eq!(asking.await.unwrap(), 7);
    }
    assert_eq!(found_out.load(Ordering::Relaxed), 1);
    // One that gives up leaves it to the next.
    let given_up = miss(&cache, "b").await;
    let waiting = tokio::spawn({
        let cache = cache.clone();
        async move { ask(&cache, "b").await.is_err() }
    });
    tokio::task::yield_now().await;
    drop(given_up);
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn it_is_bounded() {
    let folder = TempDir::new().unwrap();
    let cache = Cache::new(folder.path());
    for number in 0..10 {
        let name = number.to_string();
        miss(&cache, &name).await.keep(number, TTL, MAX_BYTES / 5);
    }
    let kept = cache.lock().bytes;
    assert!(kept <= MAX_BYTES && kept > MAX_BYTES / 2, "{kept}");
    drop(miss(&cache, "0").await);
    assert_eq!(hit(&cache, "9").await, 9);
    miss(&cache, "large").await.keep(1, TTL, MAX_BYTES);
    drop(miss(&cache, "large").await);
    for number in 0..2 * MAX_ENTRIES {
        let name = format!("small {number}");
        miss(&cache, &name).await.keep(1, TTL, 1);
    }
    let kept = cache.lock();
    assert!(kept.entries.len() <= MAX_ENTRIES && kept.order.len() <= 2 * MAX_ENTRIES + 1);
}

/// One step of a client.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Asks, reads the source where nothing is kept, and keeps the answer: three steps that others come between.
    Read,
    /// Changes the source, and then says so: two steps.
    Write,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => Just(Step::Read), 1 => Just(Step::Write)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, max_shrink_iters: 1000, ..ProptestConfig::default() })]

    /// Clients of two hosts, each with a list of reads and writes, which go on in an order that is drawn: a read that begins after a write has ended gives what that wrote, or
    /// something newer.
    #[test]
    fn a_read_after_a_write_sees_it(
        clients in prop::collection::vec(prop::collection::vec(step(), 1..6), 2..4),
        schedule in prop::collection::vec(0_usize..4, 1..60),
    ) {
        let folder = TempDir::new().unwrap();
        let hosts = [Cache::new(folder.path()), Cache::new(folder.path())];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let source = Arc::new(AtomicU32::new(0));
            // What the newest write that has ended has written.
            let ended = Arc::new(AtomicU32::new(0));
            let turns: Vec<_> = clients.iter().map(|_| Arc::new(tokio::sync::Semaphore::new(0))).collect();
            let running: Vec<_> = clients.iter().cloned().enumerate().map(|(number, steps)| {
                let (cache, source, ended, turn) = (hosts[number % 2].clone(), source.clone(), ended.clone(), turns[number].clone());
                tokio::spawn(async move {
                    for step in steps {
                        turn.acquire().await.unwrap().forget();
                        match step {
                            Step::Read => {
                                let at_least = ended.load(Ordering::SeqCst);
                                let seen = match ask(&cache, "a").await {
                                    Ok(value) => value,
                                    Err(ticket) => {
                                        turn.acquire().await.unwrap().forget();
                                        let value = source.load(Ordering::SeqCst);
                                        turn.acquire().await.unwrap().forget();
                                        ticket.keep(value, TTL, 1);
                                        value
                                    }
                                };
                                assert!(seen >= at_least, "{seen} after {at_least}");
                            }
                            Step::Write => {
                                let value = source.fetch_add(1, Ordering::SeqCst) + 1;
                                turn.acquire().await.unwrap().forget();
                                cache.invalidate(&"notes".into(), &["a".into()]);
                                ended.fetch_max(value, Ordering::SeqCst);
                            }
                        }
                    }
                })
            }).collect();
            for number in schedule {
                turns[number % turns.len()].add_permits(1);
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            }
            // And to the end.
            turns.iter().for_each(|turn| turn.add_permits(100));
            for client in running {
                client.await.unwrap();
            }
        });
    }
}
