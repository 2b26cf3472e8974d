//! The one conditional transaction: an outbox entry with the entity, the jobs and the voice model
//! that it decides; and the reads and writes of single items.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata as _, SdkError},
    operation::{
        put_item::PutItemError,
        transact_write_items::{
            TransactWriteItemsError, builders::TransactWriteItemsFluentBuilder,
        },
    },
    types::{
        AttributeValue, CancellationReason, KeysAndAttributes, Put,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        builders::{KeysAndAttributesBuilder, PutBuilder},
    },
};
use domain::{EntityKey, EntityState};
use serde::de::DeserializeOwned;

use crate::{
    Committed, ItemError, Key, OutboxEntry, Prepared, Rounds, Store, StoreError,
    items::{self, Item},
    tombstone::{Check, strictest},
};

/// How many items one read of several may ask for, by DynamoDB's own limit.
const MOST_AT_ONCE: usize = 100;

impl Store {
    /// One conditional transaction: the decision if there is none yet, the entity and the jobs if
    /// no other writer changed them since they were read, and nothing at all if the tenant was
    /// erased since what the decision's guard says.
    ///
    /// # Errors
    /// A [`StoreError`]. The transaction may have held and its answer been lost: the next call
    /// finds [`Written::Before`].
    pub async fn write(&self, decision: Prepared) -> Result<Written, StoreError> {
        let Prepared {
            committed,
            puts,
            check,
        } = decision;
        let (has_entity, is_guarded) = (committed.entity.is_some(), check.is_some());
        let sent = self.transaction(puts, check)?.send().await;
        let Err(error) = sent else {
            return Ok(Written::Committed(Box::new(committed)));
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                let reasons = canceled.cancellation_reasons();
                match Cancelled::read(reasons, has_entity, is_guarded) {
                    Cancelled::Erased => Ok(Written::Erased),
                    Cancelled::Decided(item) => Ok(Written::Before(OutboxEntry::from_item(item)?)),
                    Cancelled::Changed(entity) => Ok(Written::Changed {
                        entity: entity.map(items::state).transpose()?.map(Box::new),
                    }),
                    Cancelled::Invalid => Err(StoreError::Refused(error.into())),
                    Cancelled::Unable => Err(self.unwritten(error)),
                }
            }
            Some(other) if other.code() == Some("ValidationException") => {
                Err(StoreError::Refused(error.into()))
            }
            _ => Err(self.unwritten(error)),
        }
    }

    /// One conditional transaction for all decisions of `group`, in their order. `None`: something
    /// about an item of one of them is in the way (a condition, another writer, its size, or a
    /// partition that cannot keep up), so that nothing is written; [`write`](Self::write) says of
    /// each decision what it is.
    ///
    /// # Errors
    /// A [`StoreError`] that has nothing to do with what is written: DynamoDB is away, or takes no
    /// more calls now. The transaction may have held and its answer been lost.
    pub async fn write_together(
        &self,
        group: Vec<Prepared>,
    ) -> Result<Option<Vec<Committed>>, StoreError> {
        let (mut all, mut puts, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        for decision in group {
            all.push(decision.committed);
            puts.extend(decision.puts);
            checks.extend(decision.check);
        }
        let sent = self.transaction(puts, strictest(checks))?.send().await;
        let Err(error) = sent else {
            return Ok(Some(all));
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(_)) => Ok(None),
            Some(other) if other.code() == Some("ValidationException") => Ok(None),
            _ => Err(self.unwritten(error)),
        }
    }

    /// A transaction with these items, each of which was written so often before, and with the
    /// checks last: [`Cancelled::read`] looks for one there.
    pub(crate) fn transaction(
        &self,
        puts: Vec<(Item, u64)>,
        checks: impl IntoIterator<Item = Check>,
    ) -> Result<TransactWriteItemsFluentBuilder, StoreError> {
        let mut writes = Vec::new();
        for (item, version) in puts {
            let put = self.put(item, version).build();
            let put = put.map_err(|error| self.unwritten(error))?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        for check in checks {
            let check = self.condition(check)?;
            writes.push(TransactWriteItem::builder().condition_check(check).build());
        }
        let transact = self.dynamodb.transact_write_items();
        Ok(transact.set_transact_items(Some(writes)))
    }

    /// A put that holds only if the item was written `version` times before.
    fn put(&self, item: Item, version: u64) -> PutBuilder {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
        }
    }

    /// Writes `item`, which carries `state`, if it was written `before` times before; or finds that
    /// it was written already.
    pub(crate) async fn put_if<S: DeserializeOwned + PartialEq>(
        &self,
        item: Item,
        before: u64,
        state: &S,
    ) -> Result<(), StoreError> {
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", AttributeValue::N(before.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let error = match put.clone().send().await {
                Ok(_) => return Ok(()),
                Err(SdkError::ServiceError(error)) => error,
                Err(error) => return Err(self.unwritten(error)),
            };
            match error.err() {
                // A transaction has the item in hand at this moment. Once it is over, the condition
                // says whether it changed the item.
                PutItemError::TransactionConflictException(_) => {}
                PutItemError::ConditionalCheckFailedException(failed) => {
                    let there = failed.item().map(items::state::<S>).transpose()?;
                    return match there.as_ref() == Some(state) {
                        true => Ok(()),
                        false => Err(StoreError::Contended),
                    };
                }
                _ => return Err(self.unwritten(SdkError::ServiceError(error))),
            }
        }
    }

    /// The outbox entry under `key`, if there is one.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn entry(&self, key: Key) -> Result<Option<OutboxEntry>, StoreError> {
        Ok(self
            .read(key)
            .await?
            .map(|item| OutboxEntry::from_item(&item))
            .transpose()?)
    }

    /// The entity as it is, read consistently; `None` if it was never seen.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn entity(&self, entity: EntityKey) -> Result<Option<EntityState>, StoreError> {
        let item = self.read(Key::entity(entity)).await?;
        Ok(item.as_ref().map(items::state).transpose()?)
    }

    pub(crate) async fn read(&self, key: Key) -> Result<Option<Item>, StoreError> {
        let read = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .consistent_read(true);
        let output = read.send().await.map_err(|error| self.unread(error))?;
        Ok(output.item)
    }

    /// Notes that Kafka has an entry's events, so that a redelivery need not publish them again and
    /// the sweep not look for it.
    ///
    /// # Errors
    /// A [`StoreError`]; the events are published again then, with the same bytes.
    pub async fn mark_published(&self, entry: &OutboxEntry) -> Result<(), StoreError> {
        if entry.published {
            return Ok(());
        }
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(entry.key.clone().into_item()))
            .update_expression("SET published = :true REMOVE #open, deadline")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        update.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// The outbox entries under `keys`, those that there are, read consistently. One that this
    /// version of the code cannot read is an error in its place.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn entries(
        &self,
        keys: BTreeSet<Key>,
    ) -> Result<BTreeMap<Key, Result<OutboxEntry, ItemError>>, StoreError> {
        let found = self.read_each(keys).await?.into_iter();
        Ok(found
            .map(|(key, item)| (key, OutboxEntry::from_item(&item)))
            .collect())
    }

    /// The entities as they are, read consistently: `None` for one that was never seen. One that
    /// this version of the code cannot read is left out.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn entities(
        &self,
        entities: BTreeSet<EntityKey>,
    ) -> Result<BTreeMap<EntityKey, Option<EntityState>>, StoreError> {
        let keys = entities.iter().copied().map(Key::entity).collect();
        let found = self.read_each(keys).await?;
        let entity = |entity: EntityKey| match found.get(&Key::entity(entity)) {
            None => Some((entity, None)),
            Some(item) => Some((entity, Some(items::state(item).ok()?))),
        };
        Ok(entities.into_iter().filter_map(entity).collect())
    }

    /// Items by their keys, read consistently, in the keys' order; what is not there any more is
    /// left out.
    pub(crate) async fn read_all(&self, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
        let mut found = self.read_each(keys.iter().cloned().collect()).await?;
        Ok(keys.iter().filter_map(|key| found.remove(key)).collect())
    }

    /// The items under `keys`, those that there are, read consistently.
    pub(crate) async fn read_each(
        &self,
        keys: BTreeSet<Key>,
    ) -> Result<BTreeMap<Key, Item>, StoreError> {
        let consistently = KeysAndAttributes::builder().consistent_read(true);
        self.read_as(keys, consistently).await
    }

    /// The items under `keys`, those that there are, read as `how` says.
    pub(crate) async fn read_as(
        &self,
        keys: BTreeSet<Key>,
        how: KeysAndAttributesBuilder,
    ) -> Result<BTreeMap<Key, Item>, StoreError> {
        let keys: Vec<Item> = keys.into_iter().map(Key::into_item).collect();
        let mut found = BTreeMap::new();
        for some in keys.chunks(MOST_AT_ONCE) {
            let mut ask = how.clone().set_keys(Some(some.to_vec())).build().ok();
            let mut rounds = Rounds::default();
            while let Some(of_table) = ask.take() {
                let left = "keys were left unprocessed in every round";
                let round = rounds.next().await;
                round.map_err(|_| self.unread(left))?;
                let get = self
                    .dynamodb
                    .batch_get_item()
                    .request_items(&self.table, of_table)
                    .send()
                    .await;
                let get = get.map_err(|error| self.unread(error))?;
                for item in get.responses.unwrap_or_default().into_values().flatten() {
                    found.insert(Key::of(&item)?, item);
                }
                // What did not fit into one answer, or what DynamoDB had no capacity for.
                ask = get
                    .unprocessed_keys
                    .unwrap_or_default()
                    .into_values()
                    .next();
            }
        }
        Ok(found)
    }
}

