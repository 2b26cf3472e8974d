//! Resolve: a dead letter waits for nobody any more. Its content goes, and its entry, which says
//! what became of it, later by itself.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use contract::Time;

use super::{DeadLetter, DeadLetterError, Entry, Resolution, unmet};
use crate::{
    Journal,
    items::{self, Item, Key},
};

/// What came of resolving an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is resolved; by this call, or before it.
    Resolved,
    /// It was dead-lettered again meanwhile, and stands open.
    CameBack,
}

impl Journal {
    /// Resolves `entry`, whose content is `record` (`None`: nothing is left of it), if it was not
    /// dead-lettered again since it was read. Three steps, and whoever finds an entry that one of
    /// them was the last for (it stands open and is resolved) takes them again: it is said what
    /// becomes of the record, its content is deleted, and the entry leaves the index of what is
    /// open. The bucket has old versions for a week.
    ///
    /// # Errors
    /// A [`DeadLetterError`]; doing it again is safe.
    pub async fn resolve(
        &self,
        entry: &Entry,
        record: Option<&DeadLetter>,
        how: Resolution,
        now: Time,
    ) -> Result<Outcome, DeadLetterError> {
        let say = self
            .resolving(entry)
            .update_expression("SET resolved = :how, resolved_at = :now")
            .condition_expression("#count = :count AND attribute_exists(#open)")
            .expression_attribute_values(":how", AttributeValue::S(how.as_str().to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()));
        if let Err(error) = say.send().await {
            return Ok(outcome(&unmet(error).map_err(DeadLetterError::Index)?));
        }
        if let Some(object) = &entry.object {
            self.delete_dead_letter(object).await?;
        }
        let close = self
            .resolving(entry)
            .update_expression("SET expires_at = :expires REMOVE #open, deadline")
            .condition_expression("#count = :count AND attribute_exists(resolved)")
            .expression_attribute_values(":expires", items::expires_at(now));
        let Err(error) = close.send().await else {
            return Ok(Outcome::Resolved);
        };
        let outcome = outcome(&unmet(error).map_err(DeadLetterError::Index)?);
        // It came back between the first step and the last, and what it came with may be what was
        // just deleted.
        if let (Outcome::CameBack, Some(record)) = (outcome, record) {
            self.put_dead_letter(record).await?;
        }
        Ok(outcome)
    }

    /// An update of `entry`, with its count.
    fn resolving(&self, entry: &Entry) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::dead_letter(entry.id).into_item()))
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":count", AttributeValue::N(entry.count.to_string()))
            .return_values_on_condition_check_failure(
                aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
            )
    }
}

/// What an entry that is not as it was read says: it came back, or somebody else resolved it.
fn outcome(item: &Item) -> Outcome {
    if item.contains_key("open") {
        Outcome::CameBack
    } else {
        Outcome::Resolved
    }
}
