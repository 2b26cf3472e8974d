//! The settings of the vendors: addresses, models, sizes, prices and limits.
//! `infra/providers.schema.json` describes the same settings.

use aws_sdk_polly::types::{Engine, LanguageCode, VoiceId};
use contract::{AssetKind, CloningMethod, Locale};
use domain::{Caps, ProviderId, ProviderRouting, RoutingError};
use serde::Deserialize;

use crate::speakers::Speakers;

/// The settings of all vendors. A missing setting has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    pub(crate) openai: OpenAiSettings,
    pub(crate) elevenlabs: ElevenLabsSettings,
    pub(crate) runway: RunwaySettings,
    pub(crate) polly: PollySettings,
}

/// The concurrency limits of a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InFlight {
    all: usize,
    per_tenant: usize,
}

/// OpenAI Images, or the same API on Azure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OpenAiSettings {
    pub base_url: String,
    /// The header for the key: `authorization` (with `Bearer`), or Azure's `api-key`.
    pub key_header: KeyHeader,
    /// Azure's `api-version`.
    pub api_version: Option<String>,
    pub model: String,
    pub quality: Quality,
    /// Credits for a picture, by quality.
    pub credits: QualityCredits,
    pub in_flight: InFlight,
}

/// The header that carries a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyHeader {
    Authorization,
    ApiKey,
}

/// The quality that OpenAI is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Quality {
    Low,
    Medium,
    High,
}

impl Quality {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Credits for a picture of 1024 × 1536 pixels; another size costs in proportion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct QualityCredits {
    pub low: u64,
    pub medium: u64,
    pub high: u64,
}

/// ElevenLabs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ElevenLabsSettings {
    pub base_url: String,
    /// What kind of audio a spot is.
    pub spot: Spot,
    /// The model for speech, if a voice has none of its own.
    pub model: String,
    /// Who speaks which language. There is no default: the vendor's own voices come and go.
    pub speakers: Speakers<ElevenLabsVoice>,
    /// The model for sounds.
    pub sound_model: String,
    /// The model for music.
    pub music_model: String,
    /// The length of sounds and music, 3 to 30 seconds.
    pub seconds: u8,
    /// Credits for a thousand characters, as the vendor counts them.
    pub credits_per_thousand_characters: u64,
    /// Cloned voices.
    pub voices: VoiceSettings,
    pub in_flight: InFlight,
}

/// A voice of ElevenLabs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ElevenLabsVoice {
    /// Its id.
    pub voice: String,
    /// The model that it speaks with.
    pub model: Option<String>,
}

/// Settings of cloned voices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VoiceSettings {
    /// The model to train.
    pub model: String,
    /// Credits for an instant voice, if the vendor does not report its cost.
    pub instant_credits: u64,
    /// Credits for a professional voice, if the vendor does not report its cost.
    pub professional_credits: u64,
    /// The longest total length of an instant voice's samples, in seconds.
    pub instant_seconds: u32,
    /// The longest total length of a professional voice's samples, in seconds.
    pub professional_seconds: u32,
    /// The largest size of one sample, in megabytes (of a million bytes).
    pub sample_megabytes: u32,
}

/// The kinds of audio that ElevenLabs can make for a spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Spot {
    /// The facts, spoken.
    Speech,
    /// The sounds of the place.
    Sound,
    /// Music without words.
    Music,
}

/// Runway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RunwaySettings {
    pub base_url: String,
    pub model: String,
    /// The length of a video, 2 to 10 seconds.
    pub seconds: u8,
    /// The hosts from which finished videos are fetched.
    pub output_hosts: Vec<String>,
    /// Our credits for each of the vendor's credits.
    pub credits_per_credit: u64,
    pub in_flight: InFlight,
}

/// Amazon Polly.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PollySettings {
    /// The endpoint, if it is not the region's.
    pub endpoint: Option<String>,
    /// Who speaks which language.
    pub speakers: Speakers<PollyVoice>,
    /// Credits for a million characters.
    pub credits_per_million_characters: u64,
    pub in_flight: InFlight,
}

/// A voice of Polly's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PollyVoice {
    /// Its id.
    pub voice: String,
    /// The engine that it speaks with: `neural` if none is named.
    #[serde(default = "neural")]
    pub engine: String,
    /// Polly's code of the language, where that is not the tag: `arb` for `ar`.
    pub language: Option<String>,
}

fn neural() -> String {
    "neural".to_owned()
}

impl Default for OpenAiSettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            key_header: KeyHeader::Authorization,
            api_version: None,
            model: IMAGE_MODEL.to_owned(),
            quality: Quality::Medium,
            credits: QualityCredits {
                low: 1,
                medium: 5,
                high: 20,
            },
            in_flight: InFlight {
                all: 10,
                per_tenant: 3,
            },
        }
    }
}

