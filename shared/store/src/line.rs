//! The lines of the providers: an item for each job or voice model that waits for its turn. A line
//! is a part of the table and no index, because what has just joined it must be seen.
//!
//! Whatever joins a line looks at the leases afterwards, and whatever releases a lease looks at the
//! line afterwards. So one of them sees the other.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, Select, TransactWriteItem},
};
use contract::Time;
use domain::{
    Caps, ConcurrencyLimits, Found, Job, JobId, Place, ProviderId, TenantKey, VoiceModel,
    VoiceModelId, Waiter, Work, WorkId,
};
use futures::future::try_join_all;

use crate::{
    Key, Store, StoreError,
    items::{self, Item},
    write::Cancelled,
};

/// The number of partitions of a line. DynamoDB writes 1,000 units a second of a partition, and an
/// item of a transaction costs two: 2,000 jobs a second may join a line. A look asks each partition.
const PARTITIONS: u8 = 4;

/// The number of items that a look reads of a partition behind an entry that it cannot read.
const UNREADABLE_AT_ONCE: i32 = 100;

/// How the two kinds are called in a key; voices come first.
const VOICE: &str = "0-voice";
const JOB: &str = "1-job";

/// The attribute that says which version of a job joined. An earlier version of the code wrote none.
const JOINED: &str = "job_version";

