//! Streams into a file, held to what they were told they may write. wasmtime-wasi's own takes any amount at once and keeps it until the file
//! system has it.

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};

/// A stream that takes no more at a time than `check-write` said.
pub(super) struct BoundedOutput(pub(super) DynOutputStream);

#[async_trait]
impl OutputStream for BoundedOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > self.0.check_write()? {
            return Err(StreamError::trap(
                "it wrote more to a file's stream than `check-write` allowed",
            ));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.0.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.0.check_write()
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.blocking_write_and_flush(bytes).await
    }

    async fn cancel(&mut self) {
        self.0.cancel().await;
    }
}

#[async_trait]
impl Pollable for BoundedOutput {
    async fn ready(&mut self) {
        self.0.ready().await;
    }
}
