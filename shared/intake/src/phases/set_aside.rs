//! After the phases: a record that stops its partition, and that an operator set aside, becomes a
//! dead letter, and the partition goes on.
//!
//! Only the first record of a partition that could not be handled is looked up, and only then: a
//! batch without trouble makes no call here, and one with trouble one read for each partition.

use std::time::SystemTime;

use contract::Topic;
use dead_letters::DeliveredBy;
use runtime::chain;
use tokio::time::timeout;

use super::{commit::dead_lettered, left, time};
use crate::{
    effects::Effects,
    examine::dead_letter,
    progress::{Fate, Progress, RecordInHand},
};

/// Dead-letters what stops a partition and is set aside. A redrive is no such record: it stops
/// nothing.
pub(super) async fn all(
    items: &mut [RecordInHand<'_>],
    topic: Topic,
    by: DeliveredBy,
    effects: &impl Effects,
    until: SystemTime,
) {
    if by != DeliveredBy::Mapping {
        return;
    }
    let mut looked_at = None;
    for item in items {
        if looked_at == Some(item.partition) {
            continue;
        }
        let Progress::Over(Fate::Retry(why)) = &item.progress else {
            continue;
        };
        looked_at = Some(item.partition);
        let why = chain(why);
        let ends = timeout(left(effects, until), one(item, &why, topic, effects)).await;
        if ends == Ok(true) {
            item.progress = Progress::Over(Fate::DeadLetter);
        }
    }
}

/// Dead-letters a record if it is set aside; whether it is a dead letter now.
async fn one(item: &mut RecordInHand<'_>, why: &str, topic: Topic, effects: &impl Effects) -> bool {
    let record = (topic, item.record.partition, item.record.offset);
    let reason = match effects.is_set_aside(record).await {
        Ok(Some(reason)) => reason,
        Ok(None) => return false,
        Err(error) => {
            tracing::warn!(
                %topic,
                partition = record.1,
                offset = record.2,
                "whether it is set aside is not known: {}",
                chain(&error)
            );
            return false;
        }
    };
    let cause = format!("an operator set it aside: {reason}; it could not be handled: {why}");
    let letter = dead_letter(item.record, &cause);
    let now = time(effects.now());
    match effects
        .write_dead_letter(&letter, DeliveredBy::Mapping, now)
        .await
    {
        Ok(()) => {
            dead_lettered(&mut item.span, &letter);
            true
        }
        Err(error) => {
            tracing::error!(
                %topic,
                partition = record.1,
                offset = record.2,
                "not set aside: {}",
                chain(&error)
            );
            false
        }
    }
}
