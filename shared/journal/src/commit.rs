//! Keep: a decision becomes true, whole or not at all, and once.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{BoxError, ProvideErrorMetadata as _, SdkError},
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem, builders::PutBuilder,
    },
};
use contract::Time;
use domain::{
    Decision, Description, EntityState, InboundEvent, Job, JobId, PlanError, Planning,
    ResubmitError, VoiceModel, VoiceModelId,
};

use crate::{
    Journal,
    items::{self, Expiry, Item, ItemError, Key, OutboxEntry},
};
use serde::de::DeserializeOwned;

/// How often a decision is made again because somebody else wrote the entity in between. The first
/// round only finds out what is there; in each later one somebody wins.
pub(crate) const MOST_ROUNDS: usize = 12;

/// Why a decision was not committed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The same id was decided before, for another content.
    #[error(
        "id reused: an event with this source and id was handled before and said something else"
    )]
    IdReused,
    /// No decision can be made of the inbound event.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The job cannot be made again.
    #[error(transparent)]
    Resubmit(#[from] ResubmitError),
    /// Others kept writing the entity.
    #[error(
        "committing the decision: the entity was changed by others {MOST_ROUNDS} times in a row"
    )]
    Contended,
    /// DynamoDB will never take it as it is: an item over 400 KB, say.
    #[error("DynamoDB refuses the decision")]
    Refused(#[source] BoxError),
    /// DynamoDB did not do it, or did not say that it did.
    #[error("committing the decision to DynamoDB")]
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
    /// There is no such voice model.
    #[error("there is no voice model {0}")]
    NoSuchVoice(VoiceModelId),
}

impl StoreError {
    /// Whether doing it again can succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Contended | Self::Write(_) | Self::Read(_) | Self::Item(_) => true,
            Self::IdReused
            | Self::Plan(_)
            | Self::Resubmit(_)
            | Self::Refused(_)
            | Self::NoSuchJob(_)
            | Self::NoSuchVoice(_) => false,
        }
    }
}

impl Journal {
    /// Decides what `inbound`, read as `description`, changes, and commits the decision; or finds
    /// the decision committed before.
    ///
    /// The first try takes the entity for new; if it is not, the failed condition brings the item
    /// along and the decision is made again from it. So a new entity costs one request and a known
    /// one two.
    ///
    /// # Errors
    /// A [`StoreError`]. Whether the decision was kept all the same, its answer lost, the next try
    /// finds out.
    pub async fn commit(
        &self,
        inbound: &InboundEvent,
        description: &Description,
        now: Time,
    ) -> Result<OutboxEntry, StoreError> {
        let key = Key::inbound(inbound.key(&description.tenant));
        let content = inbound.content.to_hex();
        let planning = Planning {
            now,
            deadline: now.plus_seconds(self.deadline_seconds),
            routing: &self.routing,
        };
        let same = |entry: OutboxEntry| {
            if entry.content == content {
                Ok(entry)
            } else {
                Err(StoreError::IdReused)
            }
        };
        let mut entity: Option<EntityState> = None;
        for round in 0..MOST_ROUNDS {
            let decision = match domain::plan(entity.as_ref(), inbound, description, planning) {
                Ok(decision) => decision,
                // It may have been decided while it was young, and never published.
                Err(error @ PlanError::TooOld(_)) => {
                    return self.decision(key).await?.map_or(Err(error.into()), same);
                }
                Err(error) => return Err(error.into()),
            };
            // A producer's clock may be ahead: then the decision is remembered for as long as the
            // event can look young.
            let expiry = Expiry {
                from: inbound.time.max(now),
                republish_from: None,
            };
            match self.write(key.clone(), &content, decision, expiry).await? {
                Written::Committed(entry) => return Ok(entry),
                Written::Before(entry) => return same(entry),
                Written::Changed { entity: newer } => {
                    if let Some(item) = newer {
                        entity = Some(items::state(&item)?);
                    }
                    pause(round).await;
                }
            }
        }
        Err(StoreError::Contended)
    }

    /// Decides the end of `job` and keeps the decision; or finds the one kept before, whichever end
    /// that was. `decide` sees the job and its entity as they are. `None`: it had nothing to
    /// decide, and nothing was decided before.
    ///
    /// Until the decision is marked published, the sweep finds it by the job's deadline: the job
    /// itself is closed then, and would be nobody's business any more.
    ///
    /// # Errors
    /// A [`StoreError`]. Whether the decision was kept all the same, its answer lost, the next try
    /// finds out.
    pub async fn commit_end(
        &self,
        job: JobId,
        now: Time,
        decide: impl Fn(Job, EntityState) -> Option<Decision>,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        let key = Key::end(job);
        for round in 0..MOST_ROUNDS {
            let job = self.job(job).await?;
            let entity = match self.read(Key::entity(job.entity_key())).await? {
                Some(item) => items::state(&item)?,
                None => EntityState::new(job.tenant.clone(), job.entity.clone()),
            };
            let Some(decision) = decide(job, entity) else {
                return self.decision(key).await;
            };
            let expiry = Expiry {
                from: now,
                republish_from: Some(now.plus_seconds(self.deadline_seconds)),
            };
            match self.write(key.clone(), "end", decision, expiry).await? {
                Written::Committed(entry) | Written::Before(entry) => return Ok(Some(entry)),
                Written::Changed { .. } => pause(round).await,
            }
        }
        Err(StoreError::Contended)
    }

