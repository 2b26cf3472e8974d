//! The completion function's own configuration, read from the environment once.

use std::{env, path::PathBuf};

use domain::{ProviderId, RoutingError};
use providers::{Keys, Settings, SettingsError};
use runtime::{ConfigError, optional, variable};

/// The buckets, URLs, fonts and providers of the completion function.
#[derive(Debug)]
pub(crate) struct Config {
    /// The bucket of the assets: `ASSETS_BUCKET`.
    pub assets_bucket: String,
    /// The base URL of the assets, without a slash at the end: `ASSET_BASE_URL`.
    pub asset_base_url: String,
    /// The buckets that logos may be read from: `LOGO_BUCKETS`, comma-separated; empty for none.
    pub logo_buckets: Vec<String>,
    /// The provider that clones voices: `VOICE_PROVIDER`; empty for none.
    pub voice_provider: Option<ProviderId>,
    /// The buckets that voice samples may be read from, and are deleted from when a voice is
    /// erased: `VOICE_BUCKETS`, comma-separated; empty for none.
    pub voice_buckets: Vec<String>,
    /// The folder with the fonts that are not built in: `FONTS_FOLDER`, or else `fonts` in the
    /// deployment package.
    pub fonts_folder: PathBuf,
    /// The settings of the vendors: `PROVIDER_SETTINGS`, JSON as `infra/providers.schema.json`
    /// describes it; empty for the defaults.
    pub providers: Settings,
    /// The prefix of the vendors' keys in Secrets Manager: `SECRETS_PREFIX`.
    pub keys: Keys,
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
        "the environment variable VOICE_PROVIDER is `{0}`, which clones no voices; it must be elevenlabs, or empty"
    )]
    ClonesNone(ProviderId),
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, StartError> {
        Ok(Self {
            assets_bucket: variable("ASSETS_BUCKET")?,
            asset_base_url: variable("ASSET_BASE_URL")?.trim_end_matches('/').to_owned(),
            logo_buckets: buckets(&optional("LOGO_BUCKETS")),
            voice_provider: voice_provider(&optional("VOICE_PROVIDER"))?,
            voice_buckets: buckets(&optional("VOICE_BUCKETS")),
            fonts_folder: match optional("FONTS_FOLDER") {
                folder if folder.is_empty() => package_folder().join("fonts"),
                folder => folder.into(),
            },
            providers: Settings::parse(&optional("PROVIDER_SETTINGS"))?,
            keys: Keys::Secrets {
                prefix: variable("SECRETS_PREFIX")?,
            },
        })
    }
}

fn buckets(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
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

/// The folder of the function's code: `LAMBDA_TASK_ROOT`, which Lambda sets
/// (configuration-envvars.html, "Defined runtime environment variables"), or else the binary's
/// folder.
fn package_folder() -> PathBuf {
    match optional("LAMBDA_TASK_ROOT") {
        root if root.is_empty() => env::current_exe()
            .unwrap_or_default()
            .parent()
            .map(PathBuf::from)
            .unwrap_or_default(),
        root => root.into(),
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
        assert!(wrong.contains("`polly`, which clones no voices"), "{wrong}");
        assert!(voice_provider("eleven").is_err());
    }

    #[test]
    fn buckets_are_separated_by_commas() {
        assert_eq!(buckets(" brands, more-brands,"), ["brands", "more-brands"]);
        assert!(buckets("").is_empty());
    }
}
