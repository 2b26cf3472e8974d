//! The erase function's own configuration, read from the environment once.

use contract::{TenantFiles, TenantPrefix, TenantPrefixError};
use providers::{Keys, Settings, SettingsError};
use runtime::{ConfigError, names, number, optional, variable};

/// The buckets and vendors of the erase function.
#[derive(Debug)]
pub(crate) struct Config {
    /// The bucket of the assets: `ASSETS_BUCKET`.
    pub assets_bucket: String,
    /// The name of the secret in the assets' paths: `ASSET_PATHS_SECRET`.
    pub asset_paths_secret: String,
    /// The id of the CloudFront distribution that serves the assets: the end of
    /// `ASSET_DISTRIBUTION_ARN`; empty for none.
    pub asset_distribution: Option<String>,
    /// The buckets that voice samples are deleted from: `VOICE_BUCKETS`, comma-separated; empty for
    /// none.
    pub voice_buckets: Vec<String>,
    /// Which objects in those buckets are a tenant's own.
    pub tenant_files: TenantFiles,
    /// The settings of the vendors: `PROVIDER_SETTINGS`, JSON as `infra/providers.schema.json`
    /// describes it; empty for the defaults.
    pub providers: Settings,
    /// The prefix of the vendors' keys in Secrets Manager: `SECRETS_PREFIX`.
    pub keys: Keys,
    /// Seconds after the beginning of an erasure when every invocation from before it must have
    /// ended: `ERASURE_SETTLE_SECONDS`.
    pub erasure_settle_seconds: u32,
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
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, StartError> {
        Ok(Self {
            assets_bucket: variable("ASSETS_BUCKET")?,
            asset_paths_secret: variable("ASSET_PATHS_SECRET")?,
            asset_distribution: distribution(&optional("ASSET_DISTRIBUTION_ARN")),
            voice_buckets: names("VOICE_BUCKETS"),
            tenant_files: TenantFiles {
                prefix: TenantPrefix::parse(&variable("TENANT_PREFIX")?)?,
                owner: variable("TENANT_BUCKETS_OWNER")?,
            },
            providers: Settings::parse(&optional("PROVIDER_SETTINGS"))?,
            keys: Keys::Secrets {
                prefix: variable("SECRETS_PREFIX")?,
            },
            erasure_settle_seconds: number("ERASURE_SETTLE_SECONDS", "a whole number of seconds")?,
        })
    }
}

/// The id in the ARN of a distribution: `arn:aws:cloudfront::<account>:distribution/<id>`.
fn distribution(arn: &str) -> Option<String> {
    let (_, id) = arn.split_once(":distribution/")?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_has_its_id_at_the_end_of_its_arn() {
        let arn = "arn:aws:cloudfront::123456789012:distribution/EDFDVBD632BHDS5";
        assert_eq!(distribution(arn).as_deref(), Some("EDFDVBD632BHDS5"));
        assert_eq!(distribution(""), None);
    }
}
