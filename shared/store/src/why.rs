//! What an operator reads to see why something came or did not come, and the note of trouble that
//! an open job has met. Nothing here decides anything.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Time};
use domain::{EntityState, HORIZON_SECONDS, Job, JobId, WorkId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Key, OutboxEntry, Store, StoreError,
    erase::is_met,
    items::{self, Item, ItemError, text},
};

/// The attribute of an open job's item that has the trouble it met last.
const TROUBLE: &str = "trouble";

/// Trouble that an open job met, and that passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetTrouble {
    /// When it met it.
    pub at: Time,
    /// What happened, for operators: the chain of causes.
    pub what: String,
    /// When the job is taken up again, if what met the trouble knows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Time>,
}

/// A job as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSeen {
    /// The job.
    pub job: Job,
    /// The trouble that it met since it was last written.
    pub trouble: Option<MetTrouble>,
}

/// An outbox entry as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrySeen {
    /// The entry.
    pub entry: OutboxEntry,
    /// From when on the sweep publishes it, if it is left to the sweep.
    pub sweep_from: Option<Time>,
    /// When it was decided on, in whole seconds. Of an event whose `time` was ahead of the studio's
    /// clock it is that time.
    pub decided_at: Time,
    /// Whether an erasure took out what it said.
    pub is_blanked: bool,
}

impl Store {
    /// Notes what met the open `job`. The note is gone as soon as the job is written again. It
    /// changes neither the job's state nor its version: what works on the job does not find that
    /// another writer changed it. A closed job gets no note. One write of a job's item.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_trouble(&self, job: JobId, trouble: &MetTrouble) -> Result<(), StoreError> {
        let note = AttributeValue::S(items::json(trouble));
        let update = self
            .update(&Key::work(WorkId::Job(job)))
            .update_expression("SET #trouble = :note")
            .condition_expression("attribute_exists(#open)")
            .expression_attribute_names("#trouble", TROUBLE)
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":note", note);
        is_met(update).await.map(drop)
    }

    /// The job of `tenant` with the trouble that it met, read consistently. A job of another tenant
    /// is not found.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and others.
    pub async fn job_seen(&self, tenant: &Identifier, job: JobId) -> Result<JobSeen, StoreError> {
        let id = WorkId::Job(job);
        let item = self.read(Key::work(id)).await?;
        let item = item.ok_or(StoreError::NotFound(id))?;
        let job: Job = items::state(&item)?;
        match job.tenant == *tenant {
            true => Ok(JobSeen {
                job,
                trouble: trouble(&item)?,
            }),
            false => Err(StoreError::NotFound(id)),
        }
    }

    /// The outbox entry under `key`, read consistently, if there is one.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn entry_seen(&self, key: Key) -> Result<Option<EntrySeen>, StoreError> {
        let item = self.read(key).await?;
        Ok(item.as_ref().map(seen).transpose()?)
    }

    /// Entities of `tenant` that are not erased, at most `most`, in no order. Asks the index
    /// `by-tenant` for their keys, and reads each entity.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn entities_of(
        &self,
        tenant: &Identifier,
        most: i32,
    ) -> Result<Vec<EntityState>, StoreError> {
        let query = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name("by-tenant")
            .key_condition_expression("tenant = :tenant AND listed = :entity")
            .expression_attribute_values(":tenant", AttributeValue::S(tenant.as_str().to_owned()))
            .expression_attribute_values(":entity", AttributeValue::S("entity".to_owned()))
            .limit(most);
        let output = query.send().await;
        let output = output.map_err(|error| self.unread(error))?;
        let mut entities = Vec::new();
        for item in output.items() {
            let item = self.read(Key::of(item)?).await?;
            entities.extend(item.as_ref().map(items::state).transpose()?);
        }
        Ok(entities)
    }
}

/// The trouble that is noted in a job's item.
fn trouble(item: &Item) -> Result<Option<MetTrouble>, ItemError> {
    if !item.contains_key(TROUBLE) {
        return Ok(None);
    }
    let read = || serde_json::from_str(text(item, TROUBLE)?).map_err(ItemError::State);
    read().map(Some).map_err(|error: ItemError| error.of(item))
}

fn seen(item: &Item) -> Result<EntrySeen, ItemError> {
    let entry = OutboxEntry::from_item(item)?;
    let times = || Ok((sweep_from(item)?, decided_at(item)?));
    let (sweep_from, decided_at) = times().map_err(|error: ItemError| error.of(item))?;
    let is_blanked = !item.contains_key("packed") && entry.events.is_empty();
    Ok(EntrySeen {
        entry,
        sweep_from,
        decided_at,
        is_blanked,
    })
}

/// From when on the sweep publishes an entry, if it is to.
fn sweep_from(item: &Item) -> Result<Option<Time>, ItemError> {
    if !item.contains_key("open") {
        return Ok(None);
    }
    let deadline = text(item, "deadline")?.parse();
    let deadline = deadline.map_err(|_| ItemError::Attribute("deadline"))?;
    Ok(Some(Time::new(deadline)))
}

/// What an entry's time to live counts from.
fn decided_at(item: &Item) -> Result<Time, ItemError> {
    let seconds = item
        .get("expires_at")
        .and_then(|expires_at| expires_at.as_n().ok())
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    let expires_at = seconds.ok_or(ItemError::Attribute("expires_at"))?;
    Ok(Time::new(expires_at).minus_seconds(HORIZON_SECONDS))
}

#[cfg(test)]
mod tests {
    use domain::{Decision, InboundEventKey};

    use super::*;
    use crate::{Expiry, Prepared};

    fn at() -> Time {
        Time::new("2026-11-27T10:00:00Z".parse().unwrap())
    }

    /// The item of the entry of an event that changed nothing.
    fn item(republish_from: Option<Time>) -> Item {
        let tenant = Identifier::parse("tenant-a").unwrap();
        let key = Key::inbound(InboundEventKey::new(&tenant, "events-svc", "evt-1"));
        let expiry = Expiry {
            from: at(),
            republish_from,
        };
        let entry = Prepared::new(key, "hash", Decision::default(), expiry, None);
        OutboxEntry {
            published: republish_from.is_none(),
            ..entry.committed().entry.clone()
        }
        .into_item(expiry)
    }

    #[test]
    fn an_entry_says_when_it_was_decided_and_whether_the_sweep_publishes_it() {
        let published = seen(&item(None)).unwrap();
        assert_eq!((published.decided_at, published.sweep_from), (at(), None));
        assert!(!published.is_blanked);
        let later = at().plus_seconds(900);
        assert_eq!(seen(&item(Some(later))).unwrap().sweep_from, Some(later));
    }

    #[test]
    fn an_entry_that_an_erasure_blanked_is_told_from_one_of_an_event_that_changed_nothing() {
        let mut blanked = item(None);
        blanked.remove("packed");
        for name in ["events", "starts"] {
            blanked.insert(name.to_owned(), AttributeValue::L(Vec::new()));
        }
        assert!(seen(&blanked).unwrap().is_blanked);
    }

    #[test]
    fn trouble_is_read_from_the_item_of_a_job_that_met_some() {
        let met = MetTrouble {
            at: at(),
            what: "S3 refuses: AccessDenied".to_owned(),
            again: Some(at().plus_seconds(5)),
        };
        let mut item = Item::new();
        assert_eq!(trouble(&item).unwrap(), None);
        item.insert(TROUBLE.to_owned(), AttributeValue::S(items::json(&met)));
        assert_eq!(trouble(&item).unwrap(), Some(met));
    }
}
