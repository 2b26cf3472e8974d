//! The jobs and voices that the grants are tested with, and the payloads for the functions.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Identifier, Time, Topic};
use domain::TenantKey;
use fault_proxy::Occurrence;
use local::deploy::{LOGO_BUCKET, VOICE_BUCKET};
use serde_json::{Value, json};
use uuid::Uuid;
use vendor_sandbox::{Behaviour, Script, Vendor};

use crate::{
    harness::{Studio, created, example, invoke, jobs_of, now},
    messages::{group_of, message_of},
    voices::upload_training,
};

/// Jobs and voices, each one step before it needs a grant.
#[derive(Default)]
pub struct Ready {
    /// Two jobs of one event, which are open.
    pub drawn: Vec<String>,
    /// Deliveries of a message about pictures each, of a tenant each.
    pub pictures: Vec<Value>,
    /// The same of a tenant whose brand has a logo.
    pub branded: Value,
    /// The same of a tenant whose erasure has just begun.
    pub unwanted: Value,
    /// The same of a tenant whose title no font has, so that its job fails.
    pub illegible: Value,
    /// The delivery of a message about a video.
    pub long: Value,
    /// A video that its vendor works on, and that no execution looks after.
    pub overdue: String,
    /// A job whose brand has a logo.
    pub with_logo: String,
    /// Jobs that Polly speaks and will finish at the next poll.
    pub spoken: Vec<String>,
    /// A job whose next download of its video breaks off after the first parts.
    pub filmed: String,
    /// A job that finds no lease, because `filmed` holds its tenant's.
    pub waiting: String,
    /// The delivery of a message about another such job.
    pub crowded: Value,
    /// A job that waits for its turn.
    pub in_line: String,
    /// Cancelled jobs.
    pub cancelled: Vec<String>,
    /// Jobs of one event, which nothing else needs.
    pub unwatched: Vec<String>,
    /// An open job.
    pub open: String,
    /// Voices whose training is uploaded, and that are not registered.
    pub trainings: Vec<String>,
    /// Voices that wait for their owner.
    pub voices: Vec<String>,
}

/// The tenant of the event that is described again and again.
const DESCRIBED: &str = "tenant-described";

static RECORDING: &[u8] = vendor_sandbox::SPEECH;

/// The tenant of every voice here.
const TENANT: &str = "tenant-voices";

/// The key of the sample of every voice that is only registered.
const SAMPLE: &str = "tenant-voices/sample.mp3";

