//! How the producer proves to MSK who it is, and where librdkafka's own words go.

use std::error::Error;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider;
use aws_sdk_dynamodb::config::{ProvideCredentials as _, Region, SharedCredentialsProvider};
use rdkafka::{ClientConfig, ClientContext, client::OAuthToken, config::RDKafkaLogLevel, error::KafkaError};

use crate::Authentication;

/// The certificates that Amazon's endpoints chain to. OpenSSL built into the binary looks for others only under the prefix it
/// was built with, which Lambda does not have; and parsing five costs a fifth of parsing a system's bundle.
const AMAZON_ROOTS: &str = include_str!("../amazon-roots.pem");

impl Authentication {
    /// Sets what the brokers are to be met with.
    pub(crate) fn apply(&self, config: &mut ClientConfig) {
        match self {
            Self::None => {
                config.set("security.protocol", "plaintext");
            }
            Self::Iam { .. } => {
                config
                    .set("security.protocol", "sasl_ssl")
                    .set("sasl.mechanism", "OAUTHBEARER")
                    .set("ssl.ca.pem", AMAZON_ROOTS);
            }
        }
    }
}

/// The producer's context. librdkafka calls it on the producer's own polling thread, never on the runtime's.
#[derive(Debug)]
pub(crate) struct Context {
    pub authentication: Authentication,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        match &self.authentication {
            Authentication::None => Err("the brokers asked for a token, but KAFKA_AUTHENTICATION is `none`".into()),
            Authentication::Iam { region } => futures::executor::block_on(token(region.clone())),
        }
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::error!(facility, "librdkafka: {message}");
            }
            RDKafkaLogLevel::Warning => tracing::warn!(facility, "librdkafka: {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, "librdkafka: {message}"),
            RDKafkaLogLevel::Debug => tracing::debug!(facility, "librdkafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, "librdkafka: {reason}");
    }
}

/// A token for MSK, signed with the function's own credentials. They come from the environment, so nothing here waits for
/// anything and blocking on it is safe. The signer gives every token 15 minutes whatever is left to the credentials; here it
/// ends when they do.
async fn token(region: String) -> Result<OAuthToken, Box<dyn Error>> {
    let credentials = EnvironmentVariableCredentialsProvider::new().provide_credentials().await?;
    let provider = SharedCredentialsProvider::new(credentials.clone());
    let (token, expires_ms) = generate_auth_token_from_credentials_provider(Region::new(region), provider).await?;
    let credentials_expire_ms = credentials
        .expiry()
        .and_then(|expiry| expiry.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_millis()).ok());
    Ok(OAuthToken {
        token,
        principal_name: "studio".to_owned(),
        lifetime_ms: credentials_expire_ms.map_or(expires_ms, |expire| expire.min(expires_ms)),
    })
}

#[cfg(test)]
mod tests {
    use rdkafka::producer::FutureProducer;

    use super::*;

    #[test]
    fn a_producer_for_msk_finds_its_roots_without_any_file_of_the_machines() {
        let authentication = Authentication::Iam { region: "us-east-1".to_owned() };
        let mut config = ClientConfig::new();
        authentication.apply(&mut config);
        config.set("bootstrap.servers", "127.0.0.1:1");
        let producer = config.create_with_context::<_, FutureProducer<Context>>(Context { authentication });
        assert!(producer.is_ok(), "{:?}", producer.err());
        assert_eq!(AMAZON_ROOTS.matches("BEGIN CERTIFICATE").count(), 5);
    }
}
