//! ConcurrencyLimits on a provider: one item that all execution environments share, so that a cap
//! holds across them.

use aws_sdk_dynamodb::{error::SdkError, types::AttributeValue};
use contract::{Identifier, Time};
use domain::{Caps, ConcurrencyLimits, ProviderId};
use uuid::Uuid;

use crate::{
    Rounds, Store, StoreError,
    items::{self, Key},
};

impl Store {
    /// Takes a lease on `provider` for `holder`, a job or a voice model of `tenant`'s, until
    /// `until`, or makes its own longer; `false` if all are taken.
    ///
    /// # Errors
    /// A [`StoreError`]; [`StoreError::Contended`] if too many take one at once.
    pub async fn take_lease(
        &self,
        provider: ProviderId,
        (holder, tenant): (Uuid, &Identifier),
        caps: Caps,
        now: Time,
        until: Time,
    ) -> Result<bool, StoreError> {
        self.change_leases(provider, |leases| {
            leases.taken(holder, tenant, caps, now, until)
        })
        .await
    }

    /// Gives the lease of `holder` on `provider` back, if it has one.
    ///
    /// # Errors
    /// A [`StoreError`]; the lease runs out by itself then.
    pub async fn release_lease(
        &self,
        provider: ProviderId,
        holder: Uuid,
    ) -> Result<(), StoreError> {
        self.change_leases(provider, |leases| leases.released(holder))
            .await?;
        Ok(())
    }

    /// Writes what `change` makes of the leases, if it makes something, and if nobody else wrote
    /// them in between.
    async fn change_leases(
        &self,
        provider: ProviderId,
        change: impl Fn(ConcurrencyLimits) -> Option<ConcurrencyLimits>,
    ) -> Result<bool, StoreError> {
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let item = self.read(Key::leases(provider)).await?;
            let leases = item
                .as_ref()
                .map(items::state::<ConcurrencyLimits>)
                .transpose()?
                .unwrap_or_default();
            let before = leases.version;
            let Some(mut changed) = change(leases) else {
                return Ok(false);
            };
            changed.version = before + 1;
            let mut item = Key::leases(provider).into_item();
            item.insert(
                "version".to_owned(),
                AttributeValue::N(changed.version.to_string()),
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
                Ok(_) => return Ok(true),
                Err(SdkError::ServiceError(error))
                    if error.err().is_conditional_check_failed_exception() => {}
                Err(error) => return Err(StoreError::Write(error.into())),
            }
        }
    }
}
