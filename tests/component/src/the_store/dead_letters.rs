//! Dead letters: one entry for a record, however often it comes, in the order in which the records
//! first came.

use contract::{Identifier, Time};
use fault_proxy::Occurrence;
use store::{
    AgainOfEnvelope, DeadLetterEntry, Place, Resolution, ResolveOutcome, Store, StoreError, Window,
    WrittenDeadLetter,
};
use uuid::Uuid;

use crate::{
    samples::{identifier, now},
    world::{Item, World, text},
};

/// The dead letter with this number. It stands in the shard that the number's first digit names.
fn letter(number: u128, tenant: Option<&Identifier>) -> WrittenDeadLetter<'_> {
    WrittenDeadLetter {
        id: Uuid::from_u128(number << 120),
        topic: "eventzr.event.created.v1",
        partition: 3,
        offset: 7,
        tenant,
        cause: "it has no title",
        object: "records/7.json",
        came_back: false,
    }
}

fn seconds(seconds: u32) -> Time {
    now().plus_seconds(seconds)
}

/// The item of a dead letter, as it stands in the table.
async fn item(world: &World, letter: &WrittenDeadLetter<'_>) -> Item {
    let pk = format!("dead-letter#{}", letter.id);
    world.item(&pk, "record").await.unwrap()
}

