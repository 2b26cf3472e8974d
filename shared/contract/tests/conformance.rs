//! The scenarios of the CloudEvents conformance suite for Kafka (cloudevents/conformance,
//! kafka-protocol-binding), rewritten for this crate, and the inputs that each mode must refuse.

use std::borrow::Cow;

use contract::{Envelope, Header};
use jiff::Timestamp;
use serde_json::{Value, json};

fn headers<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<Header<'a>> {
    pairs
        .iter()
        .map(|(name, value)| (Cow::Borrowed(*name), Some(Cow::Borrowed(value.as_bytes()))))
        .collect()
}

const BINARY: [(&str, &str); 6] = [
    ("ce_specversion", "1.0"),
    ("ce_id", "1234-1234-1234"),
    ("ce_type", "com.example.someevent"),
    ("ce_source", "/mycontext/subcontext"),
    ("ce_time", "2018-04-05T03:56:24Z"),
    ("content-type", "application/json"),
];

/// Asserts that `envelope` is the suite's event.
fn is_the_event(envelope: &Envelope<'_>) {
    assert_eq!(envelope.id, "1234-1234-1234");
    assert_eq!(envelope.event_type, "com.example.someevent");
    assert_eq!(envelope.source, "/mycontext/subcontext");
    assert_eq!(
        envelope.time,
        Some("2018-04-05T03:56:24Z".parse::<Timestamp>().unwrap())
    );
    assert_eq!(
        serde_json::from_str::<Value>(&envelope.data).unwrap(),
        json!({ "message": "Hello World!" })
    );
}

fn structured() -> String {
    json!({
        "specversion": "1.0",
        "type": "com.example.someevent",
        "time": "2018-04-05T03:56:24Z",
        "id": "1234-1234-1234",
        "source": "/mycontext/subcontext",
        "datacontenttype": "application/json",
        "data": { "message": "Hello World!" },
    })
    .to_string()
}

#[test]
fn binary_content_mode() {
    let headers = headers(&BINARY);
    is_the_event(&Envelope::decode(&headers, Some(br#"{"message": "Hello World!"}"#)).unwrap());
}

#[test]
fn structured_content_mode() {
    for content_type in [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
    ] {
        let headers = headers(&[("content-type", content_type)]);
        is_the_event(&Envelope::decode(&headers, Some(structured().as_bytes())).unwrap());
    }
}

#[test]
fn in_binary_mode_each_required_attribute_is_required() {
    for required in ["ce_specversion", "ce_id", "ce_type", "ce_source"] {
        let without: Vec<(&str, &str)> = BINARY
            .into_iter()
            .filter(|(name, _)| *name != required)
            .collect();
        let headers = headers(&without);
        let refused = Envelope::decode(&headers, Some(br#"{"message": "Hello World!"}"#));
        // Without `ce_id`, the content type `application/json` still selects binary mode.
        assert!(refused.is_err(), "without {required}");
    }
}

#[test]
fn structured_mode_ignores_attribute_headers() {
    let mut all = vec![
        ("content-type", "application/cloudevents+json"),
        ("ce_id", "another"),
        ("ce_type", "another"),
    ];
    all.push(("ce_source", "another"));
    let headers = headers(&all);
    is_the_event(&Envelope::decode(&headers, Some(structured().as_bytes())).unwrap());
}

#[test]
fn another_format_or_a_batch_is_refused_by_name() {
    for content_type in [
        "application/cloudevents+avro",
        "application/cloudevents-batch+json",
    ] {
        let headers = headers(&[("content-type", content_type)]);
        let refused = Envelope::decode(&headers, Some(structured().as_bytes())).unwrap_err();
        assert!(refused.to_string().contains(content_type), "{refused}");
    }
}
