//! Tombstones: once a tenant's erasure began, nothing of its past is stored again.
//!
//! An erasure writes its time first. Every conditional transaction that commits something of a
//! tenant checks that time in the same transaction ([`ErasureGuard`]), so it cannot be overtaken.
//!
//! The time stands in 256 items, and a transaction checks one of them, by the id in its outbox
//! entry's key. DynamoDB cancels one of two transactions that meet on an item, even if both only
//! check it, and many events of one tenant are committed at once.
//! Source: "Transaction conflict handling" in the DynamoDB developer guide.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{
        AttributeValue, ConditionCheck, PutRequest, ReturnValuesOnConditionCheckFailure,
        WriteRequest,
    },
};
use contract::{Identifier, Time};
use domain::TenantKey;

use crate::{
    Store, StoreError,
    items::{self, Item, ItemError, Key},
};

/// The number of items that carry the time of an erasure.
const SHARDS: u16 = 256;

/// The most items of one `BatchWriteItem`, by DynamoDB's own limit.
const MOST_WRITTEN_AT_ONCE: usize = 25;

/// What a write belongs to: it is refused if its tenant was erased since it happened.
#[derive(Debug, Clone, Copy)]
pub struct ErasureGuard<'a> {
    /// The tenant.
    pub tenant: &'a Identifier,
    /// When the event happened, or when the job was decided on.
    pub happened: Time,
}

impl Store {
    /// Begins the erasure of `tenant`, or continues the one that is not finished; returns when it
    /// began. From then on nothing that happened before is stored.
    ///
    /// # Errors
    /// A [`StoreError`]; doing it again is safe.
    pub async fn begin_erasure(&self, tenant: &Identifier, now: Time) -> Result<Time, StoreError> {
        let began = self.open_erasure(tenant, now).await?;
        let mut puts = Vec::with_capacity(usize::from(SHARDS));
        for shard in 0..SHARDS {
            let mut item = tombstone(tenant, shard).into_item();
            item.insert("erased_at".to_owned(), AttributeValue::S(began.to_string()));
            item.insert("expires_at".to_owned(), items::expires_at(began));
            let put = PutRequest::builder()
                .set_item(Some(item))
                .build()
                .map_err(|error| StoreError::Write(error.into()))?;
            puts.push(WriteRequest::builder().put_request(put).build());
        }
        for some in puts.chunks(MOST_WRITTEN_AT_ONCE) {
            self.write_all(some.to_vec()).await?;
        }
        Ok(began)
    }

    /// Writes the time into the erasure's own item, unless an erasure is under way; returns the
    /// time that stands there.
    async fn open_erasure(&self, tenant: &Identifier, now: Time) -> Result<Time, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(erasure(tenant).into_item()))
            .update_expression(
                "SET erased_tenant = :tenant, erased_at = :now, \
                 first_at = if_not_exists(first_at, :now) REMOVE finished_at",
            )
            .condition_expression(
                "attribute_not_exists(erased_at) OR attribute_exists(finished_at)",
            )
            .expression_attribute_values(":tenant", AttributeValue::S(tenant.as_str().to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(now),
            Err(SdkError::ServiceError(error)) => match error.err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => {
                    let item = failed.item().ok_or(ItemError::Attribute("erased_at"))?;
                    Ok(erased_at(item)?)
                }
                _ => Err(StoreError::Write(SdkError::ServiceError(error).into())),
            },
            Err(error) => Err(StoreError::Write(error.into())),
        }
    }

    /// Notes that an erasure is finished: the next one of this tenant begins anew.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn finish_erasure(&self, tenant: &Identifier, now: Time) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(erasure(tenant).into_item()))
            .update_expression("SET finished_at = :now")
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()));
        update
            .send()
            .await
            .map_err(|error| StoreError::Write(error.into()))?;
        Ok(())
    }

    /// Whether the tenant was erased since something happened, read consistently. This is for what
    /// no transaction commits; a caller that stores something looks once more afterwards.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn is_erased_since(&self, guard: ErasureGuard<'_>) -> Result<bool, StoreError> {
        let item = self.read(tombstone(guard.tenant, 0)).await?;
        let erased_at = item.as_ref().map(erased_at).transpose()?;
        Ok(erased_at.is_some_and(|erased_at| guard.happened <= erased_at))
    }

    /// The check of a transaction whose outbox entry has the key `key`.
    pub(crate) fn check(
        &self,
        key: &Key,
        guard: ErasureGuard<'_>,
    ) -> Result<ConditionCheck, StoreError> {
        ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(tombstone(guard.tenant, shard_of(key)).into_item()))
            .condition_expression("attribute_not_exists(pk) OR erased_at < :happened")
            .expression_attribute_values(":happened", AttributeValue::S(guard.happened.to_string()))
            .build()
            .map_err(|error| StoreError::Write(error.into()))
    }

    async fn write_all(&self, mut requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        while !requests.is_empty() {
            let written = self
                .dynamodb
                .batch_write_item()
                .request_items(&self.table, requests)
                .send()
                .await
                .map_err(|error| StoreError::Write(error.into()))?;
            // What DynamoDB had no capacity for.
            requests = written
                .unprocessed_items
                .unwrap_or_default()
                .into_values()
                .flatten()
                .collect();
        }
        Ok(())
    }
}

/// The item that says what of a tenant was erased, and when.
pub(crate) fn erasure(tenant: &Identifier) -> Key {
    Key {
        pk: partition(tenant),
        sk: "erased".to_owned(),
    }
}

/// One of the items that carry the time of the erasure.
fn tombstone(tenant: &Identifier, shard: u16) -> Key {
    Key {
        pk: partition(tenant),
        sk: format!("tombstone#{shard:02x}"),
    }
}

/// The partition of what is on record of the tenant's erasures.
pub(crate) fn partition(tenant: &Identifier) -> String {
    format!("tenant#{}", TenantKey::new(tenant))
}

/// The shard that a transaction checks: the first two digits of the id in the key of its entry.
fn shard_of(key: &Key) -> u16 {
    let id = key.pk.split_once('#').map_or("", |(_, id)| id);
    id.get(..2)
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

fn erased_at(item: &Item) -> Result<Time, ItemError> {
    item.get("erased_at")
        .and_then(|at| at.as_s().ok())
        .and_then(|at| at.parse().ok())
        .map(Time::new)
        .ok_or(ItemError::Attribute("erased_at"))
}
