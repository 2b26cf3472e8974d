//! The one table: what an item looks like.
//!
//! | `pk` | `sk` | what it is |
//! |---|---|---|
//! | `inbound#<uuid>` | `outbox` | what was decided for an inbound event: the bytes to publish, the jobs to send, their entity, the newer event if it is older than what was known; until its TTL |
//! | `entity#<uuid>` | `state` | an entity with its templates |
//! | `job#<uuid>` | `state` | a render job; `lone_try` if it was about to be drawn by itself (`lone_try.rs`); `trouble` if it met some since it was last written (`why.rs`) |
//! | `job#<uuid>` | `end` | what was decided when the job was closed: the bytes to publish, `withheld` if they may not be yet; until its TTL |
//! | `voice#<uuid>` | `state` | a voice model |
//! | `voice#<uuid>` | `created`, `ready` | what was decided when it was registered, and when it spoke: the bytes to publish; until its TTL |
//! | `provider#<name>` | `breaker` | until when an open breaker skips a provider, and why |
//! | `provider#<name>` | `leases` | the calls to a provider that are in flight |
//! | `provider#<name>` | `usage` | the credits that were spent at a provider by day, and its last refusal |
//! | `provider#<name>` | `blocks` | the tenants whose requests to a provider were blocked lately, by derived ids |
//! | `waiting#<provider>#<0 to 3>` | `<tenant's uuid>#<kind>#<time>#<uuid>` | a job or voice model that waits for its turn (`line.rs`); until its turn, or its TTL |
//! | `kept#<token>#<n>` | `part` | a part of what a provider made and the bucket did not take (`kept.rs`); until it is stored, or its TTL |
//! | `tenant#<uuid>` | `erased` | what of a tenant was erased, and when |
//! | `tenant#<uuid>` | `tombstone#<00 to ff>` | when the tenant's erasure began (`tombstone.rs`); until its TTL |
//! | `schedule#<name>` | `ran` | when what a schedule starts last did its work (`watched.rs`) |
//! | `audit#<uuid>` | `entry` | a change that an operator asked for (`audit.rs`); until its TTL |
//! | `tenant#<uuid>` | `remainder#<keeper>#<item>` | what a vendor, a bucket or the CDN refused to delete, and why an operator closed that (`remainders.rs`) |
//! | `set-aside#<topic>/<partition>/<offset>` | `mark` | that a record is to become a dead letter if its consumer cannot handle it (`set_aside.rs`); until its TTL |
//! | `dead-letter#<uuid>` | `record` | the entry of a dead letter (`dead_letters.rs`); once resolved, or if its key names no tenant, until its TTL |
//!
//! Keys are made of ids, derived ones and a voice model's: nothing a tenant writes is part of one.
//! Entities, jobs and voice models carry their whole state as JSON in `state` and their write count
//! in `version`. Outbox entries carry what they say as JSON in `packed` (`said.rs`). The JSON of
//! entries, entities and jobs is packed (`packed.rs`). A version from before wrote it as text, and an
//! entry's parts in `events`, `starts`, `entity` and `tenant_key`: both are read.
//!
//! Four indexes, keys only. The TTL attribute is `expires_at`.
//!
//! | index | keys | what is in it |
//! |---|---|---|
//! | `by-tenant` | `tenant`, `listed` | all that is a tenant's, but entries that a job of the tenant's leads to; `listed` is `entity`, or `job#`, `voice#`, `outbox#` or `dead-letter#` and a time; or `remainder#` and what it is |
//! | `open-by-tenant` | `open_tenant`, `listed` | a tenant's open jobs that wait for a vendor or are made by one: not those that the canvas draws, so a picture does not write it |
//! | `ended` | `ended`, `listed` | jobs and voice models of all tenants that ended short of what was wanted, until an operator has a job made again or its tenant is erased: `ended` is `failed#` or `fell-back#` and the first digit of the id |
//! | `open` | `open`, `deadline` | open jobs and voice models, and their unpublished entries: `open` is the first digit of the id, after `queue#` for a job that waits in the queue, and after `turn#` for one that waits for its turn at a vendor. Unresolved dead letters: `open` is `dead-letter#` and that digit, `deadline` is when the first was seen. The audit: `open` is `audit#` and the month, `deadline` is when it was asked for |

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Time, Topic};
use domain::{
    EntityKey, EntityState, HORIZON_SECONDS, InboundEventKey, JobId, OtherEvent, OutboundEvent,
    ProviderId, Shortfall, TenantKey, VoiceModelId, Work, WorkId,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use crate::attributes::ItemError;
pub(crate) use crate::attributes::{Item, text};
use crate::{
    attributes::{packed, unpacked},
    said::Said,
};

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    /// The outbox entry of an inbound event.
    #[must_use]
    pub fn inbound(event: InboundEventKey) -> Self {
        Self {
            pk: format!("inbound#{event}"),
            sk: "outbox".to_owned(),
        }
    }

    pub(crate) fn entity(entity: EntityKey) -> Self {
        Self {
            pk: format!("entity#{entity}"),
            sk: "state".to_owned(),
        }
    }

    pub(crate) fn work(id: WorkId) -> Self {
        let pk = match id {
            WorkId::Job(job) => format!("job#{job}"),
            WorkId::Voice(voice) => format!("voice#{voice}"),
        };
        Self {
            pk,
            sk: "state".to_owned(),
        }
    }

    /// The outbox entry of the end of a job.
    #[must_use]
    pub fn end(job: JobId) -> Self {
        Self {
            pk: format!("job#{job}"),
            sk: "end".to_owned(),
        }
    }

    /// The outbox entry of the registration of a voice model.
    #[must_use]
    pub fn voice_created(voice: VoiceModelId) -> Self {
        Self {
            pk: format!("voice#{voice}"),
            sk: "created".to_owned(),
        }
    }

    /// The outbox entry of a voice model that became ready.
    #[must_use]
    pub fn voice_ready(voice: VoiceModelId) -> Self {
        Self {
            pk: format!("voice#{voice}"),
            sk: "ready".to_owned(),
        }
    }

    pub(crate) fn breaker(provider: ProviderId) -> Self {
        Self {
            pk: format!("provider#{provider}"),
            sk: "breaker".to_owned(),
        }
    }

    pub(crate) fn leases(provider: ProviderId) -> Self {
        Self {
            pk: format!("provider#{provider}"),
            sk: "leases".to_owned(),
        }
    }

    pub(crate) fn audit(invocation: &str) -> Self {
        Self {
            pk: format!("audit#{invocation}"),
            sk: "entry".to_owned(),
        }
    }

    pub(crate) fn blocks(provider: ProviderId) -> Self {
        Self {
            pk: format!("provider#{provider}"),
            sk: "blocks".to_owned(),
        }
    }

    pub(crate) fn kept(token: Uuid, part: u32) -> Self {
        Self {
            pk: format!("kept#{token}#{part}"),
            sk: "part".to_owned(),
        }
    }

    pub(crate) fn usage(provider: ProviderId) -> Self {
        Self {
            pk: format!("provider#{provider}"),
            sk: "usage".to_owned(),
        }
    }

    pub(crate) fn set_aside(topic: Topic, partition: i32, offset: i64) -> Self {
        Self {
            pk: format!("set-aside#{topic}/{partition}/{offset}"),
            sk: "mark".to_owned(),
        }
    }

    pub(crate) fn dead_letter(id: Uuid) -> Self {
        Self {
            pk: format!("dead-letter#{id}"),
            sk: "record".to_owned(),
        }
    }

    /// The key of `item`.
    pub(crate) fn of(item: &Item) -> Result<Self, ItemError> {
        Ok(Self {
            pk: text(item, "pk")?.to_owned(),
            sk: text(item, "sk")?.to_owned(),
        })
    }

    pub(crate) fn into_item(self) -> Item {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// An entry of the transactional outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    pub(crate) key: Key,
    /// The hash of the content that was decided, or the name of the step.
    pub content: String,
    /// The events to publish, in order, as the bytes they will always have.
    pub events: Vec<OutboundEvent>,
    /// The jobs that it opened, all of one entity: a message about them is sent once the events are
    /// published.
    pub starts: Vec<JobId>,
    /// The entity of `starts`. `None` if there are none, and in an entry that an earlier version of
    /// the code wrote: then each of the jobs says it.
    pub entity: Option<EntityKey>,
    /// The key of the tenant of `starts`; `None` where `entity` is.
    pub tenant: Option<TenantKey>,
    /// The newer event, if the inbound event is older than what was known: its facts are not taken in.
    pub older_than: Option<Box<OtherEvent>>,
    /// Whether Kafka is known to have the events. If it is not, and the entry opened jobs, they tell:
    /// none is sent before.
    pub published: bool,
    /// Whether the events are only published by a caller that knows that the job's `created` was:
    /// the end of a job whose tenant was erased before that was known.
    pub withheld: bool,
    /// Whose the events are, and since when; `None` if it is not listed, or was not read.
    pub owner: Option<Owner>,
}

/// The tenant of an outbox entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: Identifier,
    /// What the entry's time to live counts from.
    pub since: Time,
}

