//! Voice models: registered once, written step by step, and ready once.

use aws_sdk_sfn::{
    error::{BoxError, SdkError},
    operation::send_task_success::SendTaskSuccessError,
};
use contract::Time;
use domain::{Decision, TaskToken, VoiceModel, VoiceModelId};

use store::{Key, OutboxEntry, Rounds, Written};

use crate::{CommitError, Execution, Outbox, PublishEntryError, Resumed, StartError};

/// An execution that waits could not be resumed.
#[derive(Debug, thiserror::Error)]
#[error("telling the execution of the voice model {voice} to go on")]
pub struct GoOnError {
    voice: VoiceModelId,
    source: BoxError,
}

impl Outbox {
    /// Commits `decision`, which registers a voice model or refuses it; or finds the entry that was
    /// committed before under the same id for the same `content`.
    ///
    /// # Errors
    /// [`CommitError::IdReused`] if another content was registered under the id.
    pub async fn commit_registration(
        &self,
        voice: VoiceModelId,
        content: &str,
        decision: Decision,
        now: Time,
    ) -> Result<OutboxEntry, CommitError> {
        let key = Key::voice_created(voice);
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let expiry = self.open_expiry(now);
            let written = self
                .store
                .write(key.clone(), content, decision.clone(), expiry);
            match written.await? {
                Written::Committed(entry) => return Ok(entry),
                Written::Before(entry) if entry.content == content => return Ok(entry),
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
    /// `None` if it is neither ready nor can be.
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
            let Some(decision) = domain::ready(self.store.voice(voice).await?, now) else {
                return Ok(self.store.entry(key).await?);
            };
            let written = self
                .store
                .write(key.clone(), "ready", decision, self.open_expiry(now));
            match written.await? {
                Written::Committed(entry) | Written::Before(entry) => return Ok(Some(entry)),
                Written::Changed { .. } => {}
            }
        }
    }

    /// Makes sure that the open `model` has an execution that goes on.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn resume_voice(&self, model: VoiceModel, now: Time) -> Result<Resumed, StartError> {
        let failed = |source| StartError::Again {
            id: model.id.0,
            source,
        };
        let id = model.id;
        let named = match self
            .execution(&self.voice_state_machine, &model.execution_name())
            .await?
        {
            Execution::Running => return Ok(Resumed::Running),
            // Under the name it was to have, so that whoever starts it at this moment starts the
            // same one.
            Execution::Missing => model.clone(),
            Execution::Ended => {
                // The execution may have closed it between the two looks, and somebody else may
                // have started it again.
                let model_now = self.store.voice(id).await.map_err(failed)?;
                if model_now.is_closed() {
                    return Ok(Resumed::Closed);
                }
                if model_now.restarts != model.restarts {
                    return Ok(Resumed::Running);
                }
                let deadline = self.deadline(now);
                self.store
                    .save_voice(model_now.restarted(deadline))
                    .await
                    .map_err(failed)?
            }
        };
        let input = format!(r#"{{"voiceModelId":"{id}"}}"#);
        self.begin(&self.voice_state_machine, &named.execution_name(), input)
            .await?;
        Ok(Resumed::Started)
    }

    /// How the latest execution of `model` is.
    ///
    /// # Errors
    /// A [`StartError`].
    pub async fn execution_of_voice(&self, model: &VoiceModel) -> Result<Execution, StartError> {
        self.execution(&self.voice_state_machine, &model.execution_name())
            .await
    }

    /// Publishes and marks that `model` was registered, if that has not been done.
    ///
    /// # Errors
    /// A [`PublishEntryError`].
    pub async fn publish_registration(&self, model: VoiceModelId) -> Result<(), PublishEntryError> {
        self.publish_entry(Key::voice_created(model)).await
    }

    /// Lets the execution of `voice`, which waits with `token`, go on. One that waits no more is
    /// fine: it went on, or gave up.
    ///
    /// # Errors
    /// A [`GoOnError`]; doing it again is safe.
    pub async fn let_go_on(&self, voice: VoiceModelId, token: &TaskToken) -> Result<(), GoOnError> {
        match self
            .sfn
            .send_task_success()
            .task_token(token.expose())
            .output("{}")
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    SendTaskSuccessError::TaskDoesNotExist(_)
                        | SendTaskSuccessError::TaskTimedOut(_)
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(GoOnError {
                voice,
                source: error.into(),
            }),
        }
    }
}
