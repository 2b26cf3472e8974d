//! Opens the entry of a dead letter, or opens it again.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use contract::{Identifier, Time};
use uuid::Uuid;

use super::unmet;
use crate::{Key, Store, StoreError, items};

/// What the table stores of a dead letter.
#[derive(Debug, Clone, Copy)]
pub struct WrittenDeadLetter<'a> {
    /// Its id: the same for the same record at the same place.
    pub id: Uuid,
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Whose it is, where its key says that.
    pub tenant: Option<&'a Identifier>,
    /// Why it can never succeed, in one sentence.
    pub cause: &'a str,
    /// The key of its object in the bucket.
    pub object: &'a str,
    /// Whether it came back from a redrive, which counts. The mapping delivers a record of a stuck
    /// partition again and again, which says nothing about the record.
    pub came_back: bool,
}

/// What an entry says that was written for the same on-failure envelope before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgainOfEnvelope {
    /// Nothing: this was the first time.
    First,
    /// It is open.
    Open,
    /// It was resolved since.
    Resolved,
}

impl Store {
    /// Opens the entry of a dead letter, or opens it again. Returns whether it was resolved before.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn open_dead_letter(
        &self,
        record: &WrittenDeadLetter<'_>,
        now: Time,
    ) -> Result<bool, StoreError> {
        let update = self
            .index(record, now, "")
            .return_values(ReturnValue::AllOld);
        let before = update
            .send()
            .await
            .map_err(|error| self.unwritten(error))?
            .attributes;
        Ok(before.is_some_and(|before| before.contains_key("resolved")))
    }

    /// Whether the entry `id` was written for the on-failure envelope `envelope`.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn is_of_envelope(&self, id: Uuid, envelope: &str) -> Result<bool, StoreError> {
        let before = self.read(Key::dead_letter(id)).await?.unwrap_or_default();
        let of = before.get("envelope").and_then(|of| of.as_s().ok());
        Ok(of.is_some_and(|of| of == envelope))
    }

    /// As [`open_dead_letter`](Self::open_dead_letter), once for each on-failure envelope.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn open_dead_letter_of_envelope(
        &self,
        record: &WrittenDeadLetter<'_>,
        envelope: &str,
        now: Time,
    ) -> Result<AgainOfEnvelope, StoreError> {
        let update = self
            .index(record, now, ", envelope = :envelope")
            .condition_expression("attribute_not_exists(envelope) OR envelope <> :envelope")
            .expression_attribute_values(":envelope", AttributeValue::S(envelope.to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else {
            return Ok(AgainOfEnvelope::First);
        };
        Ok(match unmet(error)?.contains_key("open") {
            true => AgainOfEnvelope::Open,
            false => AgainOfEnvelope::Resolved,
        })
    }

    /// The update that has the entry of `record` stand open; `and_set` is what else it sets.
    fn index(
        &self,
        record: &WrittenDeadLetter<'_>,
        now: Time,
        and_set: &str,
    ) -> UpdateItemFluentBuilder {
        // No erasure finds what names no tenant, so that expires.
        let tenant = record.tenant;
        let (set, expires) = match tenant {
            Some(_) => (
                "tenant = :tenant, listed = if_not_exists(listed, :listed)",
                ", expires_at",
            ),
            None => ("expires_at = :expires", ""),
        };
        let (counted, add) = match record.came_back {
            true => ("", ", #count :one"),
            false => (", #count = if_not_exists(#count, :one)", ""),
        };
        let key = Key::dead_letter(record.id);
        let shard = items::dead_letters_shard(items::open_shard(&key.pk));
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .update_expression(format!(
                "SET #topic = :topic, #partition = :partition, #offset = :offset, #cause = :cause, #object = :object, \
                 first_seen = if_not_exists(first_seen, :now), last_seen = :now, #open = :open, \
                 deadline = if_not_exists(first_seen, :now), {set}{counted}{and_set} \
                 REMOVE resolved, resolved_at{expires} ADD #writes :one{add}",
            ))
            .expression_attribute_names("#topic", "topic")
            .expression_attribute_names("#partition", "partition")
            .expression_attribute_names("#offset", "offset")
            .expression_attribute_names("#cause", "cause")
            .expression_attribute_names("#object", "object")
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#writes", "writes")
            .expression_attribute_values(":topic", text(record.topic))
            .expression_attribute_values(":partition", number(i64::from(record.partition)))
            .expression_attribute_values(":offset", number(record.offset))
            .expression_attribute_values(":cause", text(record.cause))
            .expression_attribute_values(":object", text(record.object))
            .expression_attribute_values(":now", text(&now.to_string()))
            .expression_attribute_values(":open", AttributeValue::S(shard))
            .expression_attribute_values(":one", number(1));
        match tenant {
            Some(tenant) => update
                .expression_attribute_values(":tenant", text(tenant.as_str()))
                .expression_attribute_values(
                    ":listed",
                    AttributeValue::S(format!("dead-letter#{now}")),
                ),
            None => update.expression_attribute_values(":expires", items::expires_at(now)),
        }
    }
}
