//! What a batch of notices does outside its own memory. A function's [`App`] does it; in the tests
//! of the batch a script answers.

use domain::JobId;
use jiff::Timestamp;
use store::{ErasureGuard, Key, StoreError};
use telemetry::Measured;

use crate::{
    App,
    bus::BusError,
    failed_job::{FailedJob, NoEvent},
    teams::TeamsError,
    webhook::WebhookError,
};

/// Why a team may not have been told. The message comes again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The end of the job could not be read.
    #[error("reading the end of a job")]
    Read(#[from] StoreError),
    /// It says no event.
    #[error(transparent)]
    NoEvent(#[from] NoEvent),
    /// The teams' webhooks are not known.
    #[error(transparent)]
    Teams(#[from] TeamsError),
    /// The team's server was not told.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// The bus was not told.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// What a batch does outside its own memory.
pub(crate) trait Effects {
    /// What there is to be told of a job; `None` if nothing is, or not any more.
    async fn failed(&self, job: JobId) -> Result<Option<FailedJob>, Trouble>;

    /// Posts to the webhook of the job's tenant, if there is one. Whether there was one.
    async fn post(&self, failed: &FailedJob) -> Result<bool, Trouble>;

    /// Puts an event on the bus, if there is one. Whether there was one.
    async fn put(&self, failed: &FailedJob) -> Result<bool, Trouble>;

    /// Writes a metric.
    fn emit(&self, measured: Measured<'_>);
}

impl Effects for App {
    async fn failed(&self, job: JobId) -> Result<Option<FailedJob>, Trouble> {
        let Some(end) = self.store.entry(Key::end(job)).await? else {
            return Ok(None);
        };
        let Some(failed) = FailedJob::of(&end)? else {
            return Ok(None);
        };
        let guard = ErasureGuard {
            tenant: &failed.tenant,
            happened: failed.at,
        };
        let is_erased = self.store.is_erased_since(guard).await?;
        Ok(Some(failed).filter(|_| !is_erased))
    }

    async fn post(&self, failed: &FailedJob) -> Result<bool, Trouble> {
        let Some(secret) = &self.teams else {
            return Ok(false);
        };
        let teams = secret.get().await?;
        let Some(webhook) = teams.of(&failed.tenant) else {
            return Ok(false);
        };
        let now = Timestamp::now();
        self.webhooks.post(webhook, failed, now).await?;
        Ok(true)
    }

    async fn put(&self, failed: &FailedJob) -> Result<bool, Trouble> {
        let Some(bus) = &self.bus else {
            return Ok(false);
        };
        bus.put(failed).await?;
        Ok(true)
    }

    fn emit(&self, measured: Measured<'_>) {
        self.telemetry.metrics.emit(measured);
    }
}
