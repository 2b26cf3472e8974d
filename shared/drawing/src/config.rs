//! Where pictures go and what they are drawn with, read from the environment once.

use std::{env, path::PathBuf};

use contract::{TenantFiles, TenantPrefix, TenantPrefixError};
use runtime::{names, optional, variable};

/// The buckets, addresses and fonts of pictures.
#[derive(Debug)]
pub struct Config {
    /// The bucket of the assets: `ASSETS_BUCKET`.
    pub assets_bucket: String,
    /// The name of the secret in the assets' paths: `ASSET_PATHS_SECRET`.
    pub asset_paths_secret: String,
    /// The base URL of the assets, without a slash at the end: `ASSET_BASE_URL`.
    pub asset_base_url: String,
    /// The buckets that logos may be read from: `LOGO_BUCKETS`, comma-separated; empty for none.
    pub logo_buckets: Vec<String>,
    /// Which objects in the tenants' buckets are a tenant's own: `TENANT_PREFIX` and
    /// `TENANT_BUCKETS_OWNER`.
    pub tenant_files: TenantFiles,
    /// The folder with the fonts that are not built in: `FONTS_FOLDER`, or else `fonts` in the
    /// deployment package.
    pub fonts_folder: PathBuf,
}

/// The environment does not say where pictures go.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is not set.
    #[error(transparent)]
    Environment(#[from] runtime::ConfigError),
    /// The pattern of the tenants' prefixes is none.
    #[error("the environment variable TENANT_PREFIX")]
    Prefix(#[from] TenantPrefixError),
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            assets_bucket: variable("ASSETS_BUCKET")?,
            asset_paths_secret: variable("ASSET_PATHS_SECRET")?,
            asset_base_url: variable("ASSET_BASE_URL")?.trim_end_matches('/').to_owned(),
            logo_buckets: names("LOGO_BUCKETS"),
            tenant_files: TenantFiles {
                prefix: TenantPrefix::parse(&variable("TENANT_PREFIX")?)?,
                owner: variable("TENANT_BUCKETS_OWNER")?,
            },
            fonts_folder: match optional("FONTS_FOLDER") {
                folder if folder.is_empty() => package_folder().join("fonts"),
                folder => folder.into(),
            },
        })
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
