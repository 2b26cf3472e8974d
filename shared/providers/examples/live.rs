//! Asks each vendor once for something cheap, with keys from the environment: `make test-live`. It
//! reports a vendor without a key as skipped.
//!
//! The keys are `OPENAI_API_KEY`, `ELEVENLABS_API_KEY` and `RUNWAYML_API_SECRET`. Polly needs AWS
//! credentials in the environment, `AWS_REGION`, and `POLLY_BUCKET`, a bucket that the credentials
//! may write to. `PROVIDER_SETTINGS` has the format of the template's parameter. A run costs about
//! thirty US cents.

use std::{env, error::Error, path::Path, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
};
use aws_sdk_polly::config::SharedCredentialsProvider;
use contract::{AssetKind, Configuration, Entity, EntityKind, Identifier, Time, Topic, Trigger};
use domain::{InboundEventKey, Job, JobId, ProviderId, State, TemplateId, derive};
use drawing::StudioCanvas;
use providers::{Answer, Body, Keys, Media, Order, Progress, Providers, Settings};
use secrecy::SecretString;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let variables: Vec<_> = ProviderId::ALL
        .into_iter()
        .filter_map(|provider| {
            variable_and_asset(provider).map(|(name, asset)| (provider, name, asset))
        })
        .collect();
    let given = variables
        .iter()
        .filter_map(|(provider, name, _)| Some((*provider, SecretString::from(variable(name)?))));
    let keys = Keys::Given(given.collect());
    let settings = variable("PROVIDER_SETTINGS")
        .unwrap_or_else(|| r#"{"runway":{"seconds":2},"openai":{"quality":"low"}}"#.to_owned());
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(
            variable("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
        ))
        .credentials_provider(SharedCredentialsProvider::new(
            EnvironmentVariableCredentialsProvider::new(),
        ))
        .build();
    let fonts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../canvas/fonts/files");
    let providers = Providers::new(
        StudioCanvas::new(&fonts)?,
        &Settings::parse(&settings)?,
        &aws,
        &keys,
    )?;

    let (mut asked, mut failed) = (0, 0);
    for (provider, name, asset) in variables {
        let Some(value) = variable(name) else {
            println!("{provider}: SKIPPED, {name} is not set");
            continue;
        };
        asked += 1;
        match ask(&providers, provider, asset, &value).await {
            Ok(said) => println!("{provider}: {said}"),
            Err(error) => {
                failed += 1;
                println!("{provider}: FAILED, {error}");
            }
        }
    }
    println!("{asked} vendors asked, {failed} failed");
    if failed > 0 {
        Err("a vendor is not as it was taken to be".into())
    } else {
        Ok(())
    }
}

/// The variable that has a vendor's key (Polly's bucket), and what the vendor is asked for; `None`
/// for the canvas, which is no vendor.
fn variable_and_asset(provider: ProviderId) -> Option<(&'static str, AssetKind)> {
    match provider {
        ProviderId::StudioCanvas => None,
        ProviderId::OpenAi => Some(("OPENAI_API_KEY", AssetKind::Poster)),
        ProviderId::ElevenLabs => Some(("ELEVENLABS_API_KEY", AssetKind::AudioSpot)),
        ProviderId::Runway => Some(("RUNWAYML_API_SECRET", AssetKind::Video)),
        ProviderId::Polly => Some(("POLLY_BUCKET", AssetKind::AudioSpot)),
    }
}

async fn ask(
    providers: &Providers,
    provider: ProviderId,
    asset: AssetKind,
    bucket: &str,
) -> Result<String, Box<dyn Error>> {
    let now = Time::new(jiff::Timestamp::now());
    let token = derive(&[b"live", now.to_string().as_bytes()]);
    let job = job(asset, now)?.asking(provider, token, now);
    let order = Order {
        job: &job,
        voice: None,
        logo: None,
        bucket,
        folder: "renders/live-test/",
    };
    providers.prepare(provider, order).await?;
    let ticket = match providers.submit(provider, order).await? {
        Answer::Done(media) => return Ok(described(&media)),
        Answer::Accepted { ticket } => ticket,
    };
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(6)).await;
        match providers.vendors().poll(provider, order, &ticket).await? {
            Progress::Done(media) => return Ok(described(&media)),
            Progress::Pending { status } => println!("{provider}: {ticket} is {status}"),
            Progress::Failed(refused) => return Err(refused.into()),
        }
    }
    providers.vendors().erase(provider, &ticket).await?;
    Err("not done after six minutes, and cancelled".into())
}

fn described(media: &Media) -> String {
    let what = match &media.body {
        Body::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Body::Stream(_) => "a stream".to_owned(),
        Body::Object { bucket, key } => format!("s3://{bucket}/{key}"),
    };
    format!(
        "made {what} by {} for {} credits",
        media.made_by, media.credits
    )
}

fn job(asset: AssetKind, now: Time) -> Result<Job, Box<dyn Error>> {
    let tenant = Identifier::parse("live-test")?;
    let configuration: Configuration =
        serde_json::from_str(r#"{"title":"A test","locale":"en-IN"}"#)?;
    Ok(Job {
        id: JobId(derive(&[b"live", now.to_string().as_bytes()])),
        version: 0,
        inbound: InboundEventKey::new(&tenant, "live", "live"),
        entity: Entity {
            kind: EntityKind::Campaign,
            id: tenant.clone(),
        },
        tenant,
        user_id: "live-test".to_owned(),
        template: TemplateId(derive(&[b"live"])),
        asset,
        locale: None,
        configuration,
        provider: "none".to_owned(),
        trigger: Trigger {
            topic: Topic::CampaignLaunched,
            source: "live".to_owned(),
            id: "live".to_owned(),
        },
        created_at: now,
        deadline: now,
        trace: None,
        caused_at: None,
        resubmit_of: None,
        restarts: 0,
        turn: domain::Turn::default(),
        notes: domain::Notes::default(),
        attempts: domain::Attempts::default(),
        state: State::Created,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program that a person runs, and this is where it asks what they gave it"
)]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
