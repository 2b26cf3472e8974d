//! Voice models: registered once, written step by step, and ready once.

use aws_sdk_sfn::{
    error::{BoxError, SdkError},
    operation::send_task_success::SendTaskSuccessError,
};
use contract::Time;
use domain::{Decision, TaskToken, VoiceModel, VoiceModelId};

use crate::{
    Execution, Journal, PublishEntryError, Resumed, StartError, StoreError,
    commit::{MOST_ROUNDS, Written, pause},
    items::{self, Expiry, Key, OutboxEntry},
};

/// An execution that waits could not be resumed.
#[derive(Debug, thiserror::Error)]
#[error("telling the execution of the voice model {voice} to go on")]
pub struct GoOnError {
    voice: VoiceModelId,
    source: BoxError,
}

impl Journal {
    /// Keeps `decision`, by which a voice model is registered or refused; or finds what was decided
    /// before, under the same id for the same `content`.
    ///
    /// # Errors
    /// [`StoreError::IdReused`] if another content was registered under the id.
    pub async fn commit_registration(
        &self,
        voice: VoiceModelId,
        content: &str,
        decision: Decision,
        now: Time,
    ) -> Result<OutboxEntry, StoreError> {
        let expiry = Expiry {
            from: now,
            republish_from: Some(now.plus_seconds(self.deadline_seconds)),
        };
        for round in 0..MOST_ROUNDS {
            match self
                .write(Key::voice_created(voice), content, decision.clone(), expiry)
                .await?
            {
                Written::Committed(entry) => return Ok(entry),
                Written::Before(entry) if entry.content == content => return Ok(entry),
                Written::Before(_) => return Err(StoreError::IdReused),
                // The model outlives the decision that opened it; or somebody registers it at this
                // moment.
                Written::Changed { .. }
                    if round > 0 && self.read(Key::voice(voice)).await?.is_some() =>
                {
                    return Err(StoreError::IdReused);
                }
                Written::Changed { .. } => pause(round + 1).await,
            }
        }
        Err(StoreError::Contended)
    }

    /// Decides that a voice model is ready, and keeps the decision; or finds the one kept before.
    /// `None` if it is neither ready nor can be.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn commit_ready(
        &self,
        voice: VoiceModelId,
        now: Time,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        let key = Key::voice_ready(voice);
        for round in 0..MOST_ROUNDS {
            let Some(decision) = domain::ready(self.voice(voice).await?, now) else {
                return self.decision(key).await;
            };
            let expiry = Expiry {
                from: now,
                republish_from: Some(now.plus_seconds(self.deadline_seconds)),
            };
            match self.write(key.clone(), "ready", decision, expiry).await? {
                Written::Committed(entry) | Written::Before(entry) => return Ok(Some(entry)),
                Written::Changed { .. } => pause(round).await,
            }
        }
        Err(StoreError::Contended)
    }

    /// The voice model as it is, read consistently.
    ///
    /// # Errors
    /// [`StoreError::NoSuchVoice`], and others.
    pub async fn voice(&self, voice: VoiceModelId) -> Result<VoiceModel, StoreError> {
        let item = self
            .read(Key::voice(voice))
            .await?
            .ok_or(StoreError::NoSuchVoice(voice))?;
        Ok(items::state(&item)?)
    }

    /// Writes `model` back if nobody else wrote it since it was read; returns it as it now is.
    ///
    /// # Errors
    /// [`StoreError::Contended`] if somebody else did.
    pub async fn save_voice(&self, model: VoiceModel) -> Result<VoiceModel, StoreError> {
        let before = model.version;
        let model = VoiceModel {
            version: before + 1,
            ..model
        };
        self.save(items::voice_item(&model), before, &model).await?;
        Ok(model)
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
                let model_now = self.voice(id).await.map_err(failed)?;
                if model_now.is_closed() {
                    return Ok(Resumed::Closed);
                }
                if model_now.restarts != model.restarts {
                    return Ok(Resumed::Running);
                }
                let deadline = now.plus_seconds(self.deadline_seconds);
                self.save_voice(model_now.restarted(deadline))
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
