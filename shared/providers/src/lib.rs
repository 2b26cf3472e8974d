//! The providers that make media, one concrete client per file. There is no trait, because the set
//! is closed and ours ([`ProviderId`]).
//!
//! A client sends a request that may cost money once and never repeats it by itself. The domain
//! decides whether to repeat it ([`Refusal::retry_decision`]), because it records the attempts.

mod elevenlabs;
mod http;
mod keys;
mod openai;
mod polly;
mod prompt;
mod runway;
mod settings;
mod speakers;
mod vendors;

use aws_config::SdkConfig;
use contract::Shows;
use domain::{Job, ProviderId, Refusal};
use drawing::{DrawError, Picture, StudioCanvas};

pub use elevenlabs::{Captcha, CaptchaFormat, ElevenLabs, Fulfilled, Recording, sample_name};
pub use keys::Keys;
pub use settings::{Settings, SettingsError, VoiceLimits};
pub use vendors::Vendors;

use crate::{
    http::Http,
    keys::VendorKey,
    openai::{Art, OpenAi},
};

/// A request to a provider.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The job.
    pub job: &'a Job,
    /// The provider's id for the cloned voice that is to speak it, if the job names one. It is looked
    /// up right before the order.
    pub voice: Option<&'a str>,
    /// The brand's logo, if the job's configuration names one: a file.
    pub logo: Option<&'a [u8]>,
    /// The bucket that the asset goes to. Only Polly writes there itself.
    pub bucket: &'a str,
    /// The folder of the job's files in that bucket, with a slash at the end.
    pub folder: &'a str,
}

/// A provider's answer to an order.
#[derive(Debug)]
pub enum Answer {
    /// The provider made the media.
    Done(Box<Media>),
    /// The provider accepted the order; poll it with the ticket.
    Accepted {
        /// The provider's id of the order.
        ticket: String,
    },
}

/// The state of an accepted order.
#[derive(Debug)]
pub enum Progress {
    /// The provider made the media.
    Done(Box<Media>),
    /// The provider is still working.
    Pending {
        /// The provider's own word for the state, for the log.
        status: String,
    },
    /// The provider will not make the media.
    Failed(Refused),
}

/// A made asset.
#[derive(Debug)]
pub struct Media {
    /// The file, or where to read it.
    pub body: Body,
    /// The provider, with the model after a slash, as events carry it.
    pub made_by: String,
    /// The credits that it cost.
    pub credits: u64,
    /// Its length in milliseconds, if the provider reports it.
    pub length_ms: Option<u64>,
    /// The id of the copy that the provider keeps, if the provider reports one.
    pub copy: Option<String>,
    /// What it shows of its job.
    pub shows: Shows,
    /// The PNG that a vendor painted for it and that the canvas drew over, if that is new.
    pub painting: Option<Vec<u8>>,
}

/// A picture as an asset that `made_by` made for `credits`.
fn drawn(picture: Picture, made_by: String, credits: u64) -> Box<Media> {
    Box::new(Media {
        body: Body::Bytes(picture.png),
        made_by,
        credits,
        length_ms: None,
        copy: None,
        shows: picture.shows,
        painting: None,
    })
}

/// The file of a made asset.
#[derive(Debug)]
pub enum Body {
    /// The whole file in memory.
    Bytes(Vec<u8>),
    /// A download from the vendor.
    Stream(Stream),
    /// An object in a bucket of ours.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// A file that is downloaded from a vendor.
#[derive(Debug)]
pub struct Stream(reqwest::Response);

impl Stream {
    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// [`StreamError`] if the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        let chunk = self
            .0
            .chunk()
            .await
            .map_err(|error| StreamError(error.without_url()))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }
}

