//! Gives back the memory that a crowd of calls has left behind, once it has passed. A host that is called as one client does never
//! comes here.

use std::sync::Arc;
use std::time::Duration;

use crate::host::Host;

/// A pool that guests were moved from goes when its last guest has ended; it is looked at this often.
const LOOK: Duration = Duration::from_secs(1);

/// Runs until the host is closed.
pub(crate) async fn keep_low(host: Arc<Host>) {
    tokio::select! {
        () = host.closing.cancelled() => {}
        () = after_each_crowd(&host) => {}
    }
}

async fn after_each_crowd(host: &Host) {
    loop {
        host.sandbox.crowd_passed().await;
        let retired = match host.sandbox.renew_pool().await {
            Ok(retired) => retired,
            Err(error) => {
                tracing::warn!("memory that guests have used is kept: {error:#}");
                continue;
            }
        };
        // More than two pools at once would be a waste of address space, so the next crowd waits for the end of this one's.
        loop {
            // The catalog of this moment: a plugin that was on its way into the old pool is moved in a later turn.
            for plugin in &host.catalog().plugins {
                if let Some(prepared) = plugin.runnable() {
                    host.sandbox.move_over(prepared).await;
                }
            }
            if retired.is_gone() {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        give_back_freed_blocks();
        tracing::debug!("memory has been given back after a crowd of calls");
    }
}

/// What is freed stays with the C library as long as something above it is in use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back_freed_blocks() {
    // SAFETY: `malloc_trim` may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back_freed_blocks() {}
