//! The one conditional transaction: an outbox entry with the entity, the jobs and the voice model
//! that it decides; and the reads and writes of single items.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata as _, SdkError},
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, CancellationReason, KeysAndAttributes, Put,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, builders::PutBuilder,
    },
};
use domain::{Decision, EntityKey, EntityState, Work};
use serde::de::DeserializeOwned;

use crate::{
    ErasureGuard, Expiry, Key, OutboxEntry, Rounds, Store, StoreError,
    items::{self, Item},
};

/// How many items one read of several may ask for, by DynamoDB's own limit.
const MOST_AT_ONCE: usize = 100;

impl Store {
    /// One conditional transaction: the decision if there is none yet, the entity and the jobs if
    /// no other writer changed them since they were read, and nothing at all if the tenant was
    /// erased since what `guard` says.
    ///
    /// # Errors
    /// A [`StoreError`]. The transaction may have held and its answer been lost: the next call
    /// finds [`Written::Before`].
    pub async fn write(
        &self,
        key: Key,
        content: &str,
        decision: Decision,
        expiry: Expiry,
        guard: Option<ErasureGuard<'_>>,
    ) -> Result<Written, StoreError> {
        let check = guard.map(|guard| self.check(&key, guard)).transpose()?;
        let Decision {
            entity,
            jobs,
            voice,
            events,
            starts,
        } = decision;
        let published = events.is_empty();
        let entry = OutboxEntry {
            key,
            content: content.to_owned(),
            events,
            starts,
            published,
            owner: None,
        };

        let mut puts = vec![self.put(entry.clone().into_item(expiry), 0)];
        let has_entity = entity.is_some();
        if let Some(entity) = entity {
            let before = entity.version;
            puts.push(self.put(
                items::entity_item(&EntityState {
                    version: before + 1,
                    ..entity
                }),
                before,
            ));
        }
        puts.extend(jobs.into_iter().map(|job| self.put_work(job)));
        puts.extend(voice.map(|voice| self.put_work(voice)));
        let puts = puts.into_iter().map(|put| {
            let put = put
                .build()
                .map_err(|error| StoreError::Write(error.into()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        });
        let mut writes = puts.collect::<Result<Vec<_>, StoreError>>()?;
        let is_guarded = check.is_some();
        // The last: `Cancelled::read` looks for it there.
        writes
            .extend(check.map(|check| TransactWriteItem::builder().condition_check(check).build()));

        let error = match self
            .dynamodb
            .transact_write_items()
            .set_transact_items(Some(writes))
            .send()
            .await
        {
            Ok(_) => return Ok(Written::Committed(entry)),
            Err(error) => error,
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
                    Cancelled::Unable => Err(StoreError::Write(error.into())),
                }
            }
            Some(other) if other.code() == Some("ValidationException") => {
                Err(StoreError::Refused(error.into()))
            }
            _ => Err(StoreError::Write(error.into())),
        }
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

    /// A put of `work` that holds only if no other writer changed it since it was read.
    fn put_work<W: Work>(&self, work: W) -> PutBuilder {
        let before = work.version();
        self.put(items::work_item(&work.with_version(before + 1)), before)
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
                Err(error) => return Err(StoreError::Write(error.into())),
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
                _ => return Err(StoreError::Write(SdkError::ServiceError(error).into())),
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
        let output = read
            .send()
            .await
            .map_err(|error| StoreError::Read(error.into()))?;
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
        update
            .send()
            .await
            .map_err(|error| StoreError::Write(error.into()))?;
        Ok(())
    }

    /// Items by their keys, read consistently, in the keys' order; what is not there any more is
    /// left out.
    pub(crate) async fn read_all(&self, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(MOST_AT_ONCE) {
            let wanted = some.iter().map(|key| key.clone().into_item()).collect();
            let mut ask = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()
                .ok();
            while let Some(of_table) = ask.take() {
                let get = self
                    .dynamodb
                    .batch_get_item()
                    .request_items(&self.table, of_table)
                    .send()
                    .await;
                let get = get.map_err(|error| StoreError::Read(error.into()))?;
                found.extend(get.responses.unwrap_or_default().into_values().flatten());
                // What did not fit into one answer.
                ask = get
                    .unprocessed_keys
                    .unwrap_or_default()
                    .into_values()
                    .next();
            }
        }
        let place = |item: &Item| keys.iter().position(|key| is_of(item, key));
        found.sort_by_key(place);
        Ok(found)
    }
}

/// What came of a transaction.
#[derive(Debug)]
pub enum Written {
    /// This call committed the entry.
    Committed(OutboxEntry),
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
enum Cancelled<'a> {
    Erased,
    Decided(&'a Item),
    Changed(Option<&'a Item>),
    Invalid,
    Unable,
}

impl<'a> Cancelled<'a> {
    fn read(reasons: &'a [CancellationReason], has_entity: bool, is_guarded: bool) -> Self {
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

fn is_of(item: &Item, key: &Key) -> bool {
    let is = |name: &str, value: &String| {
        item.get(name).and_then(|a: &AttributeValue| a.as_s().ok()) == Some(value)
    };
    is("pk", &key.pk) && is("sk", &key.sk)
}

#[cfg(test)]
mod tests;
