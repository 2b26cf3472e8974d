//! Publishes the same decision for each line of its input, with credentials that live for seconds.
//! It stands in for a function that was frozen for longer than a token lives.
//! `tests/it/identity.rs` freezes and thaws it.
//!
//! ```console
//! $ short_lived <brokers> <file with their roots> <AWS> <table> <seconds> < lines
//! ```
//! The credentials are those in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
//!
//! The first line is an event, which the program decides. For each line it prints how long
//! publishing took, in milliseconds, and `published` or the error.

use std::{
    env, fs,
    io::{self, BufRead as _},
    time::{Duration, Instant, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, future},
};
use contract::{Envelope, EventTime, Topic};
use domain::{ContentHash, InboundEvent, ProviderRouting};
use kafka::Authentication;
use outbox::{Config, Outbox};
use runtime::{chain, variable};
use store::Store;

/// Credentials that are valid for this long from each request for them.
#[derive(Debug)]
struct ShortLived {
    key: String,
    secret: String,
    life: Duration,
}

impl ProvideCredentials for ShortLived {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let expires = SystemTime::now() + self.life;
        future::ProvideCredentials::ready(Ok(Credentials::new(
            self.key.as_str(),
            self.secret.as_str(),
            None,
            Some(expires),
            "short-lived",
        )))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [brokers, roots, aws, table, seconds] = &arguments[..] else {
        return Err("five arguments".into());
    };
    let credentials = ShortLived {
        key: variable("AWS_ACCESS_KEY_ID")?,
        secret: variable("AWS_SECRET_ACCESS_KEY")?,
        life: Duration::from_secs(seconds.parse()?),
    };
    let region = "us-east-1".to_owned();
    let aws = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(region.clone()))
        .endpoint_url(format!("http://{aws}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let config = Config {
        queue: queue::Config { url: String::new() },
        render_deadline_seconds: 900,
        routing: ProviderRouting::parse("studio-canvas", "", "")?,
        kafka: kafka::Config {
            bootstrap_servers: brokers.clone(),
            authentication: Authentication::Iam {
                region,
                roots: Some(fs::read_to_string(roots)?),
            },
        },
    };
    let outbox = Outbox::new(config, Store::new(table.clone(), &aws), &aws)?;
    outbox.connect().await;

    let mut entry = None;
    for line in io::stdin().lock().lines() {
        let begun = Instant::now();
        if entry.is_none() {
            entry = Some(commit(&outbox, &line?).await?);
        }
        // Each new line publishes the same entry again.
        let published = outbox
            .publish(&entry.as_slice().iter().collect::<Vec<_>>())
            .await
            .into_iter()
            .collect::<Result<(), _>>();
        let outcome = published.map_or_else(|error| chain(&error), |()| "published".to_owned());
        println!("{} {outcome}", begun.elapsed().as_millis());
    }
    Ok(())
}

async fn commit(
    outbox: &Outbox,
    event: &str,
) -> Result<store::OutboxEntry, Box<dyn std::error::Error>> {
    let headers = [(
        "content-type".into(),
        Some(b"application/cloudevents+json"[..].into()),
    )];
    let envelope = Envelope::decode(&headers, Some(event.as_bytes()))?;
    let time = EventTime::new(envelope.time.ok_or("the event has no time")?);
    let description = event_created::describe(envelope.data()?);
    let inbound = InboundEvent {
        topic: Topic::EventCreated,
        source: envelope.source.to_string(),
        id: envelope.id.to_string(),
        time,
        trace: None,
        content: ContentHash::of(&envelope),
    };
    let committed = outbox
        .commit(&inbound, &description, None, time.in_milliseconds())
        .await?;
    Ok(committed.entry)
}
