use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, Identifier, Text, Time, Topic,
};
use domain::{
    ContentHash, Description, EntityKey, InboundEvent, InboundEventKey, JobId, OtherEvent,
    OutboundEvent, Planning, ProviderRouting, derive,
};

use super::*;

fn tenant() -> Identifier {
    Identifier::parse("tenant-1").unwrap()
}

fn event() -> Entity {
    Entity {
        kind: EntityKind::Event,
        id: Identifier::parse("event-1").unwrap(),
    }
}

/// What is prepared for an event that wants these assets.
fn prepared(assets: Vec<AssetKind>) -> Prepared {
    let at: jiff::Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let inbound = InboundEvent {
        topic: Topic::EventCreated,
        source: "events-svc".to_owned(),
        id: "event-1-created".to_owned(),
        time: EventTime::new(at),
        trace: None,
        content: ContentHash::of_text("the content"),
    };
    let description = Description {
        tenant: tenant(),
        user: None,
        entity: event(),
        version: None,
        configuration: Configuration::titled(Text::parse("A title").unwrap()),
        translations: BTreeMap::new(),
        assets,
    };
    let now = Time::new(at);
    let planning = Planning {
        now,
        deadline: now,
        routing: &ProviderRouting::default(),
    };
    let decision = domain::plan(None, &inbound, &description, planning).unwrap();
    let expiry = Expiry {
        from: now,
        republish_from: None,
    };
    let key = Key::inbound(inbound.key(&description.tenant));
    Prepared::new(key, "the content", decision, expiry, None)
}

#[test]
fn an_entry_that_opened_jobs_says_their_entity_and_tenant() {
    let prepared = prepared(vec![AssetKind::Poster, AssetKind::Invitation]);
    let entry = &prepared.committed().entry;
    assert_eq!(entry.starts.len(), 2);
    assert_eq!(entry.entity, Some(EntityKey::new(&tenant(), &event())));
    assert_eq!(entry.tenant, Some(TenantKey::new(&tenant())));
    // As it is found later.
    let found = OutboxEntry::from_item(&prepared.puts[0].0).unwrap();
    assert_eq!(found, *entry);
}

#[test]
fn an_entry_is_listed_unless_the_jobs_that_it_opened_lead_to_it() {
    let entry = |assets: Vec<AssetKind>| prepared(assets).puts[0].0.clone();
    let opens_jobs = entry(vec![AssetKind::Poster]);
    assert!(!LISTED.iter().any(|name| opens_jobs.contains_key(*name)));
    // An event that changes no pixel publishes a template again, and opens no job.
    let mut published_again = end().1;
    published_again.events[0].topic = Topic::TemplateUpdated;
    let expiry = Expiry {
        from: Time::new(jiff::Timestamp::UNIX_EPOCH),
        republish_from: None,
    };
    let key = Key::inbound(InboundEventKey(derive(&[b"an event"])));
    let opens_none = Prepared::new(key, "the content", published_again, expiry, None);
    let item = &opens_none.puts[0].0;
    assert_eq!(item["tenant"].as_s().unwrap(), "tenant-1");
    let found = OutboxEntry::from_item(item).unwrap();
    assert_eq!(found.owner.unwrap().tenant, tenant());
}

#[test]
fn an_entry_that_names_a_newer_event_is_listed_though_it_publishes_nothing() {
    let at: jiff::Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let newer = OtherEvent {
        source: "events-svc".to_owned(),
        id: "the-newer-event".to_owned(),
        time: EventTime::new(at),
        version: None,
        at: Time::new(at),
    };
    let tenant = tenant();
    let guard = ErasureGuard {
        tenant: &tenant,
        happened: Time::new(at),
    };
    let expiry = Expiry {
        from: Time::new(at),
        republish_from: None,
    };
    let item = |older_than: Option<OtherEvent>| {
        let decision = Decision {
            older_than,
            ..Decision::default()
        };
        let key = Key::inbound(InboundEventKey(derive(&[b"an event"])));
        let prepared = Prepared::new(key, "the content", decision, expiry, Some(guard));
        prepared.puts[0].0.clone()
    };
    let names_it = item(Some(newer.clone()));
    let found = OutboxEntry::from_item(&names_it).unwrap();
    assert_eq!(found.older_than, Some(Box::new(newer)));
    assert!(found.published, "there is nothing to publish");
    assert_eq!(found.owner.unwrap().tenant, tenant);
    assert!(!LISTED.iter().any(|name| item(None).contains_key(*name)));
}

