//! The vendors' keys: each is read from Secrets Manager on first use and again after a while, so
//! that a function picks up a rotated key.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{
    Client, error::SdkError, operation::get_secret_value::GetSecretValueError,
};
use domain::{ProviderId, Refusal};
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::Refused;

/// How long a key is used before it is read again.
const KEPT: Duration = Duration::from_secs(300);

/// The source of the vendors' keys.
#[derive(Debug)]
pub enum Keys {
    /// Secrets Manager: a vendor's key is the secret `<prefix><vendor>`.
    Secrets {
        /// The prefix of the names.
        prefix: String,
    },
    /// The caller supplies them: live tests read them from their environment.
    Given(Vec<(ProviderId, SecretString)>),
}

/// The key of one vendor. Its `Debug` output never shows it.
#[derive(Debug)]
pub(crate) struct Key {
    source: Source,
    read: Mutex<Option<(SecretString, Instant)>>,
}

#[derive(Debug)]
enum Source {
    Secret { client: Client, name: String },
    Given(Option<SecretString>),
}

impl Key {
    /// The key of `provider` among `keys`.
    pub(crate) fn new(aws: &SdkConfig, keys: &Keys, provider: ProviderId) -> Self {
        let source = match keys {
            Keys::Secrets { prefix } => Source::Secret {
                client: Client::new(aws),
                name: format!("{prefix}{provider}"),
            },
            Keys::Given(given) => {
                let of_this = given.iter().find(|(of, _)| *of == provider);
                Source::Given(of_this.map(|(_, key)| key.clone()))
            }
        };
        Self {
            source,
            read: Mutex::new(None),
        }
    }

    /// The key: the cached one, or one read now.
    pub(crate) async fn get(&self) -> Result<SecretString, Refused> {
        let (client, name) = match &self.source {
            Source::Secret { client, name } => (client, name),
            Source::Given(key) => {
                return key
                    .clone()
                    .ok_or_else(|| Refused::new(Refusal::Auth, "no key is given for it"));
            }
        };
        let mut read = self.read.lock().await;
        if let Some((key, _)) = read.as_ref().filter(|(_, at)| at.elapsed() < KEPT) {
            return Ok(key.clone());
        }
        let answer = client.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| {
            // Only the class of the error is reported, because the answer might hold a key.
            let (refusal, why) = match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => {
                    (Refusal::Auth, "there is no such secret")
                }
                Some(_) => (Refusal::Auth, "Secrets Manager does not give it"),
                None if matches!(error, SdkError::ConstructionFailure(_)) => {
                    (Refusal::Auth, "it has no possible name")
                }
                None => (Refusal::Transient, "Secrets Manager did not answer"),
            };
            Refused::new(refusal, format!("reading the secret {name}: {why}"))
        })?;
        let text = answer
            .secret_string()
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| {
            Refused::new(Refusal::Auth, format!("the secret {name} holds no text"))
        })?;
        let key = SecretString::from(text);
        *read = Some((key.clone(), Instant::now()));
        Ok(key)
    }

    /// Drops the cached key, after the vendor refused it.
    pub(crate) async fn forget(&self) {
        *self.read.lock().await = None;
    }
}
