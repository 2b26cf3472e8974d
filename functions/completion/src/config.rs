//! What the completion function needs to know besides the journal, read from the environment once.

use journal::{ConfigError, variable};

/// Where assets go, and how they are called there.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The bucket: `ASSETS_BUCKET`.
    pub assets_bucket: String,
    /// What the URL of an asset begins with, without a slash at its end: `ASSET_BASE_URL`.
    pub asset_base_url: String,
}

impl Config {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            assets_bucket: variable("ASSETS_BUCKET")?,
            asset_base_url: variable("ASSET_BASE_URL")?.trim_end_matches('/').to_owned(),
        })
    }
}