#[test]
fn an_entry_that_opened_no_job_says_no_entity() {
    let prepared = prepared(Vec::new());
    let entry = &prepared.committed().entry;
    assert_eq!((entry.entity, entry.tenant), (None, None));
    let found = OutboxEntry::from_item(&prepared.puts[0].0).unwrap();
    assert_eq!(found, *entry);
}

/// The item of a decision that opened a job as a version wrote it that packed nothing.
fn unpacked() -> (Item, OutboxEntry) {
    let prepared = prepared(vec![AssetKind::Poster]);
    let entry = prepared.committed().entry.clone();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let events = entry.events.iter().map(|event| {
        AttributeValue::M(Item::from([
            ("topic".to_owned(), text(event.topic.as_str())),
            ("key".to_owned(), text(&event.key)),
            ("value".to_owned(), text(&event.value)),
        ]))
    });
    let starts = entry.starts.iter().map(|job| text(&job.to_string()));
    let mut item = prepared.puts[0].0.clone();
    item.remove("packed");
    item.extend([
        ("events".to_owned(), AttributeValue::L(events.collect())),
        ("starts".to_owned(), AttributeValue::L(starts.collect())),
        (
            "entity".to_owned(),
            text(&entry.entity.unwrap().to_string()),
        ),
        (
            "tenant_key".to_owned(),
            text(&entry.tenant.unwrap().to_string()),
        ),
    ]);
    (item, entry)
}

#[test]
fn an_entry_of_an_earlier_version_is_read_as_it_was_written() {
    let (mut item, entry) = unpacked();
    assert_eq!(OutboxEntry::from_item(&item).unwrap(), entry);
    // The version before that one did not say whose the jobs are.
    item.remove("entity");
    item.remove("tenant_key");
    let found = OutboxEntry::from_item(&item).unwrap();
    assert_eq!(found.starts, entry.starts);
    assert_eq!((found.entity, found.tenant), (None, None));
}

#[test]
fn an_entry_whose_entity_is_no_id_is_not_read() {
    let (mut item, _) = unpacked();
    item.insert("entity".to_owned(), AttributeValue::S("event-1".to_owned()));
    let unread = OutboxEntry::from_item(&item).unwrap_err().to_string();
    assert!(
        unread.starts_with("pk `inbound#") && unread.contains("sk `outbox`: "),
        "{unread}"
    );
    assert!(unread.ends_with("attribute `entity` is missing or of another type"));
}

#[test]
fn a_state_is_read_packed_and_as_text() {
    let prepared = prepared(vec![AssetKind::Poster]);
    let entity = prepared.committed().entity.clone().unwrap();
    let mut item = prepared.puts[1].0.clone();
    assert!(item["state"].as_b().is_ok());
    assert_eq!(items::state::<EntityState>(&item).unwrap(), entity);
    let text = AttributeValue::S(items::json(&entity));
    item.insert("state".to_owned(), text);
    assert_eq!(items::state::<EntityState>(&item).unwrap(), entity);
}

/// Where the indexes and the sweep find an entry.
const LISTED: [&str; 4] = ["tenant", "listed", "open", "deadline"];

/// The end of a job, as far as its entry tells.
fn end() -> (Key, Decision) {
    let failed = OutboundEvent {
        topic: Topic::RenderJobFailed,
        key: "tenant-1".to_owned(),
        value: "{}".to_owned(),
        trace: None,
    };
    let end = Decision {
        events: vec![failed],
        ..Decision::default()
    };
    (Key::end(JobId(derive(&[b"a job"]))), end)
}

#[test]
fn a_withheld_end_stands_in_no_index_and_is_read_back_with_its_events() {
    let (key, decision) = end();
    let now = Time::new(jiff::Timestamp::UNIX_EPOCH);
    let end = Prepared::withheld(key, "end", decision, now);
    assert_eq!((end.puts.len(), end.puts[0].1), (1, 0));
    let item = &end.puts[0].0;
    assert!(!LISTED.iter().any(|name| item.contains_key(*name)));
    assert!(item.contains_key("expires_at"));
    let read = OutboxEntry::from_item(item).unwrap();
    assert!(read.withheld && !read.published);
    assert_eq!(read, end.committed().entry);
}

#[test]
fn any_other_end_is_listed_and_stands_open_until_it_is_published() {
    let (key, decision) = end();
    let now = Time::new(jiff::Timestamp::UNIX_EPOCH);
    let expiry = Expiry {
        from: now,
        republish_from: Some(now),
    };
    let end = Prepared::new(key, "end", decision, expiry, None);
    let item = &end.puts[0].0;
    assert!(LISTED.iter().all(|name| item.contains_key(*name)));
    assert!(!item.contains_key("withheld"), "as entries always were");
    assert!(!OutboxEntry::from_item(item).unwrap().withheld);
}
