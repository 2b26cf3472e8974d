//! The providers of media, and the order in which they are asked.

use std::{fmt, str::FromStr};

use contract::{AssetKind, MediaType, VoiceModelId};
use serde::{Deserialize, Serialize};
use strum::{EnumCount, VariantArray};

/// A provider of media. The set is closed, because each provider needs its own client.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumCount,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderId {
    /// The embedded renderer: images, free of charge.
    StudioCanvas,
    /// OpenAI Images, directly or on Azure: the picture beneath an image's text.
    #[serde(rename = "openai")]
    OpenAi,
    /// ElevenLabs: speech, and cloned voices.
    #[serde(rename = "elevenlabs")]
    ElevenLabs,
    /// Runway: video.
    Runway,
    /// Amazon Polly: speech.
    Polly,
}

impl ProviderId {
    /// Every provider.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// Its name in configuration, in the table and, with the model after a slash, in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StudioCanvas => "studio-canvas",
            Self::OpenAi => "openai",
            Self::ElevenLabs => "elevenlabs",
            Self::Runway => "runway",
            Self::Polly => "polly",
        }
    }

    /// The media type that it makes.
    #[must_use]
    pub fn media_type(self) -> MediaType {
        match self {
            Self::StudioCanvas | Self::OpenAi => MediaType::Image,
            Self::Runway => MediaType::Video,
            Self::ElevenLabs | Self::Polly => MediaType::Audio,
        }
    }

    /// Whether it paints pictures that the canvas draws over.
    #[must_use]
    pub fn paints(self) -> bool {
        match self {
            Self::OpenAi => true,
            Self::StudioCanvas | Self::ElevenLabs | Self::Runway | Self::Polly => false,
        }
    }

    /// Whether it clones voices.
    #[must_use]
    pub fn clones_voices(self) -> bool {
        match self {
            Self::ElevenLabs => true,
            Self::StudioCanvas | Self::OpenAi | Self::Runway | Self::Polly => false,
        }
    }

    /// Whether a call costs money. Paid calls are stored before they are sent, and stay within the
    /// concurrency limits.
    #[must_use]
    pub fn is_paid(self) -> bool {
        match self {
            Self::StudioCanvas => false,
            Self::OpenAi | Self::ElevenLabs | Self::Runway | Self::Polly => true,
        }
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderId {
    type Err = RoutingError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str() == name)
            .ok_or_else(|| RoutingError::Unknown(name.to_owned()))
    }
}

/// The providers for each media type, in order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRouting {
    image: Vec<ProviderId>,
    video: Vec<ProviderId>,
    audio: Vec<ProviderId>,
}

/// A list of providers that is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    /// There is no provider of this name.
    #[error("there is no provider `{0}`; there are {names}", names = ProviderId::ALL.map(ProviderId::as_str).join(", "))]
    Unknown(String),
    /// The provider makes another media type.
    #[error("`{provider}` makes {made:?}, not {asked:?}")]
    MakesAnother {
        /// The provider.
        provider: ProviderId,
        /// The media type that it makes.
        made: MediaType,
        /// The media type that it was listed for.
        asked: MediaType,
    },
    /// The provider is listed twice for one media type.
    #[error("`{0}` is named twice")]
    Twice(ProviderId),
}

impl Default for ProviderRouting {
    /// The embedded canvas for images, no provider for video and audio.
    fn default() -> Self {
        Self {
            image: vec![ProviderId::StudioCanvas],
            video: Vec::new(),
            audio: Vec::new(),
        }
    }
}

impl ProviderRouting {
    /// Parses three comma-separated lists of names, in order of preference. An empty list means no
    /// provider; for images it means the embedded canvas.
    ///
    /// # Errors
    /// A [`RoutingError`].
    pub fn parse(image: &str, video: &str, audio: &str) -> Result<Self, RoutingError> {
        let mut routing = Self {
            image: list(image, MediaType::Image)?,
            video: list(video, MediaType::Video)?,
            audio: list(audio, MediaType::Audio)?,
        };
        if routing.image.is_empty() {
            routing.image.push(ProviderId::StudioCanvas);
        }
        Ok(routing)
    }

    /// The providers for `asset`, in order of preference. A kind without an illustration always
    /// goes to the canvas, because it needs no generated picture.
    #[must_use]
    pub fn of(&self, asset: AssetKind) -> &[ProviderId] {
        match asset.media_type() {
            MediaType::Image if !asset.is_illustrated() => &[ProviderId::StudioCanvas],
            MediaType::Image => &self.image,
            MediaType::Video => &self.video,
            MediaType::Audio => &self.audio,
        }
    }

    /// The providers to ask for `asset`, in order of preference. What the cloned `voice` is to speak
    /// is for those that clone voices: no other has it.
    pub fn to_ask(
        &self,
        asset: AssetKind,
        voice: Option<VoiceModelId>,
    ) -> impl Iterator<Item = ProviderId> {
        let providers = self.of(asset).iter().copied();
        providers.filter(move |provider| voice.is_none() || provider.clones_voices())
    }

    /// All listed providers, each once.
    pub fn all(&self) -> impl Iterator<Item = ProviderId> {
        self.image
            .iter()
            .chain(&self.video)
            .chain(&self.audio)
            .copied()
    }
}

fn list(names: &str, asked: MediaType) -> Result<Vec<ProviderId>, RoutingError> {
    let mut providers = Vec::new();
    for name in names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let provider: ProviderId = name.parse()?;
        let made = provider.media_type();
        if made != asked {
            return Err(RoutingError::MakesAnother {
                provider,
                made,
                asked,
            });
        }
        if providers.contains(&provider) {
            return Err(RoutingError::Twice(provider));
        }
        providers.push(provider);
    }
    Ok(providers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_each_provider_once_for_what_it_makes() {
        let routing = ProviderRouting::parse("openai, studio-canvas", "runway", "").unwrap();
        assert_eq!(
            routing.of(AssetKind::Poster),
            [ProviderId::OpenAi, ProviderId::StudioCanvas]
        );
        assert_eq!(
            routing.of(AssetKind::Invitation),
            [ProviderId::StudioCanvas],
            "it is all text"
        );
        assert_eq!(routing.of(AssetKind::Video), [ProviderId::Runway]);
        assert!(routing.of(AssetKind::AudioSpot).is_empty());
        assert_eq!(
            ProviderRouting::parse("", "", "").unwrap(),
            ProviderRouting::default()
        );

        let wrong = |image, audio| {
            ProviderRouting::parse(image, "", audio)
                .unwrap_err()
                .to_string()
        };
        assert!(
            wrong("dalle", "")
                .starts_with("there is no provider `dalle`; there are studio-canvas, openai")
        );
        assert_eq!(wrong("", "runway"), "`runway` makes Video, not Audio");
        assert_eq!(wrong("", "polly,polly"), "`polly` is named twice");
    }
}
