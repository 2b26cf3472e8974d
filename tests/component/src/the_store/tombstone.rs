//! Tombstones: from the beginning of a tenant's erasure on, nothing of its past is stored.

use std::{
    slice,
    sync::atomic::{AtomicBool, Ordering},
};

use domain::{HORIZON_SECONDS, TenantKey};
use fault_proxy::Occurrence;
use serde_json::{Value, json};
use store::{Store, StoreError, Written, WrittenEnds};

use crate::{
    altered::altered,
    samples::{
        described, entity_key, given_up, guard, identifier, inbound, job, now, prepared, put,
    },
    world::{World, number, text},
};

#[tokio::test]
async fn an_erasure_goes_on_from_its_beginning_until_it_is_finished() {
    let world = World::start().await;
    let store = world.store();
    let tenant = identifier("a");
    let later = now().plus_seconds(60);
    assert_eq!(store.begin_erasure(&tenant, now()).await.unwrap(), now());
    // Its answer may have been lost: begun again, it erases the same.
    assert_eq!(store.begin_erasure(&tenant, later).await.unwrap(), now());
    store.finish_erasure(&tenant, later).await.unwrap();
    assert_eq!(store.begin_erasure(&tenant, later).await.unwrap(), later);

    world.fail("UpdateItem", Occurrence::Every, 500, "InternalServerError");
    let begun = store.begin_erasure(&tenant, later).await;
    assert!(matches!(begun, Err(StoreError::Write(_))), "{begun:?}");
}

#[tokio::test]
async fn each_of_256_items_carries_the_time_even_if_some_were_left_unprocessed() {
    let world = World::start().await;
    let table = world.table.clone();
    let is_first = AtomicBool::new(true);
    // Of the first call DynamoDB had no capacity for one item: here it is written, and asked for
    // again all the same, with another attribute by which it is known.
    let tenant = identifier("a");
    let key = TenantKey::new(&tenant);
    let pk = format!("tenant#{key}");
    let left = json!({ "PutRequest": { "Item": {
        "pk": { "S": &pk }, "sk": { "S": "tombstone#07" }, "asked_again": { "BOOL": true },
    } } });
    let http = altered(move |operation: &str, answer: &mut Value| {
        if operation == "BatchWriteItem" && is_first.swap(false, Ordering::Relaxed) {
            answer["UnprocessedItems"] = json!({ &table: [left] });
        }
    });
    let store = Store::new(world.table.clone(), &world.config_with(http));
    store.begin_erasure(&tenant, now()).await.unwrap();
    let expires = now().plus_seconds(HORIZON_SECONDS).timestamp();
    let expires = expires.as_second().to_string();
    let mut items = world.partition(&pk).await;
    items.retain(|item| text(item, "sk") != "erased");
    let shards = items.iter().map(|item| text(item, "sk"));
    let expected = (0..256).map(|shard| format!("tombstone#{shard:02x}"));
    assert!(shards.eq(expected), "{items:?}");
    for item in items {
        let is_left = text(&item, "sk") == "tombstone#07";
        assert_eq!(item.contains_key("asked_again"), is_left);
        if !is_left {
            assert_eq!(text(&item, "erased_at"), now().to_string());
            assert_eq!(number(&item, "expires_at"), expires);
        }
    }
}

#[tokio::test]
async fn what_happened_up_to_an_erasure_is_erased_and_what_happens_later_is_not() {
    let world = World::start().await;
    let store = world.store();
    let [erased, other] = ["a", "b"].map(identifier);
    let (before, later) = (now().minus_seconds(1), now().plus_seconds(1));
    store.begin_erasure(&erased, now()).await.unwrap();
    let cases = [
        (guard(&erased, before), true),
        (guard(&erased, now()), true),
        (guard(&erased, later), false),
        (guard(&other, before), false),
    ];
    for (guard, is_erased) in cases {
        assert_eq!(store.is_erased_since(guard).await.unwrap(), is_erased);
    }
    let (guards, expected): (Vec<_>, Vec<bool>) = cases.into_iter().unzip();
    let all = store.are_erased_since(&guards).await.unwrap();
    assert_eq!(all, expected);
    assert!(store.are_erased_since(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_that_happened_up_to_an_erasure_is_committed() {
    let world = World::start().await;
    let store = world.store();
    let (description, created) = (described("a", "event-1", "Lanterns"), inbound("one"));
    let drawn = job("a", "a job");
    put(&store, slice::from_ref(&drawn)).await;
    store
        .begin_erasure(&description.tenant, now())
        .await
        .unwrap();
    let decision = prepared(&created, &description, None);
    let written = store.write(decision.clone()).await.unwrap();
    assert!(matches!(written, Written::Erased), "{written:?}");
    assert!(
        store
            .write_together(vec![decision])
            .await
            .unwrap()
            .is_none()
    );
    let entity = entity_key(&description);
    assert_eq!(store.entity(entity).await.unwrap(), None);

    let drawn = store.reload(&drawn).await.unwrap();
    let ends = given_up(vec![drawn.clone()]);
    let guard = guard(&description.tenant, now());
    let written = store.write_ends(ends, guard, now()).await.unwrap();
    assert!(matches!(written, WrittenEnds::Erased), "{written:?}");
    assert_eq!(store.reload(&drawn).await.unwrap(), drawn);
}
