//! What the sweep looks after: jobs that are open past their deadline, and ends of jobs that Kafka may never have heard of.

use aws_sdk_dynamodb::{error::SdkError, types::AttributeValue};
use events::Time;
use jobs::JobId;

use crate::{
    Journal, KeepError,
    items::{self, Item, ItemError, Key},
};

/// One thing to look after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// The job is open.
    Job(JobId),
    /// The job is closed, and its end not known to be told.
    End(JobId),
}

impl Overdue {
    fn read(item: &Item) -> Result<Self, ItemError> {
        let text = |name: &'static str| item.get(name).and_then(|a| a.as_s().ok()).ok_or(ItemError::Attribute(name));
        let id = text("pk")?.strip_prefix("job#").and_then(|id| id.parse().ok()).ok_or(ItemError::Attribute("pk"))?;
        match text("sk")?.as_str() {
            "state" => Ok(Self::Job(JobId(id))),
            "end" => Ok(Self::End(JobId(id))),
            _ => Err(ItemError::Attribute("sk")),
        }
    }
}

impl Journal {
    /// What is open past its deadline at `now`: at most `most` of each of sixteen shards, the oldest of each first.
    ///
    /// # Errors
    /// A [`KeepError`].
    pub async fn overdue(&self, now: Time, most: i32) -> Result<Vec<Overdue>, KeepError> {
        let mut overdue = Vec::new();
        for shard in items::OPEN_SHARDS {
            let query = self
                .dynamodb
                .query()
                .table_name(&self.table)
                .index_name("open-jobs")
                .key_condition_expression("#open = :shard AND deadline < :now")
                .expression_attribute_names("#open", "open")
                .expression_attribute_values(":shard", AttributeValue::S(shard.to_owned()))
                .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
                .limit(most);
            let output = query.send().await.map_err(|error| KeepError::Read(error.into()))?;
            for item in output.items() {
                overdue.push(Overdue::read(item)?);
            }
        }
        Ok(overdue)
    }

    /// Gives an open job another while in the index of what is open, so that it does not stand before others that need looking
    /// after. The job itself is not touched: its execution goes on, and must not find that somebody else wrote it.
    ///
    /// # Errors
    /// A [`KeepError`]; the job is overdue again next time.
    pub async fn postpone(&self, job: JobId, now: Time) -> Result<(), KeepError> {
        let deadline = now.plus_seconds(self.deadline_seconds).to_string();
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::job(job).into_item()))
            .update_expression("SET deadline = :deadline")
            .condition_expression("attribute_exists(#open)")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":deadline", AttributeValue::S(deadline));
        match update.send().await {
            Ok(_) => Ok(()),
            // It was closed meanwhile.
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(KeepError::Write(error.into())),
        }
    }
}
