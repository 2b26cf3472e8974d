//! The settings of the vendors: addresses, models, sizes, prices and limits.
//! `infra/providers.schema.json` describes the same settings.

use contract::CloningMethod;
use domain::{Caps, ProviderId};
use serde::Deserialize;

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
    /// The model for speech.
    pub model: String,
    /// The id of the voice that speaks.
    pub voice: String,
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
    pub voice: String,
    pub engine: String,
    /// Credits for a million characters.
    pub credits_per_million_characters: u64,
    pub in_flight: InFlight,
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
            voice: "21m00Tcm4TlvDq8ikWAM".to_owned(),
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

impl Default for PollySettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            voice: "Kajal".to_owned(),
            engine: "neural".to_owned(),
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
        let voice = &self.elevenlabs.voice;
        if voice.is_empty() || !voice.chars().all(|c| c.is_ascii_alphanumeric()) {
            let expected = "a voice id: letters and digits";
            return Err(wrong("elevenlabs.voice", voice, expected));
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
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn missing_settings_have_their_defaults() {
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
        let settings =
            Settings::parse(r#"{"runway":{"seconds":8,"baseUrl":"https://runway.example/v1/"}}"#)
                .unwrap();
        assert_eq!(
            (settings.runway.seconds, settings.runway.base_url.as_str()),
            (8, "https://runway.example/v1")
        );
        assert_eq!(settings.openai, OpenAiSettings::default());
    }

    #[test]
    fn an_invalid_setting_is_refused_by_name() {
        for (json, part) in [
            ("{", "EOF"),
            (r#"{"opnai":{}}"#, "unknown field `opnai`"),
            (r#"{"openai":{"key":"sk-1"}}"#, "unknown field `key`"),
            (r#"{"openai":{"quality":"best"}}"#, "unknown variant `best`"),
            (
                r#"{"openai":{"baseUrl":"http://openai.example"}}"#,
                "openai.baseUrl is `http://openai.example`; it must be an https:// address",
            ),
            (
                r#"{"runway":{"seconds":11}}"#,
                "runway.seconds is `11`; it must be 2 to 10",
            ),
            (
                r#"{"runway":{"outputHosts":["https://runway.example"]}}"#,
                "runway.outputHosts is `https://runway.example`; it must be one or more names of hosts",
            ),
            (
                r#"{"elevenlabs":{"voice":"../user"}}"#,
                "elevenlabs.voice is `../user`",
            ),
            (
                r#"{"elevenlabs":{"spot":"opera"}}"#,
                "unknown variant `opera`",
            ),
            (
                r#"{"elevenlabs":{"seconds":31}}"#,
                "elevenlabs.seconds is `31`; it must be 3 to 30",
            ),
            (
                r#"{"elevenlabs":{"voices":{"sampleMegabytes":0}}}"#,
                "elevenlabs.voices.sampleMegabytes is `0`",
            ),
            (
                r#"{"polly":{"inFlight":{"all":0,"perTenant":1}}}"#,
                "polly.inFlight is `0 and 1`",
            ),
        ] {
            let error = Settings::parse(json).unwrap_err();
            let text = match &error {
                SettingsError::Form(source) => source.to_string(),
                other => other.to_string(),
            };
            assert!(text.contains(part), "{json}: {text}");
        }
    }

    #[test]
    fn a_retired_model_is_replaced() {
        let settings = Settings::parse(r#"{"openai":{"model":"dall-e-3"}}"#).unwrap();
        assert_eq!(settings.openai.model, "gpt-image-2");
    }

    /// The schema of the settings, which holds each default.
    fn schema() -> Value {
        serde_json::from_str(include_str!("../../../infra/providers.schema.json")).unwrap()
    }

    #[test]
    fn the_schema_has_the_settings_of_every_vendor() {
        let schema = schema();
        let described: BTreeSet<&str> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let vendors = ProviderId::ALL
            .into_iter()
            .filter(|provider| provider.is_paid());
        assert_eq!(described, vendors.map(ProviderId::as_str).collect());
    }

    fn defaults_of(schema: &Value) -> Value {
        let properties = schema["properties"].as_object().unwrap();
        let default = |property: &Value| match property.get("default") {
            Some(default) => default.clone(),
            None => defaults_of(property),
        };
        Value::Object(
            properties
                .iter()
                .map(|(name, property)| (name.clone(), default(property)))
                .collect(),
        )
    }

    #[test]
    fn the_schemas_defaults_are_the_codes() {
        let defaults = defaults_of(&schema());
        assert!(jsonschema::is_valid(&schema(), &defaults));
        assert_eq!(
            Settings::parse(&defaults.to_string()).unwrap(),
            Settings::default()
        );
    }

    #[test]
    fn the_schema_refuses_what_the_code_refuses() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        for wrong in [
            r#"{"opnai":{}}"#,
            r#"{"openai":{"key":"sk-1"}}"#,
            r#"{"openai":{"quality":"best"}}"#,
            r#"{"openai":{"baseUrl":"http://openai.example"}}"#,
            r#"{"runway":{"seconds":11}}"#,
            r#"{"runway":{"outputHosts":[]}}"#,
            r#"{"runway":{"outputHosts":["https://runway.example"]}}"#,
            r#"{"elevenlabs":{"voice":"../user"}}"#,
            r#"{"elevenlabs":{"spot":"opera"}}"#,
            r#"{"elevenlabs":{"seconds":31}}"#,
            r#"{"elevenlabs":{"voices":{"sampleMegabytes":0}}}"#,
            r#"{"elevenlabs":{"voices":{"instantSeconds":3601}}}"#,
            r#"{"elevenlabs":{"voices":{"key":"sk-1"}}}"#,
            r#"{"polly":{"inFlight":{"all":0,"perTenant":1}}}"#,
        ] {
            assert!(Settings::parse(wrong).is_err(), "{wrong}");
            assert!(
                !schema.is_valid(&serde_json::from_str(wrong).unwrap()),
                "{wrong}"
            );
        }
    }
}