impl Store {
    /// Has the open `job` wait in the line that it names, and writes it, if no other writer changed
    /// it since it was read; returns the job as it is now. A job that names no line is only written.
    ///
    /// # Errors
    /// [`StoreError::Contended`] if another writer changed it, and others.
    pub async fn join_line(&self, job: Job) -> Result<Job, StoreError> {
        let Some(provider) = job.waits_for() else {
            return self.save(job).await;
        };
        let before = job.version;
        let job = job.with_version(before + 1);
        let mut entry = item(provider, &Waiter::of(&job));
        entry.insert(
            JOINED.to_owned(),
            AttributeValue::N(job.version.to_string()),
        );
        let entry = Put::builder()
            .table_name(&self.table)
            .set_item(Some(entry))
            .build()
            .map_err(|error| self.unwritten(error))?;
        let join = self
            .transaction(vec![(items::work_item(&job), before)], None)?
            .transact_items(TransactWriteItem::builder().put(entry).build());
        let Err(error) = join.send().await else {
            return Ok(job);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                match Cancelled::read(canceled.cancellation_reasons(), false, false) {
                    Cancelled::Decided(_) | Cancelled::Changed(_) | Cancelled::Erased => {
                        Err(StoreError::Contended)
                    }
                    Cancelled::Invalid => Err(StoreError::Refused(error.into())),
                    Cancelled::Unable => Err(self.unwritten(error)),
                }
            }
            _ => Err(self.unwritten(error)),
        }
    }

    /// Has a voice model stand in the line of its provider. It stands there once, however often it
    /// joins.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn stand_in_line(&self, model: &VoiceModel) -> Result<(), StoreError> {
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(model.provider, &Waiter::of(model))));
        put.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// Takes `waiter` out of the line of `provider`, if it stands there.
    ///
    /// # Errors
    /// A [`StoreError`]; then it stands there still, and is passed over.
    pub async fn leave_line(
        &self,
        provider: ProviderId,
        waiter: &Waiter,
    ) -> Result<(), StoreError> {
        let delete = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(provider, waiter).into_item()));
        delete.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// Takes `job`, which does not wait as it was just read or written, out of the line of `provider`;
    /// not if it has joined the line again since, because then nothing would ever wake it.
    ///
    /// # Errors
    /// A [`StoreError`]; then it stands there still, and is passed over.
    pub async fn leave_line_until_again(
        &self,
        provider: ProviderId,
        job: &Job,
    ) -> Result<(), StoreError> {
        let delete = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(provider, &Waiter::of(job)).into_item()))
            .condition_expression("attribute_not_exists(#joined) OR #joined <= :version")
            .expression_attribute_names("#joined", JOINED)
            .expression_attribute_values(":version", AttributeValue::N(job.version.to_string()));
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                Ok(())
            }
            Err(error) => Err(self.unwritten(error)),
        }
    }

    /// Whose turn it is at `provider`; `None` if no slot is free, or if nothing waits that may have
    /// one. `limits` are the leases that hold now. Each look reads one item of each partition,
    /// consistently: two looks as a rule, and one more for each tenant that is passed over. What this
    /// version of the code cannot read is passed over, too.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn whose_turn(
        &self,
        provider: ProviderId,
        limits: &ConcurrencyLimits,
        caps: Caps,
    ) -> Result<Option<Waiter>, StoreError> {
        let Some(mut search) = limits.search(caps) else {
            return Ok(None);
        };
        loop {
            let first = self.first_behind(provider, search.place()).await?;
            match search.found(first) {
                Found::Next(waiter) => return Ok(Some(waiter)),
                Found::LookOn(on) => search = on,
                Found::Nothing => return Ok(None),
            }
        }
    }

    /// How many jobs and voice models stand in the line of `provider`. Reads the keys of all of them,
    /// and may be a second behind.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn length_of_line(&self, provider: ProviderId) -> Result<u64, StoreError> {
        let mut length = 0;
        for number in 0..PARTITIONS {
            let query = self
                .dynamodb
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :line")
                .expression_attribute_values(
                    ":line",
                    AttributeValue::S(partition(provider, number)),
                )
                .select(Select::Count);
            let mut pages = query.into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| self.unread(error))?;
                length += u64::try_from(page.count()).unwrap_or(0);
            }
        }
        Ok(length)
    }

    /// The first that waits behind `place` in the line of `provider`.
    async fn first_behind(
        &self,
        provider: ProviderId,
        place: Place,
    ) -> Result<Option<Waiter>, StoreError> {
        let behind = behind(place);
        let looks =
            (0..PARTITIONS).map(|number| self.first_of_partition(provider, number, behind.clone()));
        let firsts = try_join_all(looks).await?;
        Ok(firsts.into_iter().flatten().min_by_key(place_of))
    }

    /// The first that waits in a partition of a line, and whose sort key is greater than `behind`. An
    /// entry that this version of the code cannot read is passed over and kept: a newer version wrote
    /// it, and gives it its turn.
    async fn first_of_partition(
        &self,
        provider: ProviderId,
        number: u8,
        mut behind: String,
    ) -> Result<Option<Waiter>, StoreError> {
        let line = partition(provider, number);
        let mut at_once = 1;
        loop {
            let query = self
                .dynamodb
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :line AND sk > :behind")
                .expression_attribute_values(":line", AttributeValue::S(line.clone()))
                .expression_attribute_values(":behind", AttributeValue::S(behind.clone()))
                .consistent_read(true);
            let found = query.limit(at_once).send().await;
            let found = found.map_err(|error| self.unread(error))?;
            if found.items().is_empty() {
                return Ok(None);
            }
            for item in found.items() {
                let place = Key::of(item)?.sk;
                if let Some(waiter) = read(&place) {
                    return Ok(Some(waiter));
                }
                behind = place;
            }
            tracing::warn!(
                line,
                place = behind,
                "passed over, because this version of the code cannot read it; deploy the version that wrote it"
            );
            at_once = UNREADABLE_AT_ONCE;
        }
    }
}

/// The item of `waiter` in the line of `provider`.
fn item(provider: ProviderId, waiter: &Waiter) -> Item {
    let mut item = key(provider, waiter).into_item();
    item.insert("expires_at".to_owned(), items::expires_at(waiter.since));
    item
}

fn key(provider: ProviderId, waiter: &Waiter) -> Key {
    let [first, ..] = waiter.work.uuid().into_bytes();
    Key {
        pk: partition(provider, first % PARTITIONS),
        sk: place_of(waiter),
    }
}