async fn entry(store: &Store, letter: &WrittenDeadLetter<'_>) -> DeadLetterEntry {
    store.dead_letter_entry(letter.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_record_that_comes_again_keeps_its_place_and_counts_only_after_a_redrive() {
    let world = World::start().await;
    let store = world.store();
    let tenant = identifier("a");
    let record = letter(0x70, Some(&tenant));
    assert_eq!(store.dead_letter_entry(record.id).await.unwrap(), None);
    let again = WrittenDeadLetter {
        cause: "it still has no title",
        ..record
    };
    let redriven = WrittenDeadLetter {
        came_back: true,
        ..again
    };
    let mut expected = DeadLetterEntry {
        id: record.id,
        topic: record.topic.to_owned(),
        partition: 3,
        offset: 7,
        tenant: Some("a".to_owned()),
        cause: record.cause.to_owned(),
        first_seen: now(),
        last_seen: now(),
        count: 1,
        writes: 1,
        resolved: None,
        object: Some(record.object.to_owned()),
    };
    for (place, (record, count)) in [(record, 1), (again, 1), (redriven, 2)].iter().enumerate() {
        let at = seconds(u32::try_from(place).unwrap());
        assert!(!store.open_dead_letter(record, at).await.unwrap());
        expected.last_seen = at;
        expected.cause = record.cause.to_owned();
        expected.count = *count;
        expected.writes = u64::try_from(place).unwrap() + 1;
        assert_eq!(entry(&store, record).await, expected);
    }
    let stands = item(&world, &record).await;
    assert_eq!(text(&stands, "open"), "dead-letter#7");
    assert!(!stands.contains_key("expires_at"), "an erasure finds it");
    let unowned = letter(0x80, None);
    store.open_dead_letter(&unowned, now()).await.unwrap();
    let stands = item(&world, &unowned).await;
    assert!(stands.contains_key("expires_at") && !stands.contains_key("tenant"));
}

#[tokio::test]
async fn a_dead_letter_is_resolved_in_two_writes_unless_it_comes_back_between() {
    let world = World::start().await;
    let store = world.store();
    let record = letter(0x70, None);
    store.open_dead_letter(&record, now()).await.unwrap();
    let read = entry(&store, &record).await;
    let discard = async |read: &DeadLetterEntry| {
        let noted = store.note_resolution(read, Resolution::Discarded, now());
        noted.await.unwrap()
    };
    let close = async |read: &DeadLetterEntry| store.close_resolved(read, now()).await.unwrap();
    let came_back = ResolveOutcome::CameBack;
    assert_eq!(close(&read).await, came_back, "nothing was noted");
    assert_eq!(discard(&read).await, None);
    let noted = entry(&store, &record).await.resolved.unwrap();
    assert_eq!((noted.how, noted.at), (Resolution::Discarded, now()));
    let stands = item(&world, &record).await;
    assert_eq!(text(&stands, "resolved"), "discarded");

    let was_resolved = store.open_dead_letter(&record, now()).await.unwrap();
    assert!(was_resolved);
    assert_eq!(close(&read).await, came_back);
    assert_eq!(discard(&read).await, Some(came_back));
    let read = entry(&store, &record).await;
    assert_eq!(read.resolved, None);
    assert_eq!(discard(&read).await, None);
    assert_eq!(close(&read).await, ResolveOutcome::Resolved);
    assert_eq!(store.count_dead_letters().await.unwrap(), 0);
    let resolved = Some(ResolveOutcome::Resolved);
    assert_eq!(discard(&read).await, resolved, "another was faster");
    let stands = item(&world, &record).await;
    assert!(!stands.contains_key("open") && stands.contains_key("expires_at"));

    world.fail("UpdateItem", Occurrence::Every, 500, "InternalServerError");
    let failed = store.close_resolved(&read, now()).await;
    assert!(matches!(failed, Err(StoreError::Write(_))), "{failed:?}");
}

#[tokio::test]
async fn a_dead_letter_is_opened_once_for_each_on_failure_envelope() {
    let world = World::start().await;
    let store = world.store();
    let record = letter(0x70, None);
    let open = async |envelope: &str| {
        let opened = store.open_dead_letter_of_envelope(&record, envelope, now());
        opened.await.unwrap()
    };
    let is_of = async |envelope: &str| store.is_of_envelope(record.id, envelope).await.unwrap();
    assert!(!is_of("one").await);
    assert_eq!(open("one").await, AgainOfEnvelope::First);
    assert!(is_of("one").await && !is_of("two").await);
    assert_eq!(open("one").await, AgainOfEnvelope::Open);
    let read = entry(&store, &record).await;
    assert_eq!((read.count, read.writes), (1, 1));
    let noted = store.note_resolution(&read, Resolution::Redriven, now());
    assert_eq!(noted.await.unwrap(), None);
    store.close_resolved(&read, now()).await.unwrap();
    assert_eq!(open("one").await, AgainOfEnvelope::Resolved);
    assert_eq!(open("two").await, AgainOfEnvelope::First);
    let stands = item(&world, &record).await;
    assert_eq!(text(&stands, "envelope"), "two");

    world.fail("UpdateItem", Occurrence::Every, 500, "InternalServerError");
    let failed = store.open_dead_letter_of_envelope(&record, "three", now());
    assert!(failed.await.is_err());
}

/// The numbers of what is listed in a window, page by page.
async fn listed(store: &Store, window: &Window, most: usize) -> Vec<Vec<u128>> {
    let (mut pages, mut after): (Vec<Vec<u128>>, Option<Place>) = (Vec::new(), None);
    for _ in 0..20 {
        let page = store.dead_letter_entries(window, after, most).await;
        let (entries, next) = page.unwrap();
        for (place, entry) in &entries {
            assert_eq!((place.id, place.time), (entry.id, entry.first_seen));
        }
        let numbers = entries.iter().map(|(_, entry)| entry.id.as_u128() >> 120);
        pages.push(numbers.collect());
        match next {
            Some(next) => after = Some(next),
            None => return pages,
        }
    }
    panic!("there is no end: {pages:?}")
}

/// Six dead letters of a tenant and one of another, in many shards. Of three the time is the same.
async fn seven(store: &Store) -> Identifier {
    let (tenant, other) = (identifier("a"), identifier("b"));
    for (number, second, owner) in [
        (0xf1, 1, &tenant),
        (0x12, 2, &tenant),
        (0x90, 3, &tenant),
        (0x10, 3, &tenant),
        (0x50, 3, &tenant),
        (0x33, 4, &other),
        (0x05, 5, &tenant),
    ] {
        let record = letter(number, Some(owner));
        let opened = store.open_dead_letter(&record, seconds(second)).await;
        opened.unwrap();
    }
    tenant
}

#[tokio::test]
async fn dead_letters_are_listed_in_the_order_in_which_they_first_came() {
    let world = World::start().await;
    let store = world.store();
    seven(&store).await;
    let all = Window::default();
    let ordered: [u128; 7] = [0xf1, 0x12, 0x10, 0x50, 0x90, 0x33, 0x05];
    assert_eq!(listed(&store, &all, 10).await, [ordered.to_vec()]);
    assert_eq!(listed(&store, &all, 7).await, [ordered.to_vec()]);
    let pages = listed(&store, &all, 3).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), ordered);
    assert_eq!(listed(&store, &all, 1).await.concat(), ordered);
    assert_eq!(store.count_dead_letters().await.unwrap(), 7);

    let resolved = entry(&store, &letter(0x12, None)).await;
    let noted = store.note_resolution(&resolved, Resolution::Discarded, now());
    noted.await.unwrap();
    store.close_resolved(&resolved, now()).await.unwrap();
    let ordered: [u128; 6] = [0xf1, 0x10, 0x50, 0x90, 0x33, 0x05];
    assert_eq!(listed(&store, &all, 4).await.concat(), ordered);
    assert_eq!(store.count_dead_letters().await.unwrap(), 6);
}

