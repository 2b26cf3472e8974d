//! The completion function's own configuration, read from the environment once.

use std::{env, path::PathBuf};

use contract::{TenantFiles, TenantPrefix, TenantPrefixError};
use domain::{ProviderId, RoutingError};
use providers::{Keys, Settings, SettingsError};
use runtime::{ConfigError, names, number, optional, variable};

/// The buckets, URLs, fonts and providers of the completion function.
#[derive(Debug)]
pub(crate) struct Config {
    /// The bucket of the assets: `ASSETS_BUCKET`.
    pub assets_bucket: String,
    /// The name of the secret in the assets' paths: `ASSET_PATHS_SECRET`.
    pub asset_paths_secret: String,
    /// The base URL of the assets, without a slash at the end: `ASSET_BASE_URL`.
    pub asset_base_url: String,
    /// The buckets that logos may be read from: `LOGO_BUCKETS`, comma-separated; empty for none.
    pub logo_buckets: Vec<String>,
    /// The provider that clones voices: `VOICE_PROVIDER`; empty for none.
    pub voice_provider: Option<ProviderId>,
    /// The buckets that voice samples may be read from: `VOICE_BUCKETS`, comma-separated; empty for
    /// none.
    pub voice_buckets: Vec<String>,
    /// Which objects in those buckets are a tenant's own.
    pub tenant_files: TenantFiles,
    /// How many jobs of one tenant may wait for vendors or be made by them: `MOST_OPEN_JOBS`; 0 for
    /// any number.
    pub most_open_jobs: usize,
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
    #[error("the environment variable TENANT_PREFIX")]
    Prefix(#[from] TenantPrefixError),
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
            assets_bucket: variable("ASSETS_BUCKET")?,
            asset_paths_secret: variable("ASSET_PATHS_SECRET")?,
            asset_base_url: variable("ASSET_BASE_URL")?.trim_end_matches('/').to_owned(),
            logo_buckets: names("LOGO_BUCKETS"),
            voice_provider: voice_provider(&optional("VOICE_PROVIDER"))?,
            voice_buckets: names("VOICE_BUCKETS"),
            tenant_files: TenantFiles {
                prefix: TenantPrefix::parse(&variable("TENANT_PREFIX")?)?,
                owner: variable("TENANT_BUCKETS_OWNER")?,
            },
            most_open_jobs: number("MOST_OPEN_JOBS", "a whole number; 0 for any")?,
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
        assert!(
            wrong.ends_with("`polly`, which clones no voices; it must be elevenlabs, or empty"),
            "{wrong}"
        );
        assert!(voice_provider("eleven").is_err());
    }
}
