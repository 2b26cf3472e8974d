//! The vendors that give tickets, or clone voices: what they have of a job or of a voice can be
//! looked at and erased without the canvas.

use aws_config::SdkConfig;
use domain::{ProviderId, Refusal, VoiceModel};

use crate::{
    ElevenLabs, Keys, Order, Progress, Refused, Settings, SettingsError, http::Http,
    keys::VendorKey, polly::Polly, runway::Runway,
};

/// The clients of those vendors.
#[derive(Debug)]
pub struct Vendors {
    pub(crate) elevenlabs: ElevenLabs,
    pub(crate) runway: Runway,
    pub(crate) polly: Polly,
}

impl Vendors {
    /// Builds the clients from `settings`. Makes no call.
    ///
    /// # Errors
    /// [`SettingsError::Http`] if the HTTP client cannot be built.
    pub fn new(settings: &Settings, aws: &SdkConfig, keys: &Keys) -> Result<Self, SettingsError> {
        Ok(Self::over(Http::new()?, settings, aws, keys))
    }

    /// The clients, over `http`.
    pub(crate) fn over(http: Http, settings: &Settings, aws: &SdkConfig, keys: &Keys) -> Self {
        let key = |provider| VendorKey::new(aws, keys, provider);
        Self {
            elevenlabs: ElevenLabs::new(
                settings.elevenlabs.clone(),
                http.clone(),
                key(ProviderId::ElevenLabs),
            ),
            runway: Runway::new(settings.runway.clone(), http, key(ProviderId::Runway)),
            polly: Polly::new(settings.polly.clone(), aws),
        }
    }

    /// Polls `provider` with the `ticket` of an earlier answer. It costs nothing and may be
    /// repeated.
    ///
    /// # Errors
    /// [`Refused`]: the poll got no answer, and the ticket is still valid.
    pub async fn poll(
        &self,
        provider: ProviderId,
        order: Order<'_>,
        ticket: &str,
    ) -> Result<Progress, Refused> {
        match provider {
            ProviderId::Runway => self.runway.poll(ticket).await,
            ProviderId::Polly => self.polly.poll(order, ticket).await,
            // These answer at once and give no tickets.
            ProviderId::StudioCanvas | ProviderId::OpenAi | ProviderId::ElevenLabs => {
                let detail =
                    format!("{provider} makes its media at once and has no ticket to poll");
                Ok(Progress::Failed(Refused::new(
                    Refusal::OutcomeUnknown,
                    detail,
                )))
            }
        }
    }

    /// Has `provider` cancel the ticket's work or erase its result, where the provider offers that.
    ///
    /// # Errors
    /// [`Refused`]; a repeated call is safe.
    pub async fn erase(&self, provider: ProviderId, ticket: &str) -> Result<(), Refused> {
        match provider {
            ProviderId::Runway => self.runway.erase(ticket).await,
            ProviderId::ElevenLabs => self.elevenlabs.erase(ticket).await,
            // They keep nothing under an id: OpenAI's pictures come in the answer, and Polly writes
            // to our bucket.
            ProviderId::StudioCanvas | ProviderId::OpenAi | ProviderId::Polly => Ok(()),
        }
    }

    /// Has `provider` cancel the ticket's work or erase its result, which no job wants any more.
    /// Returns the credits that it cost and that no answer has told of yet: a vendor charges for
    /// what it worked on.
    ///
    /// # Errors
    /// [`Refused`]; a repeated call is safe, and returns the same credits or fewer.
    pub async fn stop(&self, provider: ProviderId, ticket: &str) -> Result<u64, Refused> {
        match provider {
            ProviderId::Runway => self.runway.stop(ticket).await,
            // The answer that had the ticket had the cost.
            ProviderId::StudioCanvas
            | ProviderId::OpenAi
            | ProviderId::ElevenLabs
            | ProviderId::Polly => self.erase(provider, ticket).await.map(|()| 0),
        }
    }

    /// The client that clones voices for `provider`; `None` if `provider` does not clone voices.
    #[must_use]
    pub fn cloner(&self, provider: ProviderId) -> Option<&ElevenLabs> {
        provider.clones_voices().then_some(&self.elevenlabs)
    }

    /// Deletes the provider's voices of a model: the known one and all with the model's name there.
    /// Returns their number.
    ///
    /// # Errors
    /// [`Refused`]; a repeated call is safe.
    pub async fn delete_voices_of(&self, model: &VoiceModel) -> Result<usize, Refused> {
        let Some(cloner) = self.cloner(model.provider) else {
            return Ok(0);
        };
        // A lost creation may have made a second voice.
        let mut voices = match model.attempts.is_empty() {
            true => Vec::new(),
            false => cloner.find(model).await?,
        };
        voices.extend(model.voice.clone().filter(|known| !voices.contains(known)));
        for voice in &voices {
            cloner.delete_voice(voice).await?;
        }
        Ok(voices.len())
    }
}