impl Default for ElevenLabsSettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.elevenlabs.io/v1".to_owned(),
            spot: Spot::Speech,
            model: "eleven_multilingual_v2".to_owned(),
            speakers: Speakers::default(),
            sound_model: "eleven_text_to_sound_v2".to_owned(),
            music_model: "music_v1".to_owned(),
            seconds: 15,
            credits_per_thousand_characters: 30,
            voices: VoiceSettings::default(),
            in_flight: InFlight {
                all: 5,
                per_tenant: 2,
            },
        }
    }
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            model: "eleven_multilingual_v2".to_owned(),
            instant_credits: 50,
            professional_credits: 500,
            instant_seconds: 300,
            professional_seconds: 3 * 60 * 60,
            sample_megabytes: 100,
        }
    }
}

impl Default for RunwaySettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.dev.runwayml.com/v1".to_owned(),
            model: "gen4.5".to_owned(),
            seconds: 5,
            output_hosts: vec!["dnznrvs05pmza.cloudfront.net".to_owned()],
            credits_per_credit: 1,
            in_flight: InFlight {
                all: 4,
                per_tenant: 2,
            },
        }
    }
}

/// A voice that speaks English and Hindi.
fn kajal() -> PollyVoice {
    PollyVoice {
        voice: "Kajal".to_owned(),
        engine: neural(),
        language: None,
    }
}

impl Default for PollySettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            speakers: ["en-IN", "hi-IN"]
                .into_iter()
                .filter_map(|tag| Some((Locale::parse(tag)?, kajal())))
                .collect(),
            credits_per_million_characters: 1600,
            in_flight: InFlight {
                all: 10,
                per_tenant: 5,
            },
        }
    }
}

/// The limits on the samples of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoiceLimits {
    /// The longest total length, in milliseconds.
    pub milliseconds_in_all: u64,
    /// The largest size of one sample, in bytes.
    pub bytes_each: u64,
}

/// Used instead of `dall-e-2` and `dall-e-3`, if a setting still names one. The vendor retired
/// `dall-e-3` in May 2026.
const IMAGE_MODEL: &str = "gpt-image-2";

/// Runway's models that do not make videos of 1280 × 720 pixels.
const WITHOUT_OUR_RATIOS: [&str; 7] = [
    "klingO3_4k",
    "klingO3_pro",
    "kling3.0_4k",
    "kling3.0_pro",
    "hailuo3",
    "h3_max",
    "grok_imagine_1_5",
];

