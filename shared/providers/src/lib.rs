//! Who makes media: one concrete client a file, and an enum over them. The set is closed and ours, so it is no trait.

mod studio_canvas;

use canvas::LogoError;
use jobs::Job;

pub use canvas::Logo;
pub use studio_canvas::StudioCanvas;

/// What a provider is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The job.
    pub job: &'a Job,
    /// The brand's logo, if the job's configuration names one: a PNG file.
    pub logo: Option<&'a [u8]>,
}

/// A provider.
#[derive(Debug)]
pub enum Provider {
    /// The embedded renderer.
    StudioCanvas(StudioCanvas),
}

/// What a provider says when it is asked.
#[derive(Debug)]
pub enum Answer {
    /// The media is made.
    Done(Media),
    /// It will be: ask again with the ticket, no sooner than after `poll_after_seconds`.
    Pending {
        /// What to ask with.
        ticket: String,
        /// Seconds to wait.
        poll_after_seconds: u32,
    },
}

/// A made asset.
#[derive(Debug)]
pub struct Media {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type, such as `image/png`.
    pub content_type: &'static str,
    /// Credits that making it used.
    pub credits: u64,
}

/// Why a provider does not make it.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The content cannot be made into media as it is.
    #[error("the text or the colours cannot be drawn")]
    Draw(#[from] canvas::RenderError),
    /// The brand's logo cannot be drawn.
    #[error(transparent)]
    Logo(#[from] LogoError),
}

impl Provider {
    /// The name that events carry.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::StudioCanvas(_) => jobs::STUDIO_CANVAS,
        }
    }

    /// Asks for the media of `order`.
    ///
    /// # Errors
    /// A [`ProviderError`].
    pub async fn submit(&self, order: Order<'_>) -> Result<Answer, ProviderError> {
        match self {
            Self::StudioCanvas(canvas) => canvas.draw(order).map(Answer::Done),
        }
    }

    /// Asks again, with the `ticket` of an earlier answer.
    ///
    /// # Errors
    /// A [`ProviderError`].
    pub async fn poll(&self, order: Order<'_>, ticket: Option<&str>) -> Result<Answer, ProviderError> {
        match (self, ticket) {
            // The canvas answers at once and gives no tickets: whoever asks again was interrupted, and the same drawing costs
            // nothing.
            (Self::StudioCanvas(canvas), _) => canvas.draw(order).map(Answer::Done),
        }
    }
}
