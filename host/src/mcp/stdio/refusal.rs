//! The JSON-RPC error that answers a message which never became a call.

use std::borrow::Cow;

use rmcp::model::{ErrorCode, RequestId};
use serde::Serialize;

/// An error answer. Where no id could be read the answer has none: the schemas since 2025-11-25 make it optional and
/// none of them allows `null`.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) id: Option<RequestId>,
    pub(crate) code: ErrorCode,
    pub(crate) message: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(
        id: Option<RequestId>,
        code: ErrorCode,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            id,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn parse_error(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(None, ErrorCode::PARSE_ERROR, message)
    }

    pub(crate) fn invalid_request(
        id: Option<RequestId>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(id, ErrorCode::INVALID_REQUEST, message)
    }

    /// The whole message, without a newline.
    pub(crate) fn to_line(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Line<'a> {
            jsonrpc: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a RequestId>,
            error: Error<'a>,
        }
        #[derive(Serialize)]
        struct Error<'a> {
            code: ErrorCode,
            message: &'a str,
        }
        let line = Line {
            jsonrpc: "2.0",
            id: self.id.as_ref(),
            error: Error {
                code: self.code,
                message: &self.message,
            },
        };
        // Strings and numbers always have a JSON form, so the fallback only spares a panic path.
        serde_json::to_vec(&line).unwrap_or_else(|_| {
            br#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"internal error"}}"#.to_vec()
        })
    }
}
