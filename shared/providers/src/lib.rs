//! Who makes media: one concrete client a file. The set is closed and ours ([`ProviderId`]), so it
//! is no trait.
//!
//! Every request that may cost money is sent once and never again by itself: whether it is repeated
//! is decided in `jobs` ([`Refusal::fate`]), where attempts are written down.

mod elevenlabs;
mod http;
mod keys;
mod openai;
mod polly;
mod prompt;
mod runway;
mod settings;
mod studio_canvas;

use aws_config::SdkConfig;
use canvas::{LogoError, RenderError};
use domain::{Job, ProviderId, Refusal};

pub use canvas::Logo;
pub use elevenlabs::{Captcha, ElevenLabs, Fulfilled, Recording, sample_name};
pub use keys::Keys;
pub use settings::{Settings, SettingsError, VoiceLimits};
pub use studio_canvas::StudioCanvas;

use crate::{http::Http, keys::Key, openai::OpenAi, polly::Polly, runway::Runway};

/// What a provider is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The job.
    pub job: &'a Job,
    /// The brand's logo, if the job's configuration names one: a PNG file.
    pub logo: Option<&'a [u8]>,
    /// The bucket that the asset goes to. Only Polly writes there by itself.
    pub bucket: &'a str,
}

/// What a provider says when it is asked.
#[derive(Debug)]
pub enum Answer {
    /// The media is made.
    Done(Media),
    /// It will be: ask again with the ticket.
    Accepted {
        /// What to ask with.
        ticket: String,
    },
}

/// How far a provider is with what it accepted.
#[derive(Debug)]
pub enum Progress {
    /// The media is made.
    Done(Media),
    /// It is not made yet.
    Pending {
        /// How the provider calls it, for the log.
        status: String,
    },
    /// It will not be made.
    Failed(Refused),
}

/// A made asset.
#[derive(Debug)]
pub struct Media {
    /// The file, or the way to it.
    pub body: Body,
    /// What made it, as events carry it: the provider, and the model after a slash.
    pub made_by: String,
    /// Credits that making it used.
    pub credits: u64,
    /// How long it lasts in milliseconds, if the provider says so.
    pub length_ms: Option<u64>,
    /// What the provider calls the copy that it keeps, if it says so.
    pub copy: Option<String>,
}

/// A file that was made.
#[derive(Debug)]
pub enum Body {
    /// Here.
    Bytes(Vec<u8>),
    /// On its way.
    Stream(Stream),
    /// In a bucket of ours.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// A file on its way from a vendor.
#[derive(Debug)]
pub struct Stream(reqwest::Response);

impl Stream {
    /// The next part of it; `None` at its end.
    ///
    /// # Errors
    /// [`StreamError`] if the connection broke.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        let chunk = self
            .0
            .chunk()
            .await
            .map_err(|error| StreamError(error.without_url()))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }
}

