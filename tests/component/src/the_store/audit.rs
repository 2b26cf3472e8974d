//! The audit: what an operator asked for is on record before it is done, for longer than a year.

use store::AuditItem;

use crate::{
    samples::{now, time},
    world::{World, number},
};

fn asked(id: &str, at: &str) -> AuditItem {
    AuditItem {
        id: id.to_owned(),
        at: time(at),
        by: r#"{"operator":"asha"}"#.to_owned(),
        request: r#"{"step":"cancel"}"#.to_owned(),
        outcome: None,
    }
}

/// The ids of entries, in their order.
fn ids(entries: &[AuditItem]) -> Vec<&str> {
    entries.iter().map(|entry| entry.id.as_str()).collect()
}

#[tokio::test]
async fn an_entry_of_the_audit_stands_before_its_outcome_and_for_400_days() {
    let world = World::start().await;
    let store = world.store();
    let (since, until) = (now(), now().plus_seconds(1));
    let entry = asked("one", "2126-11-20T10:00:00Z");
    store.open_audit(&entry).await.unwrap();
    let entries = store.audit(since, until, 10).await.unwrap();
    assert_eq!(entries, std::slice::from_ref(&entry));

    store.close_audit("one", "cancelled").await.unwrap();
    let closed = AuditItem {
        outcome: Some("cancelled".to_owned()),
        ..entry
    };
    let entries = store.audit(since, until, 10).await.unwrap();
    assert_eq!(entries, [closed]);

    let item = world.item("audit#one", "entry").await.unwrap();
    let last = time("2127-12-25T10:00:00Z").timestamp().as_second();
    assert_eq!(number(&item, "expires_at"), last.to_string());
    let unasked = store.close_audit("another", "cancelled").await;
    assert!(unasked.is_err(), "an outcome of what nobody asked for");
}

#[tokio::test]
async fn the_audit_goes_back_over_the_months_from_before_its_end_to_its_beginning() {
    let world = World::start().await;
    let store = world.store();
    for (id, at) in [
        ("before", "2126-09-30T23:59:59.999Z"),
        ("begins", "2126-10-01T00:00:00Z"),
        ("october", "2126-10-31T23:00:00Z"),
        ("december", "2126-12-01T00:00:00Z"),
        ("ends", "2126-12-05T00:00:00Z"),
    ] {
        store.open_audit(&asked(id, at)).await.unwrap();
    }
    let (since, until) = (time("2126-10-01T00:00:00Z"), time("2126-12-05T00:00:00Z"));
    let entries = store.audit(since, until, 10).await.unwrap();
    assert_eq!(ids(&entries), ["december", "october", "begins"]);
    let entries = store.audit(since, until, 2).await.unwrap();
    assert_eq!(ids(&entries), ["december", "october"]);
}

#[tokio::test]
async fn a_full_page_of_the_audit_splits_no_millisecond_and_reads_no_earlier_month() {
    let world = World::start().await;
    let store = world.store();
    for (id, at) in [
        ("earlier", "2126-10-20T10:00:00Z"),
        ("one", "2126-11-20T10:00:00Z"),
        ("two", "2126-11-20T10:00:00Z"),
        ("last", "2126-11-20T10:00:01Z"),
    ] {
        store.open_audit(&asked(id, at)).await.unwrap();
    }
    let (since, until) = (time("2126-10-01T00:00:00Z"), time("2126-12-01T00:00:00Z"));
    for (most, months) in [(2, 1), (3, 1), (4, 2)] {
        world.proxy.clear();
        // December is the first month that is asked for, and has nothing.
        let entries = store.audit(since, until, most).await.unwrap();
        let mut ids = ids(&entries);
        ids.sort_unstable();
        let all = ["earlier", "last", "one", "two"];
        assert_eq!(ids, all[usize::from(months == 1)..], "{most}");
        assert_eq!(world.count("Query"), 1 + months, "{most}");
    }
}
