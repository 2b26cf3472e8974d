//! The wire format: the spec's example, and inbound events in both modes.

use std::borrow::Cow;

use cloudevents::{AttributesReader as _, Data, Event};
use contract::{CloudEvent, Envelope, EventCreated, Header, RenderJobCompleted, Topic};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The spec's example, verbatim.
const SPEC_EXAMPLE: &str = r#"{
  "specversion": "1.0",
  "type": "eventzr.studio.render-job.completed.v1",
  "source": "studio-svc",
  "id": "evt-550e8400-e29b-41d4-a716-446655440000",
  "time": "2026-02-28T12:00:00.000Z",
  "datacontenttype": "application/json",
  "subject": "tenant-uuid",
  "data": {
    "tenantId": "tenant-uuid",
    "userId": "user-uuid",
    "jobId": "job-uuid",
    "type": "image",
    "provider": "dall-e-3",
    "outputUrl": "https://s3.amazonaws.com/eventzr-studio-assets-dev/...",
    "durationMs": 8500,
    "creditsUsed": 25
  }
}"#;

#[test]
fn the_specs_example_is_read_and_written_back_byte_for_byte() {
    let event: CloudEvent<RenderJobCompleted> = serde_json::from_str(SPEC_EXAMPLE).unwrap();
    assert_eq!(event.topic, Topic::RenderJobCompleted);
    assert_eq!(serde_json::to_string_pretty(&event).unwrap(), SPEC_EXAMPLE);
}

#[test]
fn the_example_of_a_created_event_decodes_into_its_type_and_back() {
    let file = include_str!("../../../events/eventzr.event.created.v1/example.json");
    let envelope = Envelope::decode(&[], Some(file.as_bytes())).unwrap();
    assert_eq!(envelope.event_type, Topic::EventCreated.as_str());
    let data: EventCreated = envelope.data().unwrap();
    assert_eq!(
        serde_json::to_value(&data).unwrap(),
        serde_json::from_str::<Value>(&envelope.data).unwrap()
    );
}

#[test]
fn a_topic_is_written_and_read_by_its_name() {
    for topic in Topic::ALL {
        assert_eq!(topic.as_str().parse(), Ok(topic));
        assert_eq!(serde_json::to_value(topic).unwrap(), json!(topic.as_str()));
    }
}

#[test]
fn a_consumer_is_named_after_its_topic() {
    for topic in Topic::consumed() {
        let of_topic = topic.as_str().strip_prefix("eventzr.").unwrap();
        let of_topic = of_topic.strip_suffix(".v1").unwrap().replace('.', "-");
        assert_eq!(topic.consumer(), Some(&*of_topic));
    }
}

fn header<'a>(name: &'a str, value: &'a str) -> Header<'a> {
    (Cow::Borrowed(name), Some(Cow::Borrowed(value.as_bytes())))
}