/// A file broke off on its way from a vendor.
#[derive(Debug, thiserror::Error)]
#[error("reading the file from the provider")]
pub struct StreamError(#[source] reqwest::Error);

/// Why a provider does not make it.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The content cannot be made into media as it is.
    #[error("the text or the colours cannot be drawn")]
    Draw(#[from] RenderError),
    /// The brand's logo cannot be drawn.
    #[error(transparent)]
    Logo(#[from] LogoError),
    /// The provider, or the way there, refused.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A provider's refusal.
#[derive(Debug, thiserror::Error)]
#[error("{detail} ({refusal:?})")]
pub struct Refused {
    /// Why, for programs.
    pub refusal: Refusal,
    /// Why, for operators: what the vendor said, shortened. Never a key, never a signed URL.
    pub detail: String,
    /// Credits that it cost all the same.
    pub credits: u64,
}

impl Refused {
    fn new(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self {
            refusal,
            detail: detail.into(),
            credits: 0,
        }
    }
}

/// All providers, with their clients. One for each execution environment.
#[derive(Debug)]
pub struct Providers {
    canvas: StudioCanvas,
    openai: OpenAi,
    elevenlabs: ElevenLabs,
    runway: Runway,
    polly: Polly,
}

impl Providers {
    /// The providers as `settings` say. Makes no call yet.
    ///
    /// # Errors
    /// [`SettingsError::Http`] if the machine has no root certificates, say.
    pub fn new(
        canvas: StudioCanvas,
        settings: &Settings,
        aws: &SdkConfig,
        keys: &Keys,
    ) -> Result<Self, SettingsError> {
        let http = Http::new()?;
        let key = |provider| Key::new(aws, keys, provider);
        Ok(Self {
            canvas,
            openai: OpenAi::new(
                settings.openai.clone(),
                http.clone(),
                key(ProviderId::OpenAi),
            ),
            elevenlabs: ElevenLabs::new(
                settings.elevenlabs.clone(),
                http.clone(),
                key(ProviderId::ElevenLabs),
            ),
            runway: Runway::new(settings.runway.clone(), http, key(ProviderId::Runway)),
            polly: Polly::new(settings.polly.clone(), aws),
        })
    }

    /// Gets ready to ask `provider` for `order`: whatever can be found out without asking it is
    /// found out here, before the attempt is written down. That is its key, and whether the logo
    /// can be drawn.
    ///
    /// # Errors
    /// A [`ProviderError`]; nobody was asked.
    pub async fn prepare(
        &self,
        provider: ProviderId,
        order: Order<'_>,
    ) -> Result<(), ProviderError> {
        match provider {
            ProviderId::StudioCanvas => Ok(()),
            ProviderId::OpenAi => {
                order.logo.map(Logo::decode).transpose()?;
                Ok(self.openai.prepare().await?)
            }
            ProviderId::ElevenLabs => Ok(self.elevenlabs.prepare().await?),
            ProviderId::Runway => Ok(self.runway.prepare().await?),
            ProviderId::Polly => Ok(()),
        }
    }

    /// Asks `provider` for the media of `order`, once.
    ///
    /// # Errors
    /// A [`ProviderError`].
    pub async fn submit(
        &self,
        provider: ProviderId,
        order: Order<'_>,
    ) -> Result<Answer, ProviderError> {
        match provider {
            ProviderId::StudioCanvas => {
                self.canvas.draw(order, None, "studio-canvas".to_owned(), 0)
            }
            ProviderId::OpenAi => {
                let art = self.openai.paint(order.job).await?;
                self.canvas
                    .draw(order, Some(&art.png), art.made_by, art.credits)
            }
            ProviderId::ElevenLabs => Ok(self.elevenlabs.make(order.job).await?),
            ProviderId::Runway => Ok(self.runway.submit(order.job).await?),
            ProviderId::Polly => Ok(self.polly.submit(order).await?),
        }
    }

    /// Asks `provider` again, with the `ticket` of an earlier answer. It costs nothing, and may be
    /// repeated.
    ///
    /// # Errors
    /// [`Refused`]: the question was not answered, and the ticket still stands.
    pub async fn poll(
        &self,
        provider: ProviderId,
        order: Order<'_>,
        ticket: &str,
    ) -> Result<Progress, Refused> {
        match provider {
            ProviderId::Runway => self.runway.poll(ticket).await,
            ProviderId::Polly => self.polly.poll(order, ticket).await,
            // They answer at once and give no tickets.
            ProviderId::StudioCanvas | ProviderId::OpenAi | ProviderId::ElevenLabs => {
                let detail = format!("{provider} gives no tickets");
                Ok(Progress::Failed(Refused::new(
                    Refusal::OutcomeUnknown,
                    detail,
                )))
            }
        }
    }

    /// Has `provider` stop what the ticket stands for, or erase what it made of it, where that can
    /// be had.
    ///
    /// # Errors
    /// [`Refused`]; doing it again is safe.
    pub async fn erase(&self, provider: ProviderId, ticket: &str) -> Result<(), Refused> {
        match provider {
            ProviderId::Runway => self.runway.erase(ticket).await,
            ProviderId::ElevenLabs => self.elevenlabs.erase(ticket).await,
            // They keep nothing that has a name: OpenAI's pictures come in the answer, Polly's go
            // into our bucket.
            ProviderId::StudioCanvas | ProviderId::OpenAi | ProviderId::Polly => Ok(()),
        }
    }

    /// The client that clones voices for `provider`; `None` if it clones none.
    #[must_use]
    pub fn cloner(&self, provider: ProviderId) -> Option<&ElevenLabs> {
        provider.clones_voices().then_some(&self.elevenlabs)
    }

    /// The seconds that at least, and at most, lie between two polls of `provider`.
    #[must_use]
    pub fn poll_seconds(provider: ProviderId) -> (u32, u32) {
        match provider {
            // Its rule: no faster than 5 s.
            ProviderId::Runway => (6, 60),
            ProviderId::StudioCanvas
            | ProviderId::OpenAi
            | ProviderId::ElevenLabs
            | ProviderId::Polly => (3, 30),
        }
    }
}