/// How long an entry lives, and from when on the sweep publishes it if it is not marked published.
#[derive(Debug, Clone, Copy)]
pub struct Expiry {
    /// What the time to live counts from.
    pub from: Time,
    /// The deadline in the index of what is open; an entry that a redelivery publishes needs none.
    pub republish_from: Option<Time>,
}

impl OutboxEntry {
    /// What stands for an entry that is not stored, because its tenant was erased since: there is
    /// nothing to publish and nothing to send.
    #[must_use]
    pub fn of_erased_tenant(key: Key, content: String) -> Self {
        Self {
            key,
            content,
            events: Vec::new(),
            starts: Vec::new(),
            entity: None,
            tenant: None,
            older_than: None,
            published: true,
            withheld: false,
            owner: None,
        }
    }

    /// The job whose end it is; `None` if it is no job's end.
    #[must_use]
    pub fn ended_job(&self) -> Option<JobId> {
        let id = self.key.pk.strip_prefix("job#")?;
        id.parse().ok().map(JobId)
    }

    /// Whether a job leads an erasure to it: the job that it opened, or ended. The end that the sweep
    /// publishes is listed nevertheless, because that says whose it is, and since when.
    fn is_led_to(&self, expiry: Expiry) -> bool {
        let is_end = self.key.pk.starts_with("job#");
        !self.starts.is_empty() || is_end && expiry.republish_from.is_none()
    }

