//! What the journal needs to know, read from the environment once.

use std::{env, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use aws_smithy_http_client::{
    Builder, HttpClientError,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use domain::{ProviderRouting, RoutingError};

use crate::roots::{self, RootsError};

/// Where decisions are committed, published and started.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table: `TABLE_NAME`.
    pub table: String,
    /// The bucket for dead letters: `DEAD_LETTERS_BUCKET`.
    pub dead_letters_bucket: String,
    /// The render state machine: `RENDER_STATE_MACHINE_ARN`.
    pub render_state_machine: String,
    /// The state machine that trains voices: `VOICE_STATE_MACHINE_ARN`.
    pub voice_state_machine: String,
    /// Seconds that a job may take before the sweep looks at it: `RENDER_DEADLINE_SECONDS`.
    pub render_deadline_seconds: u32,
    /// Who makes what: `IMAGE_PROVIDERS`, `VIDEO_PROVIDERS` and `AUDIO_PROVIDERS`, names with
    /// commas between, those asked first in front.
    pub routing: ProviderRouting,
    /// The brokers, `host:port` with commas between: `KAFKA_BOOTSTRAP_SERVERS`.
    pub bootstrap_servers: String,
    /// How the brokers know us: `KAFKA_AUTHENTICATION`.
    pub authentication: Authentication,
}

/// How the brokers know who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// `none`: plaintext, for brokers on this machine.
    None,
    /// `iam`: TLS with SASL/OAUTHBEARER and a token that MSK makes of the function's own role.
    Iam {
        /// The brokers' region.
        region: String,
        /// The certificates that the brokers' own chain to, as PEM: `KAFKA_ROOTS_PEM`. Amazon's, if
        /// it is empty or not set.
        roots: Option<String>,
    },
}

/// The environment does not say what the function needs.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// The providers are not as they can be.
    #[error("the environment variables IMAGE_PROVIDERS, VIDEO_PROVIDERS and AUDIO_PROVIDERS")]
    Routing(#[from] RoutingError),
    /// The certificates that the environment names are not to be had.
    #[error(
        "reading the certificates in {path}, which the environment variable AWS_CA_BUNDLE names"
    )]
    Roots {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: RootsError,
    },
    /// There is no client.
    #[error("setting up TLS for the AWS SDK")]
    Https(#[source] HttpClientError),
    /// A variable has a value that it cannot have.
    #[error("the environment variable {name} is `{value}`; it must be {expected}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        let authentication = match variable("KAFKA_AUTHENTICATION")?.as_str() {
            "none" => Authentication::None,
            "iam" => Authentication::Iam {
                region: variable("AWS_REGION")?,
                roots: variable("KAFKA_ROOTS_PEM").ok(),
            },
            other => {
                return Err(ConfigError::Invalid {
                    name: "KAFKA_AUTHENTICATION",
                    value: other.to_owned(),
                    expected: "`iam` or `none`",
                });
            }
        };
        let deadline = variable("RENDER_DEADLINE_SECONDS")?;
        Ok(Self {
            table: variable("TABLE_NAME")?,
            dead_letters_bucket: variable("DEAD_LETTERS_BUCKET")?,
            render_state_machine: variable("RENDER_STATE_MACHINE_ARN")?,
            voice_state_machine: variable("VOICE_STATE_MACHINE_ARN")?,
            render_deadline_seconds: deadline.parse().map_err(|_| ConfigError::Invalid {
                name: "RENDER_DEADLINE_SECONDS",
                value: deadline,
                expected: "a whole number of seconds",
            })?,
            routing: ProviderRouting::parse(
                &optional("IMAGE_PROVIDERS"),
                &optional("VIDEO_PROVIDERS"),
                &optional("AUDIO_PROVIDERS"),
            )?,
            bootstrap_servers: variable("KAFKA_BOOTSTRAP_SERVERS")?,
            authentication,
        })
    }
}

/// The AWS SDK's configuration, from the environment alone: Lambda gives region and credentials in
/// variables, so nothing is probed (the default chain costs most of a cold start). One HTTPS client
/// for all, which trusts Amazon's own roots: the SDK's own parses a system's bundle for each of its
/// clients (half of a consumer's instructions to its first poll). `AWS_CA_BUNDLE` names a file of
/// others, as for AWS's own tools. It asks no proxy: unlike the SDK's own, it does not look at
/// `HTTPS_PROXY`.
///
/// # Errors
/// A [`ConfigError`] that names the variable.
pub fn aws_config_from_env() -> Result<SdkConfig, ConfigError> {
    let trusted =
        TrustStore::empty().with_pem_certificate(roots::trusted(variable("AWS_CA_BUNDLE").ok())?);
    let tls = TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .map_err(ConfigError::Https)?;
    let https = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https();
    let mut config = SdkConfig::builder()
        .http_client(https)
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(
            EnvironmentVariableCredentialsProvider::new(),
        ))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(3)
                .with_max_backoff(Duration::from_secs(2)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .operation_attempt_timeout(Duration::from_secs(5))
                .operation_timeout(Duration::from_secs(12))
                .build(),
        );
    if let Ok(endpoint) = variable("AWS_ENDPOINT_URL") {
        config = config.endpoint_url(endpoint);
    }
    Ok(config.build())
}

/// The environment variable `name`, if it is set and not empty.
///
/// # Errors
/// [`ConfigError::Missing`].
#[expect(
    clippy::disallowed_methods,
    reason = "this is the config.rs that reads the environment"
)]
pub fn variable(name: &'static str) -> Result<String, ConfigError> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Missing(name))
}

/// The environment variable `name`; empty if it is not set.
#[must_use]
pub fn optional(name: &'static str) -> String {
    variable(name).unwrap_or_default()
}