/// Prepares everything except the voices. Executions do nothing, so the test takes the steps
/// itself.
pub async fn ready(studio: &mut Studio) -> Ready {
    for tenant in ["tenant-logo", "tenant-brand"] {
        let logo = include_bytes!("../../../docs/invitation.png");
        put(studio, LOGO_BUCKET, &format!("{tenant}/logo.png"), logo).await;
    }
    put(studio, VOICE_BUCKET, SAMPLE, RECORDING).await;
    let mut trainings = Vec::new();
    for _ in 0..3 {
        trainings.push(training(studio, SAMPLE).await);
    }
    let breaks = Behaviour::OutputBreaks {
        bytes: 12 * 1024 * 1024,
    };
    studio
        .stack
        .sandbox
        .script(Script::posts(Vendor::Runway, Occurrence::Every, breaks));

    let mut published = example(Topic::EventPublished, DESCRIBED, DESCRIBED);
    published["data"]["eventId"] = json!("event-described");
    published["data"]["assets"] = json!(["social-square"]);
    published["data"]["description"] = json!(null);
    for event in [published, described_now()] {
        hand_over(studio, &event).await;
    }
    let drawn = jobs(studio, &created("tenant-known", "known")).await;
    let with_logo = jobs(studio, &event_with_logo("tenant-logo"))
        .await
        .remove(0);
    let mut spoken = Vec::new();
    for tenant in ["tenant-spot-1", "tenant-spot-2"] {
        spoken.extend(jobs(studio, &campaign(tenant, "audio-spot")).await);
    }
    let filmed = jobs(studio, &campaign("tenant-film", "video"))
        .await
        .remove(0);
    let mut films = vec![filmed.clone()];
    for number in 2..=3 {
        let mut film = campaign("tenant-film", "video");
        film["id"] = json!(format!("evt-film-{number}"));
        film["data"]["campaignId"] = json!(format!("film-{number}"));
        hand_over(studio, &film).await;
        let opened = studio.produced_for("tenant-film", 2 * number).await;
        let opened = jobs_of(&opened, Topic::RenderJobCreated);
        let new = opened.into_iter().find(|job| !films.contains(job));
        films.push(new.unwrap());
    }
    let (waiting, crowded) = (films[1].clone(), delivery_of(studio, &films[2..]).await);
    let mut in_line = Vec::new();
    for tenant in ["tenant-line", "tenant-in-line"] {
        let job = jobs(studio, &campaign(tenant, "video")).await.remove(0);
        let wait = |state: &mut Value| state["turn"] = json!({ "waits_for": "runway", "left": 0 });
        studio.change_state(&format!("job#{job}"), wait).await;
        in_line.push(job);
    }
    // Polly finishes at the second poll, and the video at the third.
    for (job, polls) in [(&spoken[0], 1), (&spoken[1], 1), (&filmed, 2)] {
        studio.completion(&step("submit", job)).await;
        for _ in 0..polls {
            assert_eq!(
                studio.completion(&step("poll", job)).await["status"],
                "pending"
            );
        }
    }
    for number in 1..=5 {
        let tenant = format!("tenant-dead-letter-{number}");
        let mut letter = created(&tenant, &tenant);
        letter["data"]["startsAt"] = json!("tomorrow");
        hand_over(studio, &letter).await;
    }
    for topic in Topic::consumed().filter(|topic| *topic != Topic::EventCreated) {
        let mut letter = example(topic, "tenant-dead-letter-6", topic.as_str());
        letter["subject"] = json!("tenant-of-another-name");
        hand_over(studio, &letter).await;
    }
    let cancelled = jobs(studio, &created("tenant-cancelled", "cancelled")).await;
    for job in &cancelled {
        studio.completion(&step("cancel", job)).await;
    }
    let open = jobs(studio, &created("tenant-open", "open"))
        .await
        .remove(0);
    jobs(studio, &created("tenant-erased", "erased")).await;
    let mut pictures = Vec::new();
    for number in 1..=6 {
        let tenant = format!("tenant-picture-{number}");
        pictures.push(message(studio, &created(&tenant, &tenant)).await);
    }
    let branded = message(studio, &event_with_logo("tenant-brand")).await;
    let mut untitled = created("tenant-illegible", "illegible");
    untitled["data"]["title"] = json!("\u{12000}\u{12001}");
    let illegible = message(studio, &untitled).await;
    let unwatched = jobs(studio, &created("tenant-unwatched", "unwatched")).await;
    let unwanted = message(studio, &created("tenant-leaving", "leaving")).await;
    put_tombstones(studio, "tenant-leaving").await;
    let long = message(studio, &campaign("tenant-long", "video")).await;
    let overdue = jobs(studio, &campaign("tenant-overdue", "video"))
        .await
        .remove(0);
    studio.completion(&step("submit", &overdue)).await;
    // For the sweep, a picture that is past its own deadline, too.
    let lost = jobs(studio, &created("tenant-lost", "lost"))
        .await
        .remove(0);
    let pass = |state: &mut Value| state["deadline"] = json!("2000-01-01T00:00:00.000Z");
    studio.change_state(&format!("job#{lost}"), pass).await;
    Ready {
        drawn,
        pictures,
        branded,
        unwanted,
        illegible,
        long,
        overdue,
        with_logo,
        spoken,
        filmed,
        waiting,
        crowded,
        in_line: in_line.remove(0),
        cancelled,
        unwatched,
        open,
        trainings,
        voices: Vec::new(),
    }
}

/// Eight voices that wait for their owner. All but the first have a captcha and an execution that
/// waits.
pub async fn ready_voices(studio: &Studio) -> Vec<String> {
    let mut voices = Vec::new();
    for number in 0..8 {
        let voice = new_voice(studio).await;
        let advance = json!({ "step": "advance-voice", "voiceModelId": voice });
        while studio.completion(&advance).await["status"] != "unverified" {}
        if number > 0 {
            assert_eq!(
                studio.completion(&await_owner(&voice)).await["status"],
                "awaiting-owner"
            );
        }
        voices.push(voice);
    }
    voices
}

