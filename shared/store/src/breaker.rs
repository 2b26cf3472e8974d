//! The breaker of a provider: while it is open, no job asks the provider.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Time};
use domain::{Blocks, ProviderId};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    items::{self, Key},
};

/// A provider that turned the studio away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBreaker {
    /// When it is asked again.
    pub until: Time,
    /// What it said.
    pub why: String,
}

impl Store {
    /// The open breaker of `provider` at `now`; `None` if the provider may be asked.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn breaker(
        &self,
        provider: ProviderId,
        now: Time,
    ) -> Result<Option<OpenBreaker>, StoreError> {
        let item = self.read(Key::breaker(provider)).await?;
        let breaker = item.as_ref().map(items::state::<OpenBreaker>).transpose()?;
        Ok(breaker.filter(|breaker| now < breaker.until))
    }

    /// Opens the breaker of `provider`.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn open_breaker(
        &self,
        provider: ProviderId,
        breaker: &OpenBreaker,
    ) -> Result<(), StoreError> {
        let mut item = Key::breaker(provider).into_item();
        item.insert("state".to_owned(), AttributeValue::S(items::json(breaker)));
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        put.send().await.map_err(|error| self.unwritten(error))?;
        Ok(())
    }

    /// Notes that a request of `tenant` to `provider` was blocked at `now`; returns whether that
    /// concerns everyone by now.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn note_block(
        &self,
        provider: ProviderId,
        tenant: &Identifier,
        now: Time,
    ) -> Result<bool, StoreError> {
        fn version(blocks: &mut Blocks) -> &mut u64 {
            &mut blocks.version
        }
        let noted = |blocks: Blocks| Some(blocks.noted(tenant, now));
        let blocks = self.change(&Key::blocks(provider), version, noted).await?;
        Ok(blocks.is_some_and(|blocks| blocks.concern_everyone()))
    }

    /// Lets `provider` be asked again at once.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn close_breaker(&self, provider: ProviderId, now: Time) -> Result<(), StoreError> {
        let closed = OpenBreaker {
            until: now,
            why: "closed by an operator".to_owned(),
        };
        self.open_breaker(provider, &closed).await
    }
}