/// What came of a transaction.
#[derive(Debug)]
pub enum Written {
    /// This call committed the decision.
    Committed(Box<Committed>),
    /// A decision stood there before.
    Before(OutboxEntry),
    /// The tenant was erased since; nothing is written.
    Erased,
    /// The entity, a job or the voice model changed since it was read.
    Changed {
        /// The entity that stands there, if it is what changed.
        entity: Option<Box<EntityState>>,
    },
}

/// Why DynamoDB refused a transaction, by its reasons in the order of the items.
pub(crate) enum Cancelled<'a> {
    Erased,
    Decided(&'a Item),
    Changed(Option<&'a Item>),
    Invalid,
    Unable,
}

impl<'a> Cancelled<'a> {
    pub(crate) fn read(
        reasons: &'a [CancellationReason],
        has_entity: bool,
        is_guarded: bool,
    ) -> Self {
        let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        // Before all else: an entry from before the erasure is not published again either.
        if is_guarded && reasons.last().is_some_and(failed) {
            return Self::Erased;
        }
        if let Some(item) = reasons
            .first()
            .filter(|reason| failed(reason))
            .and_then(CancellationReason::item)
        {
            return Self::Decided(item);
        }
        if reasons
            .iter()
            .any(|reason| reason.code() == Some("ValidationError"))
        {
            return Self::Invalid;
        }
        // A conflict is another transaction on the same item at this moment; a throttle is not a
        // reason to plan again.
        let known = |reason: &CancellationReason| {
            matches!(
                reason.code(),
                None | Some("None" | "ConditionalCheckFailed" | "TransactionConflict")
            )
        };
        if !reasons.iter().all(known) {
            return Self::Unable;
        }
        let entity = reasons
            .get(1)
            .filter(|reason| has_entity && failed(reason))
            .and_then(CancellationReason::item);
        Self::Changed(entity)
    }
}

#[cfg(test)]
mod tests;
