//! A tenant's render jobs, the newest first. Everything here asks for the tenant: what is another's
//! is not there.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Time};
use domain::{Job, JobId, WorkId};

use crate::{
    Place, Store, StoreError,
    items::{self, Item, ItemError, Key},
};

/// Some of a tenant's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsPage {
    /// The jobs, the newest first.
    pub jobs: Vec<Job>,
    /// The last one looked at, to go on after; `None` once all were seen.
    pub next: Option<Place>,
}

impl Store {
    /// `tenant`'s jobs that were created in `since..until`, those after `after`: at most `most` of
    /// them, the newest first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn jobs_of(
        &self,
        tenant: &Identifier,
        (since, until): (Option<Time>, Option<Time>),
        after: Option<Place>,
        most: i32,
    ) -> Result<JobsPage, StoreError> {
        // A time begins with a digit: nothing comes after a tilde, and BETWEEN has both of its
        // ends.
        let from = since.map_or_else(String::new, |time| time.to_string());
        let to = until.map_or_else(|| "~".to_owned(), |time| time.to_string());
        if until.is_some() && from >= to {
            return Ok(JobsPage {
                jobs: Vec::new(),
                next: None,
            });
        }
        let query = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name("by-tenant")
            .key_condition_expression("tenant = :tenant AND listed BETWEEN :from AND :to")
            .expression_attribute_values(":tenant", AttributeValue::S(tenant.as_str().to_owned()))
            .expression_attribute_values(":from", AttributeValue::S(format!("job#{from}")))
            .expression_attribute_values(":to", AttributeValue::S(format!("job#{to}")))
            .set_exclusive_start_key(after.map(|after| start_key(tenant, after)))
            .scan_index_forward(false)
            .limit(most);
        let output = query.send().await.map_err(|error| self.unread(error))?;
        let next = output.last_evaluated_key.as_ref().map(place).transpose()?;
        let keys = output
            .items()
            .iter()
            .map(place)
            .map(|place| place.map(|place| Key::work(WorkId::Job(JobId(place.id)))));
        let items = self.read_all(keys.collect::<Result<_, _>>()?).await?;
        let jobs = items
            .iter()
            .map(items::state)
            .collect::<Result<Vec<Job>, _>>()?;
        // An erased one may stand in the index for a moment; `until` itself is not meant.
        let is_meant =
            |job: &Job| job.tenant == *tenant && until.is_none_or(|until| job.created_at < until);
        Ok(JobsPage {
            jobs: jobs.into_iter().filter(is_meant).collect(),
            next,
        })
    }
}

/// The place of a job in the index, as a query goes on after it.
fn start_key(tenant: &Identifier, after: Place) -> Item {
    let mut key = Key::work(WorkId::Job(JobId(after.id))).into_item();
    key.insert(
        "tenant".to_owned(),
        AttributeValue::S(tenant.as_str().to_owned()),
    );
    key.insert(
        "listed".to_owned(),
        AttributeValue::S(format!("job#{}", after.time)),
    );
    key
}

fn place(item: &Item) -> Result<Place, ItemError> {
    let text = |name: &'static str| {
        item.get(name)
            .and_then(|a| a.as_s().ok())
            .ok_or(ItemError::Attribute(name))
    };
    let time = text("listed")?
        .strip_prefix("job#")
        .and_then(|time| time.parse().ok());
    let id = text("pk")?
        .strip_prefix("job#")
        .and_then(|id| id.parse().ok());
    Ok(Place {
        time: Time::new(time.ok_or(ItemError::Attribute("listed"))?),
        id: id.ok_or(ItemError::Attribute("pk"))?,
    })
}
