//! The AWS SDK's configuration, without a probe.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::{
    Builder, Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use crate::{ConfigError, roots, variable};

/// The AWS SDK's configuration, from the environment alone: Lambda gives region and credentials in
/// variables, so nothing is probed (the default chain costs most of a cold start). One HTTPS client
/// for all, which trusts Amazon's own roots: the SDK's own parses a system's bundle for each of its
/// clients (half of a consumer's instructions to its first poll). `AWS_CA_BUNDLE` names a file of
/// others, as for AWS's own tools. It asks no proxy: unlike the SDK's own, it does not look at
/// `HTTPS_PROXY`.
///
/// # Errors
/// A [`ConfigError`] that names the variable.
pub fn aws_config() -> Result<SdkConfig, ConfigError> {
    let https = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(trusted()?)
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

/// A client for a request to AWS that is none of the SDK's. It trusts what [`aws_config`] trusts,
/// and it neither follows a redirect nor asks a proxy.
///
/// # Errors
/// A [`ConfigError`] that names the variable.
pub fn https_connector() -> Result<Connector, ConfigError> {
    Ok(Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(trusted()?)
        .build())
}

/// The certificates that both trust.
fn trusted() -> Result<TlsContext, ConfigError> {
    let bundle = variable("AWS_CA_BUNDLE").ok();
    let roots = roots::trusted(bundle.as_deref()).map_err(|source| ConfigError::Roots {
        path: bundle.unwrap_or_default(),
        source,
    })?;
    TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(roots))
        .build()
        .map_err(ConfigError::Https)
}
