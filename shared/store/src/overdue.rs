//! What the sweep looks after: jobs and voice models that are open past their deadline, and
//! decisions that Kafka may never have heard of.

use std::fmt;

use aws_sdk_dynamodb::{
    error::SdkError, operation::query::builders::QueryFluentBuilder, types::AttributeValue,
};
use contract::Time;
use domain::{Job, JobId, VoiceModelId, Work, WorkId};
use futures::future::try_join_all;

use crate::{
    Store, StoreError,
    items::{self, Item, ItemError, Key},
};

/// One thing to look after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// A job or a voice model that is open, and the deadline under which it stands in the index: its
    /// own, or a later one if it was postponed.
    Open(WorkId, Time),
    /// The end of a job, or what was decided of a voice model, is not known to be published.
    Unpublished(Unpublished),
    /// A kind of item that this version of the code does not know.
    Unknown(UnknownItem),
}

/// A decision that is not known to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished(pub(crate) Key);

impl Unpublished {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> Key {
        self.0.clone()
    }
}

/// An item that another version of the code wrote, or a hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownItem(Key);

impl fmt::Display for UnknownItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.0.pk, self.0.sk)
    }
}

impl Overdue {
    fn read(item: &Item) -> Result<Self, ItemError> {
        let text = |name: &'static str| {
            item.get(name)
                .and_then(|a| a.as_s().ok())
                .ok_or(ItemError::Attribute(name))
        };
        let stands = || {
            let deadline = text("deadline")?.parse().ok().map(Time::new);
            deadline.ok_or(ItemError::Attribute("deadline"))
        };
        let (pk, sk) = (text("pk")?, text("sk")?);
        let key = Key {
            pk: pk.clone(),
            sk: sk.clone(),
        };
        let id = pk.split_once('#').map(|(kind, id)| (kind, id.parse()));
        Ok(match (id, sk.as_str()) {
            (Some(("job", Ok(id))), "state") => Self::Open(WorkId::Job(JobId(id)), stands()?),
            (Some(("voice", Ok(id))), "state") => {
                Self::Open(WorkId::Voice(VoiceModelId(id)), stands()?)
            }
            (Some(("job", Ok(_))), "end") | (Some(("voice", Ok(_))), "created" | "ready") => {
                Self::Unpublished(Unpublished(key))
            }
            _ => Self::Unknown(UnknownItem(key)),
        })
    }
}

impl Store {
    /// What is open past its deadline at `now`: at most `most` of each of sixteen shards, the
    /// oldest of each first. Jobs that wait in the queue are in [`overdue_in_queue`].
    ///
    /// [`overdue_in_queue`]: Self::overdue_in_queue
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn overdue(&self, now: Time, most: i32) -> Result<Vec<Overdue>, StoreError> {
        let shards = items::OPEN_SHARDS.map(str::to_owned);
        self.overdue_in(shards, now, most).await
    }