    /// One conditional transaction: the decision if there is none yet, the entity and the jobs if
    /// nobody wrote them since they were read.
    pub(crate) async fn write(
        &self,
        key: Key,
        content: &str,
        decision: Decision,
        expiry: Expiry,
    ) -> Result<Written, StoreError> {
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
        for job in jobs {
            let before = job.version;
            puts.push(self.put(
                items::job_item(&Job {
                    version: before + 1,
                    ..job
                }),
                before,
            ));
        }
        if let Some(voice) = voice {
            let before = voice.version;
            puts.push(self.put(
                items::voice_item(&VoiceModel {
                    version: before + 1,
                    ..voice
                }),
                before,
            ));
        }
        let puts = puts.into_iter().map(|put| {
            let put = put
                .build()
                .map_err(|error| StoreError::Write(error.into()))?;
            Ok(TransactWriteItem::builder().put(put).build())
        });
        let puts = puts.collect::<Result<Vec<_>, StoreError>>()?;

        let error = match self
            .dynamodb
            .transact_write_items()
            .set_transact_items(Some(puts))
            .send()
            .await
        {
            Ok(_) => return Ok(Written::Committed(entry)),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                match Cancelled::read(canceled.cancellation_reasons(), has_entity) {
                    Cancelled::Decided(item) => Ok(Written::Before(OutboxEntry::from_item(item)?)),
                    Cancelled::Changed(entity) => Ok(Written::Changed {
                        entity: entity.cloned(),
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

    /// Writes `job` back if nobody else wrote it since it was read; returns it as it now is. A
    /// write whose answer was lost, and which the SDK repeated, is known by what stands there: an
    /// attempt's token is one invocation's alone.
    ///
    /// # Errors
    /// [`StoreError::Contended`] if somebody else did.
    pub async fn save_job(&self, job: Job) -> Result<Job, StoreError> {
        let before = job.version;
        let job = Job {
            version: before + 1,
            ..job
        };
        self.save(items::job_item(&job), before, &job).await?;
        Ok(job)
    }

    /// Writes `item`, which carries `state`, if it was written `before` times before; or finds that
    /// it stands there already.
    pub(crate) async fn save<S: DeserializeOwned + PartialEq>(
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
        match put.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) => match error.err() {
                PutItemError::ConditionalCheckFailedException(failed) => {
                    let there = failed.item().map(items::state::<S>).transpose()?;
                    if there.as_ref() == Some(state) {
                        Ok(())
                    } else {
                        Err(StoreError::Contended)
                    }
                }
                _ => Err(StoreError::Write(SdkError::ServiceError(error).into())),
            },
            Err(error) => Err(StoreError::Write(error.into())),
        }
    }

    /// The job as it is, read consistently.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn job(&self, job: JobId) -> Result<Job, StoreError> {
        let item = self
            .read(Key::job(job))
            .await?
            .ok_or(StoreError::NoSuchJob(job))?;
        Ok(items::state(&item)?)
    }

    /// The decision kept under `key`, if there is one.
    pub(crate) async fn decision(&self, key: Key) -> Result<Option<OutboxEntry>, StoreError> {
        Ok(self
            .read(key)
            .await?
            .map(|item| OutboxEntry::from_item(&item))
            .transpose()?)
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

    /// Notes that Kafka has a decision's events, so that a redelivery need not tell them again and
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
}

pub(crate) enum Written {
    /// The decision stands, by this call.
    Committed(OutboxEntry),
    /// A decision stood there before.
    Before(OutboxEntry),
    /// The entity or a job is not what it was; the entity's item if it came along.
    Changed { entity: Option<Item> },
}

/// Why DynamoDB refused a transaction, by its reasons in the order of the items.
enum Cancelled<'a> {
    Decided(&'a Item),
    Changed(Option<&'a Item>),
    Invalid,
    Unable,
}

impl<'a> Cancelled<'a> {
    fn read(reasons: &'a [CancellationReason], has_entity: bool) -> Self {
        let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
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

/// Gives the one who won time to be done; the first try needs none, for it only finds out what is
/// there.
pub(crate) async fn pause(round: usize) {
    if round > 0 {
        tokio::time::sleep(Duration::from_millis(10 * round as u64)).await;
    }
}
