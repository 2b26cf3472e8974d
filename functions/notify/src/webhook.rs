//! A webhook: one signed POST to a team's server.

use std::time::Duration;

use contract::printable;
use jiff::Timestamp;
use reqwest::{StatusCode, redirect};

use crate::{
    address::{Destinations, Resolver, WebhookUrl},
    failed_job::FailedJob,
    signature::{SigningKey, signatures},
};

/// How long a team's server may take to answer. All messages of a batch are told at once.
const WITHIN: Duration = Duration::from_secs(10);

/// How long it may take to connect.
const TO_CONNECT: Duration = Duration::from_secs(3);

/// Where a team is told, and with which secrets.
#[derive(Clone)]
pub(crate) struct Webhook {
    /// The address.
    pub url: WebhookUrl,
    /// The secrets that sign: one, or two while the team changes it.
    pub keys: Vec<SigningKey>,
}

/// Why a team's server may not have been told. The same request again is safe: it has the same id.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    /// The server refuses.
    #[error(
        "{host} answered HTTP {status}: its owner must answer 2xx, without a redirect, and the address and secret of the team must be those that the owner gave"
    )]
    Refused {
        /// The server's name.
        host: String,
        /// Its answer.
        status: StatusCode,
    },
    /// There is no answer.
    #[error("{host} did not answer")]
    NoAnswer {
        /// The server's name.
        host: String,
        /// Why. Its text has no address.
        #[source]
        source: reqwest::Error,
    },
}

/// The HTTP client of all webhooks: HTTPS, public addresses, no redirects, no proxy.
pub(crate) struct Client(reqwest::Client);

impl Client {
    /// A client to those destinations.
    pub(crate) fn new(destinations: Destinations) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(TO_CONNECT)
            .timeout(WITHIN)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(destinations == Destinations::Public)
            .dns_resolver(Resolver::new(destinations))
            .user_agent("studio-svc")
            .build()?;
        Ok(Self(client))
    }

    /// Tells a team of `failed`, at `now`. Nothing of the answer but its status is read.
    pub(crate) async fn post(
        &self,
        webhook: &Webhook,
        failed: &FailedJob,
        now: Timestamp,
    ) -> Result<(), WebhookError> {
        let host = || printable(webhook.url.host());
        let seconds = now.as_second();
        let signed = signatures(&webhook.keys, &failed.event, seconds, &failed.body);
        let post = self
            .0
            .post(webhook.url.as_str())
            .header("content-type", "application/cloudevents+json")
            .header("webhook-id", &failed.event)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signed)
            .body(failed.body.clone());
        let answer = post.send().await.map_err(|error| WebhookError::NoAnswer {
            host: host(),
            source: error.without_url(),
        })?;
        let status = answer.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(WebhookError::Refused {
                host: host(),
                status,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
