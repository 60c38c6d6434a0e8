//! What common errors become, so that `?` is enough. Owns the code of each.

use std::error::Error;
use std::fmt;

use super::{ErrorCode, ToolError};

impl From<std::io::Error> for ToolError {
    /// By kind: not found, permission denied, timed out, already exists (`conflict`), invalid input or data (`validation_error`), whatever
    /// concerns connections and hosts (`network_error`); anything else is `internal`. A `ToolError` that a reader or writer wrapped is itself again.
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let error = match error.downcast::<Self>() {
            Ok(inner) => return inner,
            Err(error) => error,
        };
        let code = match error.kind() {
            Kind::NotFound => ErrorCode::NotFound,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => ErrorCode::PermissionDenied,
            Kind::TimedOut => ErrorCode::Timeout,
            Kind::AlreadyExists | Kind::DirectoryNotEmpty | Kind::ResourceBusy => {
                ErrorCode::Conflict
            }
            Kind::InvalidInput | Kind::InvalidData | Kind::NotADirectory | Kind::IsADirectory => {
                ErrorCode::ValidationError
            }
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge | Kind::OutOfMemory => {
                ErrorCode::LimitExceeded
            }
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrInUse
            | Kind::AddrNotAvailable
            | Kind::BrokenPipe => ErrorCode::NetworkError,
            _ => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<serde_json::Error> for ToolError {
    /// `validation_error` where a text is not the JSON that was wanted; as for [`std::io::Error`] where reading or writing failed.
    fn from(error: serde_json::Error) -> Self {
        if error.is_io() {
            std::io::Error::from(error).into()
        } else {
            Self::validation(error.to_string())
        }
    }
}

impl From<Box<dyn Error>> for ToolError {
    /// `internal`: what is in the box cannot be told.
    fn from(error: Box<dyn Error>) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Box<dyn Error + Send + Sync>> for ToolError {
    /// `internal`: what is in the box cannot be told.
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self::internal(error.to_string())
    }
}

macro_rules! from_errors {
    ($constructor:ident, $code:literal: $($error:ty),* $(,)?) => {$(
        impl From<$error> for ToolError {
            #[doc = concat!("`", $code, "`")]
            fn from(error: $error) -> Self {
                Self::$constructor(error.to_string())
            }
        }
    )*};
}

from_errors!(validation, "validation_error":
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::str::ParseBoolError,
    std::char::ParseCharError,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::net::AddrParseError,
    std::char::CharTryFromError,
    std::char::TryFromCharError,
    std::char::DecodeUtf16Error,
    std::string::FromUtf16Error,
    std::ffi::NulError,
    std::time::TryFromFloatSecsError,
);
from_errors!(limit_exceeded, "limit_exceeded": std::collections::TryReserveError);
from_errors!(unavailable, "unavailable": std::env::VarError);
from_errors!(internal, "internal":
    fmt::Error,
    std::array::TryFromSliceError,
    std::path::StripPrefixError,
    std::time::SystemTimeError,
    std::cell::BorrowError,
    std::cell::BorrowMutError,
);

impl From<std::convert::Infallible> for ToolError {
    /// Never happens.
    fn from(error: std::convert::Infallible) -> Self {
        match error {}
    }
}

impl<T> From<std::sync::PoisonError<T>> for ToolError {
    /// `internal`: another part of the tool has panicked.
    fn from(error: std::sync::PoisonError<T>) -> Self {
        Self::internal(error.to_string())
    }
}

impl<T> From<std::io::IntoInnerError<T>> for ToolError {
    /// As for [`std::io::Error`].
    fn from(error: std::io::IntoInnerError<T>) -> Self {
        error.into_error().into()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;

    #[test]
    fn errors_of_reading_and_writing_have_the_code_of_their_kind() {
        for (kind, code) in [
            (ErrorKind::NotFound, "not_found"),
            (ErrorKind::PermissionDenied, "permission_denied"),
            (ErrorKind::TimedOut, "timeout"),
            (ErrorKind::AlreadyExists, "conflict"),
            (ErrorKind::InvalidData, "validation_error"),
            (ErrorKind::ConnectionRefused, "network_error"),
            (ErrorKind::StorageFull, "limit_exceeded"),
            (ErrorKind::Other, "internal"),
        ] {
            assert_eq!(
                ToolError::from(io::Error::from(kind)).code().as_str(),
                code,
                "{kind}"
            );
        }
    }

    #[test]
    fn the_question_mark_works_on_common_errors() {
        fn read(text: &str) -> Result<u8, ToolError> {
            let number: i64 = serde_json::from_str(text)?;
            let number = u8::try_from(number)?;
            if number == 0 {
                let opaque: Box<dyn Error + Send + Sync> = "nothing left".into();
                return Err(opaque.into());
            }
            Ok(number)
        }
        assert_eq!(read("7"), Ok(7));
        assert_eq!(read("{").unwrap_err().code(), ErrorCode::ValidationError);
        assert_eq!(read("256").unwrap_err().code(), ErrorCode::ValidationError);
        assert_eq!(read("0").unwrap_err(), ToolError::internal("nothing left"));
        let unset = || Ok::<_, ToolError>(std::env::var("TOOLBAY_SDK_NEVER_SET")?);
        assert_eq!(unset().unwrap_err().code(), ErrorCode::Unavailable);
    }
}
