//! The two kinds of channel over which clients talk to a program that they start: pipes, and the pairs of sockets that
//! Node makes.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

/// Which kind of channel stands for stdin and stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Pipes,
    Sockets,
}

/// Both ends of both channels.
pub(crate) struct Ends {
    pub(crate) child_stdin: OwnedFd,
    pub(crate) child_stdout: OwnedFd,
    /// What is written here arrives at the child's stdin.
    pub(crate) input: File,
    /// What the child writes to its stdout can be read here.
    pub(crate) output: File,
}

impl Wire {
    pub(crate) const ALL: [Self; 2] = [Self::Pipes, Self::Sockets];

    pub(crate) fn open(self) -> io::Result<Ends> {
        match self {
            Self::Pipes => {
                let (child_stdin, input) = io::pipe()?;
                let (output, child_stdout) = io::pipe()?;
                Ok(Ends {
                    child_stdin: child_stdin.into(),
                    child_stdout: child_stdout.into(),
                    input: OwnedFd::from(input).into(),
                    output: OwnedFd::from(output).into(),
                })
            }
            Self::Sockets => {
                let (child_stdin, input) = UnixStream::pair()?;
                let (child_stdout, output) = UnixStream::pair()?;
                Ok(Ends {
                    child_stdin: child_stdin.into(),
                    child_stdout: child_stdout.into(),
                    input: OwnedFd::from(input).into(),
                    output: OwnedFd::from(output).into(),
                })
            }
        }
    }
}
