//! Erase: what a tenant has in the table is found and blanked, and what is left says what was
//! erased and when.

use aws_sdk_dynamodb::{
    error::SdkError, operation::update_item::builders::UpdateItemFluentBuilder,
    types::AttributeValue,
};
use contract::{Identifier, Time};
use domain::{EntityKey, EntityState, Job, JobId, VoiceModelId};

use crate::{
    Rounds, Store, StoreError,
    dead_letters::UNCHANGED,
    items::{self, Item, ItemError, Key},
    tombstone::erasure,
};

/// Something that is a tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owned {
    /// A render job.
    Job(JobId),
    /// A voice model.
    Voice(VoiceModelId),
    /// An entity with its templates.
    Entity(EntityKey),
    /// The events that were decided for an inbound event or a step, as far as no job leads to them.
    Decision(OwnedItem),
    /// A dead letter.
    DeadLetter(OwnedItem),
}

/// An item of the table that has no other name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedItem(pub(crate) Key);

/// A dead letter as an erasure reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterToErase {
    /// The key of its object in the bucket.
    pub object: String,
    /// How often it was written, as DynamoDB writes numbers.
    writes: String,
}

/// How far looking for what is a tenant's has come.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    kind: usize,
    after: Option<Item>,
}

/// How much of each was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Render jobs.
    pub jobs: usize,
    /// Voice models.
    pub voices: usize,
    /// Entities with their templates.
    pub entities: usize,
    /// Decisions whose events were blanked.
    pub decisions: usize,
    /// Dead letters.
    pub records: usize,
}

/// What is looked for, in this order: a job is closed, and its end published, before its events are
/// blanked.
const KINDS: [&str; 5] = ["job#", "voice#", "entity", "outbox#", "dead-letter#"];

impl Owned {
    fn read(kind: &str, item: &Item) -> Result<Self, ItemError> {
        let text = |name: &'static str| {
            item.get(name)
                .and_then(|a| a.as_s().ok())
                .ok_or(ItemError::Attribute(name))
        };
        let (pk, sk) = (text("pk")?, text("sk")?);
        let id = || {
            pk.split_once('#')
                .and_then(|(_, id)| id.parse().ok())
                .ok_or(ItemError::Attribute("pk"))
        };
        let named = || {
            OwnedItem(Key {
                pk: pk.clone(),
                sk: sk.clone(),
            })
        };
        Ok(match kind {
            "job#" => Self::Job(JobId(id()?)),
            "voice#" => Self::Voice(VoiceModelId(id()?)),
            "entity" => Self::Entity(EntityKey(id()?)),
            "outbox#" => Self::Decision(named()),
            _ => Self::DeadLetter(named()),
        })
    }
}

