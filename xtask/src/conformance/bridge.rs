//! A Streamable HTTP server on loopback in front of hosts on pipes, so that a suite that speaks HTTP alone tests stdio.
//!
//! It knows nothing of what the protocol's messages mean: it adds what HTTP asks for (sessions, status codes, headers that repeat the body, where a
//! request may come from), and puts each message of a host onto the stream that it belongs to. A legacy session is a process of its own; modern
//! requests share one.

mod headers;
mod http;
mod process;
mod routes;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::http::Hosts;
pub(crate) use self::process::Launch;

/// A bridge that serves. Dropping it ends it and every host that it started.
pub(crate) struct Bridge {
    pub(crate) url: String,
    /// Dropping it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bridge {
    pub(crate) fn start(launch: Launch) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || run(launch, &tell, stopped));
        let port = told.recv().context("the bridge does not start")??;
        Ok(Self {
            url: format!("http://127.0.0.1:{port}/mcp"),
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say that matters any more.
            let _ = thread.join();
        }
    }
}

fn run(launch: Launch, tell: &mpsc::Sender<Result<u16>>, stopped: oneshot::Receiver<()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = tell.send(Err(error.into()));
            return;
        }
    };
    runtime.block_on(async {
        let listening = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let port = listener.local_addr()?.port();
            Ok::<_, std::io::Error>((listener, port))
        };
        match listening.await {
            Ok((listener, port)) => {
                let _ = tell.send(Ok(port));
                tokio::select! {
                    () = accept(listener, Arc::new(Hosts::new(launch))) => {}
                    _ = stopped => {}
                }
            }
            Err(error) => {
                let _ = tell.send(Err(error.into()));
            }
        }
    });
}

async fn accept(listener: TcpListener, hosts: Arc<Hosts>) {
    while let Ok((stream, _)) = listener.accept().await {
        let hosts = Arc::clone(&hosts);
        tokio::spawn(async move {
            let service = service_fn(move |request| http::answer(Arc::clone(&hosts), request));
            // A connection that breaks concerns only its client.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
