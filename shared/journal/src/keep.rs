//! Keep: a decision becomes true, whole or not at all, and once.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::{BoxError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        builders::PutBuilder,
    },
};
use events::Time;
use jobs::{Cause, Decision, Description, EntityState, HORIZON_SECONDS, Job, JobId, PlanError};

use crate::items::{self, Item, ItemError, Kept, Key};

/// How often a decision is planned again because somebody else wrote the entity in between. Each round one of those who
/// compete wins, so this many may compete.
const MOST_ROUNDS: usize = 12;

/// Why a decision was not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The same id was decided before, for another content.
    #[error("id reused: an event with this source and id was handled before and said something else")]
    IdReused,
    /// No decision can be made of the cause.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Others kept writing the entity.
    #[error("keeping the decision: the entity was changed by others {MOST_ROUNDS} times in a row")]
    Contended,
    /// DynamoDB did not do it.
    #[error("keeping the decision in DynamoDB")]
    Write(#[source] BoxError),
    /// DynamoDB did not answer a read.
    #[error("reading from DynamoDB")]
    Read(#[source] BoxError),
    /// An item cannot be read.
    #[error("reading an item that is there already")]
    Item(#[from] ItemError),
    /// There is no such job.
    #[error("there is no job {0}")]
    NoSuchJob(JobId),
}

impl KeepError {
    /// Whether doing it again can succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Contended | Self::Write(_) | Self::Read(_) | Self::Item(_) => true,
            Self::IdReused | Self::Plan(_) | Self::NoSuchJob(_) => false,
        }
    }
}

/// The journal's half that is the table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub client: Client,
    pub name: String,
}

impl Table {
    /// Decides `cause` and keeps the decision, or finds the one that was kept before.
    ///
    /// The first try takes the entity for new; if it is not, the failed condition brings the item along and the decision is
    /// planned again from it. So a new entity costs one request and a known one two.
    pub(crate) async fn keep_cause(
        &self,
        cause: &Cause,
        description: &Description,
        now: Time,
        deadline: Time,
    ) -> Result<Kept, KeepError> {
        let key = Key::cause(cause.key(&description.tenant));
        let content = cause.content.to_hex();
        let mut entity: Option<EntityState> = None;
        for round in 0..MOST_ROUNDS {
            let decision = jobs::plan(entity.as_ref(), cause, description, now, deadline)?;
            // A producer's clock may be ahead: then the decision is remembered for as long as the event can look young.
            let expires_from = cause.time.max(now);
            match self.write(key.clone(), &content, decision, expires_from).await? {
                Written::Kept(kept) => return Ok(kept),
                Written::Before(kept) if kept.content == content => return Ok(kept),
                Written::Before(_) => return Err(KeepError::IdReused),
                Written::Changed { entity: newer } => {
                    if let Some(item) = newer {
                        entity = Some(items::state(&item)?);
                    }
                    pause(round).await;
                }
            }
        }
        Err(KeepError::Contended)
    }

    /// Decides a step of the completion function and keeps the decision, or finds the one that was kept before. `decide` sees
    /// the job and its entity as they are; `None` from it means that nothing is left to decide, and `None` is returned if
    /// nothing was ever kept for this step.
    pub(crate) async fn keep_step(
        &self,
        job: JobId,
        step: &str,
        now: Time,
        decide: impl Fn(Job, EntityState) -> Option<Decision>,
    ) -> Result<Option<Kept>, KeepError> {
        let key = Key::step(job, step);
        for round in 0..MOST_ROUNDS {
            let job = self.job(job).await?;
            let entity = self.read(Key::entity(job.entity_key())).await?;
            let entity = match entity {
                Some(item) => items::state(&item)?,
                None => EntityState::new(job.tenant.clone(), job.entity.clone()),
            };
            let Some(decision) = decide(job, entity) else {
                let before = self.read(key).await?;
                return Ok(before.map(|item| Kept::from_item(&item)).transpose()?);
            };
            match self.write(key.clone(), step, decision, now).await? {
                Written::Kept(kept) | Written::Before(kept) => return Ok(Some(kept)),
                Written::Changed { .. } => pause(round).await,
            }
        }
        Err(KeepError::Contended)
    }

