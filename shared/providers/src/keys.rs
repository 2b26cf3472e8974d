//! A vendor's key: read from Secrets Manager when it is first needed, and again after a while, so that a new one is found.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, error::SdkError, operation::get_secret_value::GetSecretValueError};
use jobs::{ProviderId, Refusal};
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::Refused;

/// How long a key is used before it is read again.
const KEPT: Duration = Duration::from_secs(300);

/// The key of one vendor. Neither it nor its `Debug` ever shows it.
#[derive(Debug)]
pub(crate) struct Key {
    client: Client,
    name: String,
    read: Mutex<Option<(SecretString, Instant)>>,
}

impl Key {
    /// The secret `<prefix><provider>`.
    pub(crate) fn new(aws: &SdkConfig, prefix: &str, provider: ProviderId) -> Self {
        Self { client: Client::new(aws), name: format!("{prefix}{provider}"), read: Mutex::new(None) }
    }

    /// The key.
    pub(crate) async fn get(&self) -> Result<SecretString, Refused> {
        let mut read = self.read.lock().await;
        if let Some((key, _)) = read.as_ref().filter(|(_, at)| at.elapsed() < KEPT) {
            return Ok(key.clone());
        }
        let answer = self.client.get_secret_value().secret_id(&self.name).send().await;
        let answer = answer.map_err(|error| {
            // Only the error's kind: nothing of an answer that might hold a key is repeated.
            let (refusal, why) = match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => (Refusal::Auth, "there is no such secret"),
                Some(_) => (Refusal::Auth, "Secrets Manager does not give it"),
                None if matches!(error, SdkError::ConstructionFailure(_)) => (Refusal::Auth, "it has no possible name"),
                None => (Refusal::Transient, "Secrets Manager did not answer"),
            };
            Refused::new(refusal, format!("reading the secret {}: {why}", self.name))
        })?;
        let text = answer.secret_string().map(str::trim).filter(|text| !text.is_empty());
        let text =
            text.ok_or_else(|| Refused::new(Refusal::Auth, format!("the secret {} holds no text", self.name)))?;
        let key = SecretString::from(text);
        *read = Some((key.clone(), Instant::now()));
        Ok(key)
    }

    /// Forgets the key: a vendor did not know it.
    pub(crate) async fn forget(&self) {
        *self.read.lock().await = None;
    }
}
