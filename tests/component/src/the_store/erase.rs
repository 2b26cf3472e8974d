//! Erasing: all that is a tenant's is found, and what is left of it says nothing.

use std::{slice, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Identifier;
use domain::{Decision, TenantKey, VoiceModelId, derive};
use fault_proxy::{Action, Occurrence};
use store::{
    Cursor, Erased, Key, Owned, OwnedItem, Prepared, Resolution, Store, StoreError,
    WrittenDeadLetter, WrittenEnds,
};
use tokio::join;

use crate::{
    samples::{
        commit, described, entity_key, event, expiry, given_up, guard, identifier, inbound, job,
        now, planned, prepared, put, registration,
    },
    world::{World, number, text},
};

/// More pages than any tenant here has.
const MOST_PAGES: usize = 40;

/// All that is a tenant's, read in pages of `most`.
async fn owned(store: &Store, tenant: &Identifier, most: i32) -> Vec<Owned> {
    let (mut cursor, mut all) = (Cursor::default(), Vec::new());
    for _ in 0..MOST_PAGES {
        let page = store.owned_by(tenant, cursor, most).await.unwrap();
        let Some((some, next)) = page else {
            return all;
        };
        assert!(some.len() <= usize::try_from(most).unwrap());
        all.extend(some);
        cursor = next;
    }
    panic!("there is no end: {all:?}")
}

/// A voice that is registered, and is not known to be published.
async fn a_voice(store: &Store, tenant: &Identifier) -> VoiceModelId {
    let voice = VoiceModelId(derive(&[b"a voice"]));
    let decision = registration(voice, tenant);
    let guard = Some(guard(tenant, now()));
    let key = Key::voice_created(voice);
    commit(
        store,
        Prepared::new(key, "voice", decision, expiry(), guard),
    )
    .await;
    voice
}

/// A dead letter of a tenant.
fn dead_letter(tenant: &Identifier) -> WrittenDeadLetter<'_> {
    WrittenDeadLetter {
        id: derive(&[b"a dead letter"]),
        topic: "eventzr.event.created.v1",
        partition: 3,
        offset: 7,
        tenant: Some(tenant),
        cause: "it has no title",
        object: "records/tenant/7.json",
        came_back: false,
    }
}

#[tokio::test]
async fn all_that_is_a_tenants_is_found_kind_by_kind_and_page_by_page() {
    let world = World::start().await;
    let store = world.store();
    let (description, other) = (described("a", "event-1", "Lanterns"), identifier("b"));
    let tenant = &description.tenant;
    commit(&store, prepared(&inbound("one"), &description, None)).await;
    let voice = a_voice(&store, tenant).await;
    store
        .open_dead_letter(&dead_letter(tenant), now())
        .await
        .unwrap();
    put(&store, &[job("b", "another's")]).await;
    let found = owned(&store, tenant, 1).await;
    assert_eq!(found, owned(&store, tenant, 10).await);
    let jobs = planned(&inbound("one"), &description, None).jobs;
    let mut ids: Vec<_> = jobs.iter().map(|job| Owned::Job(job.id)).collect();
    ids.sort_by_key(|owned| format!("{owned:?}"));
    let mut found = found.into_iter();
    let mut first: Vec<Owned> = found.by_ref().take(2).collect();
    first.sort_by_key(|owned| format!("{owned:?}"));
    assert_eq!(first, ids);
    assert_eq!(found.next(), Some(Owned::Voice(voice)));
    assert_eq!(found.next(), Some(Owned::Entity(entity_key(&description))));
    let rest: Vec<Owned> = found.collect();
    // A job leads to the decision that opened it.
    let [Owned::Decision(_), Owned::DeadLetter(_)] = &rest[..] else {
        panic!("{rest:?}")
    };
    assert_eq!(owned(&store, &other, 10).await.len(), 1);
}

/// The decisions among what is a tenant's.
async fn decisions(store: &Store, tenant: &Identifier) -> Vec<OwnedItem> {
    let owned = owned(store, tenant, 10).await.into_iter();
    let decisions = owned.filter_map(|owned| match owned {
        Owned::Decision(decision) => Some(decision),
        Owned::Job(_) | Owned::Voice(_) | Owned::Entity(_) | Owned::DeadLetter(_) => None,
    });
    decisions.collect()
}

/// A decision that publishes an event and opens no job.
fn publishing(key: Key) -> Prepared {
    let decision = Decision {
        events: vec![event("a", 1)],
        ..Decision::default()
    };
    Prepared::new(key, "a step", decision, expiry(), None)
}

