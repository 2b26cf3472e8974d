//! Resolves the entry of a dead letter, in two writes with the deletion of its object between them.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use contract::Time;

use super::{DeadLetterEntry, Resolution, UNCHANGED, unmet};
use crate::{
    Key, Store, StoreError,
    items::{self, Item},
};

/// What came of resolving an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolveOutcome {
    /// It is resolved; by this call, or before it.
    Resolved,
    /// It was dead-lettered again meanwhile, and stands open.
    CameBack,
}

impl Store {
    /// Notes how `entry` is resolved, if it was not dead-lettered again since it was read. `None`:
    /// it is noted; otherwise what the entry says instead.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_resolution(
        &self,
        entry: &DeadLetterEntry,
        how: Resolution,
        now: Time,
    ) -> Result<Option<ResolveOutcome>, StoreError> {
        let note = self
            .resolving(entry)
            .update_expression("SET resolved = :how, resolved_at = :now")
            .condition_expression(format!("{UNCHANGED} AND attribute_exists(#open)"))
            .expression_attribute_values(":how", AttributeValue::S(how.as_str().to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()));
        match note.send().await {
            Ok(_) => Ok(None),
            Err(error) => Ok(Some(outcome(&unmet(error)?))),
        }
    }

    /// Takes a resolved entry out of the index of what is open, on the same condition.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn close_resolved(
        &self,
        entry: &DeadLetterEntry,
        now: Time,
    ) -> Result<ResolveOutcome, StoreError> {
        let close = self
            .resolving(entry)
            .update_expression("SET expires_at = :expires REMOVE #open, deadline")
            .condition_expression(format!("{UNCHANGED} AND attribute_exists(resolved)"))
            .expression_attribute_values(":expires", items::expires_at(now));
        match close.send().await {
            Ok(_) => Ok(ResolveOutcome::Resolved),
            Err(error) => Ok(outcome(&unmet(error)?)),
        }
    }

    /// An update of `entry`, on condition of its writes.
    fn resolving(&self, entry: &DeadLetterEntry) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::dead_letter(entry.id).into_item()))
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#writes", "writes")
            .expression_attribute_values(":writes", AttributeValue::N(entry.writes.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// What a changed entry means: it came back, or another caller resolved it.
fn outcome(item: &Item) -> ResolveOutcome {
    if item.contains_key("open") {
        ResolveOutcome::CameBack
    } else {
        ResolveOutcome::Resolved
    }
}
