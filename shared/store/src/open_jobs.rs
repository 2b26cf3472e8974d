//! How many of a tenant's jobs are open at vendors, counted only as far as it matters.

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use domain::Job;

use crate::{
    Store, StoreError,
    items::{self, Item},
};

impl Store {
    /// Whether `most` jobs of its tenant or more came before `job`, and wait for a vendor or are
    /// made by one; never, if `most` is 0. Reads at most `most` keys of an index; the index may be a
    /// second behind.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn has_before(&self, job: &Job, most: usize) -> Result<bool, StoreError> {
        if most == 0 {
            return Ok(false);
        }
        let (mut counted, mut after): (usize, Option<Item>) = (0, None);
        while counted < most {
            let query = self
                .dynamodb
                .query()
                .table_name(&self.table)
                .index_name("open-by-tenant")
                .key_condition_expression("open_tenant = :tenant AND listed < :listed")
                .expression_attribute_values(
                    ":tenant",
                    AttributeValue::S(job.tenant.as_str().to_owned()),
                )
                .expression_attribute_values(":listed", AttributeValue::S(items::listed_as(job)))
                .select(Select::Count)
                .limit(i32::try_from(most - counted).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after);
            let output = query.send().await.map_err(|error| self.unread(error))?;
            counted += usize::try_from(output.count()).unwrap_or(0);
            after = output.last_evaluated_key;
            if after.is_none() {
                break;
            }
        }
        Ok(counted >= most)
    }
}
