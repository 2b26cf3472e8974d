//! The completion function's own configuration, read from the environment once.

use domain::{ProviderId, RoutingError};
use providers::{Keys, Settings, SettingsError};
use runtime::{ConfigError, names, number, optional, variable};

/// The providers of the completion function, and the buckets of voices. `drawing` knows those of
/// assets.
#[derive(Debug)]
pub(crate) struct Config {
    /// The provider that clones voices: `VOICE_PROVIDER`; empty for none.
    pub voice_provider: Option<ProviderId>,
    /// The buckets that voice samples may be read from: `VOICE_BUCKETS`, comma-separated; empty for
    /// none.
    pub voice_buckets: Vec<String>,
    /// How many jobs of one tenant may wait for vendors or be made by them: `MOST_OPEN_JOBS`; 0 for
    /// any number.
    pub most_open_jobs: usize,
    /// For how many seconds a job waits for vendors that are all in trouble before it fails:
    /// `VENDOR_PATIENCE_SECONDS`; 0 for not at all.
    pub vendor_patience_seconds: u32,
    /// The settings of the vendors: `PROVIDER_SETTINGS`, JSON as `infra/providers.schema.json`
    /// describes it; empty for the defaults.
    pub providers: Settings,
    /// The prefix of the vendors' keys in Secrets Manager: `SECRETS_PREFIX`.
    pub keys: Keys,
    /// The queue of the messages whose function died too often: `RENDER_DEAD_LETTER_QUEUE_URL`.
    pub dead_letter_queue: queue::Config,
}

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Environment(#[from] ConfigError),
    #[error(transparent)]
    Providers(#[from] SettingsError),
    #[error("the environment variable VOICE_PROVIDER")]
    Voice(#[source] RoutingError),
    #[error(
        "the environment variable VOICE_PROVIDER is `{0}`, which clones no voices; it must be {cloners}, or empty",
        cloners = cloners().join(" or ")
    )]
    ClonesNone(ProviderId),
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, StartError> {
        Ok(Self {
            voice_provider: voice_provider(&optional("VOICE_PROVIDER"))?,
            voice_buckets: names("VOICE_BUCKETS"),
            most_open_jobs: number("MOST_OPEN_JOBS", "a whole number; 0 for any")?,
            vendor_patience_seconds: number(
                "VENDOR_PATIENCE_SECONDS",
                "a whole number of seconds; 0 for no wait",
            )?,
            providers: Settings::parse(&optional("PROVIDER_SETTINGS"))?,
            keys: Keys::Secrets {
                prefix: variable("SECRETS_PREFIX")?,
            },
            dead_letter_queue: queue::Config {
                url: variable("RENDER_DEAD_LETTER_QUEUE_URL")?,
            },
        })
    }
}

/// The providers that clone voices.
fn cloners() -> Vec<&'static str> {
    ProviderId::ALL
        .into_iter()
        .filter(|provider| provider.clones_voices())
        .map(ProviderId::as_str)
        .collect()
}

fn voice_provider(name: &str) -> Result<Option<ProviderId>, StartError> {
    if name.is_empty() {
        return Ok(None);
    }
    let provider: ProviderId = name.parse().map_err(StartError::Voice)?;
    if provider.clones_voices() {
        Ok(Some(provider))
    } else {
        Err(StartError::ClonesNone(provider))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_provider_that_clones_voices_is_accepted() {
        assert_eq!(voice_provider("").unwrap(), None);
        assert_eq!(
            voice_provider("elevenlabs").unwrap(),
            Some(ProviderId::ElevenLabs)
        );
        let wrong = voice_provider("polly").unwrap_err().to_string();
        assert!(
            wrong.ends_with("`polly`, which clones no voices; it must be elevenlabs, or empty"),
            "{wrong}"
        );
        assert!(voice_provider("eleven").is_err());
    }
}