    /// The jobs that wait in the queue past their deadline at `now`: at most `most` of each of
    /// sixteen shards, the oldest of each first. They are not among [`overdue`](Self::overdue), so
    /// that a backlog of them hides nothing else.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn overdue_in_queue(&self, now: Time, most: i32) -> Result<Vec<Overdue>, StoreError> {
        let shards = items::OPEN_SHARDS.map(items::queued_shard);
        self.overdue_in(shards, now, most).await
    }

    /// The jobs that wait for their turn at a vendor past their deadline at `now`, as those in
    /// [`overdue_in_queue`](Self::overdue_in_queue).
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn overdue_in_line(&self, now: Time, most: i32) -> Result<Vec<Overdue>, StoreError> {
        let shards = items::OPEN_SHARDS.map(items::in_line_shard);
        self.overdue_in(shards, now, most).await
    }

    async fn overdue_in(
        &self,
        shards: [String; 16],
        now: Time,
        most: i32,
    ) -> Result<Vec<Overdue>, StoreError> {
        let mut overdue = Vec::new();
        for shard in shards {
            let query = self
                .open_in(shard)
                .key_condition_expression("#open = :shard AND deadline < :now")
                .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
                .limit(most);
            let output = query.send().await.map_err(|error| self.unread(error))?;
            for item in output.items() {
                overdue.push(Overdue::read(item)?);
            }
        }
        Ok(overdue)
    }

    /// The job that has waited in the queue for longest, as far as the index tells: of each of its
    /// sixteen shards only the job with the earliest deadline is looked at, and the sweep moves
    /// deadlines. `None` if no job waits.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn longest_queued(&self) -> Result<Option<Job>, StoreError> {
        let firsts = items::OPEN_SHARDS.map(items::queued_shard).map(|shard| {
            let query = self
                .open_in(shard)
                .key_condition_expression("#open = :shard");
            query.limit(1).send()
        });
        let firsts = try_join_all(firsts).await;
        let firsts = firsts.map_err(|error| self.unread(error))?;
        let keys = firsts.iter().flat_map(|first| first.items()).map(Key::of);
        let items = self.read_all(keys.collect::<Result<_, _>>()?).await?;
        let jobs = items.iter().map(items::state::<Job>);
        let jobs = jobs.collect::<Result<Vec<_>, _>>()?.into_iter();
        // The index may be a moment behind the table.
        let jobs = jobs.filter(Work::is_queued);
        Ok(jobs.min_by_key(|job| job.created_at))
    }

    /// A query of one shard of what is open, the earliest deadline first.
    pub(crate) fn open_in(&self, shard: String) -> QueryFluentBuilder {
        self.dynamodb
            .query()
            .table_name(&self.table)
            .index_name("open")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":shard", AttributeValue::S(shard))
    }

    /// Gives an overdue item another while in the index of what is open, so that it does not stand
    /// before others that need looking after. Its state is not touched: its execution goes on, and
    /// must not find that another writer changed it.
    ///
    /// # Errors
    /// A [`StoreError`]; it is overdue again next time.
    pub async fn postpone(&self, overdue: &Overdue, until: Time) -> Result<(), StoreError> {
        let key = match overdue {
            Overdue::Open(id, _) => Key::work(*id),
            Overdue::Unpublished(unpublished) => unpublished.0.clone(),
            Overdue::Unknown(unknown) => unknown.0.clone(),
        };
        let deadline = until.to_string();
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .update_expression("SET deadline = :deadline")
            .condition_expression("attribute_exists(#open)")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":deadline", AttributeValue::S(deadline));
        match update.send().await {
            Ok(_) => Ok(()),
            // It was closed meanwhile.
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                Ok(())
            }
            Err(error) => Err(self.unwritten(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{
        AssetKind, Configuration, Entity, EntityKind, Identifier, Text, Topic, Trigger,
    };
    use domain::{Attempts, InboundEventKey, Notes, ProviderId, State, TemplateId, Turn, derive};

    use super::*;

    fn job(provider: &str) -> Job {
        let now = Time::new(jiff::Timestamp::UNIX_EPOCH);
        let tenant = Identifier::parse("tenant-a").unwrap();
        Job {
            id: JobId(derive(&[b"a job"])),
            version: 0,
            inbound: InboundEventKey::new(&tenant, "events-svc", "evt-1"),
            tenant,
            user_id: "user-asha-rao".to_owned(),
            entity: Entity {
                kind: EntityKind::Event,
                id: Identifier::parse("event-1").unwrap(),
            },
            template: TemplateId(derive(&[b"a template"])),
            asset: AssetKind::Poster,
            locale: None,
            configuration: Configuration::titled(Text::parse("Lanterns").unwrap()),
            provider: provider.to_owned(),
            trigger: Trigger {
                topic: Topic::EventCreated,
                source: "events-svc".to_owned(),
                id: "evt-1".to_owned(),
            },
            resubmit_of: None,
            trace: None,
            caused_at: None,
            created_at: now,
            deadline: now,
            restarts: 0,
            turn: Turn::default(),
            notes: Notes::default(),
            attempts: Attempts::default(),
            state: State::Created,
        }
    }

    /// The shard in which a job stands, and what the sweep reads of it there.
    fn found(job: &Job) -> (String, Overdue) {
        let item = items::work_item(job);
        let shard = item["open"].as_s().unwrap().clone();
        (shard, Overdue::read(&item).unwrap())
    }

    #[test]
    fn jobs_in_the_queue_and_in_lines_stand_apart_and_are_the_same_to_the_sweep() {
        let job = job("studio-canvas");
        let id = job.id.to_string();
        let digit = &id[..1];
        let is_open = Overdue::Open(WorkId::Job(job.id), job.deadline);
        assert_eq!(found(&job), (format!("queue#{digit}"), is_open.clone()));

        let paid = Job {
            provider: "runway".to_owned(),
            ..job.clone()
        };
        let begun = job.clone().asking(
            ProviderId::StudioCanvas,
            derive(&[b"token"]),
            job.created_at,
        );
        let waiting = paid.clone().waiting(ProviderId::Runway, job.created_at);
        let waits = Overdue::Open(WorkId::Job(job.id), waiting.deadline);
        assert_eq!(found(&waiting), (format!("turn#{digit}"), waits));
        let woken = waiting.woken(job.created_at);
        for apart in [paid, begun, woken] {
            assert_eq!(found(&apart), (digit.to_owned(), is_open.clone()));
        }
    }
}
