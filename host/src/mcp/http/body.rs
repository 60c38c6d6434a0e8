//! Reading a request's body, and the form in which rmcp gets what guests answer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rmcp::model::RequestId;
use serde_json::value::RawValue;

use super::super::stdio::CallMethod;
use super::answer::{Answer, refuse};

/// So much of a body that is too long is read and thrown away: a client that is still sending when the connection closes does not see the answer.
const THROWN_AWAY: usize = 16 << 20;

/// Reads a whole body.
///
/// # Errors
///
/// The answer to one that is too long, too slow or cut off.
pub(super) async fn read(body: Incoming, limit: usize, time: Duration) -> Result<Bytes, Answer> {
    match tokio::time::timeout(time, read_up_to(body, limit)).await {
        Ok(Ok(Some(whole))) => Ok(whole),
        Ok(Ok(None)) => Err(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the message is longer than the limit of {limit} bytes"),
        )),
        Ok(Err(_)) => Err(refuse(StatusCode::BAD_REQUEST, "the message was cut off")),
        Err(_) => Err(refuse(
            StatusCode::REQUEST_TIMEOUT,
            "the message did not come in time",
        )),
    }
}

/// The body, or nothing where it is longer than that.
async fn read_up_to(mut body: Incoming, limit: usize) -> hyper::Result<Option<Bytes>> {
    let most = limit.saturating_add(THROWN_AWAY);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut whole = BytesMut::new();
    let mut length = 0_usize;
    while announced <= most && length <= most {
        let Some(frame) = body.frame().await else {
            return Ok((length <= limit).then(|| whole.freeze()));
        };
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length.max(announced) <= limit {
            whole.extend_from_slice(&data);
        } else {
            whole = BytesMut::new();
        }
    }
    Ok(None)
}

/// How many bytes a body may turn out to have, for what is set aside before it is read.
pub(super) fn most_bytes(body: &Incoming, limit: usize) -> usize {
    body.size_hint()
        .upper()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .map_or(limit, |bytes| bytes.min(limit))
}

/// A request that guests answer, as rmcp gets it. Its parameters go to the host as the text that they are, as on standard input; of rmcp only the envelope, the headers and the
/// way back are wanted. So it gets what those need, in a form that it does not take for a call of its own: then the result goes back as the host
/// wrote it, and no tree of the arguments is made that nobody looks at. The headers may repeat arguments where a tool's schema says so
/// (`with_arguments`), and only then rmcp has to see them.
pub(super) fn call_for_rmcp(
    id: &RequestId,
    method: CallMethod,
    params: Option<&RawValue>,
    with_arguments: bool,
) -> Bytes {
    let members: HashMap<Cow<'_, str>, &RawValue> = params
        .and_then(|params| serde_json::from_str(params.get()).ok())
        .unwrap_or_default();
    let mut shown = Vec::new();
    let mut show = |key: &str| {
        if let Some(value) = members.get(key) {
            shown.push(format!("\"{key}\":{}", value.get()));
        }
    };
    show("name");
    show("uri");
    // What is no object there is the host's to complain about.
    if members
        .get("_meta")
        .is_some_and(|meta| meta.get().starts_with('{'))
    {
        show("_meta");
    }
    if with_arguments {
        show("arguments");
    }
    // Each of these is of another type than one of the methods has it, so none of them is read as its own.
    for odd in ["requestState", "ref"] {
        shown.push(format!("\"{odd}\":0"));
    }
    let id = serde_json::to_string(id).unwrap_or_default();
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{}","params":{{{}}}}}"#,
        method.as_str(),
        shown.join(",")
    )
    .into()
}

#[cfg(test)]
mod tests {
    use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetMeta, JsonRpcMessage};

    use super::*;

    const METHODS: [CallMethod; 4] = [
        CallMethod::CallTool,
        CallMethod::ReadResource,
        CallMethod::GetPrompt,
        CallMethod::Complete,
    ];

    fn as_rmcp_reads_it(
        method: CallMethod,
        params: Option<&str>,
        with_arguments: bool,
    ) -> (ClientRequest, String) {
        let params = params.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        let body = call_for_rmcp(
            &RequestId::String("a\"b".into()),
            method,
            params.as_deref(),
            with_arguments,
        );
        let message: ClientJsonRpcMessage = serde_json::from_slice(&body).unwrap();
        let JsonRpcMessage::Request(request) = message else {
            panic!("not a request: {message:?}");
        };
        assert_eq!(request.id, RequestId::String("a\"b".into()));
        (request.request, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn no_call_is_one_of_rmcps_own() {
        let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":7}"#;
        let good = format!(r#"{{"name":"a_b","arguments":{{"x":1}},"_meta":{meta}}}"#);
        for (with_arguments, method) in [false, true]
            .iter()
            .flat_map(|with| METHODS.map(|method| (*with, method)))
        {
            let (request, body) = as_rmcp_reads_it(method, Some(&good), with_arguments);
            assert!(
                matches!(&request, ClientRequest::CustomRequest(custom) if custom.method == method.as_str())
            );
            let version = request.get_meta().protocol_version().unwrap();
            assert_eq!(version.as_str(), "2026-07-28");
            assert!(request.get_meta().get_progress_token().is_some());
            assert_eq!(body.contains(r#"{"x":1}"#), with_arguments);
        }
        for odd in [
            None,
            Some("[]"),
            Some("7"),
            Some("null"),
            Some("{}"),
            Some(r#"{"name":7,"arguments":[]}"#),
            Some(r#"{"name":"a","name":"b"}"#),
            Some(r#"{"_meta":7}"#),
        ] {
            for method in METHODS {
                let (request, _) = as_rmcp_reads_it(method, odd, false);
                assert!(
                    matches!(request, ClientRequest::CustomRequest(_)),
                    "{method:?} {odd:?}"
                );
            }
        }
    }
}
