//! Voice models: one item each, written by one writer at a time.

use domain::{VoiceModel, VoiceModelId};

use crate::{Key, Store, StoreError, items};

impl Store {
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

    /// Whether there is a voice model of that id.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn has_voice(&self, voice: VoiceModelId) -> Result<bool, StoreError> {
        Ok(self.read(Key::voice(voice)).await?.is_some())
    }

    /// Writes `model` back if no other writer changed it since it was read; returns it as it now
    /// is.
    ///
    /// # Errors
    /// [`StoreError::Contended`] if another writer did.
    pub async fn save_voice(&self, model: VoiceModel) -> Result<VoiceModel, StoreError> {
        let before = model.version;
        let model = VoiceModel {
            version: before + 1,
            ..model
        };
        self.save(items::voice_item(&model), before, &model).await?;
        Ok(model)
    }
}