/// A registered voice with a sample of its own.
pub async fn new_voice(studio: &Studio) -> String {
    let sample = format!("{TENANT}/{}.mp3", voice_id());
    put(studio, VOICE_BUCKET, &sample, RECORDING).await;
    let voice = training(studio, &sample).await;
    assert_eq!(
        studio.completion(&register(&voice)).await["status"],
        "registered"
    );
    voice
}

async fn put(studio: &Studio, bucket: &str, key: &str, bytes: &[u8]) {
    let put = studio
        .stack
        .clients
        .s3
        .put_object()
        .bucket(bucket)
        .key(key)
        .body(bytes.to_vec().into());
    put.send().await.unwrap();
}

async fn hand_over(studio: &Studio, event: &Value) {
    let topic: Topic = event["type"].as_str().unwrap().parse().unwrap();
    let answer = invoke(
        &studio.stack,
        studio.stack.consumer(topic).unwrap(),
        &batch(event),
    )
    .await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
}

/// The jobs that an event opens.
async fn jobs(studio: &mut Studio, event: &Value) -> Vec<String> {
    hand_over(studio, event).await;
    let tenant = event["data"]["tenantId"].as_str().unwrap();
    jobs_of(
        &studio.produced_for(tenant, 2).await,
        Topic::RenderJobCreated,
    )
}

/// The delivery of the message about the jobs that an event opens.
async fn message(studio: &mut Studio, event: &Value) -> Value {
    let opened = jobs(studio, event).await;
    delivery_of(studio, &opened).await
}

/// The delivery of the message about these jobs of one event.
async fn delivery_of(studio: &Studio, jobs: &[String]) -> Value {
    let message = message_of(studio, jobs).await;
    let group = group_of(studio, &jobs[0]).await;
    delivery("studio-render-local", &message.to_string(), &group, 1)
}

/// The delivery of a notice of a failed job.
pub fn notice(job: &str) -> Value {
    let body = json!({ "v": 1, "job": job }).to_string();
    delivery("studio-notices-local", &body, &Uuid::nil().to_string(), 1)
}

/// The delivery of a message by a queue that was received so often.
fn delivery(queue: &str, body: &str, group: &str, receives: u32) -> Value {
    let now = jiff::Timestamp::now().as_millisecond().to_string();
    let record = json!({
        "messageId": Uuid::from_u128(u128::from(next())), "receiptHandle": "by-hand", "body": body,
        "attributes": {
            "ApproximateReceiveCount": receives.to_string(), "SentTimestamp": now,
            "ApproximateFirstReceiveTimestamp": now, "SenderId": "by-hand", "MessageGroupId": group,
        },
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
    });
    json!({ "Records": [record] })
}

/// A tenant's event whose brand has a logo.
fn event_with_logo(tenant: &str) -> Value {
    let mut event = created(tenant, tenant);
    let logo = format!("s3://{LOGO_BUCKET}/{tenant}/logo.png");
    event["data"]["brand"] = json!({ "primaryColor": "#1b3a57", "logo": logo });
    event
}

/// Has the tombstone stand in the table, all of its 256 parts, as an erasure does that began just
/// now and has closed no job yet.
async fn put_tombstones(studio: &Studio, tenant: &str) {
    let tenant = TenantKey::new(&Identifier::parse(tenant).unwrap());
    for part in 0..=u8::MAX {
        let put = studio.stack.clients.dynamodb.put_item();
        put.table_name(&studio.stack.outputs.table_name)
            .item("pk", AttributeValue::S(format!("tenant#{tenant}")))
            .item("sk", AttributeValue::S(format!("tombstone#{part:02x}")))
            .item("erased_at", AttributeValue::S(now()))
            .send()
            .await
            .unwrap();
    }
}

fn campaign(tenant: &str, asset: &str) -> Value {
    let mut event = example(Topic::CampaignLaunched, tenant, tenant);
    event["data"]["campaignId"] = json!(tenant);
    event["data"]["assets"] = json!([asset]);
    event
}

/// A new event that opens no job: it says something new of an event whose one template does not show
/// that, so its outbox entry is marked.
pub fn described_now() -> Value {
    let number = next();
    let mut event = created(DESCRIBED, "described");
    event["id"] = json!(format!("evt-described-{number}"));
    event["data"]["description"] = json!(format!("Described for the {number}th time"));
    event["data"]["assets"] = json!([]);
    event
}

/// A new event.
pub fn created_now(what: &str) -> Value {
    created("tenant-now", &format!("{what}-{}", next()))
}