#[tokio::test]
async fn a_blanked_decision_stands_and_has_nothing_to_publish() {
    let world = World::start().await;
    let store = world.store();
    let tenant = identifier("a");
    let key = Key::inbound(inbound("one").key(&tenant));
    commit(&store, publishing(key.clone())).await;
    let found = decisions(&store, &tenant).await;
    let [decision] = &found[..] else {
        panic!("{found:?}")
    };
    store.blank_decision(decision).await.unwrap();
    let blanked = store.entry(key).await.unwrap().unwrap();
    assert!(blanked.events.is_empty() && blanked.starts.is_empty());
    assert_eq!(blanked.owner, None);
    assert_eq!(blanked.content, "a step");
    assert!(decisions(&store, &tenant).await.is_empty());
    store.blank_decision(decision).await.unwrap();

    world.fail("UpdateItem", Occurrence::Every, 500, "InternalServerError");
    let failed = store.blank_decision(decision).await;
    assert!(matches!(failed, Err(StoreError::Write(_))), "{failed:?}");
}

#[tokio::test]
async fn the_events_that_a_job_leads_to_are_blanked_and_counted_once() {
    let world = World::start().await;
    let store = world.store();
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let tenant = &description.tenant;
    commit(&store, prepared(&created, &description, None)).await;
    let mut jobs = Vec::new();
    for job in planned(&created, &description, None).jobs {
        jobs.push(store.reload(&job).await.unwrap());
    }
    let [ended, withheld] = &jobs[..] else {
        panic!("{jobs:?}")
    };
    let ends = given_up(vec![ended.clone()]);
    let written = store.write_ends(ends, guard(tenant, now()), now()).await;
    assert!(matches!(written, Ok(WrittenEnds::Committed { .. })));
    let cancelled = domain::cancel_erased(withheld.clone(), now()).unwrap();
    let end = Key::end(withheld.id);
    let end = Prepared::withheld(end, "end", cancelled, now());
    commit(&store, end).await;
    assert!(
        decisions(&store, tenant).await.is_empty(),
        "no index has them"
    );

    for (job, blanked) in [(ended, 2), (ended, 0), (withheld, 0)] {
        assert_eq!(store.blank_events_of_job(job).await.unwrap(), blanked);
    }
    for key in [Key::inbound(ended.inbound), Key::end(ended.id)] {
        let entry = store.entry(key).await.unwrap().unwrap();
        assert!(entry.events.is_empty() && entry.starts.is_empty());
    }
    let stands = store.entry(Key::end(withheld.id)).await.unwrap().unwrap();
    assert_eq!(
        stands.events.len(),
        1,
        "the job's message may still tell it"
    );
}

#[tokio::test]
async fn the_events_of_a_voice_are_blanked_and_counted_once() {
    let world = World::start().await;
    let store = world.store();
    let tenant = identifier("a");
    let voice = a_voice(&store, &tenant).await;
    commit(&store, publishing(Key::voice_ready(voice))).await;
    let late = now().plus_seconds(1);
    // The voice itself is open, too.
    assert_eq!(store.overdue(late, 10).await.unwrap().len(), 3);
    assert_eq!(store.blank_events_of_voice(voice).await.unwrap(), 2);
    assert_eq!(store.overdue(late, 10).await.unwrap().len(), 1);
    assert_eq!(store.blank_events_of_voice(voice).await.unwrap(), 0);
}

#[tokio::test]
async fn an_erased_entity_says_nothing_and_is_listed_no_more() {
    let world = World::start().await;
    let store = world.store();
    let description = described("a", "event-1", "Lanterns");
    let entity = entity_key(&description);
    store.erase_entity(entity, now()).await.unwrap();
    assert_eq!(store.entity(entity).await.unwrap(), None, "there is none");
    commit(&store, prepared(&inbound("one"), &description, None)).await;
    store.erase_entity(entity, now()).await.unwrap();
    let erased = store.entity(entity).await.unwrap().unwrap();
    assert_eq!((erased.version, erased.erased_at), (2, Some(now())));
    assert!(erased.snapshots.is_empty());
    let found = owned(&store, &description.tenant, 10).await;
    assert!(!found.contains(&Owned::Entity(entity)), "{found:?}");
    let item = world.item(&format!("entity#{entity}"), "state").await;
    assert_eq!(number(&item.unwrap(), "version"), "2");
}

