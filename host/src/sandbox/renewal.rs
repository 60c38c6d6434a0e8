//! Gives back the memory that a crowd of guests, or one that crashed, has left behind. Up to tens of megabytes stay in the places that they used, warm for
//! the next crowd; when it does not come, everything moves to a fresh pool and the old one is dropped. A host that is called by one
//! client at its ordinary pace never comes to that.

use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::compile::Compiler;
use super::pool::Pool;
use super::{Prepared, Sandbox, link};

/// A pool that everything has moved out of goes with its last guest; it is looked at after so long, then more and more rarely.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const RAREST_LOOK: Duration = Duration::from_secs(60);

impl Sandbox {
    /// Gives memory back after each crowd of guests, for as long as it is polled.
    pub(crate) async fn keep_memory_low(&self) {
        loop {
            self.crowd.passed(&self.instances).await;
            let started = Instant::now();
            let retired = match self.renew_pool().await {
                Ok(retired) => retired,
                Err(error) => {
                    tracing::warn!("memory that guests have used is kept: {error:#}");
                    continue;
                }
            };
            // No further pool is made before this one is gone: each takes terabytes of address space.
            let mut look = FIRST_LOOK;
            loop {
                // In each turn anew: what was being prepared meanwhile may have come to lie in the old pool.
                self.move_all().await;
                tokio::time::sleep(look).await;
                if retired.is_gone() {
                    break;
                }
                look = (look * 2).min(RAREST_LOOK);
            }
            return_freed_blocks();
            tracing::debug!(
                millis = started.elapsed().as_millis(),
                "gave back the memory that a crowd of guests has used"
            );
        }
    }

    async fn renew_pool(&self) -> anyhow::Result<super::pool::Retired> {
        let pool = tokio::task::spawn_blocking(Pool::new).await??;
        Ok(self.engine()?.pool.swap(Arc::new(pool)).watch())
    }

    /// So that [`move_all`](Self::move_all) finds it.
    pub(super) fn register(&self, prepared: &Arc<Prepared>) {
        let mut all = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|prepared| prepared.strong_count() > 0);
        all.push(Arc::downgrade(prepared));
    }

    /// Moves whatever is prepared to the current pool.
    async fn move_all(&self) {
        let all: Vec<Arc<Prepared>> = {
            let all = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter().filter_map(Weak::upgrade).collect()
        };
        let Ok(engine) = self.engine() else { return };
        let pool = engine.pool.load_full();
        for prepared in all {
            if !Arc::ptr_eq(&pool, &prepared.linked.load().pool) {
                move_over(&engine.compiler, &prepared, &pool).await;
            }
        }
    }
}

/// The code comes from the cache. Where that has it no longer, the component stays where it is, and so does its pool.
async fn move_over(compiler: &Compiler, prepared: &Prepared, pool: &Arc<Pool>) {
    let digest = &prepared.digest;
    let Some(compiled) = compiler.cached(&pool.engine, digest).await else {
        return;
    };
    match link(pool.clone(), &compiled) {
        Ok(linked) => prepared.linked.store(Arc::new(linked)),
        Err(error) => {
            tracing::warn!(digest = digest.short(), %error, "a component cannot be linked anew");
        }
    }
}

/// The C library keeps what is freed for as long as something above it is in use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn return_freed_blocks() {
    // SAFETY: `malloc_trim` may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn return_freed_blocks() {}