    pub(crate) fn into_item(self, expiry: Expiry) -> Item {
        let shard = open_shard(&self.key.pk);
        let is_listed = !self.is_led_to(expiry);
        // An entry without events belongs to no tenant, unless it names another event of the tenant's:
        // then the decision's guard says whose it is (`prepared.rs`).
        let first = self.events.first().filter(|_| is_listed);
        let tenant = first.map(|event| event.key.clone());
        let mut item = self.key.into_item();
        if let Some(tenant) = tenant {
            list(&mut item, &tenant, &format!("outbox#{}", expiry.from));
        }
        let said = Said {
            entity: self.entity,
            tenant: self.tenant,
            starts: self.starts,
            events: self.events,
            older_than: self.older_than,
        };
        item.insert("packed".to_owned(), packed(&said.to_json()));
        item.insert("content".to_owned(), AttributeValue::S(self.content));
        item.insert("published".to_owned(), AttributeValue::Bool(self.published));
        item.insert("expires_at".to_owned(), expires_at(expiry.from));
        if self.withheld {
            item.insert("withheld".to_owned(), AttributeValue::Bool(true));
        }
        let is_due = !self.published && !self.withheld;
        if let Some(deadline) = expiry.republish_from.filter(|_| is_due) {
            stand_open(&mut item, shard, deadline);
        }
        item
    }

    pub(crate) fn from_item(item: &Item) -> Result<Self, ItemError> {
        Self::read(item).map_err(|error| error.of(item))
    }

    fn read(item: &Item) -> Result<Self, ItemError> {
        let Said {
            entity,
            tenant,
            starts,
            events,
            older_than,
        } = Said::read(item)?;
        Ok(Self {
            key: Key::of(item)?,
            content: text(item, "content")?.to_owned(),
            events,
            starts,
            entity,
            tenant,
            older_than,
            published: *item
                .get("published")
                .and_then(|a| a.as_bool().ok())
                .ok_or(ItemError::Attribute("published"))?,
            withheld: item
                .get("withheld")
                .is_some_and(|a| a.as_bool() == Ok(&true)),
            owner: owner(item),
        })
    }
}

/// The attributes of an entry in the index of a tenant's items.
fn owner(item: &Item) -> Option<Owner> {
    let since = text(item, "listed").ok()?.strip_prefix("outbox#")?;
    Some(Owner {
        tenant: Identifier::parse(text(item, "tenant").ok()?).ok()?,
        since: Time::new(since.parse().ok()?),
    })
}

/// The item of an entity that is written for the `version`-th time.
pub(crate) fn entity_item(entity: &EntityState) -> Item {
    let mut item = Key::entity(entity.key()).into_item();
    item.insert(
        "version".to_owned(),
        AttributeValue::N(entity.version.to_string()),
    );
    item.insert("state".to_owned(), packed(&json(entity)));
    // Without a time: an entity that changes does not write the index again. One that says nothing
    // any more is erased.
    if !entity.snapshots.is_empty() {
        list(&mut item, entity.tenant.as_str(), "entity");
    }
    item
}

