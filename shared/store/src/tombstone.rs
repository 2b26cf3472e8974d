//! Tombstones: once a tenant's erasure began, nothing of its past is stored again.
//!
//! An erasure writes its time first. Every conditional transaction that commits something of a
//! tenant checks that time in the same transaction ([`ErasureGuard`]), so it cannot be overtaken.
//!
//! The time stands in 256 items, and a transaction checks one of them, by the id in its outbox
//! entry's key. DynamoDB cancels one of two transactions that meet on an item, even if both only
//! check it, and many events of one tenant are committed at once.
//! Source: "Transaction conflict handling" in the DynamoDB developer guide.

use std::collections::BTreeMap;

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

/// The check of a transaction: it holds unless the tenant was erased since something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    tombstone: Key,
    happened: Time,
}

impl Check {
    /// The check of a transaction whose outbox entry has the key `entry`.
    pub(crate) fn new(entry: &Key, guard: ErasureGuard<'_>) -> Self {
        Self {
            tombstone: tombstone(guard.tenant, shard_of(entry)),
            happened: guard.happened,
        }
    }

    /// What stands for the tenant: the same in each of its checks.
    pub(crate) fn tenant(&self) -> &str {
        &self.tombstone.pk
    }
}

/// One check for each tenant of `checks`, which holds if and only if all of the tenant's hold: what
/// happened first is the first to be from before an erasure. Each of the 256 items carries the same
/// time, so that one of them speaks for all.
pub(crate) fn strictest(checks: impl IntoIterator<Item = Check>) -> Vec<Check> {
    let mut by_tenant: BTreeMap<String, Check> = BTreeMap::new();
    for check in checks {
        let of_tenant = by_tenant
            .entry(check.tenant().to_owned())
            .or_insert_with(|| check.clone());
        of_tenant.happened = of_tenant.happened.min(check.happened);
    }
    by_tenant.into_values().collect()
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
                .map_err(|error| self.unwritten(error))?;
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
                _ => Err(self.unwritten(SdkError::ServiceError(error))),
            },
            Err(error) => Err(self.unwritten(error)),
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
        update.send().await.map_err(|error| self.unwritten(error))?;
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

    /// As [`is_erased_since`](Self::is_erased_since), for each of `guards`.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn are_erased_since(
        &self,
        guards: &[ErasureGuard<'_>],
    ) -> Result<Vec<bool>, StoreError> {
        let place = |guard: &ErasureGuard<'_>| tombstone(guard.tenant, 0);
        let items = self.read_each(guards.iter().map(place).collect()).await?;
        let is_erased = |guard: &ErasureGuard<'_>| {
            let erased_at = items.get(&place(guard)).map(erased_at).transpose()?;
            Ok(erased_at.is_some_and(|erased_at| guard.happened <= erased_at))
        };
        guards.iter().map(is_erased).collect()
    }

    /// `check` as a part of a transaction.
    pub(crate) fn condition(&self, check: Check) -> Result<ConditionCheck, StoreError> {
        let Check {
            tombstone,
            happened,
        } = check;
        ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(tombstone.into_item()))
            .condition_expression("attribute_not_exists(pk) OR erased_at < :happened")
            .expression_attribute_values(":happened", AttributeValue::S(happened.to_string()))
            .build()
            .map_err(|error| self.unwritten(error))
    }

    async fn write_all(&self, mut requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        while !requests.is_empty() {
            let written = self
                .dynamodb
                .batch_write_item()
                .request_items(&self.table, requests)
                .send()
                .await
                .map_err(|error| self.unwritten(error))?;
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

#[cfg(test)]
mod tests {
    use domain::InboundEventKey;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_transaction_checks_a_tenant_once_for_what_happened_first() {
        let tenants = ["tenant-1", "tenant-2"].map(|id| Identifier::parse(id).unwrap());
        let time = |second: u32| {
            let time: jiff::Timestamp = format!("2026-11-20T10:00:{second:02}Z").parse().unwrap();
            Time::new(time)
        };
        let entry = |number: u128| Key::inbound(InboundEventKey(Uuid::from_u128(number << 120)));
        let check = |tenant: usize, number: u128, second: u32| {
            let (tenant, happened) = (&tenants[tenant], time(second));
            Check::new(&entry(number), ErasureGuard { tenant, happened })
        };
        let mut merged = strictest([
            check(0, 1, 9),
            check(1, 2, 5),
            check(0, 3, 3),
            check(0, 4, 7),
        ]);
        merged.sort_by_key(|check| check.happened);
        let expected = [
            Check {
                happened: time(3),
                ..check(0, 1, 9)
            },
            check(1, 2, 5),
        ];
        assert_eq!(merged, expected);
        assert_eq!(merged[0].tombstone.sk, "tombstone#01");
    }

    #[test]
    fn the_first_two_digits_of_an_entrys_id_name_the_item_that_is_checked() {
        for (pk, shard) in [
            ("inbound#00000000-0000-0000-0000-000000000000", 0),
            ("job#a7000000-0000-0000-0000-000000000000", 0xa7),
            ("voice#ff000000-0000-0000-0000-000000000000", 0xff),
            ("inbound#connect", 0),
            ("inbound", 0),
        ] {
            let key = Key {
                pk: pk.to_owned(),
                sk: "outbox".to_owned(),
            };
            assert_eq!(shard_of(&key), shard, "{pk}");
        }
    }
}
