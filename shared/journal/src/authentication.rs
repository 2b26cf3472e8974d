//! How the producer proves to MSK who it is, and where librdkafka's own words go.

use std::{error::Error, time::UNIX_EPOCH};

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider;
use aws_sdk_dynamodb::config::{ProvideCredentials, Region, SharedCredentialsProvider};
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
            Authentication::Iam { region } => {
                let credentials = EnvironmentVariableCredentialsProvider::new();
                futures::executor::block_on(token(&credentials, region.clone()))
            }
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

/// A token for MSK, signed with the function's own credentials. On Lambda they come from the environment, so nothing here waits
/// for anything and blocking on it is safe. The signer gives every token 15 minutes whatever is left to the credentials; here it
/// ends when they do, where they say when (Lambda's variables do not).
async fn token(credentials: &impl ProvideCredentials, region: String) -> Result<OAuthToken, Box<dyn Error>> {
    let credentials = credentials.provide_credentials().await?;
    let provider = SharedCredentialsProvider::new(credentials.clone());
    let (token, expires_ms) = generate_auth_token_from_credentials_provider(Region::new(region), provider).await?;
    let credentials_expire_ms = credentials
        .expiry()
        .and_then(|expiry| expiry.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_millis()).ok());
    Ok(OAuthToken {
        token,
        principal_name: "studio".to_owned(),
        lifetime_ms: credentials_expire_ms.map_or(expires_ms, |expire| expire.min(expires_ms)),
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_sdk_dynamodb::config::Credentials;
    use rdkafka::producer::FutureProducer;

    use super::*;

    /// The lifetime of a token whose credentials live `left` longer, in seconds from now.
    fn lifetime(left: Option<Duration>) -> i64 {
        let expires = left.map(|left| SystemTime::now() + left);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, expires, "test");
        let token = futures::executor::block_on(token(&credentials, "ap-south-1".to_owned())).unwrap();
        let url = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(&token.token).unwrap();
        assert!(url.starts_with(b"https://kafka.ap-south-1.amazonaws.com/?Action=kafka-cluster%3AConnect"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        (token.lifetime_ms - i64::try_from(now).unwrap()) / 1000
    }

    #[test]
    fn a_token_lives_for_fifteen_minutes_and_never_longer_than_its_credentials() {
        assert!((880..=900).contains(&lifetime(None)));
        assert!((880..=900).contains(&lifetime(Some(Duration::from_secs(3600)))));
        assert!((50..=60).contains(&lifetime(Some(Duration::from_secs(60)))));
    }

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
