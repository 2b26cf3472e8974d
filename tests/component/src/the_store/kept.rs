//! What is kept of a result that the bucket does not take.

use domain::derive;
use fault_proxy::Occurrence;
use store::{MOST_KEPT, StoreError};

use crate::{samples::now, world::World};

#[tokio::test]
async fn a_result_is_kept_in_parts_read_as_it_was_and_forgotten() {
    let world = World::start().await;
    let store = world.store();
    let (token, other) = (derive(&[b"an attempt"]), derive(&[b"another attempt"]));
    let bytes: Vec<u8> = (0..1_000_000_u32)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    let parts = store.keep(token, &bytes, now()).await.unwrap();
    assert_eq!(parts, 3);
    assert_eq!(store.kept(token, parts).await.unwrap(), Some(bytes.clone()));
    assert_eq!(store.kept(other, 1).await.unwrap(), None);
    // A second delivery keeps the same.
    assert_eq!(store.keep(token, &bytes, now()).await.unwrap(), 3);
    let item = world
        .item(&format!("kept#{token}#1"), "part")
        .await
        .unwrap();
    assert!(
        item.contains_key("expires_at"),
        "what is left of it expires"
    );

    store.delete_kept(token, parts).await.unwrap();
    store.delete_kept(token, parts).await.unwrap();
    assert_eq!(store.kept(token, parts).await.unwrap(), None);
}

#[tokio::test]
async fn a_result_of_which_a_part_is_gone_is_not_given_out() {
    let world = World::start().await;
    let store = world.store();
    let token = derive(&[b"an attempt"]);
    let parts = store.keep(token, &[7; 500_000], now()).await.unwrap();
    store.delete_kept(token, 1).await.unwrap();
    assert_eq!(store.kept(token, parts).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_too_large_or_not_written_is_not_kept() {
    let world = World::start().await;
    let store = world.store();
    let token = derive(&[b"an attempt"]);
    let large = store.keep(token, &vec![7; MOST_KEPT + 1], now()).await;
    assert!(matches!(large, Err(StoreError::Refused(_))), "{large:?}");
    assert_eq!(world.count("PutItem"), 0);
    let hits = world.fail("PutItem", Occurrence::Nth(2), 400, "AccessDeniedException");
    let unwritten = store.keep(token, &[7; 500_000], now()).await;
    assert!(
        matches!(unwritten, Err(StoreError::Write(_))),
        "{unwritten:?}"
    );
    assert_eq!(hits.count(), 1);
}
