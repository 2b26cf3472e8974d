//! What is stored late, or by a function that died before it could say so, is erased with the rest.

use std::time::Duration;

use contract::Topic;
use domain::VoiceState;
use fault_proxy::{Action, Fault, Hits, Matches, Moment, Occurrence};
use local::{
    dead_letters::{DeadLetter, dead_letters},
    deploy::Providers,
};
use serde_json::{Value, json};
use vendor_sandbox::{Behaviour, Script, Vendor};

use crate::{
    erase::objects,
    harness::{Studio, created, example, invoke, jobs_of, try_to_invoke, until},
    messages::{RENDER, deliver, message_of},
    operator::{CREATED, CliOutput, kill, studio as cli},
    voices::{input, model, studio_that_clones, train, voice_id},
};

const TENANT: &str = "tenant-gone";
const COMPLETION: &str = "studio-completion-local";
const ERASE: &str = "studio-erase-local";
const CONSUMER: &str = "studio-event-created-local";

async fn erase(studio: &Studio, flags: &str) -> CliOutput {
    let words = format!("--json tenants erase {TENANT} --execute --confirm {TENANT}{flags}");
    cli(studio, &words).await
}

/// What the last pass said.
fn last(said: &CliOutput) -> Value {
    said.json().last().unwrap()["fate"].clone()
}

/// A batch of one record of the tenant that can never succeed, produced at `timestamp`.
fn poison(timestamp: i64) -> Value {
    let base64 = |text: &str| base64_simd::STANDARD.encode_to_string(text);
    let mut event = created(TENANT, "poison");
    event["data"]["startsAt"] = json!("Asha says: tomorrow");
    let record = json!({
        "topic": CREATED, "partition": 0, "offset": 7, "timestamp": timestamp,
        "timestampType": "CREATE_TIME", "key": base64(TENANT),
        "value": base64(&event.to_string()), "headers": [],
    });
    json!({ "eventSource": "aws:kafka", "records": { format!("{CREATED}-0"): [record] } })
}

async fn letters(studio: &Studio) -> Vec<DeadLetter> {
    let clients = &studio.stack.clients;
    let table = &studio.stack.outputs.table_name;
    dead_letters(&clients.dynamodb, table).await.unwrap()
}

fn milliseconds_now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letters_object_whose_entry_was_never_written_is_erased() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let bucket = studio.stack.outputs.dead_letters_bucket_name.clone();
    let (service, operation) = ("dynamodb", "UpdateItem");
    let hits = kill(&studio, CONSUMER, (service, operation), Moment::Before);
    let batch = poison(milliseconds_now());
    let (answer, _) = try_to_invoke(&studio.stack, CONSUMER, &batch).await;
    assert!(answer.is_err() && hits.count() == 1, "{answer:?}");
    assert_eq!(objects(&studio, &bucket).await.len(), 1);
    assert!(letters(&studio).await.is_empty());

    let said = erase(&studio, "").await;
    assert_eq!(last(&said)["is"], "erased", "{said:?}");
    assert!(objects(&studio, &bucket).await.is_empty());
    let erased = said.json();
    let counts = erased
        .iter()
        .map(|pass| &pass["fate"]["data"]["deadLetters"]);
    assert_eq!(counts.filter_map(Value::as_u64).sum::<u64>(), 1, "{said:?}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_comes_back_while_it_is_erased_leaves_no_object() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let bucket = studio.stack.outputs.dead_letters_bucket_name.clone();
    // By its timestamp it is from after the erasure, so the tombstone does not refuse it.
    let batch = poison(milliseconds_now() + 3_600_000);
    invoke(&studio.stack, CONSUMER, &batch).await;
    let object = letters(&studio).await.remove(0).object;

    // The pass has deleted the object, and is about to blank the entry.
    let blanks = ("dynamodb", "UpdateItem");
    let hits = delay(&studio, ERASE, blanks, Some("resolved_at"), 1);
    let step = json!({ "step": "erase-tenant", "tenantId": TENANT });
    let (pass, ()) = tokio::join!(studio.erase(&step), async {
        until("the pass blanks the entry", async || hits.count() > 0).await;
        assert!(objects(&studio, &bucket).await.is_empty());
        invoke(&studio.stack, CONSUMER, &batch).await;
        let back = objects(&studio, &bucket).await;
        assert_eq!(back, std::slice::from_ref(&object));
    });
    assert_eq!(pass["status"], "erasing", "{pass}");
    // The entry was not blanked, so it still names what came back.
    assert_eq!(letters(&studio).await[0].object, object);
    assert_eq!(pass["deadLetters"], 1, "the object alone: {pass}");

    let said = erase(&studio, "").await;
    assert_eq!(last(&said)["is"], "erased", "{said:?}");
    assert!(objects(&studio, &bucket).await.is_empty());
    assert_eq!(letters(&studio).await[0].object, "");
    studio.stop().await;
}

