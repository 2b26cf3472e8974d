//! How the producer proves to MSK who it is, and where librdkafka's own words go.
//!
//! What keeps a token young is librdkafka's own, of the version that is linked (2.12.1,
//! `rdkafka_sasl_oauthbearer.c`): it asks for the first one as soon as the producer is made and
//! connects to no broker before it has it; a timer looks each second, by the wall clock, whether 80 %
//! of what was left of the token's life when it was given is over, and then asks for the next;
//! after a failure it asks again in 10 seconds and goes on with the old one. It shows a token
//! without looking whether it has ended. After a thaw the timer is overdue and the new token is
//! there at once (`tests/it/identity.rs` holds that); should a connection be quicker, it is
//! refused, and one of the next, a moment later, is not. That is why a refusal is remembered here,
//! and counts only if nothing was acknowledged in the end.

use std::{
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_config::Region;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider;
use rdkafka::{
    ClientConfig, ClientContext,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};

use runtime::{AMAZON_ROOTS, chain};

use crate::{Authentication, PublishError};

/// What librdkafka's report of a token begins with that could not be had.
const NO_TOKEN: &str = "Failed to acquire SASL OAUTHBEARER token";

impl Authentication {
    /// Sets what the brokers are to be met with.
    pub(crate) fn apply(&self, config: &mut ClientConfig) {
        match self {
            Self::None => {
                config.set("security.protocol", "plaintext");
            }
            Self::Iam { roots, .. } => {
                config
                    .set("security.protocol", "sasl_ssl")
                    .set("sasl.mechanism", "OAUTHBEARER")
                    .set("ssl.ca.pem", roots.as_deref().unwrap_or(AMAZON_ROOTS));
            }
        }
    }
}

/// Why the brokers do not let the function in: what they said last, until they acknowledge
/// something. librdkafka says a delivery only timed out, and says the same thing not twice within
/// half a minute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal(Arc<Mutex<Option<PublishError>>>);

impl Refusal {
    pub(crate) fn get(&self) -> Option<PublishError> {
        self.lock().clone()
    }

    pub(crate) fn set(&self, why: PublishError) {
        *self.lock() = Some(why);
    }

    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<PublishError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The producer's context. librdkafka calls it on the producer's own thread, never on the
/// runtime's.
#[derive(Debug)]
pub(crate) struct Context {
    pub authentication: Authentication,
    /// Whose credentials sign the token. They are asked for each one.
    pub credentials: Option<SharedCredentialsProvider>,
    pub refusal: Refusal,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let token = match (&self.authentication, &self.credentials) {
            (Authentication::None, _) => {
                Err("the brokers asked for one, but KAFKA_AUTHENTICATION is `none`".into())
            }
            (Authentication::Iam { .. }, None) => {
                Err("there is no provider to ask for credentials".into())
            }
            (Authentication::Iam { region, .. }, Some(credentials)) => {
                futures::executor::block_on(token(credentials, region.clone()))
            }
        };
        // The error's own words go no further than its first sentence, and are told from a broker's
        // only by their beginning.
        token.inspect_err(|error| self.refusal.set(PublishError::NoToken(chain(&**error))))
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::error!(facility, "librdkafka: {message}");
            }
            RDKafkaLogLevel::Warning => tracing::warn!(facility, "librdkafka: {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(facility, "librdkafka: {message}")
            }
            RDKafkaLogLevel::Debug => tracing::debug!(facility, "librdkafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, "librdkafka: {reason}");
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication) if reason.starts_with(NO_TOKEN) => {}
            Some(RDKafkaErrorCode::Authentication) => {
                self.refusal.set(PublishError::Refused(reason.to_owned()))
            }
            // It follows every other one, and says nothing of its own.
            Some(RDKafkaErrorCode::AllBrokersDown) => {}
            // The brokers are in trouble of another kind now.
            _ => self.refusal.clear(),
        }
    }
}

/// A token for MSK, signed with the function's own credentials. On Lambda they come from the
/// environment, so nothing here waits for anything and blocking on it is safe. The signer gives
/// every token 15 minutes whatever is left to the credentials; here it ends when they do, where
/// they say when (Lambda's variables do not).
pub(crate) async fn token(
    credentials: &impl ProvideCredentials,
    region: String,
) -> Result<OAuthToken, Box<dyn Error>> {
    let credentials = credentials.provide_credentials().await?;
    let credentials_expire_ms = credentials.expiry().map(milliseconds);
    if credentials_expire_ms.is_some_and(|expire| expire <= milliseconds(SystemTime::now())) {
        return Err("the function's credentials have expired".into());
    }
    let provider = SharedCredentialsProvider::new(credentials);
    let (token, expires_ms) =
        generate_auth_token_from_credentials_provider(Region::new(region), provider).await?;
    Ok(OAuthToken {
        token,
        principal_name: "studio".to_owned(),
        lifetime_ms: credentials_expire_ms.map_or(expires_ms, |expire| expire.min(expires_ms)),
    })
}

/// Since 1970.
fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
