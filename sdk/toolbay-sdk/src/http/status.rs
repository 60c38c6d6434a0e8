//! From a status such as 404 to an error that a model can act on.

use std::time::SystemTime;

use super::date;
use crate::error::{ErrorCode, ToolError};

/// The error that a status of 400 or more is, if it is one. `excerpt` is what the server says about it, or nothing.
pub(super) fn error(
    whose: &str,
    status: u16,
    retry_after: Option<&str>,
    excerpt: &str,
) -> Option<ToolError> {
    let code = code(status)?;
    let mut message = format!("{whose} answered {status}");
    for (before, part) in [(" ", reason(status)), (": ", excerpt)] {
        if !part.is_empty() {
            message.push_str(before);
            message.push_str(part);
        }
    }
    let error = ToolError::new(code, message);
    let wait = retry_after.and_then(|value| date::retry_after(value, SystemTime::now()));
    Some(match wait {
        Some(wait) => error.retry_after(wait),
        None => error,
    })
}

fn code(status: u16) -> Option<ErrorCode> {
    Some(match status {
        ..400 => return None,
        400 | 405 | 406 | 411 | 415 | 422 => ErrorCode::ValidationError,
        401..=403 | 407 | 451 => ErrorCode::PermissionDenied,
        404 | 410 => ErrorCode::NotFound,
        408 | 504 => ErrorCode::Timeout,
        409 | 412 | 423 => ErrorCode::Conflict,
        413 | 414 | 431 => ErrorCode::LimitExceeded,
        429 => ErrorCode::RateLimited,
        425 | 500 | 502 | 503 | 507..=599 => ErrorCode::Unavailable,
        _ => ErrorCode::NetworkError,
    })
}

/// What RFC 9110, section 15, and RFC 6585 call it.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_code() {
        let said: Vec<String> = (0..=600)
            .chain([999])
            .map(|status| (status, code(status).map(ErrorCode::as_str)))
            .collect::<Vec<_>>()
            .chunk_by(|(_, one), (_, other)| one == other)
            .map(|run| match run {
                [(status, code)] => format!("{status} {}", code.unwrap_or("-")),
                [(first, code), .., (last, _)] => format!("{first}-{last} {}", code.unwrap_or("-")),
                [] => String::new(),
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        0-399 -
        400 validation_error
        401-403 permission_denied
        404 not_found
        405-406 validation_error
        407 permission_denied
        408 timeout
        409 conflict
        410 not_found
        411 validation_error
        412 conflict
        413-414 limit_exceeded
        415 validation_error
        416-421 network_error
        422 validation_error
        423 conflict
        424 network_error
        425 unavailable
        426-428 network_error
        429 rate_limited
        430 network_error
        431 limit_exceeded
        432-450 network_error
        451 permission_denied
        452-499 network_error
        500 unavailable
        501 network_error
        502-503 unavailable
        504 timeout
        505-506 network_error
        507-599 unavailable
        600-999 network_error
        ");
    }

    #[test]
    fn the_message_says_what_the_server_said() {
        let message = |status, excerpt| {
            error("GET https://x.test/", status, None, excerpt)
                .unwrap()
                .message()
                .to_owned()
        };
        assert_eq!(
            message(404, ""),
            "GET https://x.test/ answered 404 Not Found"
        );
        assert_eq!(
            message(499, "gone"),
            "GET https://x.test/ answered 499: gone"
        );
        assert_eq!(error("", 399, Some("5"), ""), None);
    }
}
