//! Two places for guests to run: the main lane, whose threads also answer the protocol, and the background lane, whose threads yield
//! the processor to everything else. A guest starts in the main lane; one that turns out to burn the processor is moved to the
//! background while it runs, so that light calls beside it stay light.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use tokio::runtime::{Builder, Handle, Runtime};

/// A guest that was interrupted this many times by the epoch, so ran for a few milliseconds without waiting for anything, is moved to
/// the background.
const TICKS_IN_MAIN_LANE: u32 = 2;

/// How much lower the background threads' priority is (the Unix "nice" value).
const BACKGROUND_NICENESS: i32 = 10;

/// How often a guest was interrupted, counted by the epoch callback and read by [`Lanes::run`].
#[derive(Debug, Default, Clone)]
pub(super) struct Interruptions(Arc<AtomicU32>);

impl Interruptions {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The background runtime; the main lane is whatever runtime the caller is on.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// Started when it is first needed, which for most hosts is never; nothing where that failed.
    background: OnceLock<Option<Runtime>>,
}

impl Lanes {
    fn start() -> std::io::Result<Runtime> {
        let threads = std::thread::available_parallelism()
            .map_or(2, std::num::NonZero::get)
            .max(2);
        Builder::new_multi_thread()
            .worker_threads(threads)
            .event_interval(1)
            .thread_name("toolbay-background")
            .on_thread_start(|| {
                // Without the right to change its priority the thread runs at the ordinary one, which is slower for others and harmless.
                let _ = rustix::process::nice(BACKGROUND_NICENESS);
            })
            .enable_all()
            .build()
    }

    pub(super) fn background(&self) -> Option<&Handle> {
        let start = || {
            Self::start()
                .inspect_err(|error| {
                    tracing::warn!(%error, "no threads can be started for plugins that compute for long; they share those that answer");
                })
                .ok()
        };
        self.background
            .get_or_init(start)
            .as_ref()
            .map(Runtime::handle)
    }

    /// Runs to the end, here or in the background. Dropping the future ends the guest in either lane.
    ///
    /// `None` says that the background lane is shutting down.
    pub(super) async fn run<F>(
        &self,
        mut guest: Pin<Box<F>>,
        interruptions: &Interruptions,
    ) -> Option<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let finished = std::future::poll_fn(|context| match guest.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if interruptions.0.load(Ordering::Relaxed) >= TICKS_IN_MAIN_LANE => {
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        })
        .await;
        if finished.is_some() {
            return finished;
        }
        match self.background() {
            Some(background) => AbortOnDrop(background.spawn(guest)).await,
            None => Some(guest.await),
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        // A guest may be in a long stretch of its own; waiting for it would hold up the exit.
        if let Some(background) = self.background.take().flatten() {
            background.shutdown_background();
        }
    }
}

/// A task that ends with whoever waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut self.0).poll(context) {
            Poll::Ready(Ok(output)) => Poll::Ready(Some(output)),
            Poll::Ready(Err(error)) if error.is_panic() => {
                std::panic::resume_unwind(error.into_panic())
            }
            Poll::Ready(Err(_)) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