impl Store {
    /// What is `tenant`'s and not erased, from `cursor` on: at most `most` of one kind, jobs first,
    /// and where to go on; `None` once all was seen.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn owned_by(
        &self,
        tenant: &Identifier,
        cursor: Cursor,
        most: i32,
    ) -> Result<Option<(Vec<Owned>, Cursor)>, StoreError> {
        let Some(kind) = KINDS.get(cursor.kind) else {
            return Ok(None);
        };
        let query = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name("by-tenant")
            .key_condition_expression("tenant = :tenant AND begins_with(listed, :kind)")
            .expression_attribute_values(":tenant", AttributeValue::S(tenant.as_str().to_owned()))
            .expression_attribute_values(":kind", AttributeValue::S((*kind).to_owned()))
            .set_exclusive_start_key(cursor.after)
            .limit(most);
        let output = query.send().await.map_err(|error| self.unread(error))?;
        let owned = output
            .items()
            .iter()
            .map(|item| Owned::read(kind, item))
            .collect::<Result<_, _>>()?;
        let next = match output.last_evaluated_key {
            Some(after) => Cursor {
                kind: cursor.kind,
                after: Some(after),
            },
            None => Cursor {
                kind: cursor.kind + 1,
                after: None,
            },
        };
        Ok(Some((owned, next)))
    }

    /// Blanks the events of a decision: nothing publishes them any more, and the outbox entry
    /// itself stands, so that its inbound event is not decided again.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn blank_decision(&self, decision: &OwnedItem) -> Result<(), StoreError> {
        self.blank_events(&decision.0).await?;
        Ok(())
    }

    /// Blanks the events of the decisions that `job` leads to: the one that opened it, and its end.
    /// Returns how many of them had events. A withheld end stands: it says nothing personal, and the
    /// job's message may still tell it. Do it before the job counts as erased: no index may list
    /// these decisions.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn blank_events_of_job(&self, job: &Job) -> Result<usize, StoreError> {
        self.blank_each([Key::inbound(job.inbound), Key::end(job.id)])
            .await
    }

    /// Blanks the events of a voice model; returns how many decisions that were.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn blank_events_of_voice(&self, voice: VoiceModelId) -> Result<usize, StoreError> {
        self.blank_each([Key::voice_created(voice), Key::voice_ready(voice)])
            .await
    }

    /// Blanks the entries under `keys`; returns how many of them had events.
    async fn blank_each(&self, keys: [Key; 2]) -> Result<usize, StoreError> {
        let mut blanked = 0;
        for key in keys {
            blanked += usize::from(self.blank_events(&key).await?);
        }
        Ok(blanked)
    }

    /// Whether there was something to blank. What is listed is blanked in any case, so that no pass
    /// finds it again.
    async fn blank_events(&self, key: &Key) -> Result<bool, StoreError> {
        let update = self
            .update(key)
            .update_expression(
                "SET events = :none, starts = :none \
                 REMOVE packed, tenant, listed, #open, deadline",
            )
            .condition_expression(
                "attribute_exists(listed) OR (attribute_not_exists(withheld) \
                 AND (attribute_exists(packed) OR (attribute_exists(events) AND events <> :none)))",
            )
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()));
        is_met(update).await
    }

    /// Blanks what an entity says, and forgets its templates' assets; what came before `now` is not
    /// taken in any more.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn erase_entity(&self, entity: EntityKey, now: Time) -> Result<(), StoreError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let Some(item) = self.read(Key::entity(entity)).await? else {
                return Ok(());
            };
            let state: EntityState = items::state(&item)?;
            let before = state.version;
            let erased = EntityState {
                version: before + 1,
                ..state.erased(now)
            };
            match self
                .put_if(items::entity_item(&erased), before, &erased)
                .await
            {
                Err(StoreError::Contended) => {}
                saved => return saved,
            }
        }
    }

    /// What an erasure has to know of a dead letter; `None` if nothing is left of it.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn dead_letter_to_erase(
        &self,
        record: &OwnedItem,
    ) -> Result<Option<DeadLetterToErase>, StoreError> {
        let Some(item) = self.read(record.0.clone()).await? else {
            return Ok(None);
        };
        let object = item.get("object").and_then(|object| object.as_s().ok());
        let writes = item.get("writes").and_then(|writes| writes.as_n().ok());
        Ok(object.map(|object| DeadLetterToErase {
            object: object.clone(),
            // An entry from before the attribute has none.
            writes: writes.cloned().unwrap_or_else(|| "0".to_owned()),
        }))
    }

    /// Blanks what a dead letter's entry says, if it was not dead-lettered again since it was read;
    /// returns whether it did. What is left of the entry expires.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn erase_dead_letter_entry(
        &self,
        record: &OwnedItem,
        read: &DeadLetterToErase,
        now: Time,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(&record.0)
            .update_expression(
                "SET cause = :erased, resolved = :erased, resolved_at = :now, expires_at = :expires \
                 REMOVE tenant, listed, #object, #open, deadline",
            )
            .condition_expression(UNCHANGED)
            .expression_attribute_names("#writes", "writes")
            .expression_attribute_names("#object", "object")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":writes", AttributeValue::N(read.writes.clone()))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
            .expression_attribute_values(":expires", items::expires_at(now))
            .expression_attribute_values(":erased", AttributeValue::S("erased".to_owned()));
        is_met(update).await
    }

    /// Adds to the record of the erasure of `tenant` what was erased just now.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_erased(
        &self,
        tenant: &Identifier,
        erased: Erased,
        now: Time,
    ) -> Result<(), StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let Erased {
            jobs,
            voices,
            entities,
            decisions,
            records,
        } = erased;
        let counts = [
            (":jobs", jobs),
            (":voices", voices),
            (":entities", entities),
            (":decisions", decisions),
            (":records", records),
        ];
        let update = self
            .update(&erasure(tenant))
            .update_expression(
                "SET erased_tenant = :tenant, first_at = if_not_exists(first_at, :now), last_at = :now \
                 ADD jobs :jobs, voices :voices, entities :entities, decisions :decisions, records :records",
            )
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .expression_attribute_values(":now", text(&now.to_string()));
        let update = counts.into_iter().fold(update, |update, (name, count)| {
            update.expression_attribute_values(name, AttributeValue::N(count.to_string()))
        });
        update.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// An update of the item under `key`.
    pub(crate) fn update(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.clone().into_item()))
    }
}

/// Makes a conditional update; returns whether its condition was met.
pub(crate) async fn is_met(update: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
    match update.send().await {
        Ok(_) => Ok(true),
        Err(SdkError::ServiceError(error))
            if error.err().is_conditional_check_failed_exception() =>
        {
            Ok(false)
        }
        Err(error) => Err(StoreError::Write(error.into())),
    }
}