#[tokio::test]
async fn an_entity_that_changes_while_it_is_erased_is_erased_as_it_is_then() {
    let world = World::start().await;
    let store = world.store();
    let [description, renamed] = ["Lanterns", "Jazz"].map(|title| described("a", "one", title));
    let entity = entity_key(&description);
    commit(&store, prepared(&inbound("one"), &description, None)).await;
    let before = store.entity(entity).await.unwrap();
    let wait = Action::Delay(Duration::from_millis(300));
    let hits = world.trouble("PutItem", Occurrence::Nth(1), wait);
    let change = async {
        while hits.count() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        commit(&store, prepared(&inbound("two"), &renamed, before.as_ref())).await;
    };
    let (erased, ()) = join!(store.erase_entity(entity, now()), change);
    erased.unwrap();
    let erased = store.entity(entity).await.unwrap().unwrap();
    assert_eq!(erased.version, 3);
    assert!(erased.snapshots.is_empty());
}

#[tokio::test]
async fn a_dead_letter_is_erased_unless_it_came_again_since_it_was_read() {
    let world = World::start().await;
    let store = world.store();
    let tenant = identifier("a");
    let letter = dead_letter(&tenant);
    store.open_dead_letter(&letter, now()).await.unwrap();
    let found = owned(&store, &tenant, 10).await;
    let [Owned::DeadLetter(record)] = &found[..] else {
        panic!("{found:?}")
    };
    let read = store.dead_letter_to_erase(record).await.unwrap().unwrap();
    assert_eq!(read.object, letter.object);
    store.open_dead_letter(&letter, now()).await.unwrap();
    let erased = store.erase_dead_letter_entry(record, &read, now()).await;
    assert!(!erased.unwrap(), "it came again");
    let read = store.dead_letter_to_erase(record).await.unwrap().unwrap();
    let hits = world.fail("UpdateItem", Occurrence::Nth(1), 500, "InternalServerError");
    let erased = store.erase_dead_letter_entry(record, &read, now()).await;
    assert!(erased.is_err() && hits.count() == 1);
    let erased = store.erase_dead_letter_entry(record, &read, now()).await;
    assert!(erased.unwrap());

    let entry = store.dead_letter_entry(letter.id).await.unwrap().unwrap();
    assert_eq!((entry.tenant, entry.object), (None, None));
    assert_eq!(entry.cause, "erased");
    assert_eq!(entry.resolved.unwrap().how, Resolution::Erased);
    assert_eq!(store.dead_letter_to_erase(record).await.unwrap(), None);
    assert!(owned(&store, &tenant, 10).await.is_empty());
    assert_eq!(store.count_dead_letters().await.unwrap(), 0);
    world
        .expire(&format!("dead-letter#{}", letter.id), "record")
        .await;
    assert_eq!(store.dead_letter_to_erase(record).await.unwrap(), None);
}

#[tokio::test]
async fn the_record_of_an_erasure_adds_up_what_each_pass_erased() {
    let world = World::start().await;
    let store = world.store();
    let tenant = identifier("a");
    let (first, second) = (
        Erased {
            jobs: 1,
            voices: 2,
            entities: 3,
            decisions: 4,
            records: 5,
        },
        Erased {
            jobs: 10,
            ..Erased::default()
        },
    );
    let later = now().plus_seconds(60);
    store.note_erased(&tenant, first, now()).await.unwrap();
    store.note_erased(&tenant, second, later).await.unwrap();
    let pk = format!("tenant#{}", TenantKey::new(&tenant));
    let item = world.item(&pk, "erased").await.unwrap();
    let counts = ["jobs", "voices", "entities", "decisions", "records"];
    let counts = counts.map(|name| number(&item, name));
    assert_eq!(counts, ["11", "2", "3", "4", "5"]);
    assert_eq!(text(&item, "first_at"), now().to_string());
    assert_eq!(text(&item, "last_at"), later.to_string());
    assert_eq!(item["erased_tenant"], AttributeValue::S("a".to_owned()));
}

#[tokio::test]
async fn an_erased_job_and_a_withheld_end_are_listed_no_more() {
    let world = World::start().await;
    let store = world.store();
    let opened = job("a", "a job");
    put(&store, slice::from_ref(&opened)).await;
    let tenant = &opened.tenant;
    assert_eq!(owned(&store, tenant, 10).await, [Owned::Job(opened.id)]);
    let read = store.reload(&opened).await.unwrap();
    let cancelled = domain::cancel_erased(read, now()).unwrap();
    let end = Prepared::withheld(Key::end(opened.id), "end", cancelled, now());
    commit(&store, end).await;
    assert_eq!(owned(&store, tenant, 10).await, [Owned::Job(opened.id)]);
    let closed = store.reload(&opened).await.unwrap();
    store.save(closed.erased(now())).await.unwrap();
    assert!(owned(&store, tenant, 10).await.is_empty());
    let later = now().plus_seconds(1);
    assert!(store.overdue(later, 10).await.unwrap().is_empty());
}