/// An event from longer ago than any is taken in, so that only an entry of it can be handled.
pub fn too_old() -> Value {
    let long_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 200);
    let mut event = created_now("old");
    event["time"] = json!(Time::new(long_ago).to_string());
    event
}

/// The delivery of a message that no version of the code can read, by the dead-letter queue.
pub fn unreadable() -> Value {
    let body = format!("no message {}", next());
    let group = Uuid::nil().to_string();
    delivery("studio-render-dead-letters-local", &body, &group, 7)
}

fn next() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A batch of one event.
pub fn batch(event: &Value) -> Value {
    let base64 = |text: &str| base64_simd::STANDARD.encode_to_string(text);
    let topic = event["type"].as_str().unwrap();
    let record = json!({
        "topic": topic, "partition": 0, "offset": next(), "timestamp": 1, "timestampType": "CREATE_TIME",
        "key": base64(event["data"]["tenantId"].as_str().unwrap()), "value": base64(&event.to_string()), "headers": [],
    });
    json!({ "eventSource": "aws:kafka", "records": { format!("{topic}-0"): [record] } })
}

/// Leaves an on-failure envelope, as a mapping does.
pub async fn give_up(studio: &Studio) {
    let envelope = json!({
        "requestContext": { "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 12 },
        "timestamp": now(), "payload": tombstone().to_string(),
    });
    let bucket = &studio.stack.outputs.dead_letters_bucket_name;
    put(
        studio,
        bucket,
        &format!("aws/lambda/mapping/{}.json", next()),
        envelope.to_string().as_bytes(),
    )
    .await;
}

pub fn gather() -> Value {
    json!({ "step": "gather" })
}

pub fn list_dead_letters() -> Value {
    json!({ "step": "list-dead-letters", "most": 10 })
}

pub fn show_unknown() -> Value {
    json!({ "step": "show-dead-letter", "id": Uuid::nil() })
}

pub fn discard(tenant: &str) -> Value {
    json!({ "step": "discard", "which": { "matching": { "tenant": tenant } }, "execute": true })
}

/// With a high guard, because the records come back each time.
pub fn redrive(topic: &str, execute: bool) -> Value {
    let which = json!({ "matching": { "topic": topic } });
    json!({ "step": "redrive", "which": which, "execute": execute, "pace": { "perSecond": 100, "guard": 1000 } })
}

pub fn resubmit(job: &str) -> Value {
    json!({ "step": "resubmit-job", "tenant": "tenant-cancelled", "job": job, "execute": true })
}

/// A batch of one record that can never succeed, for any topic.
pub fn tombstone() -> Value {
    let record = json!({
        "topic": "any", "partition": 0, "offset": next(), "timestamp": 1, "timestampType": "CREATE_TIME",
        "key": null, "value": null, "headers": [],
    });
    json!({ "eventSource": "aws:kafka", "records": { "any-0": [record] } })
}

pub fn step(step: &str, job: &str) -> Value {
    json!({ "step": step, "jobId": job })
}

pub fn erase(tenant: &str) -> Value {
    json!({ "step": "erase-tenant", "tenantId": tenant })
}

fn voice_id() -> String {
    Uuid::from_u128(0x5f0f_6b1a_6f3f_4a55_9a39_0a4a_5e00_0000 + u128::from(next())).to_string()
}

/// Uploads the training of a new voice with that sample; returns the voice's id.
async fn training(studio: &Studio, sample: &str) -> String {
    let mut training: Value =
        serde_json::from_str(include_str!("../../../events/voice-training/example.json")).unwrap();
    training["tenantId"] = json!(TENANT);
    training["method"] = json!("professional");
    training["consent"]["givenAt"] = json!(now());
    training["samples"] = json!([format!("s3://{VOICE_BUCKET}/{sample}")]);
    let voice = voice_id();
    upload_training(studio, TENANT, &voice, &training).await;
    voice
}

/// The payload that registers a voice.
pub fn register(voice: &str) -> Value {
    json!({ "step": "register-voice", "name": voice, "input": { "tenantId": TENANT } })
}

pub fn await_owner(voice: &str) -> Value {
    json!({ "step": "await-owner", "voiceModelId": voice, "taskToken": "of-no-task" })
}

pub fn erase_voice(voice: &str) -> Value {
    json!({ "step": "erase-voice", "voiceModelId": voice, "tenantId": TENANT })
}
