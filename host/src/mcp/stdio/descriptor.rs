//! Reading and writing the two descriptors. Their flags are never changed: other processes may share them, so a write
//! that must not block asks for that by itself. It must not know about messages.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::pipe::PIPE_BUF;

/// Appends what is there, as far as the buffer has room, waiting for at least one byte; 0 is the end of input.
pub(super) fn read(input: &OwnedFd, buffer: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        match rustix::io::read(input, spare_capacity(buffer)) {
            Ok(read) => return Ok(read),
            Err(Errno::INTR) => {}
            // Whoever shares the descriptor made it non-blocking.
            Err(Errno::AGAIN) => wait_for(input, PollFlags::IN)?,
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) struct Output {
    descriptor: OwnedFd,
    kind: Kind,
    /// The kernel does not know non-blocking writes to a pipe without `O_NONBLOCK` (Linux before 6.4, other systems).
    poll_first: AtomicBool,
}

enum Kind {
    Socket,
    Pipe,
    /// Terminals and files: nothing tells beforehand whether a write would block.
    Other,
}

impl Output {
    pub(super) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        let kind = match FileType::from_raw_mode(rustix::fs::fstat(&descriptor)?.st_mode) {
            FileType::Socket => Kind::Socket,
            FileType::Fifo => Kind::Pipe,
            _ => Kind::Other,
        };
        Ok(Self {
            descriptor,
            kind,
            poll_first: AtomicBool::new(cfg!(not(target_os = "linux"))),
        })
    }

    /// Writes what fits at this moment. `Errno::AGAIN` when that is nothing.
    pub(super) fn try_write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        loop {
            let written = match self.kind {
                Kind::Socket => send(&self.descriptor, bytes, SendFlags::DONTWAIT),
                Kind::Pipe if self.poll_first.load(Ordering::Relaxed) => {
                    self.try_write_polled(bytes)
                }
                Kind::Pipe => match write_nowait(&self.descriptor, bytes) {
                    Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                        self.poll_first.store(true, Ordering::Relaxed);
                        continue;
                    }
                    written => written,
                },
                Kind::Other => Err(Errno::AGAIN),
            };
            if written != Err(Errno::INTR) {
                return written;
            }
        }
    }

    /// A pipe that polls as writable takes `PIPE_BUF` bytes without blocking, as long as nobody else writes to it.
    fn try_write_polled(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut descriptors = [PollFd::new(&self.descriptor, PollFlags::OUT)];
        poll(
            &mut descriptors,
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            }),
        )?;
        let [descriptor] = descriptors;
        if descriptor.revents().is_empty() {
            return Err(Errno::AGAIN);
        }
        rustix::io::write(&self.descriptor, bytes.get(..PIPE_BUF).unwrap_or(bytes))
    }

    /// Writes everything, waiting for the reader at the other end where needed.
    pub(super) fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self.kind {
                Kind::Socket => send(&self.descriptor, bytes, SendFlags::empty()),
                Kind::Pipe | Kind::Other => rustix::io::write(&self.descriptor, bytes),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait_for(&self.descriptor, PollFlags::OUT)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn poll_first(&self) {
        self.poll_first.store(true, Ordering::Relaxed);
    }
}

fn wait_for(descriptor: &OwnedFd, event: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(descriptor, event)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn send(descriptor: &OwnedFd, bytes: &[u8], flags: SendFlags) -> Result<usize, Errno> {
    // Rust ignores SIGPIPE, but a program that embeds this library may not.
    #[cfg(target_os = "linux")]
    let flags = flags | SendFlags::NOSIGNAL;
    rustix::net::send(descriptor.as_fd(), bytes, flags)
}

#[cfg(target_os = "linux")]
fn write_nowait(descriptor: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    /// The kernel's -1: write at the current position, the only one a pipe has.
    const CURRENT_POSITION: u64 = u64::MAX;
    rustix::io::pwritev2(
        descriptor,
        &[io::IoSlice::new(bytes)],
        CURRENT_POSITION,
        rustix::io::ReadWriteFlags::NOWAIT,
    )
}

#[cfg(not(target_os = "linux"))]
fn write_nowait(_descriptor: &OwnedFd, _bytes: &[u8]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}
