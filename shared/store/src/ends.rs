//! The ends of jobs that were drawn at once: those of one entity, in one transaction.

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata as _, operation::transact_write_items::TransactWriteItemsError,
    types::AttributeValue,
};
use contract::Time;
use domain::{Decision, Ends, EntityState, Job};

use crate::{
    Committed, ErasureGuard, Expiry, Key, OutboxEntry, Prepared, Store, StoreError, erase::is_met,
    items::open_shard, tombstone::strictest, write::Cancelled,
};

/// The most jobs that [`Store::write_ends`] takes: two items for each, the entity and the check of
/// the tombstone are within the hundred items that DynamoDB takes.
pub const MOST_ENDS: usize = 48;

/// What came of ends that were to be written.
#[derive(Debug)]
pub enum WrittenEnds {
    /// This call committed them.
    Committed {
        /// The entries to publish, in the jobs' order.
        entries: Vec<OutboxEntry>,
        /// The entity as it stands now, if an end changed it.
        entity: Option<EntityState>,
    },
    /// The entity or a job changed since it was read, or one of the jobs has an end. Nothing is
    /// written.
    Changed,
    /// The tenant was erased since. Nothing is written.
    Erased,
}

impl Store {
    /// Writes the ends of at most [`MOST_ENDS`] jobs of one entity, decided at `now`, in one
    /// transaction: if no other writer changed the jobs or the entity since they were read, and if
    /// the tenant was not erased since what `guard` says.
    ///
    /// The entries are in no index. The message that had the jobs drawn comes again until they are
    /// published, and an erasure finds them by their jobs. A caller that cannot publish them now also
    /// [leaves them to the sweep](Self::leave_end_to_sweep).
    ///
    /// # Errors
    /// A [`StoreError`]. The transaction may have held and its answer been lost: the next call
    /// finds [`WrittenEnds::Changed`], and the jobs closed.
    pub async fn write_ends(
        &self,
        ends: Ends,
        guard: ErasureGuard<'_>,
        now: Time,
    ) -> Result<WrittenEnds, StoreError> {
        let (mut entries, mut entity) = (Vec::new(), None);
        let (mut puts, mut checks) = (Vec::new(), Vec::new());
        for decision in prepared(ends, guard, now) {
            let Committed {
                entry,
                entity: changed,
            } = decision.committed;
            entries.push(entry);
            entity = entity.or(changed);
            puts.extend(decision.puts);
            checks.extend(decision.check);
        }
        // DynamoDB takes no transaction without items.
        if entries.is_empty() {
            return Ok(WrittenEnds::Committed { entries, entity });
        }
        let Err(error) = self.transaction(puts, strictest(checks))?.send().await else {
            return Ok(WrittenEnds::Committed { entries, entity });
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                match Cancelled::read(canceled.cancellation_reasons(), false, true) {
                    Cancelled::Erased => Ok(WrittenEnds::Erased),
                    Cancelled::Decided(_) | Cancelled::Changed(_) => Ok(WrittenEnds::Changed),
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

    /// Has the sweep publish the end of `job` from `from` on, unless it is marked published by then:
    /// the message that would have it published may be lost. Does nothing if there is no such end,
    /// or if it is marked published or blanked.
    ///
    /// An end that is not withheld is listed from then on, because that says whose it is, and since
    /// when: the sweep publishes none from before the erasure of its tenant. One that `is_withheld` is
    /// published in any case. Say that only of a job that is known to be announced.
    ///
    /// # Errors
    /// A [`StoreError`]; the end may be left to the sweep nevertheless.
    pub async fn leave_end_to_sweep(
        &self,
        job: &Job,
        is_withheld: bool,
        from: Time,
    ) -> Result<(), StoreError> {
        let key = Key::end(job.id);
        let shard = open_shard(&key.pk).to_owned();
        let update = self
            .update(&key)
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":shard", AttributeValue::S(shard))
            .expression_attribute_values(":from", AttributeValue::S(from.to_string()))
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        let update = if is_withheld {
            update
                .update_expression("SET #open = :shard, deadline = :from")
                .condition_expression("attribute_exists(packed) AND published = :false")
        } else {
            let tenant = AttributeValue::S(job.tenant.as_str().to_owned());
            let listed = AttributeValue::S(format!("outbox#{}", job.created_at));
            update
                .update_expression(
                    "SET #open = :shard, deadline = :from, tenant = :tenant, listed = :listed",
                )
                .condition_expression(
                    "attribute_exists(packed) AND published = :false \
                     AND attribute_not_exists(withheld)",
                )
                .expression_attribute_values(":tenant", tenant)
                .expression_attribute_values(":listed", listed)
        };
        is_met(update).await.map(drop)
    }
}

/// Each end as a decision of its own. The first also has the entity.
fn prepared(ends: Ends, guard: ErasureGuard<'_>, now: Time) -> Vec<Prepared> {
    let Ends { mut entity, jobs } = ends;
    let expiry = Expiry {
        from: now,
        republish_from: None,
    };
    let prepared = jobs.into_iter().map(|(job, events)| {
        let key = Key::end(job.id);
        let end = Decision {
            entity: entity.take(),
            jobs: vec![job],
            events,
            ..Decision::default()
        };
        Prepared::new(key, "end", end, expiry, Some(guard))
    });
    prepared.collect()
}

#[cfg(test)]
mod ledger;
#[cfg(test)]
mod tests;
