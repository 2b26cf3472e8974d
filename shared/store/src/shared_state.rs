//! A small item whose state all execution environments share and change: the leases of a provider,
//! and the requests to it that were blocked.

use aws_sdk_dynamodb::{error::SdkError, types::AttributeValue};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Rounds, Store, StoreError,
    items::{self, Key},
};

impl Store {
    /// Writes what `change` makes of the state under `key`, if it makes something, and if no other
    /// writer changed it in between; returns what is written. `version` is the state's write count.
    pub(crate) async fn change<S: Default + Serialize + DeserializeOwned>(
        &self,
        key: &Key,
        version: fn(&mut S) -> &mut u64,
        change: impl Fn(S) -> Option<S>,
    ) -> Result<Option<S>, StoreError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let item = self.read(key.clone()).await?;
            let state = item.as_ref().map(items::state::<S>).transpose()?;
            let mut state = state.unwrap_or_default();
            let before = *version(&mut state);
            let Some(mut changed) = change(state) else {
                return Ok(None);
            };
            *version(&mut changed) = before + 1;
            let mut item = key.clone().into_item();
            item.insert(
                "version".to_owned(),
                AttributeValue::N((before + 1).to_string()),
            );
            item.insert("state".to_owned(), AttributeValue::S(items::json(&changed)));
            let put = self
                .dynamodb
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk) OR version = :version")
                .expression_attribute_values(":version", AttributeValue::N(before.to_string()));
            match put.send().await {
                Ok(_) => return Ok(Some(changed)),
                Err(SdkError::ServiceError(error))
                    if error.err().is_conditional_check_failed_exception() => {}
                Err(error) => return Err(self.unwritten(error)),
            }
        }
    }
}
