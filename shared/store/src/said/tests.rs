use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::derive;

use super::*;
use crate::{NotPacked, packed::pack};

/// What an entry says that opened a job, with a traced event and one that has every kind of
/// character.
fn said() -> Said {
    let event = |value: &str, trace: Option<&str>| OutboundEvent {
        topic: Topic::TemplateCreated,
        key: "tenant \"1\"".to_owned(),
        value: value.to_owned(),
        trace: trace.map(|trace| trace.parse().unwrap()),
    };
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    Said {
        entity: Some(EntityKey(derive(&[b"an entity"]))),
        tenant: Some(TenantKey(derive(&[b"a tenant"]))),
        starts: vec![JobId(derive(&[b"a job"]))],
        events: vec![
            event(r#"{"a":1.50,"b":"\u0964 दीप \"\\\n","c":{}}"#, Some(trace)),
            event("{}", None),
        ],
        older_than: None,
    }
}

fn packed(json: &str) -> Item {
    let packed = AttributeValue::B(Blob::new(pack(json)));
    Item::from([("packed".to_owned(), packed)])
}

#[test]
fn what_is_packed_is_read_back_and_each_event_has_its_bytes() {
    let said = said();
    assert_eq!(Said::read(&packed(&said.to_json())).unwrap(), said);
}

/// As this release writes it, every later one must read it.
#[test]
fn the_json_of_an_entry_stays_as_it_is() {
    let end = Said {
        entity: None,
        tenant: None,
        starts: Vec::new(),
        ..said()
    };
    assert_eq!(
        end.to_json(),
        r#"{"events":[{"topic":"eventzr.studio.template.created.v1","key":"tenant \"1\"","value":{"a":1.50,"b":"\u0964 दीप \"\\\n","c":{}},"trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},{"topic":"eventzr.studio.template.created.v1","key":"tenant \"1\"","value":{}}]}"#
    );
    // A later release may add to it.
    let more = end.to_json().replacen('{', r#"{"more":[1],"#, 1);
    assert_eq!(Said::read(&packed(&more)).unwrap(), end);
}

#[test]
fn the_newer_event_is_read_back_with_its_source_id_time_and_version() {
    let time = "2026-11-20T10:04:00.000000001Z".parse().unwrap();
    let newer = OtherEvent {
        source: "events-svc".to_owned(),
        id: "evt-\"1\"".to_owned(),
        time: contract::EventTime::new(time),
        version: Some(7),
        at: contract::Time::new("2026-11-20T10:00:00Z".parse().unwrap()),
    };
    let older = Said {
        entity: None,
        tenant: None,
        starts: Vec::new(),
        events: Vec::new(),
        older_than: Some(Box::new(newer)),
    };
    let json = older.to_json();
    assert_eq!(
        json,
        r#"{"events":[],"older_than":{"source":"events-svc","id":"evt-\"1\"","time":"2026-11-20T10:04:00.000000001Z","version":7,"at":"2026-11-20T10:00:00.000Z"}}"#
    );
    assert_eq!(Said::read(&packed(&json)).unwrap(), older);
}

#[test]
fn what_is_left_of_an_erased_entry_says_nothing() {
    let none = || AttributeValue::L(Vec::new());
    let blanked = Item::from([("events".to_owned(), none()), ("starts".to_owned(), none())]);
    let said = Said::read(&blanked).unwrap();
    assert!(said.events.is_empty() && said.starts.is_empty());
}

#[test]
fn an_entry_of_another_version_is_an_error_and_not_an_empty_one() {
    let mut bytes = pack(&said().to_json());
    bytes[0] = 2;
    let newer = AttributeValue::B(Blob::new(bytes));
    let newer = Said::read(&Item::from([("packed".to_owned(), newer)]));
    assert!(matches!(
        newer,
        Err(ItemError::Packed("packed", NotPacked::Version(2)))
    ));
    let other = Said::read(&packed("[]"));
    assert!(matches!(other, Err(ItemError::State(_))));
    let nothing = Said::read(&Item::new());
    assert!(matches!(nothing, Err(ItemError::Attribute("events"))));
}
