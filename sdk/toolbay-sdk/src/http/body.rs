//! The body of an answer while it is read. Owns the limit on its size.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use super::exchange::header;
use crate::error::ToolError;

/// The body of an answer, to be read as it arrives.
///
/// What goes wrong while reading is an [`io::Error`] that `?` turns into the [`ToolError`] with the right code, also through a reader around this one.
///
/// ```no_run
/// use std::io::{BufRead, BufReader};
/// use toolbay_sdk::{ToolError, http};
///
/// fn first_line(url: &str) -> Result<String, ToolError> {
///     let response = http::get(url).send()?.error_for_status()?;
///     let mut line = String::new();
///     BufReader::new(response.reader()).read_line(&mut line)?;
///     Ok(line)
/// }
/// ```
pub struct Body {
    source: Box<dyn Read>,
    left: u64,
    limit: u64,
    /// What the server says how long it is.
    declared: Option<u64>,
    /// Method and URL, for errors.
    whose: String,
}

impl Body {
    pub(super) fn new(
        source: Box<dyn Read>,
        limit: u64,
        headers: &[(String, String)],
        whose: String,
    ) -> Self {
        Self {
            source,
            left: limit,
            limit,
            declared: header(headers, "content-length")
                .and_then(|length| length.trim().parse().ok()),
            whose,
        }
    }

    pub(super) fn whose(&self) -> &str {
        &self.whose
    }

    /// All of it.
    pub(super) fn read_all(&mut self) -> Result<Vec<u8>, ToolError> {
        // What a server says is believed only as far as it costs nothing.
        let expected = self.declared.unwrap_or(0).min(self.limit).min(1 << 20);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn too_large(&self) -> io::Error {
        let error = ToolError::limit_exceeded(format!(
            "the answer to {} is larger than {}",
            self.whose,
            size(self.limit)
        ));
        io::Error::new(ErrorKind::FileTooLarge, error)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The answer to `HEAD` says how long a body would be that does not come, so only a byte that comes is too much then.
        let says_too_much = self.declared.is_some_and(|declared| declared > self.limit);
        if says_too_much || (self.left == 0 && !buffer.is_empty()) {
            return match self.source.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(self.too_large()),
            };
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self
            .source
            .read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left = self
            .left
            .saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Body")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        1 => "1 byte".to_owned(),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        source: impl Read + 'static,
        limit: u64,
        declared: Option<&str>,
    ) -> Result<Vec<u8>, String> {
        let headers = declared.map(|length| ("Content-Length".to_owned(), length.to_owned()));
        let headers: Vec<_> = headers.into_iter().collect();
        Body::new(
            Box::new(source),
            limit,
            &headers,
            "GET https://x.test/".to_owned(),
        )
        .read_all()
        .map_err(|error| format!("{}: {}", error.code(), error.message()))
    }

    #[test]
    fn a_body_may_have_as_many_bytes_as_the_limit_says() {
        let too_large = |size| {
            Err(format!(
                "limit_exceeded: the answer to GET https://x.test/ is larger than {size}"
            ))
        };
        assert_eq!(read(&b"12345"[..], 5, None), Ok(b"12345".to_vec()));
        assert_eq!(read(&b"123456"[..], 5, None), too_large("5 bytes"));
        assert_eq!(read(&b""[..], 0, None), Ok(Vec::new()));
        assert_eq!(read(&b"1"[..], 0, None), too_large("0 bytes"));
        assert_eq!(read(io::repeat(1), 2048, None), too_large("2 KiB"));
    }

    #[test]
    fn the_length_that_a_server_declares_is_enough_to_refuse_it() {
        let says = |length| read(io::repeat(1).take(10), 3 << 20, Some(length));
        assert_eq!(says("3145728").map(|bytes| bytes.len()), Ok(10));
        assert!(
            says("3145729")
                .unwrap_err()
                .ends_with("is larger than 3 MiB")
        );
        assert_eq!(says("many").map(|bytes| bytes.len()), Ok(10));
        // The answer to HEAD.
        assert_eq!(read(io::empty(), 1, Some("9999")), Ok(Vec::new()));
    }
}
