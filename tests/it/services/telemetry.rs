//! Spans of calls, sent to a collector that `toolbay.toml` names.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, status};
use prost::Message;
use serde_json::json;

use super::{Place, code};
use crate::support::{Era, Session};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";

/// A host that sends its spans to this port.
fn traced(place: &Place, port: u16, era: Era) -> Session {
    let config = place.home.path().join("config");
    fs::create_dir_all(&config).expect("a folder can be made");
    let settings = format!("[telemetry]\notlp = \"http://127.0.0.1:{port}\"\n");
    fs::write(config.join("toolbay.toml"), settings).expect("a file can be written");
    let start = place.start().variable(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "authorization=Bearer%20let-me-in",
    );
    Session::open(start.start(), era)
}

/// What the collector got, once the host has ended.
fn sent(place: &Place, mut session: Session) -> Vec<ResourceSpans> {
    session.host.close();
    let (status, _) = session.host.wait_for_exit();
    assert!(status.success(), "{status}");
    let batches = place.server.requests().into_iter().filter(|request| {
        let is_batch = request.target == "/v1/traces";
        if is_batch {
            assert_eq!(request.method, "POST");
            assert_eq!(
                request.header("content-type"),
                Some("application/x-protobuf")
            );
            assert_eq!(request.header("authorization"), Some("Bearer let-me-in"));
        }
        is_batch
    });
    batches
        .flat_map(|batch| {
            ExportTraceServiceRequest::decode(&*batch.body)
                .expect("a batch of spans in Protobuf")
                .resource_spans
        })
        .collect()
}

fn spans(sent: &[ResourceSpans]) -> Vec<&Span> {
    let scopes = sent.iter().flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| &scope.spans).collect()
}

fn named<'a>(spans: &[&'a Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found
        .next()
        .unwrap_or_else(|| panic!("no span is named {name}"));
    assert!(found.next().is_none(), "two spans are named {name}");
    span
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_call_and_what_it_calls_are_spans_of_their_clients_trace() {
    for era in Era::BOTH {
        let place = Place::new();
        let mut session = traced(&place, place.server.port(), era);
        let meta =
            json!({"traceparent": format!("00-{TRACE}-{CLIENT}-01"), "tracestate": "vendor=1"});
        let call = json!({"name": "keeper_r1", "arguments": {"path": ["bump"]}, "_meta": meta});
        let result = session.result("tools/call", call);
        assert_ne!(result["isError"], true, "{result}");
        let refused = session.call("keeper_count", json!({"secret-word": 1}));
        assert_eq!(code(&refused), "validation_error");
        let sent = sent(&place, session);
        let resource = sent[0].resource.as_ref().expect("a resource");
        assert_eq!(text(&resource.attributes, "service.name"), Some("toolbay"));
        let spans = spans(&sent);
        assert_eq!(spans.len(), 3, "{spans:#?}");

        let outer = named(&spans, "tools/call keeper_r1");
        assert_eq!(hex(&outer.trace_id), TRACE);
        assert_eq!(hex(&outer.parent_span_id), CLIENT);
        assert_eq!(outer.trace_state, "vendor=1");
        assert_eq!(outer.kind, SpanKind::Server as i32);
        assert!(outer.start_time_unix_nano < outer.end_time_unix_nano);
        for (key, value) in [
            ("mcp.method.name", "tools/call"),
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "keeper_r1"),
            ("toolbay.plugin", "keeper"),
        ] {
            assert_eq!(text(&outer.attributes, key), Some(value), "{key}");
        }
        assert_eq!(text(&outer.attributes, "error.type"), None);

        let inner = named(&spans, "tools/call keeper_bump");
        assert_eq!(hex(&inner.trace_id), TRACE);
        assert_eq!(inner.parent_span_id, outer.span_id);
        assert_eq!(inner.kind, SpanKind::Internal as i32);

        let failed = named(&spans, "tools/call keeper_count");
        assert_ne!(hex(&failed.trace_id), TRACE);
        assert_eq!(
            text(&failed.attributes, "error.type"),
            Some("validation_error")
        );
        let status = failed.status.as_ref().expect("a status");
        assert_eq!(status.code, status::StatusCode::Error as i32);
        assert!(!format!("{spans:?}").contains("secret-word"));
    }
}

#[test]
fn what_a_client_says_of_its_trace_is_kept_to() {
    let place = Place::new();
    let mut session = traced(&place, place.server.port(), Era::Modern);
    let meta = json!({"traceparent": format!("00-{TRACE}-{CLIENT}-00")});
    let call = json!({"name": "keeper_r1", "arguments": {"path": ["bump"]}, "_meta": meta});
    session.result("tools/call", call);
    // More than a client has to be able to send is not kept.
    let long = format!("vendor={}", "x".repeat(600));
    let meta = json!({"traceparent": format!("00-{TRACE}-{CLIENT}-01"), "tracestate": long});
    let call = json!({"name": "keeper_bump", "arguments": {}, "_meta": meta});
    session.result("tools/call", call);
    // What is none begins a trace of its own.
    let meta = json!({"traceparent": "00-nonsense"});
    let call = json!({"name": "keeper_count", "arguments": {}, "_meta": meta});
    session.result("tools/call", call);
    let sent = sent(&place, session);
    let spans = spans(&sent);
    assert_eq!(spans.len(), 2, "{spans:#?}");
    assert_eq!(named(&spans, "tools/call keeper_bump").trace_state, "");
    assert!(
        named(&spans, "tools/call keeper_count")
            .parent_span_id
            .is_empty()
    );
}

#[test]
fn a_collector_that_is_not_there_holds_nobody_up_and_is_said_once() {
    let place = Place::new();
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = nobody.local_addr().expect("it has an address").port();
    drop(nobody);
    let mut session = traced(&place, port, Era::LEGACY);
    for _ in 0..20 {
        assert_ne!(session.call("keeper_count", json!({}))["isError"], true);
    }
    session.host.close();
    session.host.wait_for_exit();
    let said = session.host.stderr();
    assert_eq!(said.matches("spans cannot be sent").count(), 1, "{said}");
}