fn refusal(headers: &[Header<'_>], value: Option<&str>) -> String {
    Envelope::decode(headers, value.map(str::as_bytes))
        .unwrap_err()
        .to_string()
}

#[test]
fn the_content_type_decides_the_mode_in_any_case() {
    let structured = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":1}}"#;
    let headers = [header(
        "Content-Type",
        "Application/CloudEvents+JSON; charset=utf-8",
    )];
    assert_eq!(
        Envelope::decode(&headers, Some(structured.as_bytes()))
            .unwrap()
            .data,
        r#"{"a":1}"#
    );

    let headers = [
        header("ce_specversion", "1.0"),
        header("ce_id", "1"),
        header("CE_source", "s"),
        header("ce_type", "t"),
        header("content-type", "application/json"),
    ];
    let binary = Envelope::decode(&headers, Some(br#"{"a":1}"#)).unwrap();
    assert_eq!(
        (&*binary.id, &*binary.source, &*binary.data),
        ("1", "s", r#"{"a":1}"#)
    );
}

#[test]
fn a_record_that_is_not_a_cloud_event_is_refused_with_a_reason() {
    let event =
        |extra: &str| format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t"{extra}}}"#);
    for (headers, value, expected) in [
        (vec![], None, "the record has no value (a tombstone)"),
        (
            vec![],
            Some("[]".to_owned()),
            "not a CloudEvent: the value is JSON, but not an object",
        ),
        (
            vec![],
            Some("5".to_owned()),
            "not a CloudEvent: the value is JSON, but not an object",
        ),
        (
            vec![],
            Some(r#"["1.0","1","s","t",null,null,null,{}]"#.to_owned()),
            "not a CloudEvent: the value is JSON, but not an object",
        ),
        (
            vec![],
            Some("{}".to_owned()),
            "not a CloudEvent: `specversion` is missing",
        ),
        (
            vec![],
            Some(r#"{"specversion":"0.3"}"#.to_owned()),
            "not a CloudEvent 1.0: `specversion` is `0.3`",
        ),
        (
            vec![],
            Some(event("")),
            "not a CloudEvent: `data` is missing",
        ),
        (
            vec![],
            Some(event(r#","time":"noon","data":{}"#)),
            "not a CloudEvent: `time` is `noon`, which is not an RFC 3339 time",
        ),
        (
            vec![],
            Some(event(r#","datacontenttype":"text/xml","data":"<a/>""#)),
            "`datacontenttype` is `text/xml`; the studio reads JSON",
        ),
        (
            vec![],
            Some(event(r#","data":{},"data_base64":"e30=""#)),
            "not a CloudEvent: it has both `data` and `data_base64`",
        ),
        (
            vec![header("content-type", "application/cloudevents-batch+json")],
            Some("[]".to_owned()),
            "the record's content-type is application/cloudevents-batch+json, which CloudEvents on Kafka does not have",
        ),
        (
            vec![header("content-type", "application/json")],
            Some("{}".to_owned()),
            "not a CloudEvent: `specversion` is missing",
        ),
    ] {
        assert_eq!(refusal(&headers, value.as_deref()), expected);
    }
}

#[test]
fn a_header_name_with_a_character_across_its_third_byte_is_ignored() {
    let named = ["aaéa", "naïvee", "ce🏮", "é"].map(|name| header(name, "x"));
    let headers: Vec<_> = named.into_iter().chain([header("ce_id", "1")]).collect();
    assert_eq!(
        refusal(&headers, Some("{}")),
        "not a CloudEvent: `specversion` is missing"
    );
}

#[test]
fn text_after_the_data_is_refused_in_binary_mode_too() {
    let headers = [
        header("ce_specversion", "1.0"),
        header("ce_id", "1"),
        header("ce_source", "s"),
        header("ce_type", "t"),
    ];
    let envelope = Envelope::decode(&headers, Some(b"{} rubbish")).unwrap();
    assert_eq!(
        envelope
            .data::<serde_json::Map<String, Value>>()
            .unwrap_err()
            .to_string(),
        "data: it is followed by other text"
    );
}

#[test]
fn an_id_over_1024_bytes_is_refused() {
    let id = "x".repeat(1025);
    let json =
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"t","data":{{}}}}"#);
    assert_eq!(
        refusal(&[], Some(&json)),
        "`id` has 1025 bytes; at most 1024 are read"
    );
}

/// What CloudEvents forbids in every attribute: control characters (here a sequence that sets a
/// terminal's title), and noncharacters.
const FORBIDDEN: [(&str, &str); 6] = [
    ("\u{1b}]0;owned\u{7}", "U+001B"),
    ("evt\n1", "U+000A"),
    ("evt\u{7f}", "U+007F"),
    ("\u{9b}2J", "U+009B"),
    ("evt\u{fdd0}", "U+FDD0"),
    ("evt\u{1fffe}", "U+1FFFE"),
];

#[test]
fn a_character_that_cloudevents_forbids_is_refused_by_name_in_both_modes() {
    for (text, found) in FORBIDDEN {
        for name in ["id", "source", "type", "subject", "time", "datacontenttype"] {
            let expected = format!(
                "not a CloudEvent: `{name}` holds the character {found}, which no attribute may hold"
            );
            let mut event = json!({
                "specversion": "1.0", "id": "1", "source": "s", "type": "t", "subject": "tenant", "data": {},
            });
            event[name] = json!(text);
            assert_eq!(refusal(&[], Some(&event.to_string())), expected);

            let named = [
                ("id", "1"),
                ("source", "s"),
                ("type", "t"),
                ("specversion", "1.0"),
            ];
            let mut headers: Vec<_> = named
                .into_iter()
                .filter(|(other, _)| *other != name)
                .map(|(other, value)| (Cow::Owned(format!("ce_{other}")), value))
                .collect();
            headers.push(match name {
                "datacontenttype" => (Cow::Borrowed("content-type"), text),
                name => (Cow::Owned(format!("ce_{name}")), text),
            });
            let headers: Vec<Header<'_>> = headers
                .into_iter()
                .map(|(name, value)| (name, Some(Cow::Borrowed(value.as_bytes()))))
                .collect();
            assert_eq!(refusal(&headers, Some("{}")), expected);
        }
    }
}

#[test]
fn a_lone_surrogate_is_refused_in_both_modes() {
    let json = r#"{"specversion":"1.0","id":"\ud800","source":"s","type":"t","data":{}}"#;
    let refused = refusal(&[], Some(json));
    assert!(refused.starts_with("the value is not JSON: "), "{refused}");
    let surrogate = (
        Cow::Borrowed("ce_id"),
        Some(Cow::Borrowed(&[0xed, 0xa0, 0x80][..])),
    );
    let headers = [
        header("ce_specversion", "1.0"),
        surrogate,
        header("ce_source", "s"),
        header("ce_type", "t"),
    ];
    assert_eq!(
        refusal(&headers, Some("{}")),
        "not a CloudEvent: the header `ce_id` is not UTF-8 text"
    );
}

#[test]
fn asyncapi_forbids_the_same_characters_in_attributes() {
    let asyncapi = include_str!("../../../events/asyncapi.yaml");
    let pattern = asyncapi
        .lines()
        .find_map(|line| line.trim().strip_prefix("pattern: &printable "))
        .unwrap();
    // A double-quoted text of YAML that escapes only what JSON escapes the same way.
    let pattern: String = serde_json::from_str(pattern).unwrap();
    let validator = jsonschema::validator_for(&json!({ "pattern": pattern })).unwrap();
    for text in ["evt-1", "/events/é字🏮", "a\u{202e}b"] {
        assert!(validator.is_valid(&json!(text)), "{text:?}");
    }
    // A pattern has no names for the noncharacters beyond the first plane.
    for (text, found) in FORBIDDEN.iter().filter(|(_, found)| found.len() == 6) {
        assert!(!validator.is_valid(&json!(text)), "{found}");
    }
}

#[test]
fn a_null_attribute_counts_as_absent() {
    let json = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","subject":null,"time":null,"data":1}"#;
    let envelope = Envelope::decode(&[], Some(json.as_bytes())).unwrap();
    assert_eq!((envelope.subject, envelope.time), (None, None));
}

#[test]
fn base64_data_is_the_same_as_inline_data() {
    let json =
        r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"eyJhIjoxfQ=="}"#;
    assert_eq!(
        Envelope::decode(&[], Some(json.as_bytes())).unwrap().data,
        r#"{"a":1}"#
    );
}

/// Printable text, as CloudEvents allows in attributes.
fn attribute() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9é字🏮:/._-]{1,24}"
}

proptest! {
    #[test]
    fn both_modes_read_what_the_cloudevents_crate_reads(
        id in attribute(),
        source in "[a-z]{1,12}(/[a-z0-9-]{1,8}){0,2}",
        event_type in attribute(),
        subject in proptest::option::of(attribute()),
        seconds in proptest::option::of(0_i64..4_000_000_000),
        title in "\\PC{0,40}",
    ) {
        let data = json!({ "title": title, "n": 1 });
        let time = seconds.map(|seconds| jiff::Timestamp::from_second(seconds).unwrap());
        let mut event = json!({
            "specversion": "1.0", "id": id, "source": source, "type": event_type,
            "datacontenttype": "application/json", "data": data,
        });
        if let Some(subject) = &subject {
            event["subject"] = json!(subject);
        }
        if let Some(time) = time {
            event["time"] = json!(time.to_string());
        }
        let text = event.to_string();
        let reference: Event = serde_json::from_str(&text).unwrap();

        let structured_headers = [header("content-type", "application/cloudevents+json; charset=UTF-8")];
        let structured = Envelope::decode(&structured_headers, Some(text.as_bytes())).unwrap();
        let body = data.to_string();
        let time_text = time.map(|time| time.to_string());
        let mut headers = vec![
            header("ce_specversion", "1.0"), header("ce_id", &id), header("ce_source", &source),
            header("ce_type", &event_type), header("content-type", "application/json"),
        ];
        headers.extend(subject.iter().map(|subject| header("ce_subject", subject)));
        headers.extend(time_text.iter().map(|time| header("ce_time", time)));
        let binary = Envelope::decode(&headers, Some(body.as_bytes())).unwrap();

        for envelope in [structured, binary] {
            prop_assert_eq!(&*envelope.id, reference.id());
            prop_assert_eq!(&*envelope.source, reference.source().as_str());
            prop_assert_eq!(&*envelope.event_type, reference.ty());
            prop_assert_eq!(envelope.subject.as_deref(), reference.subject());
            prop_assert_eq!(envelope.time.map(|t| t.as_second()), reference.time().map(|t| t.timestamp()));
            let Some(Data::Json(theirs)) = reference.data() else { panic!("the reference has JSON data") };
            prop_assert_eq!(&serde_json::from_str::<Value>(&envelope.data).unwrap(), theirs);
        }
    }

    #[test]
    fn no_record_makes_the_envelope_panic(value in proptest::collection::vec(any::<u8>(), 0..200), names in proptest::collection::vec("(ce_)?.{0,12}", 0..8)) {
        let mut headers: Vec<Header<'_>> =
            names.iter().map(|name| (Cow::Borrowed(&**name), Some(Cow::Borrowed(&*value)))).collect();
        let _ = Envelope::decode(&headers, Some(&value));
        headers.push(header("ce_id", "1"));
        let _ = Envelope::decode(&headers, Some(&value));
        let _ = Envelope::decode(&[], Some(&value));
    }
}
