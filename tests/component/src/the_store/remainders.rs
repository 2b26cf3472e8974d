//! Remainders: what a vendor or a bucket refused to delete stays on record.

use fault_proxy::Occurrence;
use store::{Closing, RecordedRemainder, Remainder, StoreError};

use crate::{
    samples::{identifier, now},
    world::{World, text},
};

fn remainder(item: &str) -> Remainder {
    Remainder {
        keeper: "elevenlabs".to_owned(),
        item: item.to_owned(),
    }
}

#[tokio::test]
async fn a_remainder_stands_with_its_last_refusal_until_an_operator_closes_it_once() {
    let world = World::start().await;
    let store = world.store();
    let (tenant, kept) = (identifier("a"), remainder("voice-7"));
    let closing = Closing {
        at: now().plus_seconds(9),
        reason: "the vendor deletes it within a month".to_owned(),
    };
    assert_eq!(store.remainder(&tenant, &kept).await.unwrap(), None);
    let closed = store.close_remainder(&tenant, &kept, &closing).await;
    assert!(!closed.unwrap(), "no pass met it");

    let later = now().plus_seconds(5);
    for met_at in [now(), later] {
        let noted = store.note_remainder(&tenant, &kept, met_at).await;
        noted.unwrap();
    }
    let mut recorded = RecordedRemainder {
        remainder: kept.clone(),
        met_at: later,
        closed: None,
    };
    let found = store.remainder(&tenant, &kept).await.unwrap();
    assert_eq!(found, Some(recorded.clone()));
    let key = domain::TenantKey::new(&tenant);
    let (pk, sk) = (format!("tenant#{key}"), "remainder#elevenlabs#voice-7");
    let item = world.item(&pk, sk).await.unwrap();
    assert_eq!(text(&item, "first_met_at"), now().to_string());

    for is_first in [true, false] {
        let closed = store.close_remainder(&tenant, &kept, &closing).await;
        assert_eq!(closed.unwrap(), is_first);
    }
    recorded.closed = Some(closing);
    let found = store.remainder(&tenant, &kept).await.unwrap();
    assert_eq!(found, Some(recorded));
}

#[tokio::test]
async fn all_remainders_of_a_tenant_are_listed_and_no_others() {
    let world = World::start().await;
    let store = world.store();
    let tenant = identifier("a");
    for (owner, item) in [("a", "one"), ("a", "two"), ("b", "three")] {
        let (owner, kept) = (identifier(owner), remainder(item));
        let noted = store.note_remainder(&owner, &kept, now()).await;
        noted.unwrap();
    }
    let found = store.remainders(&tenant).await.unwrap().into_iter();
    let found: Vec<Remainder> = found.map(|one| one.remainder).collect();
    assert_eq!(found, ["one", "two"].map(remainder));
}

#[tokio::test]
async fn a_write_that_fails_is_no_answer_about_its_condition() {
    let world = World::start().await;
    let store = world.store();
    let closing = Closing {
        at: now(),
        reason: "a reason".to_owned(),
    };
    world.fail("UpdateItem", Occurrence::Every, 500, "InternalServerError");
    let (tenant, kept) = (identifier("a"), remainder("one"));
    let closed = store.close_remainder(&tenant, &kept, &closing).await;
    assert!(matches!(closed, Err(StoreError::Write(_))), "{closed:?}");
}