/// Delays the first tries of a call of a function, if its body has this text: after five seconds
/// the SDK gives a try up and begins the next one. All tries of a write to DynamoDB have twelve.
fn delay(
    studio: &Studio,
    function: &str,
    (service, operation): (&str, &str),
    body: Option<&str>,
    tries: u32,
) -> Hits {
    studio.stack.proxy.inject(Fault {
        matches: Matches {
            service: Some(service.to_owned()),
            operation: Some(operation.to_owned()),
            body_contains: body.map(str::to_owned),
            function: Some(function.to_owned()),
            occurrence: Occurrence::First(tries),
        },
        action: Action::Delay(Duration::from_secs(8)),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_for_a_voices_owner_that_is_stored_late_is_erased() {
    let studio = studio_that_clones().await;
    let bucket = studio.stack.outputs.assets_bucket_name.clone();
    // The functions that erase have started before: the text is late by ten seconds only.
    let other = first_pass(&studio, "tenant-other").await;
    assert_eq!(other, "erasing");
    // The function has the text, and stores it after the erasure began.
    let hits = delay(&studio, COMPLETION, ("s3", "PutObject"), None, 2);
    let id = voice_id(1);
    train(&studio, &id, &input(TENANT, "professional", 1)).await;
    until("the text is on its way", async || hits.count() > 0).await;
    let erase = format!("--json voices erase --tenant {TENANT} {id} --execute");
    let first = cli(&studio, &format!("{erase} --within 0")).await;
    assert_eq!(last(&first)["is"], "erasing", "{first:?}");
    assert!(objects(&studio, &bucket).await.is_empty());
    until("the text is stored", async || {
        !objects(&studio, &bucket).await.is_empty()
    })
    .await;

    let said = cli(&studio, &erase).await;
    assert_eq!(last(&said)["is"], "erased", "{said:?}");
    assert!(objects(&studio, &bucket).await.is_empty());
    let model = model(&studio, &id).await.unwrap();
    let VoiceState::Erased { erased, .. } = &model.state else {
        panic!("{:?}", model.state)
    };
    // The training, its sample and the text.
    assert_eq!((erased.voices, erased.objects), (1, 3));
    studio.stop().await;
}

/// Has a first pass erase a tenant, and returns what it says.
async fn first_pass(studio: &Studio, tenant: &str) -> Value {
    let words = format!("--json tenants erase {tenant} --execute --confirm {tenant} --within 0");
    last(&cli(studio, &words).await)["is"].clone()
}

/// Lets `job` have been cancelled long ago, so that no function can work on it any more.
async fn cancelled_long_ago(studio: &Studio, job: &str) {
    let long_ago = |job: &mut Value| job["state"]["at"] = json!("2026-11-27T00:00:00.000Z");
    studio.change_state(&format!("job#{job}"), long_ago).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_job_knows_of_is_erased_with_the_cancelled_job() {
    let mut studio = Studio::start().await;
    let bucket = studio.stack.outputs.assets_bucket_name.clone();
    studio.hold_the_queue().await;
    let mut event = created(TENANT, "poster");
    event["data"]["assets"] = json!(["poster"]);
    studio.publish(&event).await;
    let produced = studio.produced_for(TENANT, 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    // The function stores the file, and dies before the job says so.
    let hits = kill(&studio, RENDER, ("s3", "PutObject"), Moment::After);
    let message = message_of(&studio, std::slice::from_ref(&job)).await;
    let answer = deliver(&studio, &[message.to_string()]).await;
    assert!(answer.is_err() && hits.count() == 1, "{answer:?}");
    let cancel = json!({ "step": "cancel", "jobId": job });
    assert_eq!(studio.completion(&cancel).await["status"], "closed");
    assert_eq!(objects(&studio, &bucket).await.len(), 1);

    cancelled_long_ago(&studio, &job).await;
    let said = erase(&studio, "").await;
    assert_eq!(last(&said)["is"], "erased", "{said:?}");
    assert!(objects(&studio, &bucket).await.is_empty());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_that_polly_still_speaks_keeps_the_erasure_open() {
    let mut studio = Studio::start_with(|options| {
        options.providers = Providers {
            image: "studio-canvas".to_owned(),
            video: String::new(),
            audio: "polly".to_owned(),
            voice: String::new(),
        };
    })
    .await;
    let bucket = studio.stack.outputs.assets_bucket_name.clone();
    studio.let_executions_do_nothing().await;
    let slow = Behaviour::TaskStatus {
        status: "inProgress".to_owned(),
        polls: 1,
    };
    let script = Script::posts(Vendor::Polly, Occurrence::Every, slow);
    studio.stack.sandbox.script(script);
    let mut campaign = example(Topic::CampaignLaunched, TENANT, "spot");
    campaign["data"]["assets"] = json!(["audio-spot"]);
    studio.publish(&campaign).await;
    let produced = studio.produced_for(TENANT, 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    let submit = json!({ "step": "submit", "jobId": job });
    assert_eq!(studio.completion(&submit).await["status"], "pending");
    studio
        .completion(&json!({ "step": "cancel", "jobId": job }))
        .await;
    cancelled_long_ago(&studio, &job).await;

    // Polly cannot be stopped, and writes into the bucket when it is done.
    let first = erase(&studio, " --within 0").await;
    let kept = last(&first)["kept"][0].clone();
    assert_eq!(
        (&kept["keeper"], &kept["item"]),
        (&json!("polly"), &json!(format!("job:{job}"))),
        "{first:?}"
    );
    let said = erase(&studio, "").await;
    assert_eq!(last(&said)["is"], "erased", "{said:?}");
    let kept = said
        .json()
        .iter()
        .filter(|pass| pass["fate"]["kept"].is_array())
        .count();
    assert!(
        kept >= 1,
        "settled, and not erased while Polly speaks: {said:?}"
    );
    assert!(objects(&studio, &bucket).await.is_empty());
    studio.stop().await;
}
