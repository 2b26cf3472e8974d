//! The paths of the assets. Their secret is read once: in the init phase, or by the first step that
//! needs it, if that failed.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{
    Client,
    error::{BoxError, ProvideErrorMetadata as _},
};
use domain::AssetPaths;
use tokio::{sync::OnceCell, time::timeout};

/// How long the init phase waits for the secret.
const WITHIN: Duration = Duration::from_secs(3);

/// The secret of the assets' paths cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("reading the secret {secret}")]
pub struct PathsError {
    secret: String,
    source: BoxError,
}

/// The paths of the assets, once their secret is read.
#[derive(Debug)]
pub struct Paths {
    client: Client,
    /// The secret's name.
    name: String,
    read: OnceCell<AssetPaths>,
}

impl Paths {
    /// The paths with the secret `name`. Makes no call yet.
    #[must_use]
    pub fn new(aws: &SdkConfig, name: String) -> Self {
        Self {
            client: Client::new(aws),
            name,
            read: OnceCell::new(),
        }
    }

    /// Reads the secret in the init phase. A step reads it again if that fails.
    pub async fn read_early(&self) {
        match timeout(WITHIN, self.get()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    "the assets' paths are not known yet: {}",
                    runtime::chain(&error)
                );
            }
            Err(_) => tracing::warn!(
                "the assets' paths are not known yet: Secrets Manager did not answer within {} s",
                WITHIN.as_secs()
            ),
        }
    }

    /// The paths.
    ///
    /// # Errors
    /// A [`PathsError`]; the next call reads the secret again.
    pub async fn get(&self) -> Result<&AssetPaths, PathsError> {
        let read = self.read.get_or_try_init(|| self.fetch()).await;
        read.map_err(|source| PathsError {
            secret: self.name.clone(),
            source,
        })
    }

    async fn fetch(&self) -> Result<AssetPaths, BoxError> {
        let get = self.client.get_secret_value().secret_id(&self.name);
        let answer = get.send().await.map_err(|error| {
            // Only the code, because the answer may hold the secret.
            error.code().unwrap_or("no answer").to_owned()
        })?;
        let secret = answer.secret_string().unwrap_or_default();
        Ok(AssetPaths::new(secret.as_bytes())?)
    }
}