fn partition(provider: ProviderId, number: u8) -> String {
    format!("waiting#{provider}#{number}")
}

/// The sort key of `waiter`: by it a line is in its order.
fn place_of(waiter: &Waiter) -> String {
    let kind = match waiter.work {
        WorkId::Voice(_) => VOICE,
        WorkId::Job(_) => JOB,
    };
    let (tenant, since, id) = (waiter.tenant, waiter.since, waiter.work.uuid());
    format!("{tenant}#{kind}#{since}#{id}")
}

/// What the sort keys of all that waits behind `place` are greater than.
fn behind(place: Place) -> String {
    match place {
        // Before any digit. DynamoDB compares a key with no empty text.
        Place::Begin => "#".to_owned(),
        // After any kind.
        Place::Tenant(tenant) => format!("{tenant}#~"),
        Place::Waiter(waiter) => place_of(&waiter),
    }
}

/// What waits, as its sort key says it; `None` if this version of the code cannot read it.
fn read(place: &str) -> Option<Waiter> {
    let mut parts = place.split('#');
    let (tenant, kind) = (parts.next()?, parts.next()?);
    let (since, id) = (parts.next()?, parts.next()?);
    let id = id.parse().ok()?;
    let work = match kind {
        VOICE => WorkId::Voice(VoiceModelId(id)),
        JOB => WorkId::Job(JobId(id)),
        _ => return None,
    };
    Some(Waiter {
        tenant: TenantKey(tenant.parse().ok()?),
        work,
        since: Time::new(since.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use domain::derive;

    use super::*;

    fn at(second: u32) -> Time {
        Time::new("2026-11-27T10:00:00Z".parse().unwrap()).plus_seconds(second)
    }

    fn job(tenant: u8, second: u32, number: u8) -> Waiter {
        Waiter {
            tenant: TenantKey(derive(&[&[tenant]])),
            work: WorkId::Job(JobId(derive(&[b"job", &[number]]))),
            since: at(second),
        }
    }

    fn voice(tenant: u8, second: u32) -> Waiter {
        Waiter {
            work: WorkId::Voice(VoiceModelId(derive(&[b"voice"]))),
            ..job(tenant, second, 0)
        }
    }

    #[test]
    fn a_place_in_a_line_is_read_back() {
        for there in [job(1, 5, 7), voice(1, 5)] {
            assert_eq!(read(&place_of(&there)), Some(there));
        }
        assert_eq!(read("0#2-other#0#0"), None);
    }

    #[test]
    fn a_line_is_in_order_of_tenants_then_voices_then_age() {
        let (mut one, mut two) = (1, 2);
        if job(one, 0, 0).tenant > job(two, 0, 0).tenant {
            (one, two) = (two, one);
        }
        let line = [
            voice(one, 900),
            job(one, 4, 9),
            job(one, 5, 1),
            job(one, 12_000, 2),
            voice(two, 1),
            job(two, 0, 3),
        ];
        assert!(line.iter().map(place_of).is_sorted());
        let after = |place: Place| {
            let behind = behind(place);
            let left = line.iter().filter(move |one| place_of(one) > behind);
            left.copied().collect::<Vec<_>>()
        };
        assert_eq!(after(Place::Begin), line);
        assert_eq!(after(Place::Tenant(line[0].tenant)), line[4..]);
        assert_eq!(after(Place::Waiter(line[2])), line[3..]);
        assert!(after(Place::Tenant(line[5].tenant)).is_empty());
    }

    #[test]
    fn a_line_is_spread_over_its_partitions_and_belongs_to_one_provider() {
        let partitions = |provider: ProviderId| {
            let keys = (0..100).map(|number| key(provider, &job(1, 0, number)).pk);
            keys.collect::<std::collections::BTreeSet<_>>()
        };
        let of_runway = partitions(ProviderId::Runway);
        assert_eq!(of_runway.len(), usize::from(PARTITIONS));
        assert!(of_runway.is_disjoint(&partitions(ProviderId::OpenAi)));
    }
}