/// The item of a job or a voice model, with the attributes of its indexes. What is left of an erased
/// one stands in neither.
pub(crate) fn work_item<W: Work>(work: &W) -> Item {
    let key = Key::work(work.id());
    let digit = open_shard(&key.pk);
    let shard = match (work.is_in_line(), work.is_queued()) {
        (true, _) => in_line_shard(digit),
        (false, true) => queued_shard(digit),
        (false, false) => digit.to_owned(),
    };
    let mut item = key.into_item();
    item.insert(
        "version".to_owned(),
        AttributeValue::N(work.version().to_string()),
    );
    // A voice model is written a few times in its life: nothing is to be saved there.
    let state = match work.id() {
        WorkId::Job(_) => packed(&json(work)),
        WorkId::Voice(_) => AttributeValue::S(json(work)),
    };
    item.insert("state".to_owned(), state);
    if !work.is_erased() {
        list(&mut item, work.tenant().as_str(), &listed_as(work));
    }
    if work.is_at_vendor() {
        item.insert(
            "open_tenant".to_owned(),
            AttributeValue::S(work.tenant().as_str().to_owned()),
        );
    }
    if !work.is_closed() {
        stand_open(&mut item, &shard, work.deadline());
    }
    if let Some(how) = work.shortfall() {
        let shard = AttributeValue::S(ended_shard(how, digit));
        item.insert("ended".to_owned(), shard);
    }
    item
}

/// How a job or a voice model is listed among all that is its tenant's.
pub(crate) fn listed_as<W: Work>(work: &W) -> String {
    let kind = match work.id() {
        WorkId::Job(_) => "job",
        WorkId::Voice(_) => "voice",
    };
    format!("{kind}#{}", work.created_at())
}

/// The time to live of what is remembered for as long as an event may come again, from `from` on.
pub(crate) fn expires_at(from: Time) -> AttributeValue {
    AttributeValue::N(
        from.plus_seconds(HORIZON_SECONDS)
            .timestamp()
            .as_second()
            .to_string(),
    )
}

/// Has an item stand in the index of what is open, until the deadline when the sweep looks after
/// it.
fn stand_open(item: &mut Item, shard: &str, deadline: Time) {
    item.insert("open".to_owned(), AttributeValue::S(shard.to_owned()));
    item.insert(
        "deadline".to_owned(),
        AttributeValue::S(deadline.to_string()),
    );
}

/// Lists an item among all that is `tenant`'s.
pub(crate) fn list(item: &mut Item, tenant: &str, listed: &str) {
    item.insert("tenant".to_owned(), AttributeValue::S(tenant.to_owned()));
    item.insert("listed".to_owned(), AttributeValue::S(listed.to_owned()));
}

/// The partitions of the index of what is open: sixteen, by the first digit of the id, so that a
/// burst of new jobs does not meet the write limit of one.
pub(crate) const OPEN_SHARDS: [&str; 16] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f",
];

/// The shard for jobs that wait in the queue beside that for other jobs and for voice models: a
/// backlog of pictures does not stand before overdue videos and voices.
pub(crate) fn queued_shard(shard: &str) -> String {
    format!("queue#{shard}")
}

/// The shard for jobs that wait for their turn at a vendor: nothing is to be done for them for long,
/// and then for many at once.
pub(crate) fn in_line_shard(shard: &str) -> String {
    format!("turn#{shard}")
}

/// The shard for dead letters beside that for jobs and voice models: the sweep does not look into
/// it.
pub(crate) fn dead_letters_shard(shard: &str) -> String {
    format!("dead-letter#{shard}")
}

/// The shard for what ended short of what was wanted.
pub(crate) fn ended_shard(how: Shortfall, shard: &str) -> String {
    match how {
        Shortfall::Failed => format!("failed#{shard}"),
        Shortfall::FellBack => format!("fell-back#{shard}"),
    }
}

/// The shard of an item whose key is `job#<uuid>`, `voice#<uuid>` or `dead-letter#<uuid>`.
pub(crate) fn open_shard(pk: &str) -> &'static str {
    let id = pk.split_once('#').map_or("", |(_, id)| id);
    let digit = id
        .get(..1)
        .and_then(|digit| OPEN_SHARDS.iter().find(|shard| **shard == digit));
    digit.copied().unwrap_or(OPEN_SHARDS[0])
}

/// The bytes of an item as DynamoDB counts them, or a little more: names and values; a list or map
/// has three bytes more, and each of its elements one.
/// Source: "DynamoDB item sizes and formats" in the DynamoDB developer guide.
pub(crate) fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + size_of_value(value))
        .sum()
}

fn size_of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::L(values) => {
            let sizes = values.iter().map(|value| 1 + size_of_value(value));
            3 + sizes.sum::<usize>()
        }
        AttributeValue::M(values) => 3 + values.len() + size(values),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        // Truth values. No item of ours has another type.
        _ => 1,
    }
}

/// The state that an entity's or a job's item carries.
pub(crate) fn state<T: DeserializeOwned>(item: &Item) -> Result<T, ItemError> {
    let read = || serde_json::from_str(&unpacked(item, "state")?).map_err(ItemError::State);
    read().map_err(|error| error.of(item))
}

pub(crate) fn json<T: serde::Serialize>(state: &T) -> String {
    serde_json::to_string(state).expect("a state is strings and numbers under string keys")
}

#[cfg(test)]
mod tests;