    /// One conditional transaction: the decision if there is none yet, the entity and the jobs if nobody wrote them since they
    /// were read.
    async fn write(
        &self,
        key: Key,
        content: &str,
        decision: Decision,
        expires_from: Time,
    ) -> Result<Written, KeepError> {
        let Decision { entity, jobs, events, starts } = decision;
        let kept = Kept { key, content: content.to_owned(), events, starts, told: false };
        let expires_at = expires_from.plus_seconds(HORIZON_SECONDS).timestamp().as_second();

        let mut puts = vec![self.put(kept.clone().into_item(expires_at), 0)];
        let has_entity = entity.is_some();
        if let Some(entity) = entity {
            let before = entity.version;
            puts.push(self.put(items::entity_item(&EntityState { version: before + 1, ..entity }), before));
        }
        for job in jobs {
            let before = job.version;
            puts.push(self.put(items::job_item(&Job { version: before + 1, ..job }), before));
        }
        let puts = puts.into_iter().map(|put| {
            let put = put.build().map_err(|error| KeepError::Write(error.into()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        });
        let puts = puts.collect::<Result<Vec<_>, KeepError>>()?;

        let error = match self.client.transact_write_items().set_transact_items(Some(puts)).send().await {
            Ok(_) => return Ok(Written::Kept(kept)),
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
            return Err(KeepError::Write(error.into()));
        };
        match Refused::read(canceled.cancellation_reasons(), has_entity) {
            Refused::Decided(item) => Ok(Written::Before(Kept::from_item(item)?)),
            Refused::Changed(entity) => Ok(Written::Changed { entity: entity.cloned() }),
            Refused::Unable => Err(KeepError::Write(error.into())),
        }
    }

    /// A put that holds only if the item was written `version` times before.
    fn put(&self, item: Item, version: u64) -> PutBuilder {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
        }
    }

    /// Writes `job` back, changed, if nobody wrote it since it was read; returns it as it now is.
    pub(crate) async fn save_job(&self, job: Job) -> Result<Job, KeepError> {
        let before = job.version;
        let job = Job { version: before + 1, ..job };
        let result = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(items::job_item(&job)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", AttributeValue::N(before.to_string()))
            .send()
            .await;
        match result {
            Ok(_) => Ok(job),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Err(KeepError::Contended)
            }
            Err(error) => Err(KeepError::Write(error.into())),
        }
    }

    /// The job as it is, read consistently.
    pub(crate) async fn job(&self, job: JobId) -> Result<Job, KeepError> {
        let item = self.read(Key::job(job)).await?.ok_or(KeepError::NoSuchJob(job))?;
        Ok(items::state(&item)?)
    }

    /// The decision kept for a cause, if there is one.
    pub(crate) async fn decision(&self, key: Key) -> Result<Option<Kept>, KeepError> {
        Ok(self.read(key).await?.map(|item| Kept::from_item(&item)).transpose()?)
    }

    async fn read(&self, key: Key) -> Result<Option<Item>, KeepError> {
        let read = self.client.get_item().table_name(&self.name).set_key(Some(key.into_item())).consistent_read(true);
        let output = read.send().await.map_err(|error| KeepError::Read(error.into()))?;
        Ok(output.item)
    }

    /// Notes that Kafka has the decision's events, so that a redelivery need not tell them again.
    pub(crate) async fn mark_told(&self, kept: &Kept) -> Result<(), KeepError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(kept.key.clone().into_item()))
            .update_expression("SET told = :true")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        update.send().await.map_err(|error| KeepError::Write(error.into()))?;
        Ok(())
    }

    /// The ids of open jobs whose deadline is before `now`, at most `most` of each shard, oldest first within a shard.
    pub(crate) async fn overdue_jobs(&self, now: Time, most: i32) -> Result<Vec<JobId>, KeepError> {
        let mut overdue = Vec::new();
        for shard in items::OPEN_SHARDS {
            let query = self
                .client
                .query()
                .table_name(&self.name)
                .index_name("open-jobs")
                .key_condition_expression("#open = :shard AND deadline < :now")
                .expression_attribute_names("#open", "open")
                .expression_attribute_values(":shard", AttributeValue::S(shard.to_owned()))
                .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
                .limit(most);
            let output = query.send().await.map_err(|error| KeepError::Read(error.into()))?;
            for item in output.items() {
                let id = item.get("pk").and_then(|a| a.as_s().ok()).and_then(|pk| pk.strip_prefix("job#"));
                let id = id.and_then(|id| id.parse().ok()).ok_or(ItemError::Attribute("pk"))?;
                overdue.push(JobId(id));
            }
        }
        Ok(overdue)
    }
}

enum Written {
    /// The decision stands, by this call.
    Kept(Kept),
    /// A decision stood there before.
    Before(Kept),
    /// The entity or a job is not what it was; the entity's item if it came along.
    Changed { entity: Option<Item> },
}

/// Why DynamoDB refused a transaction, by its reasons in the order of the items.
enum Refused<'a> {
    Decided(&'a Item),
    Changed(Option<&'a Item>),
    Unable,
}

impl<'a> Refused<'a> {
    fn read(reasons: &'a [CancellationReason], has_entity: bool) -> Self {
        let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        if let Some(item) = reasons.first().filter(|reason| failed(reason)).and_then(CancellationReason::item) {
            return Self::Decided(item);
        }
        // A conflict is another transaction on the same item at this moment; a throttle is not a reason to plan again.
        let known = |reason: &CancellationReason| {
            matches!(reason.code(), None | Some("None" | "ConditionalCheckFailed" | "TransactionConflict"))
        };
        if !reasons.iter().all(known) {
            return Self::Unable;
        }
        let entity = reasons.get(1).filter(|reason| has_entity && failed(reason)).and_then(CancellationReason::item);
        Self::Changed(entity)
    }
}

/// Gives the one who won time to be done; the first try needs none, for it only finds out what is there.
async fn pause(round: usize) {
    if round > 0 {
        tokio::time::sleep(Duration::from_millis(10 * round as u64)).await;
    }
}
