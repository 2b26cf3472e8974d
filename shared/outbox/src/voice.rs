//! Voice models: registered once, written step by step, and ready once.

use contract::Time;
use domain::{Decision, VoiceModelId};
use store::{ErasureGuard, Key, OutboxEntry, Prepared, Rounds, Written};

use crate::{CommitError, Outbox, PublishEntryError};

impl Outbox {
    /// Commits `decision`, which registers a voice model or refuses it; or finds the entry that was
    /// committed before under the same id for the same `content`. `None` if the tenant was erased
    /// since the execution was started.
    ///
    /// # Errors
    /// [`CommitError::IdReused`] if another content was registered under the id.
    pub async fn commit_registration(
        &self,
        voice: VoiceModelId,
        content: &str,
        decision: Decision,
        guard: ErasureGuard<'_>,
        now: Time,
    ) -> Result<Option<OutboxEntry>, CommitError> {
        let key = Key::voice_created(voice);
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let expiry = self.open_expiry(now);
            let decision = decision.clone();
            let prepared = Prepared::new(key.clone(), content, decision, expiry, Some(guard));
            match self.store.write(prepared).await? {
                Written::Committed(committed) => return Ok(Some(committed.entry)),
                Written::Erased => return Ok(None),
                Written::Before(entry) if entry.content == content => return Ok(Some(entry)),
                Written::Before(_) => return Err(CommitError::IdReused),
                // The model outlives the entry that opened it. In the first round another
                // registration may be under way.
                Written::Changed { .. }
                    if !rounds.is_first() && self.store.has_voice(voice).await? =>
                {
                    return Err(CommitError::IdReused);
                }
                Written::Changed { .. } => {}
            }
        }
    }

    /// Decides that a voice model is ready and commits that; or finds the entry committed before.
    /// `None` if it is neither ready nor can be, or if its tenant was erased since.
    ///
    /// # Errors
    /// A [`CommitError`].
    pub async fn commit_ready(
        &self,
        voice: VoiceModelId,
        now: Time,
    ) -> Result<Option<OutboxEntry>, CommitError> {
        let key = Key::voice_ready(voice);
        let mut rounds = Rounds::blind();
        loop {
            rounds.next().await?;
            let model = self.store.voice(voice).await?;
            let Some(decision) = domain::ready(model.clone(), now) else {
                return Ok(self.store.entry(key).await?);
            };
            let guard = ErasureGuard {
                tenant: &model.tenant,
                happened: model.created_at,
            };
            let expiry = self.open_expiry(now);
            let ready = Prepared::new(key.clone(), "ready", decision, expiry, Some(guard));
            match self.store.write(ready).await? {
                Written::Committed(committed) => return Ok(Some(committed.entry)),
                Written::Before(entry) => return Ok(Some(entry)),
                Written::Erased => return Ok(None),
                Written::Changed { .. } => {}
            }
        }
    }

    /// Publishes and marks that `model` was registered, if that has not been done.
    ///
    /// # Errors
    /// A [`PublishEntryError`].
    pub async fn publish_registration(&self, model: VoiceModelId) -> Result<(), PublishEntryError> {
        self.publish_entry(Key::voice_created(model)).await
    }
}