/// The settings are invalid.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// They are not JSON of the right shape.
    #[error("the settings of the providers (PROVIDER_SETTINGS): {0}")]
    Form(#[source] serde_json::Error),
    /// A value is out of range.
    #[error(
        "the settings of the providers (PROVIDER_SETTINGS): {name} is `{value}`; it must be {expected}"
    )]
    Value {
        /// The setting.
        name: String,
        /// Its value.
        value: String,
        /// The allowed values.
        expected: &'static str,
    },
    /// A list of providers is invalid.
    #[error("the list of providers")]
    Routing(#[from] RoutingError),
    /// The HTTP client cannot be built.
    #[error("building the HTTP client of the providers")]
    Http(#[source] reqwest::Error),
}

fn wrong(name: &str, value: &impl ToString, expected: &'static str) -> SettingsError {
    SettingsError::Value {
        name: name.to_owned(),
        value: value.to_string(),
        expected,
    }
}

/// Refuses what Polly does not have. Source: the SDK's lists of voices, engines and languages.
fn check_polly(tag: &Locale, speaker: &PollyVoice) -> Result<(), SettingsError> {
    let name = |field: &str| format!("polly.speakers.{}{field}", tag.as_str());
    let PollyVoice { voice, engine, .. } = speaker;
    if !Engine::values().contains(&engine.as_str()) {
        let expected = "standard, neural, long-form or generative";
        return Err(wrong(&name(".engine"), engine, expected));
    }
    // Voices that were made of recordings have ids of their own, and speak with this engine only
    // ("Synthesizing speech with a custom voice" in Polly's developer guide).
    let is_own = voice.starts_with("vc-");
    if is_own && engine != "generative" {
        let expected = "generative with a voice that was made of recordings";
        return Err(wrong(&name(".engine"), engine, expected));
    }
    if !is_own && !VoiceId::values().contains(&voice.as_str()) {
        let expected = "a voice of Polly's, such as Kajal";
        return Err(wrong(&name(".voice"), voice, expected));
    }
    let language = speaker.language_code(tag);
    if !LanguageCode::values().contains(&language) {
        let expected =
            "one of Polly's language codes, such as hi-IN, or have one as its `language`";
        return Err(wrong(&name(""), &language, expected));
    }
    Ok(())
}

impl PollyVoice {
    /// Polly's code of the language that it is set for by `tag`.
    pub fn language_code<'a>(&'a self, tag: &'a Locale) -> &'a str {
        self.language.as_deref().unwrap_or(tag.as_str())
    }
}

impl Settings {
    /// Parses settings. An empty text means the defaults.
    ///
    /// # Errors
    /// A [`SettingsError`] that names the setting.
    pub fn parse(json: &str) -> Result<Self, SettingsError> {
        let json = if json.trim().is_empty() { "{}" } else { json };
        let mut settings: Self = serde_json::from_str(json).map_err(SettingsError::Form)?;
        settings.check_addresses()?;
        settings.check_output_hosts()?;
        settings.check_lengths()?;
        settings.check_voices()?;
        settings.check_in_flight()?;
        settings.replace_retired_model();
        settings.check_models()?;
        Ok(settings)
    }

    /// Refuses an address without TLS, and cuts the slash at the end of each.
    fn check_addresses(&mut self) -> Result<(), SettingsError> {
        for provider in ProviderId::ALL {
            let Some(url) = self.base_url(provider) else {
                continue;
            };
            let own_machine = url.starts_with("http://127.0.0.1:");
            if !(url.starts_with("https://") || own_machine) || reqwest::Url::parse(url).is_err() {
                let name = format!("{provider}.baseUrl");
                return Err(wrong(&name, url, "an https:// address"));
            }
            *url = url.trim_end_matches('/').to_owned();
        }
        Ok(())
    }

    fn check_output_hosts(&self) -> Result<(), SettingsError> {
        let hosts = &self.runway.output_hosts;
        let is_host = |host: &String| {
            let is_of_it = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-');
            !host.is_empty() && host.chars().all(is_of_it)
        };
        if hosts.is_empty() || !hosts.iter().all(is_host) {
            let expected = "one or more names of hosts, in lower case";
            return Err(wrong("runway.outputHosts", &hosts.join(", "), expected));
        }
        Ok(())
    }

    fn check_lengths(&self) -> Result<(), SettingsError> {
        let video = self.runway.seconds;
        if !(2..=10).contains(&video) {
            return Err(wrong("runway.seconds", &video, "2 to 10"));
        }
        let spot = self.elevenlabs.seconds;
        if !(3..=30).contains(&spot) {
            return Err(wrong("elevenlabs.seconds", &spot, "3 to 30"));
        }
        Ok(())
    }

    fn check_voices(&self) -> Result<(), SettingsError> {
        for (language, ElevenLabsVoice { voice, .. }) in self.elevenlabs.speakers.iter() {
            if voice.is_empty() || !voice.chars().all(|c| c.is_ascii_alphanumeric()) {
                let name = format!("elevenlabs.speakers.{}.voice", language.as_str());
                return Err(wrong(&name, voice, "a voice id: letters and digits"));
            }
        }
        let voices = &self.elevenlabs.voices;
        for (name, value, most) in [
            (
                "elevenlabs.voices.instantSeconds",
                voices.instant_seconds,
                3600,
            ),
            (
                "elevenlabs.voices.professionalSeconds",
                voices.professional_seconds,
                86_400,
            ),
            (
                "elevenlabs.voices.sampleMegabytes",
                voices.sample_megabytes,
                1000,
            ),
        ] {
            if !(1..=most).contains(&value) {
                let expected = "at least 1, and what the schema allows";
                return Err(wrong(name, &value, expected));
            }
        }
        Ok(())
    }

    fn check_in_flight(&self) -> Result<(), SettingsError> {
        for provider in ProviderId::ALL {
            let Some(limits) = self.in_flight(provider) else {
                continue;
            };
            if limits.all == 0 || limits.per_tenant == 0 || limits.all > 500 {
                let name = format!("{provider}.inFlight");
                let value = format!("{} and {}", limits.all, limits.per_tenant);
                let expected = "1 to 500 in all, and at least 1 for a tenant";
                return Err(wrong(&name, &value, expected));
            }
        }
        Ok(())
    }

    /// Refuses what a vendor would refuse at every job: a model that does not make what is asked of it.
    /// Sources: the SDKs' types of each model's ratios, lengths and sizes (runwayml 5.24.0, openai
    /// 3.57.0), and the SDK's list of Polly's voices.
    fn check_models(&self) -> Result<(), SettingsError> {
        let RunwaySettings { model, seconds, .. } = &self.runway;
        if WITHOUT_OUR_RATIOS.contains(&model.as_str()) {
            let expected = "a model that makes 1280:720 and 720:1280, such as gen4.5";
            return Err(wrong("runway.model", model, expected));
        }
        let (lengths, expected): (&[u8], _) = match model.as_str() {
            "veo3.1" | "veo3.1_fast" => (&[4, 6, 8], "4, 6 or 8 with this model"),
            "kling2.5" => (&[5, 10], "5 or 10 with this model"),
            _ => (&[], ""),
        };
        if !lengths.is_empty() && !lengths.contains(seconds) {
            return Err(wrong("runway.seconds", seconds, expected));
        }
        let model = &self.openai.model;
        if model == "gpt-image-1" || model.starts_with("gpt-image-1-") || model == "gpt-image-1.5" {
            let expected = "a model that makes pictures of any size, such as gpt-image-2";
            return Err(wrong("openai.model", model, expected));
        }
        for (tag, speaker) in self.polly.speakers.iter() {
            check_polly(tag, speaker)?;
        }
        Ok(())
    }

    /// As [`check_routing`](Self::check_routing), for the audio providers with these names, separated
    /// by commas.
    ///
    /// # Errors
    /// A [`SettingsError`].
    pub fn check_audio_providers(&self, names: &str) -> Result<(), SettingsError> {
        self.check_routing(&ProviderRouting::parse("", "", names)?)
    }

    /// Refuses providers that can make nothing with these settings: ElevenLabs for spoken spots
    /// without a voice.
    ///
    /// # Errors
    /// A [`SettingsError`] that names the setting.
    pub fn check_routing(&self, routing: &ProviderRouting) -> Result<(), SettingsError> {
        let elevenlabs = &self.elevenlabs;
        let speaks = elevenlabs.spot == Spot::Speech
            && routing
                .of(AssetKind::AudioSpot)
                .contains(&ProviderId::ElevenLabs);
        if speaks && elevenlabs.speakers.iter().next().is_none() {
            let expected = "a voice for each language, such as {\"en\": {\"voice\": \"<id>\"}}, because \
                            ElevenLabs is an audio provider; look the ids up in its voice library";
            return Err(wrong("elevenlabs.speakers", &"{}", expected));
        }
        Ok(())
    }

    fn replace_retired_model(&mut self) {
        if matches!(self.openai.model.as_str(), "dall-e-3" | "dall-e-2") {
            tracing::warn!(
                configured = self.openai.model,
                now = IMAGE_MODEL,
                "the model is retired; another one is asked"
            );
            IMAGE_MODEL.clone_into(&mut self.openai.model);
        }
    }

    /// The limits on the samples of a voice that is cloned by `method`.
    #[must_use]
    pub fn voice_limits(&self, method: CloningMethod) -> VoiceLimits {
        let voices = &self.elevenlabs.voices;
        let seconds = match method {
            CloningMethod::Instant => voices.instant_seconds,
            CloningMethod::Professional => voices.professional_seconds,
        };
        VoiceLimits {
            milliseconds_in_all: u64::from(seconds) * 1000,
            bytes_each: u64::from(voices.sample_megabytes) * 1_000_000,
        }
    }

    /// The concurrency limits of `provider`; `None` means no limit.
    #[must_use]
    pub fn caps(&self, provider: ProviderId) -> Option<Caps> {
        self.in_flight(provider).map(|limits| Caps {
            in_flight: limits.all,
            per_tenant: limits.per_tenant,
        })
    }

    /// The concurrency limits of a vendor; `None` for the canvas.
    fn in_flight(&self, provider: ProviderId) -> Option<InFlight> {
        match provider {
            ProviderId::StudioCanvas => None,
            ProviderId::OpenAi => Some(self.openai.in_flight),
            ProviderId::ElevenLabs => Some(self.elevenlabs.in_flight),
            ProviderId::Runway => Some(self.runway.in_flight),
            ProviderId::Polly => Some(self.polly.in_flight),
        }
    }

    /// The address of a vendor; `None` for the canvas, and for Polly, which AWS's SDK finds.
    fn base_url(&mut self, provider: ProviderId) -> Option<&mut String> {
        match provider {
            ProviderId::StudioCanvas | ProviderId::Polly => None,
            ProviderId::OpenAi => Some(&mut self.openai.base_url),
            ProviderId::ElevenLabs => Some(&mut self.elevenlabs.base_url),
            ProviderId::Runway => Some(&mut self.runway.base_url),
        }
    }
}

#[cfg(test)]
mod tests;