#[tokio::test]
async fn dead_letters_are_listed_newest_first_in_pages_each_of_them_once() {
    let world = World::start().await;
    let store = world.store();
    let tenant = seven(&store).await;
    let newest: [u128; 7] = [0x05, 0x33, 0x90, 0x50, 0x10, 0x12, 0xf1];
    for most in [1, 2, 3, 10] {
        let (mut after, mut found): (Option<Place>, Vec<u128>) = (None, Vec::new());
        loop {
            let all = Window::default();
            let page = store.newest_dead_letter_entries(&all, after, most).await;
            let (entries, next) = page.unwrap();
            found.extend(entries.iter().map(|(_, entry)| entry.id.as_u128() >> 120));
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, newest, "{most}");
    }
    let within = Window {
        tenant: Some(tenant),
        since: Some(seconds(2)),
        until: Some(seconds(5)),
    };
    let page = store.newest_dead_letter_entries(&within, None, 10).await;
    let numbers = page.unwrap().0.into_iter();
    let numbers = numbers.map(|(_, entry)| entry.id.as_u128() >> 120);
    assert_eq!(numbers.collect::<Vec<_>>(), [0x90, 0x50, 0x10, 0x12]);
}

#[tokio::test]
async fn a_tenants_dead_letters_are_listed_within_a_time_with_as_few_calls_as_can_be() {
    let world = World::start().await;
    let store = world.store();
    let tenant = seven(&store).await;
    let window = |since: Option<u32>, until: Option<u32>| Window {
        tenant: Some(tenant.clone()),
        since: since.map(seconds),
        until: until.map(seconds),
    };
    let ordered: [u128; 6] = [0xf1, 0x12, 0x10, 0x50, 0x90, 0x05];
    let all = window(None, None);
    for most in [1, 2, 3, 10] {
        let found = listed(&store, &all, most).await;
        assert_eq!(found.concat(), ordered, "{most}");
    }
    let since = listed(&store, &window(Some(2), None), 10).await;
    assert_eq!(since, [ordered[1..].to_vec()]);
    let until = listed(&store, &window(None, Some(3)), 10).await;
    assert_eq!(until, [ordered[..2].to_vec()]);
    let between = listed(&store, &window(Some(2), Some(5)), 10).await;
    assert_eq!(between, [ordered[1..5].to_vec()]);

    world.proxy.clear();
    for nothing in [window(Some(3), Some(3)), window(Some(5), Some(2))] {
        assert!(listed(&store, &nothing, 10).await.concat().is_empty());
    }
    assert_eq!(world.count("Query"), 0, "no time is in there");
    // Two are asked for, and one more, whose time is a later one; then three of one time, and all
    // of that time.
    for (since, queries) in [(1, 1), (3, 2)] {
        world.proxy.clear();
        let within = window(Some(since), None);
        let found = store.dead_letter_entries(&within, None, 2).await.unwrap();
        assert_eq!((found.0.len(), found.1.is_some()), (2, true));
        assert_eq!(world.count("Query"), queries, "{since}");
    }
}
