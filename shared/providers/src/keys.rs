//! A vendor's key: read from Secrets Manager when it is first needed, and again after a while, so
//! that a new one is found.

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

/// Where the vendors' keys come from.
#[derive(Debug)]
pub enum Keys {
    /// Secrets Manager: the key of a vendor is the secret `<prefix><vendor>`.
    Secrets {
        /// What the names begin with.
        prefix: String,
    },
    /// Whoever makes the providers has them: live tests, from their environment.
    Given(Vec<(ProviderId, SecretString)>),
}

/// The key of one vendor. Neither it nor its `Debug` ever shows it.
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

    /// The key.
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
            // Only the error's kind: nothing of an answer that might hold a key is repeated.
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

    /// Forgets the key: a vendor did not know it.
    pub(crate) async fn forget(&self) {
        *self.read.lock().await = None;
    }
}