/// The download of a file from a vendor broke off.
#[derive(Debug, thiserror::Error)]
#[error("reading the file from the provider")]
pub struct StreamError(#[source] reqwest::Error);

/// Why a provider does not make the media.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The canvas cannot draw the content.
    #[error("{source}")]
    Draw {
        /// What the canvas said.
        source: DrawError,
        /// The credits that the picture under it cost.
        credits: u64,
    },
    /// The provider does not have the cloned voice any more.
    #[error("the provider does not have the voice: {0}")]
    NoVoice(Refused),
    /// The provider refused, or the request did not reach it.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A provider's refusal.
#[derive(Debug, thiserror::Error)]
#[error("{detail} ({refusal:?})")]
pub struct Refused {
    /// The class of the refusal, for programs.
    pub refusal: Refusal,
    /// The vendor's reason, shortened, for operators. It holds no key and no signed URL.
    pub detail: String,
    /// The credits that the refused request cost.
    pub credits: u64,
    /// Whether it is known that nothing was sent to the provider.
    pub unsent: bool,
}

impl Refused {
    /// A refusal that cost nothing; `detail` is for operators.
    #[must_use]
    pub fn new(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self {
            refusal,
            detail: detail.into(),
            credits: 0,
            unsent: false,
        }
    }

    /// The refusal of a request that was not sent.
    #[must_use]
    pub fn unsent(self) -> Self {
        Self {
            unsent: true,
            ..self
        }
    }
}

/// All providers with their clients, one set per execution environment.
#[derive(Debug)]
pub struct Providers {
    canvas: StudioCanvas,
    openai: OpenAi,
    vendors: Vendors,
}

impl Providers {
    /// Builds the clients from `settings`. Makes no call.
    ///
    /// # Errors
    /// [`SettingsError::Http`] if the HTTP client cannot be built, for example because the machine
    /// has no root certificates.
    pub fn new(
        canvas: StudioCanvas,
        settings: &Settings,
        aws: &SdkConfig,
        keys: &Keys,
    ) -> Result<Self, SettingsError> {
        let http = Http::new()?;
        let key = VendorKey::new(aws, keys, ProviderId::OpenAi);
        Ok(Self {
            canvas,
            openai: OpenAi::new(settings.openai.clone(), http.clone(), key),
            vendors: Vendors::over(http, settings, aws, keys),
        })
    }

    /// Those of `providers` that can make `job`: for speech, those with a voice for its language, or
    /// whose cloned voices speak it, if the job names one.
    #[must_use]
    pub fn able(&self, providers: &[ProviderId], job: &Job) -> Vec<ProviderId> {
        let is_able = |provider: &ProviderId| match provider {
            ProviderId::ElevenLabs => self.vendors.elevenlabs.speaks(job),
            ProviderId::Polly => {
                job.voice().is_none() && self.vendors.polly.speaks(&job.configuration)
            }
            ProviderId::StudioCanvas | ProviderId::OpenAi | ProviderId::Runway => true,
        };
        providers.iter().copied().filter(is_able).collect()
    }

    /// The vendors that have something under an id.
    #[must_use]
    pub fn vendors(&self) -> &Vendors {
        &self.vendors
    }

    /// Checks what can be checked without asking `provider` for `order`: its key, and whether the
    /// title can be drawn over what it would be paid for. The caller does this before it records the
    /// attempt.
    ///
    /// # Errors
    /// A [`ProviderError`]; no provider was asked.
    pub async fn prepare(
        &self,
        provider: ProviderId,
        order: Order<'_>,
    ) -> Result<(), ProviderError> {
        match provider {
            ProviderId::StudioCanvas => Ok(()),
            ProviderId::OpenAi => {
                let unpaid = |source| ProviderError::Draw { source, credits: 0 };
                self.canvas.can_draw(order.job).map_err(unpaid)?;
                Ok(self.openai.prepare().await?)
            }
            ProviderId::ElevenLabs => Ok(self.vendors.elevenlabs.prepare().await?),
            ProviderId::Runway => Ok(self.vendors.runway.prepare().await?),
            ProviderId::Polly => Ok(()),
        }
    }

    /// Asks `provider` once for the media of `order`.
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
                let drawn = self.draw(order, None, "studio-canvas".to_owned(), 0)?;
                Ok(Answer::Done(drawn))
            }
            ProviderId::OpenAi => {
                let Art { png, credits } = self.openai.paint(order.job).await?;
                let mut drawn = self.draw(order, Some(&png), self.openai.made_by(), credits)?;
                drawn.painting = Some(png);
                Ok(Answer::Done(drawn))
            }
            ProviderId::ElevenLabs => self.vendors.elevenlabs.make(order.job, order.voice).await,
            ProviderId::Runway => Ok(self.vendors.runway.submit(order.job).await?),
            ProviderId::Polly => Ok(self.vendors.polly.submit(order).await?),
        }
    }

    /// What `provider` is asked for if it paints a picture for `job` that the canvas draws over: the
    /// same request, and so as good a picture. `None` if it paints none.
    #[must_use]
    pub fn painting_request(&self, provider: ProviderId, job: &Job) -> Option<String> {
        match provider {
            ProviderId::OpenAi => Some(self.openai.wanted_for(job).to_string()),
            ProviderId::StudioCanvas
            | ProviderId::ElevenLabs
            | ProviderId::Runway
            | ProviderId::Polly => None,
        }
    }

    /// Draws the order's asset over `painting`, the PNG that the vendor made on an equal request
    /// before. It costs nothing.
    ///
    /// # Errors
    /// A [`ProviderError`].
    pub fn draw_over(&self, order: Order<'_>, painting: &[u8]) -> Result<Media, ProviderError> {
        let drawn = self.draw(order, Some(painting), self.openai.made_by(), 0)?;
        Ok(*drawn)
    }

    /// Draws the order's asset, over the picture `art` if there is one (made by `made_by` for
    /// `credits`).
    fn draw(
        &self,
        order: Order<'_>,
        art: Option<&[u8]>,
        made_by: String,
        credits: u64,
    ) -> Result<Box<Media>, ProviderError> {
        match self.canvas.draw(order.job, order.logo, art) {
            Ok(picture) => Ok(drawn(picture, made_by, credits)),
            Err(DrawError::Art(error)) => {
                let detail = format!("the picture of {made_by} cannot be used: {error}");
                let refused = Refused {
                    credits,
                    ..Refused::new(Refusal::OutcomeUnknown, detail)
                };
                Err(refused.into())
            }
            Err(source @ (DrawError::Title(_) | DrawError::Canvas(_))) => {
                Err(ProviderError::Draw { source, credits })
            }
        }
    }

    /// The key of the file that `provider` itself wrote into our bucket for the ticket, in the
    /// folder of the job's files; `None` for a provider that does not write there. The asset is a
    /// copy of that file.
    #[must_use]
    pub fn original(provider: ProviderId, folder: &str, ticket: &str) -> Option<String> {
        match provider {
            ProviderId::Polly => Some(polly::object_key(folder, ticket)),
            ProviderId::StudioCanvas
            | ProviderId::OpenAi
            | ProviderId::ElevenLabs
            | ProviderId::Runway => None,
        }
    }

    /// The shortest and the longest pause between two polls of `provider`, in seconds.
    #[must_use]
    pub fn poll_seconds(provider: ProviderId) -> (u32, u32) {
        match provider {
            // Runway asks for at least 5 s.
            ProviderId::Runway => (6, 60),
            ProviderId::StudioCanvas
            | ProviderId::OpenAi
            | ProviderId::ElevenLabs
            | ProviderId::Polly => (3, 30),
        }
    }
}
