//! The vendors' keys: each is read from Secrets Manager on first use and again after a while, so
//! that a function picks up a rotated key.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::get_secret_value::GetSecretValueError,
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
pub(crate) struct VendorKey {
    source: Source,
    read: Mutex<Option<(SecretString, Instant)>>,
}

#[derive(Debug)]
enum Source {
    Secret { client: Client, name: String },
    Given(Option<SecretString>),
}

impl VendorKey {
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
                return key.clone().ok_or_else(|| {
                    Refused::new(Refusal::Auth, "the caller gave no key for this provider").unsent()
                });
            }
        };
        let mut read = self.read.lock().await;
        if let Some((key, _)) = read.as_ref().filter(|(_, at)| at.elapsed() < KEPT) {
            return Ok(key.clone());
        }
        let answer = client.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| {
            // Only the class of the error is reported, because the answer might hold a key.
            let (refusal, why) = unread(&error);
            Refused::new(refusal, format!("reading the secret {name}: {why}")).unsent()
        })?;
        let text = key_in(answer.secret_string().unwrap_or_default()).map_err(|why| {
            Refused::new(Refusal::Auth, format!("the secret {name} {why}")).unsent()
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

/// The class of an error of Secrets Manager, and the reason for operators.
fn unread<R>(error: &SdkError<GetSecretValueError, R>) -> (Refusal, &'static str) {
    match error {
        SdkError::ServiceError(service) => by_code(service.err().code().unwrap_or_default()),
        SdkError::ConstructionFailure(_) => (Refusal::Auth, "its name is invalid"),
        _ => (Refusal::Transient, "Secrets Manager did not answer"),
    }
}

/// The class of an error with this code. Only a missing or forbidden key opens the vendor's
/// breaker; trouble at AWS, such as a throttle or a server error, passes.
fn by_code(code: &str) -> (Refusal, &'static str) {
    match code {
        "ResourceNotFoundException" => (Refusal::Auth, "the secret does not exist"),
        // Secrets Manager says so of a secret that is about to be deleted.
        "InvalidRequestException" => (Refusal::Auth, "the secret is being deleted"),
        "InvalidParameterException" | "ValidationException" => {
            (Refusal::Auth, "its name is invalid")
        }
        "AccessDeniedException" | "AccessDenied" => (Refusal::Auth, "the function may not read it"),
        "DecryptionFailure" => (Refusal::Auth, "the secret cannot be decrypted"),
        _ => (Refusal::Transient, "Secrets Manager is in trouble"),
    }
}

/// The key in a secret's text, or what is wrong with the secret. A header carries the key, so it
/// has neither spaces nor line breaks.
fn key_in(secret: &str) -> Result<&str, &'static str> {
    let key = secret.trim();
    if key.is_empty() {
        return Err("is empty");
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("is malformed: a key is one word of ASCII");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_or_forbidden_key_is_auth() {
        for code in [
            "ResourceNotFoundException",
            "InvalidRequestException",
            "InvalidParameterException",
            "AccessDeniedException",
            "DecryptionFailure",
        ] {
            assert_eq!(by_code(code).0, Refusal::Auth, "{code}");
        }
        for code in [
            "InternalServiceError",
            "InternalServerError",
            "InternalFailure",
            "ServiceUnavailable",
            "ThrottlingException",
            "LimitExceededException",
            "",
        ] {
            assert_eq!(by_code(code).0, Refusal::Transient, "{code}");
        }
    }

    #[test]
    fn a_secret_holds_one_key_and_nothing_else() {
        assert_eq!(key_in(" sk-1234\n"), Ok("sk-1234"));
        assert_eq!(key_in(" \n"), Err("is empty"));
        for malformed in ["sk 1234", "sk-1\nsk-2", "schlüssel"] {
            assert!(key_in(malformed).is_err(), "{malformed}");
        }
    }
}
