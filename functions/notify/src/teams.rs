//! The teams' webhooks, by tenant. They are one secret, as JSON:
//!
//! ```json
//! {
//!   "tenant-monsoon-arts": { "url": "https://hooks.example.com/studio", "secrets": ["whsec_…"] },
//!   "*": { "url": "https://hooks.example.com/others", "secrets": ["whsec_…", "whsec_…"] }
//! }
//! ```
//!
//! `*` is for every tenant without a webhook of its own.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, error::ProvideErrorMetadata as _};
use contract::{Identifier, printable};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{
    address::{Destinations, UrlError, WebhookUrl},
    signature::{NoSecret, SigningKey},
    webhook::Webhook,
};

/// How long what was read is used before it is read again.
const KEPT: Duration = Duration::from_secs(300);

/// The name that stands for every tenant without a webhook of its own.
const OTHERS: &str = "*";

/// The most secrets of a team: the one that it uses, and the one before or after.
const MOST_SECRETS: usize = 2;

/// The teams' webhooks are not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TeamsError {
    /// The secret was not read. Only the code is said, because an answer may hold the secret.
    #[error("reading the secret {secret}: {code}")]
    Read {
        /// The secret's name.
        secret: String,
        /// The code of Secrets Manager's error.
        code: String,
    },
    /// The secret does not say what it should.
    #[error("the secret {secret} cannot be used")]
    Malformed {
        /// The secret's name.
        secret: String,
        /// Why not. Its text has no secret and no path.
        #[source]
        source: MalformedTeams,
    },
}

/// Why a text is not the teams' webhooks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MalformedTeams {
    /// It is no JSON, or has another shape. An error of the parser would repeat the text.
    #[error(
        "it is not JSON like {{\"<tenant>\": {{\"url\": \"https://…\", \"secrets\": [\"whsec_…\"]}}}}: line {line}, column {column}"
    )]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A team has no secret, or more than two.
    #[error("`{tenant}` has {count} secrets: it must have one, or two while it changes it")]
    Secrets {
        /// Whose.
        tenant: String,
        /// How many.
        count: usize,
    },
    /// A secret cannot sign.
    #[error("`{tenant}` has a secret that cannot sign")]
    Secret {
        /// Whose.
        tenant: String,
        /// Why not.
        #[source]
        source: NoSecret,
    },
    /// A webhook is where none may be.
    #[error("the webhook of `{tenant}`")]
    Url {
        /// Whose.
        tenant: String,
        /// Why not.
        #[source]
        source: UrlError,
    },
}

/// The webhooks of all teams.
pub(crate) struct Teams(BTreeMap<String, Webhook>);

/// A webhook as the secret has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: String,
    secrets: Vec<String>,
}

impl Teams {
    /// Reads the secret's text.
    pub(crate) fn parse(text: &str, to: Destinations) -> Result<Self, MalformedTeams> {
        let written: BTreeMap<String, Written> =
            serde_json::from_str(text).map_err(|error| MalformedTeams::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
        let webhooks = written.into_iter().map(|(tenant, written)| {
            let webhook = webhook(&printable(&tenant), written, to)?;
            Ok((tenant, webhook))
        });
        Ok(Self(webhooks.collect::<Result<_, _>>()?))
    }

    /// The webhook that is told of the jobs of `tenant`.
    pub(crate) fn of(&self, tenant: &Identifier) -> Option<&Webhook> {
        self.0.get(tenant.as_str()).or_else(|| self.0.get(OTHERS))
    }
}

fn webhook(tenant: &str, written: Written, to: Destinations) -> Result<Webhook, MalformedTeams> {
    let tenant = || tenant.to_owned();
    let Written { url, secrets } = written;
    if secrets.is_empty() || secrets.len() > MOST_SECRETS {
        return Err(MalformedTeams::Secrets {
            tenant: tenant(),
            count: secrets.len(),
        });
    }
    let keys = secrets.iter().map(|secret| SigningKey::parse(secret));
    let keys: Result<Vec<SigningKey>, NoSecret> = keys.collect();
    let keys = keys.map_err(|source| MalformedTeams::Secret {
        tenant: tenant(),
        source,
    })?;
    let url = WebhookUrl::parse(&url, to).map_err(|source| MalformedTeams::Url {
        tenant: tenant(),
        source,
    })?;
    Ok(Webhook { url, keys })
}

/// The secret, which is read on first use and again after a while: a team's new webhook needs no
/// deployment.
pub(crate) struct TeamsSecret {
    client: Client,
    name: String,
    destinations: Destinations,
    read: Mutex<Option<(Arc<Teams>, Instant)>>,
}

impl TeamsSecret {
    /// The secret `name`. Makes no call yet.
    pub(crate) fn new(aws: &SdkConfig, name: String, destinations: Destinations) -> Self {
        Self {
            client: Client::new(aws),
            name,
            destinations,
            read: Mutex::new(None),
        }
    }

    /// The teams' webhooks: those that were read lately, or read now.
    pub(crate) async fn get(&self) -> Result<Arc<Teams>, TeamsError> {
        let mut read = self.read.lock().await;
        if let Some((teams, _)) = read.as_ref().filter(|(_, at)| at.elapsed() < KEPT) {
            return Ok(Arc::clone(teams));
        }
        let get = self.client.get_secret_value().secret_id(&self.name);
        let answer = get.send().await.map_err(|error| TeamsError::Read {
            secret: self.name.clone(),
            code: error.code().unwrap_or("no answer").to_owned(),
        })?;
        let text = answer.secret_string().unwrap_or_default();
        let teams = Teams::parse(text, self.destinations);
        let teams = Arc::new(teams.map_err(|source| TeamsError::Malformed {
            secret: self.name.clone(),
            source,
        })?);
        *read = Some((Arc::clone(&teams), Instant::now()));
        Ok(teams)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn parse(text: &str) -> Result<Teams, MalformedTeams> {
        Teams::parse(text, Destinations::Public)
    }

    fn host_of(teams: &Teams, tenant: &str) -> Option<String> {
        let webhook = teams.of(&Identifier::parse(tenant).unwrap())?;
        Some(webhook.url.host().to_owned())
    }

    #[test]
    fn a_tenant_has_its_own_webhook_or_that_of_the_others_or_none() {
        let own = format!(r#""a": {{"url": "https://a.example/", "secrets": ["{ONE}"]}}"#);
        let others = format!(r#""*": {{"url": "https://o.example/", "secrets": ["{ONE}"]}}"#);
        let teams = parse(&format!("{{{own}, {others}}}")).ok().unwrap();
        assert_eq!(host_of(&teams, "a").as_deref(), Some("a.example"));
        assert_eq!(host_of(&teams, "b").as_deref(), Some("o.example"));
        let teams = parse(&format!("{{{own}}}")).ok().unwrap();
        assert_eq!(host_of(&teams, "b"), None);
        assert_eq!(host_of(&parse("{}").ok().unwrap(), "a"), None);
    }

    #[test]
    fn what_is_wrong_is_named_by_tenant_without_secret_or_path() {
        let webhook = |url: &str, secrets: &str| {
            format!(r#"{{"a": {{"url": "{url}", "secrets": [{secrets}]}}}}"#)
        };
        let fine = format!("\"{ONE}\"");
        let many = [fine.as_str(); 3].join(",");
        for (text, why) in [
            (webhook("https://a.example/T0", ""), "`a` has 0 secrets"),
            (webhook("https://a.example/T0", &many), "`a` has 3 secrets"),
            (
                webhook("https://a.example/T0", "\"whsec_c2hvcnQ\""),
                "`a` has a secret that cannot sign: a secret is `whsec_` and 24 to 64 bytes",
            ),
            (
                webhook("http://a.example/T0", &fine),
                "the webhook of `a`: `url` has the host a.example",
            ),
            (fine.clone(), "it is not JSON like"),
            (
                format!(r#"{{"a": {{"url": {fine}}}}}"#),
                "it is not JSON like",
            ),
            (
                format!(r#"{{"a": {{"url": "", "secrets": [{fine}], "key": 1}}}}"#),
                "it is not JSON like",
            ),
        ] {
            let said = runtime::chain(&parse(&text).err().unwrap());
            assert!(said.starts_with(why), "{said}");
            for secret in ["T0", "MfKQ", "c2hvcnQ"] {
                assert!(!said.contains(secret), "{said}");
            }
        }
    }

    #[test]
    fn two_secrets_sign_while_a_team_changes_its_secret() {
        let text =
            format!(r#"{{"a": {{"url": "https://a.example/", "secrets": ["{ONE}", "{ONE}"]}}}}"#);
        let teams = parse(&text).ok().unwrap();
        let webhook = teams.of(&Identifier::parse("a").unwrap()).unwrap();
        assert_eq!(webhook.keys.len(), 2);
    }
}
